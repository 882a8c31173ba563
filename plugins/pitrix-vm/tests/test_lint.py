"""``pitrix package lint`` of VM packages: all that is wrong, each with its line and column."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitrix_core.cli.authoring.checking import Checker
from pitrix_core.cli.main import run
from pitrix_core.findings import Finding, Level
from pitrix_core.package import Package, build_archive

FORM = """{"type": "array", "properties": [
  {"key": "cluster", "type": "array", "properties": [
    {"key": "name", "type": "string", "default": "app"},
    {"key": "subnet", "type": "string", "default": ""},
    {"key": "db", "type": "array", "properties": [
      {"key": "count", "type": "integer", "default": 1}
    ]}
  ]}
]}
"""
OPENPITRIX = """{
  "name": "{{.cluster.name}}",
  "subnet": "{{.cluster.subnet}}",
  "nodes": [{
    "role": "db", "cpu": 1, "memory": 512,
    "container": {"type": "kvm", "image": "db"},
    "count": "{{.cluster.db.count}}"
  }],
  "endpoints": {"client": {"port": 80}}
}
"""
APPCENTER = OPENPITRIX.replace('"{{.', "{{").replace('}}"', "}}")
JINJA = """{
  "name": {{ cluster.name }},
  "subnet": {{ cluster.subnet }},
  "nodes": [
    {% for role in ["db"] %}
    {
      "role": {{ role }}, "cpu": 1, "memory": 512,
      "container": {"type": "kvm", "image": "db"},
      "count": {{ cluster[role].count }}
    }
    {% endfor %}
  ],
  "endpoints": {"client": {"port": 80}}
}
"""
PACKAGE = {
    "package.json": '{"name": "app", "version": "1.0.0", "description": "d", "icon": "i"}',
    "config.json": FORM,
    "cluster.json.tmpl": OPENPITRIX,
    "README.md": "",
    "LICENSE": "",
}
MISSPELT = "'memroy' is not known here; is it 'memory'?"
CHECKER = Checker()
CORPUS = Path(os.environ.get("PITRIX_SHARED", "/nonexistent")) / "corpus"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound package in the folder ``app`` below the current one."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "app"
    made.mkdir()
    for file, text in PACKAGE.items():
        (made / file).write_text(text)
    return made


def found_in(**changed: str | None) -> list[Finding]:
    """Return what is found in the package with some files changed, or left out.

    :param changed: name of a file, with ``__`` for a dot → its text.
    """
    texts = {**PACKAGE, **{name.replace("__", "."): text for name, text in changed.items()}}
    if any(name != "cluster.json.tmpl" and name.startswith("cluster.json") for name in texts):
        del texts["cluster.json.tmpl"]
    files = {name: text.encode() for name, text in texts.items() if text is not None}
    return list(CHECKER.check(Package(digest="", files=files)).findings)


def placed(findings: list[Finding]) -> list[tuple[str, str | None, int | None, int | None]]:
    """Return what tells findings apart."""
    return [(f.code, f.file, f.line, f.column) for f in findings]


# -- places ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "template"),
    [
        pytest.param("cluster.json.tmpl", OPENPITRIX, id="openpitrix"),
        pytest.param("cluster.json.mustache", APPCENTER, id="appcenter"),
        pytest.param("cluster.json.j2", JINJA, id="jinja"),
    ],
)
def test_a_sound_package_has_no_findings(file: str, template: str) -> None:
    """In any dialect."""
    assert found_in(**{file: template}) == []


@pytest.mark.parametrize(
    ("file", "template", "line", "column"),
    [
        pytest.param("cluster.json.tmpl", OPENPITRIX, 5, 19, id="openpitrix"),
        pytest.param("cluster.json.mustache", APPCENTER, 5, 19, id="appcenter"),
        pytest.param("cluster.json.j2", JINJA, 7, 27, id="jinja"),
    ],
)
def test_a_wrong_name_is_found_in_the_template(
    file: str, template: str, line: int, column: int
) -> None:
    """The place is the one in the text that the author wrote, tags and all."""
    wrong = template.replace('"cpu"', '"cpus"')

    found = found_in(**{file: wrong})

    assert ("cluster.misspelt", file, line, column) in placed(found)


@pytest.mark.parametrize(
    ("file", "template", "line", "column"),
    [
        pytest.param("cluster.json.tmpl", OPENPITRIX, 7, 5, id="openpitrix"),
        pytest.param("cluster.json.mustache", APPCENTER, 7, 5, id="appcenter"),
        pytest.param("cluster.json.j2", JINJA, 9, 7, id="jinja"),
    ],
)
def test_a_wrong_value_is_found_at_its_tag(
    file: str, template: str, line: int, column: int
) -> None:
    """The member that the parameter's value is put into."""
    form = FORM.replace('"default": 1', '"default": -1')

    found = found_in(config__json=form, **{file: template})

    assert ("cluster.value", file, line, column) in placed(found)


@pytest.mark.parametrize(
    ("file", "template", "line", "column"),
    [
        pytest.param("cluster.json.tmpl", OPENPITRIX, 10, 2, id="openpitrix"),
        pytest.param("cluster.json.mustache", APPCENTER, 10, 2, id="appcenter"),
        pytest.param("cluster.json.j2", JINJA, 14, 2, id="jinja"),
    ],
)
def test_broken_json_is_found_in_the_template(
    file: str, template: str, line: int, column: int
) -> None:
    """A brace that is missing is missed where the text ends without it."""
    broken = template.replace('{"port": 80}}\n}', '{"port": 80}\n}')

    found = found_in(**{file: broken})

    [error] = [finding for finding in found if finding.level is Level.ERROR]
    assert placed([error]) == [("template.json", file, line, column)]


def test_what_is_not_closed_is_named_by_its_line_in_the_template() -> None:
    """Not by the one it has once a loop has made many lines of one."""
    text = '{"a": [{% for n in [1, 2, 3] %}\n1,\n{% endfor %}\n1],\n"b": {\n"c": 1\n'

    [found] = [f for f in found_in(cluster__json__j2=text) if f.code == "template.json"]

    assert found.message.endswith("{ was opened in line 5")
    assert found.line == 6


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        pytest.param(
            '"default": "app"', '"defualt": "app"', ("form.unknown", 3, 39), id="misspelt-attribute"
        ),
        pytest.param('"integer"', '"whole"', ("form.type", 6, 24), id="unknown-type"),
        pytest.param('"default": 1', '"default": 1,', ("json.comma", 6, 55), id="comma"),
        pytest.param('"key": "count", ', "", ("form.key", 6, 7), id="no-key"),
        pytest.param("]}\n  ]}", "]}\n  }", ("package.json", 8, 3), id="broken"),
    ],
)
def test_what_is_wrong_with_the_form_has_its_place(
    written: str, instead: str, expected: tuple[str, int, int]
) -> None:
    """A member is where its name begins."""
    found = found_in(config__json=FORM.replace(written, instead))

    places = [(f.code, f.line, f.column) for f in found if f.file == "config.json"]
    assert expected in places


# -- everything at once ----------------------------------------------------------------------------


def test_a_broken_file_does_not_hide_the_others() -> None:
    """Form, template, translations and metadata are each judged alone."""
    found = found_in(
        config__json=FORM.replace('"key": "count", ', ""),
        cluster__json__tmpl=OPENPITRIX.replace('"memory"', '"memroy"'),
        package__json='{"name": "a b"}',
        **{"locale/en__json": "[]"},
    )

    assert {f.file for f in found if f.level is not Level.INFO} == {
        "config.json",
        "cluster.json.tmpl",
        "package.json",
        "locale/en.json",
    }


def test_nothing_is_said_of_values_that_a_broken_form_does_not_give() -> None:
    """Without its parameters each tag is null, which is not the template's fault."""
    found = found_in(config__json="{", cluster__json__tmpl=OPENPITRIX)

    assert [f.file for f in found] == ["config.json"]


def test_a_package_without_a_name_is_judged_all_the_same() -> None:
    """The rest of it is right or wrong whatever it is called."""
    found = found_in(
        package__json=None, cluster__json__tmpl=OPENPITRIX.replace('"subnet"', '"subnett"')
    )

    assert {"package.unnamed", "cluster.misspelt"} <= {f.code for f in found}


# -- typed -----------------------------------------------------------------------------------------


def test_it_looks_like_a_compilers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All there is to say of a package that is wrong in several ways."""
    (folder / "config.json").write_text(FORM.replace('"default": "app"', '"defualt": "app"'))
    (folder / "cluster.json.tmpl").write_text(OPENPITRIX.replace('"memory"', '"memroy"'))
    (folder / "LICENSE").unlink()

    code = run(["package", "lint", "app"])

    assert code == 1
    *lines, summary = capsys.readouterr().out.splitlines()
    assert summary.startswith("2 errors, 0 warnings and 1 remark in 1 package.")
    assert lines == [
        "app: info package.license: there is no LICENSE",
        f"app/cluster.json.tmpl:5:29: error cluster.misspelt: {MISSPELT}",
        "    Write 'memory', or remove it.",
        "app/config.json:3:39: error form.unknown: 'defualt' is unknown; is it 'default'?",
        "    Rename it to 'default', or remove it.",
    ]


def test_an_archive_is_looked_at_like_its_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same findings, in files inside of it."""
    (folder / "LICENSE").unlink()
    Path("app.tgz").write_bytes(build_archive(folder).content)

    code = run(["package", "lint", "app.tgz", "app", "--json"])

    of_archive, of_folder = json.loads(capsys.readouterr().out)["findings"]
    assert code == 0
    assert (of_archive.pop("package"), of_folder.pop("package")) == ("app.tgz", "app")
    assert of_archive == of_folder


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--strict",), 1)], ids=["usual", "strict"])
def test_warnings_fail_where_they_are_to(
    folder: Path, words: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warning alone is sound, unless --strict is said."""
    (folder / "config.json").write_text(FORM.replace('"default": 1', '"default": 1,'))

    assert run(["package", "lint", "app", *words]) == code
    assert "warning json.comma" in capsys.readouterr().out


def test_other_tools_get_places_and_rules(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each result leads to its rule's help and to a place in a file that is there."""
    (folder / "config.json").write_text(FORM.replace('"default": 1', '"default": 1,'))

    run(["package", "lint", "app", "--sarif"])

    [sarif] = json.loads(capsys.readouterr().out)["runs"]
    [result] = sarif["results"]
    rule = sarif["tool"]["driver"]["rules"][result["ruleIndex"]]
    physical = result["locations"][0]["physicalLocation"]
    assert rule["id"] == result["ruleId"] == "json.comma"
    assert rule["help"]["text"]
    assert physical["region"] == {"startLine": 6, "startColumn": 55}
    assert Path(physical["artifactLocation"]["uri"]).is_file()


# -- whatever it is --------------------------------------------------------------------------------


def _cut(text: str, at: int, length: int, instead: str) -> str:
    return text[:at] + instead + text[at + length :]


def damaged(text: str) -> st.SearchStrategy[str]:
    """Return a text with a piece cut out and another one put in."""
    pieces = st.text('{}[]":,0x\\u\ufeff\uff0c%.- \n', max_size=6)
    return st.builds(_cut, st.just(text), st.integers(0, len(text)), st.integers(0, 40), pieces)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    form=damaged(FORM),
    template=st.one_of(
        st.tuples(st.just("cluster.json.tmpl"), damaged(OPENPITRIX)),
        st.tuples(st.just("cluster.json.mustache"), damaged(APPCENTER)),
        st.tuples(st.just("cluster.json.j2"), damaged(JINJA)),
    ),
    locale=damaged('{"Port": "x", "err_code1": "y"}'),
)
def test_no_damage_makes_it_fail(form: str, template: tuple[str, str], locale: str) -> None:
    """Every finding is one of the format, with a rule, and places are inside of their files."""
    files = {
        **{name: text.encode() for name, text in PACKAGE.items() if name != "cluster.json.tmpl"},
        "config.json": form.encode(),
        template[0]: template[1].encode(),
        "locale/en.json": locale.encode(),
    }

    found = CHECKER.check(Package(digest="", files=files)).findings

    assert {f.code for f in found} <= CHECKER.rules().keys() - {"package"}
    lines = {name: text.count(b"\n") + 1 for name, text in files.items()}
    assert all(f.line is None or 1 <= f.line <= lines[str(f.file)] for f in found)


@pytest.mark.skipif(
    not CORPUS.is_dir(),
    reason="needs FOLDER/corpus: PITRIX_SHARED=FOLDER pytest tests/test_lint.py",
)
def test_real_packages_have_rules_and_places() -> None:
    """What is said of them is explained, and what has a pointer has a line."""
    folders = [found.parent for found in CORPUS.rglob("config.json")]

    found = [f for at in folders for f in CHECKER.check_at(at, name="a", version="1.0.0").findings]

    assert folders
    assert {f.code for f in found} <= CHECKER.rules().keys() - {"package"}
    assert [f for f in found if f.pointer and f.line is None] == []
