"""confd's functions, where the dialects differ and where metadata is odd."""

from __future__ import annotations

import pytest

from pitrix_drone.functions import functions
from pitrix_drone.gotemplate import ExecError, Template
from pitrix_drone.keystore import Store

_VALUES = {
    "/hosts/a/ip": "10.0.0.9",
    "/hosts/b/ip": "10.0.0.10",
    "/env/memory": "2048",
    "/env/ratio": "0.5",
    "/env/json": '{"b": [1, "x<y"], "a": 0.5}',
}


def render(source: str, dialect: str = "appcenter") -> str:
    """Render over a small tree."""
    return Template(source, name="t", functions=functions(dialect, Store(_VALUES))).render()


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('{{eq (getv "/env/memory") 2048}}', "true"),
        ('{{eq "3" 3.0}}', "true"),
        ('{{eq "true" true}}', "false"),
        ('{{gt (getv "/env/memory") "999"}}', "true"),
        ('{{lt "abc" "abd"}} {{lt "abc" 1}} {{gt (ls "/hosts") 1}}', "true true true"),
        ('{{mul (getv "/env/memory") (getv "/env/ratio")}}', "1024"),
        ('{{div 7 "2"}} {{div -7 2}} {{div 7 2.0}}', "3 -3 3.5"),
        ("{{mod -7 3}}", "-1"),
        ('{{max "1024" 5}} {{min 3 "2.5"}}', "1024 2.5"),
        ("{{add 9223372036854775807 1}}", "-9223372036854775808"),
        ('{{getvs "/hosts/*/ip"}}', "[10.0.0.10 10.0.0.9]"),
        ('{{range gets "/hosts/*/ip"}}{{.Value}} {{end}}', "10.0.0.9 10.0.0.10 "),
        ('{{ls "/hosts" | filter "^a$"}}', "[a]"),
        ('{{len (gets "/hosts/*/ip" | filter "10$")}}', "1"),
        ('{{len (split "a1,b,c2" "," | filter "[[:digit:]]")}}', "2"),
        ('{{toJson (json (getv "/env/json"))}}', '{"a":0.5,"b":[1,"x\\u003cy"]}'),
        ('{{toYaml (json (getv "/env/json"))}}', "a: 0.5\nb:\n- 1\n- x<y\n"),
        ('{{toJson (gets "/env/r*")}}', '[{"Key":"/env/ratio","Value":"0.5"}]'),
        ('{{getenv "PITRIX_NOT_SET" "x"}}', "x"),
        ('{{len (datetime.Format "2006-01-02")}}', "10"),
        ('{{lookupIP "127.0.0.1"}}', "[127.0.0.1]"),
        ('{{fileExists "/nope/nope"}}', "false"),
    ],
)
def test_an_appcenter_template_renders(source: str, wanted: str) -> None:
    """Text from the metadata counts as numbers."""
    assert render(source) == wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{range seq 1 3}}{{.}}{{end}}", "123"),
        ('{{atoi "12"}} {{parseBool "T"}}', "12 true"),
        ('{{reverse (split "a,b" ",")}}', "[b a]"),
        ('{{sortByLength (split "ccc,a,bb" ",")}}', "[a bb ccc]"),
        ('{{(index (sortKVByLength (gets "/env/*")) 0).Key}}', "/env/json"),
        ('{{trimSuffix "a.conf" ".conf"}}', "a"),
        ("{{add 1e3 1}}", "1001"),
    ],
)
def test_a_confd_template_renders(source: str, wanted: str) -> None:
    """What only upstream's dialect has."""
    assert render(source, "confd") == wanted


@pytest.mark.parametrize(
    "source",
    [
        '{{add "1" 2}}',
        '{{eq "1" 1}}',
        '{{atoi "x"}}',
        "{{seq 1 100000000}}",
        '{{join (json (getv "/env/json")).b ","}}',
        '{{json "[1]"}}',
        '{{base64Decode "?"}}',
        '{{base64Decode "aGk"}}',
        '{{base64Decode "aGVs="}}',
        '{{getv "/nope"}}',
        '{{gets "/[a"}}',
    ],
)
def test_confd_fails_where_go_would(source: str) -> None:
    """The error is one of the template."""
    with pytest.raises(ExecError):
        render(source, "confd")


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('[{{getv "/nope"}}]', "[]"),
        ('[{{(get "/nope").Value}}]', "[]"),
        ('{{atoi "x"}}', "0"),
        ('{{len (json "no")}}', "0"),
        ('[{{cgetv "/env/memory"}}]', "[]"),
        ('{{eq "2048" 2048}} {{len (ls "/hosts" | filter "a")}}', "true 1"),
    ],
)
def test_an_openpitrix_template_goes_on(source: str, wanted: str) -> None:
    """libconfd logs and takes an empty value."""
    assert render(source, "openpitrix") == wanted


def test_an_openpitrix_template_is_not_tiresome(caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong in a loop is told once, and not without end."""
    render('{{range seq 1 99}}{{getv "/nope"}}{{getv (printf "/%d" .)}}{{end}}', "openpitrix")

    told = [record.getMessage() for record in caplog.records]
    assert told.count("template function getv: key does not exist: /nope") == 1
    assert len(told) == 20


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            "{{$m := map}}{{range seq 1 40}}{{$m = map `a` $m `b` $m}}{{end}}{{$m}}",
            id="doubled-map",
        ),
        pytest.param(
            "{{$s := `ab`}}{{range seq 1 22}}{{$s = print $s $s}}{{end}}"
            "{{range seq 1 9}}{{len (print $s $s $s $s $s $s $s $s $s)}}{{end}}",
            id="long-text",
        ),
        pytest.param(
            "{{$s := `ab`}}{{range seq 1 20}}{{$s = print $s $s}}{{end}}{{len (split $s ``)}}",
            id="many-parts",
        ),
        pytest.param(
            "{{$s := `ab`}}{{range seq 1 18}}{{$s = print $s $s}}{{end}}{{$m := map}}"
            "{{range seq 1 999}}{{$m = map `a` $m `b` (toUpper $s)}}{{end}}",
            id="much-text",
        ),
        pytest.param(
            "{{$s := `[1]`}}{{range seq 1 20}}{{$s = print $s $s}}{{end}}{{jsonArray $s}}",
            id="long-json",
        ),
    ],
)
def test_a_template_cannot_fill_the_memory(source: str) -> None:
    """It is stopped before the value is made."""
    with pytest.raises(ExecError, match=r"too long|more than"):
        render(source, "confd")


def test_an_unknown_dialect_is_refused() -> None:
    """The message names those there are."""
    with pytest.raises(ValueError, match="confd, appcenter, openpitrix"):
        functions("jinja", Store({}))
