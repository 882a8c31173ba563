"""Templates with logic: what they can say, and where their mistakes are."""

from typing import Any

import pytest
from jinja_templates import TREE, document, filled, template

from pitrix_core.errors import TemplateRenderError
from pitrix_core.package import Place
from pitrix_vm.template import JINJA, Values, fill


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("cluster.db.count", 3, id="attribute"),
        pytest.param('env["log.level"]', "info", id="subscript"),
        pytest.param("env.items", 7, id="a-member-not-a-method"),
        pytest.param("cluster.zones[0]", "b", id="item"),
        pytest.param("cluster.zones[-1]", "a", id="last-item"),
        pytest.param("cluster.zones[1:]", ["a"], id="slice"),
        pytest.param("cluster.name[:2]", "sh", id="slice-of-a-text"),
        pytest.param("cluster.db", {"count": 3}, id="object"),
        pytest.param("env.none", None, id="null"),
        pytest.param("env.password", {"$secret": "sec-1"}, id="password-as-it-is"),
        pytest.param("env.key", TREE["env"]["key"], id="object-with-a-password"),
        pytest.param("env.key.secret", {"$secret": "sec-2"}, id="marker-as-it-is"),
        pytest.param("[env.password]", [{"$secret": "sec-1"}], id="password-in-a-list"),
        pytest.param('cluster.name ~ "-" ~ 1 ~ true ~ none', "shop-1truenull", id="concatenated"),
        pytest.param('"é\\"\\n" + "x"', 'é"\nx', id="quotes-and-lines"),
        pytest.param("[1] + [2]", [1, 2], id="lists-added"),
        pytest.param('"ab" * 2', "abab", id="text-repeated"),
        pytest.param("2 * [1]", [1, 1], id="list-repeated"),
        pytest.param("1 + 2 * 3 - 4", 3, id="sum"),
        pytest.param("7 // 2", 3, id="whole-division"),
        pytest.param("7 / 2", 3.5, id="division"),
        pytest.param("7 % 4", 3, id="rest"),
        pytest.param("2 ** 10", 1024, id="power"),
        pytest.param("-cluster.db.count", -3, id="negative"),
        pytest.param("+1", 1, id="positive"),
        pytest.param(
            '{"a": [1, 2.5], "b": (true, none)}', {"a": [1, 2.5], "b": [True, None]}, id="literal"
        ),
        pytest.param("1 if env.flag else 2", 1, id="condition"),
        pytest.param("1 if env.none else 2", 2, id="else"),
        pytest.param("env.flag and 5", 5, id="and"),
        pytest.param("env.none or 6", 6, id="or"),
        pytest.param("not env.flag", False, id="not"),
        pytest.param("1 < cluster.db.count <= 3", True, id="chain-of-comparisons"),
        pytest.param('"a" < "b"', True, id="texts-compared"),
        pytest.param("cluster.zones == ['b', 'a']", True, id="lists-equal"),
        pytest.param("cluster.db != {'count': 3}", False, id="objects-equal"),
        pytest.param('"a" in cluster.zones', True, id="in-a-list"),
        pytest.param('"count" in cluster.db', True, id="in-an-object"),
        pytest.param('"z" not in cluster.name', True, id="not-in-a-text"),
        pytest.param("1 if env.password else 2", 1, id="password-given-or-not"),
        pytest.param("range(2, 7, 2)", [2, 4, 6], id="range"),
        pytest.param("range(3, 0, -1)", [3, 2, 1], id="range-down"),
    ],
)
def test_an_expression_is_written_as_json(expression: str, expected: object) -> None:
    """Whatever its value is, it stands where JSON stands."""
    assert document('{"x": {{ ' + expression + " }}}") == {"x": expected}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param('nope | default("x")', "x", id="default"),
        pytest.param("env.nope.deep | d(5)", 5, id="default-of-a-member-of-nothing"),
        pytest.param('"" | default("x", true)', "x", id="default-of-empty"),
        pytest.param("env.none | default(5)", None, id="null-is-there"),
        pytest.param("cluster.zones | length", 2, id="length"),
        pytest.param("cluster.name | count", 4, id="count"),
        pytest.param("cluster.zones | join('-')", "b-a", id="join"),
        pytest.param("[1, true, none] | join", "1truenull", id="join-of-others"),
        pytest.param("cluster.zones | first", "b", id="first"),
        pytest.param("cluster.zones | last", "a", id="last"),
        pytest.param('env.list | split(",")', ["x", "y"], id="split"),
        pytest.param('" 12 " | int + 1', 13, id="int"),
        pytest.param("2.9 | int", 2, id="int-of-a-number"),
        pytest.param('"x" | int(7)', 7, id="int-with-a-default"),
        pytest.param('"1e3" | float', 1000.0, id="float"),
        pytest.param("9007199254740993 | int", 9007199254740993, id="int-keeps-digits"),
        pytest.param("2.567 | round(1)", 2.6, id="round"),
        pytest.param("2.1 | round(0, 'ceil') | int", 3, id="round-up"),
        pytest.param("2.9 | round(method='floor') | int", 2, id="round-down"),
        pytest.param("-3 | abs", 3, id="abs"),
        pytest.param("'Ab' | upper ~ 'Ab' | lower", "ABab", id="case"),
        pytest.param("'ab cd' | title", "Ab Cd", id="title"),
        pytest.param("'ab cd' | capitalize", "Ab cd", id="capitalize"),
        pytest.param("'a-b-c' | replace('-', '+', 1)", "a+b-c", id="replace"),
        pytest.param("' a ' | trim", "a", id="trim"),
        pytest.param("'xax' | trim('x')", "a", id="trim-of"),
        pytest.param("3 | string", "3", id="string"),
        pytest.param("cluster.db | string", '{"count": 3}', id="string-of-an-object"),
        pytest.param("cluster.db | tojson", {"count": 3}, id="tojson-changes-nothing"),
        pytest.param("cluster.zones | sort", ["a", "b"], id="sort"),
        pytest.param("[1, 3, 2] | sort(reverse=true)", [3, 2, 1], id="sort-down"),
        pytest.param("[2, 1, 2] | unique", [2, 1], id="unique"),
        pytest.param("cluster.zones | reverse", ["a", "b"], id="reverse"),
        pytest.param("cluster.name | reverse", "pohs", id="reverse-of-a-text"),
        pytest.param("[1, 3] | min + [1, 3] | max", 4, id="min-and-max"),
        pytest.param("[1, 2.5] | sum", 3.5, id="sum"),
        pytest.param("cluster.db | list", ["count"], id="list-of-names"),
        pytest.param("cluster.db | items", [["count", 3]], id="items"),
        pytest.param("{'b': 1, 'a': 2} | dictsort", [["a", 2], ["b", 1]], id="dictsort"),
    ],
)
def test_filters_do_what_they_are_named_for(expression: str, expected: object) -> None:
    """They are Jinja's, and split."""
    assert document("[{{ " + expression + " }}]") == [expected]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("nope is defined", False),
        ("cluster.name is defined", True),
        ("cluster.nope.deep is undefined", True),
        ("env.none is none", True),
        ("env.flag is boolean", True),
        ("env.flag is true", True),
        ("env.flag is false", False),
        ("env.ratio is number", True),
        ("env.ratio is integer", False),
        ("env.ratio is float", True),
        ("cluster.name is string", True),
        ("cluster.db is mapping", True),
        ("cluster.zones is sequence", True),
        ("cluster.db is iterable", True),
        ("3 is odd", True),
        ("3 is even", False),
        ("9 is divisibleby 3", True),
        ("'a' is in cluster.zones", True),
        ("1 is eq 1", True),
        ("1 is ne 1", False),
        ("1 is lt 2", True),
        ("1 is ge 2", False),
        ("1 is not gt 2", True),
    ],
)
def test_tests_tell_what_a_value_is(condition: str, expected: object) -> None:
    """They are Jinja's."""
    assert document("[{{ " + condition + " }}]") == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "[{% for z in cluster.zones %}{{ z }}{% if not loop.last %},{% endif %}{% endfor %}]",
            ["b", "a"],
            id="for",
        ),
        pytest.param(
            "{ {%- for key, value in cluster.db | items %}{{ key }}: {{ value }}{% endfor -%} }",
            {"count": 3},
            id="names-of-members",
        ),
        pytest.param(
            "[{% for n in range(6) if n is odd %}{{ [loop.index, loop.length, n] }}"
            "{% if not loop.last %},{% endif %}{% endfor %}]",
            [[1, 3, 1], [2, 3, 3], [3, 3, 5]],
            id="for-with-if",
        ),
        pytest.param("[{% for n in [] %}1{% else %}2{% endfor %}]", [2], id="for-of-nothing"),
        pytest.param("[{% for n in cluster.db %}{{ n }}{% endfor %}]", ["count"], id="for-names"),
        pytest.param("{% if env.none %}1{% elif env.flag %}2{% else %}3{% endif %}", 2, id="elif"),
        pytest.param("{% if env.none %}1{% else %}3{% endif %}", 3, id="else"),
        pytest.param("{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}", 2, id="set"),
        pytest.param("{% set a, b = [1, 2] %}[{{ a }}, {{ b }}]", [1, 2], id="set-two"),
        pytest.param(
            "{% set a = 1 %}{% for n in [2] %}{% set a = n %}{% endfor %}{{ a }}",
            1,
            id="set-in-a-loop-ends-with-it",
        ),
        pytest.param("{% set cluster = 4 %}{{ cluster }}", 4, id="set-hides-the-form"),
        pytest.param('{# why #}{"a": {# not #}1}', {"a": 1}, id="comment"),
        pytest.param('["{% raw %}{{ x }}{% endraw %}"]', ["{{ x }}"], id="raw"),
        pytest.param("[\r\n{{ 1 }},\r\n\t2]\r\n", [1, 2], id="line-ends-and-tabs"),
        pytest.param('["a{% if env.flag %}b{% endif %}c"]', ["abc"], id="if-inside-a-text"),
    ],
)
def test_statements_choose_and_repeat(text: str, expected: object) -> None:
    """They are Jinja's: for, if and set."""
    assert document(text) == expected


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        pytest.param("[\n {{ nope }}]", "there is no 'nope' here", (2, 5), id="name"),
        pytest.param("[{{ cluster.nmae }}]", "no member 'nmae'", (1, 12), id="member"),
        pytest.param("[{{ cluster.a.b }}]", "no member 'a'", (1, 14), id="member-of-nothing"),
        pytest.param("[{{ cluster.zones[2] }}]", "no item 2", (1, 18), id="item"),
        pytest.param("[{{ nope['a'] }}]", "there is no 'nope' here", (1, 9), id="item-of-nothing"),
        pytest.param("[{{ [] | first }}]", "the list is empty", (1, 10), id="first-of-nothing"),
        pytest.param("[{{ 1 if false }}]", "no value if its", (1, 5), id="no-else"),
        pytest.param(
            "[{{ cluster.name.upper() }}]", "this is a text, and an object", (1, 5), id="method"
        ),
        pytest.param("[{{ cluster.name() }}]", "a function is needed", (1, 5), id="call"),
        pytest.param('[{{ 1 + "a" }}]', "this is a text, and a number", (1, 9), id="sum"),
        pytest.param("[{{ 1 / 0 }}]", "divided by zero", (1, 9), id="division"),
        pytest.param(
            "[{{ cluster.db ~ 1 }}]", "an object, and a text or a number", (1, 5), id="text"
        ),
        pytest.param('[{{ "x" | int }}]', "this text is not a whole number", (1, 11), id="int"),
        pytest.param(
            "{% for c in cluster.name %}{% endfor %}", "a list is needed", (1, 13), id="for"
        ),
        pytest.param(
            "{% set a, b = [1] %}", "1 values cannot be taken as 2 names", (1, 9), id="set"
        ),
        pytest.param(
            '["a {{ cluster.name }}"]', "this stands inside a text", (1, 15), id="in-a-text"
        ),
        pytest.param("[{{ range }}]", "this is a function", (1, 5), id="function"),
        pytest.param(
            "[{{ {1: 2} }}]", "a number, and a text is needed", (1, 6), id="name-of-a-member"
        ),
        pytest.param("[{{ [1, 'a'] | sort }}]", "numbers only, or texts only", (1, 16), id="sort"),
        pytest.param("[{{ x | nope }}]", "there is no filter 'nope'", (1, 9), id="filter"),
        pytest.param("[{{ x is nope }}]", "there is no test 'nope'", (1, 7), id="test"),
        pytest.param("[{{ 1 | round(1, 2, 3) }}]", "too many positional", (1, 9), id="arguments"),
        pytest.param("[\n{% if x", "unexpected end of template", (2, 7), id="open"),
        pytest.param("[{{ 1 + }}]", "xpected", (1, 9), id="operand"),
        pytest.param("[{% endif %}]", "unknown tag 'endif'", (1, 5), id="no-if"),
        pytest.param('[{{ "\\d" }}]', "this escape is unknown", (1, 6), id="escape"),
        pytest.param("[{{ 1 }}\n x]", "not JSON: 'x' is no value", (2, 2), id="json"),
        pytest.param("[{{ cluster.zones }}\n }]", "not JSON: ] is missing", (2, 2), id="bracket"),
    ],
)
def test_mistakes_have_a_line_and_a_column(text: str, reason: str, place: tuple[int, int]) -> None:
    """They are of the template, also where the JSON it gives is wrong."""
    with pytest.raises(TemplateRenderError) as caught:
        document(text)

    [finding] = caught.value.findings
    assert reason in finding.message
    assert (finding.line, finding.column) == place


def test_a_misspelt_name_comes_with_the_one_that_is_meant() -> None:
    """The next step is to correct it."""
    with pytest.raises(TemplateRenderError) as caught:
        document("{{ cluster.nmae }}")

    assert [finding.next_step for finding in caught.value.findings] == ["Is it 'name'?"]


@pytest.mark.parametrize(
    "expression",
    [
        'env.password ~ "x"',
        "env.password == 'x'",
        "env.password | upper",
        "env.password | length",
        "env.password[0]",
        "env.password.value",
        "[env.password] == ['x']",
        "[env.password] | join",
        "[env.password] | string",
        "env | string | length",
        '{"a": [env.key]} | string',
        "env.key.secret ~ ''",
        "env.key.secret['$secret']",
        "peek(env.password)",
        "peek([env.key])",
    ],
)
def test_a_password_can_only_be_written(expression: str) -> None:
    """It cannot be looked at, compared, changed, or handed to a function."""
    with pytest.raises(TemplateRenderError, match="a password can only be written as it is"):
        document("[{{ " + expression + " }}]", peek=str)


@pytest.mark.parametrize("name", ["secret", "ref", "agent"])
def test_a_marker_put_together_is_refused(name: str) -> None:
    """Whoever writes the template and fills in the form names no secret of others."""
    text = '[{{ {"$" ~ "' + name + '": cluster.name} }}]'

    with pytest.raises(TemplateRenderError, match=r"line 1, column 5: .* no package may name"):
        document(text)


def test_a_line_too_much_in_a_loop_is_put_right() -> None:
    """A comma after the last round of a loop is remarked on in the template."""
    done = filled("[\n{% for z in cluster.zones %}\n  {{ z }},\n{% endfor %}\n]")

    assert done.document == ["b", "a"]
    assert [(f.code, f.line, f.column) for f in done.findings] == [("json.comma", 3, 10)]


def test_parts_of_the_document_are_found_in_the_template() -> None:
    """Also what a loop makes, and what an expression gives."""
    done = filled(
        '{"a": {{ cluster }},\n "n": [{% for z in cluster.zones %}\n  {"z": {{ z }}},{% endfor %}]}'
    )

    assert done.place_of("/n/1/z") == Place(3, 4)
    assert done.place_of("/a/db/count") == Place(1, 10)


def test_plugins_names_are_seen() -> None:
    """Values are values, functions can be called, objects may hold functions."""
    names = {"limit": 5, "twice": lambda n: (n, n), "net": {"join": lambda *, by: by}}

    assert document('[{{ limit }}, {{ twice(2) }}, {{ net.join(by="-") }}]', **names) == [
        5,
        [2, 2],
        "-",
    ]


def test_the_forms_names_win() -> None:
    """A plugin cannot hide a parameter."""
    assert document("{{ cluster.name }}", cluster="mine") == "shop"


def test_a_function_that_fails_is_an_error_with_its_place() -> None:
    """Its exception goes no further."""

    def fail() -> None:
        raise OSError("no such thing")

    with pytest.raises(TemplateRenderError, match=r"column 9: the function failed: OSError: no"):
        document("[{{ fail() }}]", fail=fail)


@pytest.mark.parametrize("answer", [object(), {1: 2}, {"a": {1, 2}}, float("nan"), b"x"], ids=repr)
def test_what_is_no_json_does_not_come_from_a_function(answer: Any) -> None:
    """A function that answers anything else has failed."""
    with pytest.raises(TemplateRenderError):
        document("[{{ answer() }}]", answer=lambda: answer)


def test_a_function_cannot_change_a_value() -> None:
    """It is given copies."""
    text = "{% set a = [1] %}{% set n = grow(a) %}[{{ a }}, {{ n }}]"

    assert document(text, grow=lambda found: found.append(2)) == [[1], None]


def test_the_dialect_is_told_from_the_name() -> None:
    """Its expressions look like tags."""
    assert template("{{ cluster.name }}").dialect == JINJA


def test_parameters_are_found_without_working_it_out() -> None:
    """As far as they are written down; a member that is not is all members."""
    found = template(
        '{{ cluster.name }}{% if false %}{{ env["log.level"] }}{% endif %}'
        "{% for k in cluster.db %}{{ service_params[k] }}{{ k.x }}{% endfor %}"
    )

    named = ("cluster.name", "env.log.level", "env.log", "cluster.db.count", "service_params.any")
    assert [path for path in named if not found.uses(path)] == []
    assert not found.uses("env.other")


@pytest.mark.parametrize(
    ("text", "strangers"),
    [
        pytest.param("{{ cluster.nope }}", {"cluster.nope": 10}, id="stranger"),
        pytest.param("{{ env['a.b'] }}", {}, id="leaf-with-a-dot"),
        pytest.param("{{ env.key.id }}", {}, id="part-of-a-value"),
        pytest.param("{{ cluster.db }}{{ env }}", {}, id="groups"),
        pytest.param("{{ env.nope | default(1) }}", {}, id="default"),
        pytest.param("{{ env.nope is defined }}", {}, id="defined"),
        pytest.param("{% set env = {} %}{{ env.nope }}", {}, id="own-name"),
        pytest.param("{{ other.nope }}", {}, id="other-root"),
        pytest.param("{{ env[cluster.db.count] }}", {}, id="worked-out-member"),
    ],
)
def test_strangers_are_no_false_alarms(text: str, strangers: dict[str, int]) -> None:
    """Only what is needed and surely not there is one."""
    known = ["cluster.db.count", "env.a.b", "env.key"]

    assert template(text).strangers(known) == strangers


def test_filling_is_repeatable() -> None:
    """A template keeps nothing of what it was filled in with."""
    found = template("{% set a = cluster.name %}{{ a }}")

    assert fill(found, Values(tree=TREE)) == fill(found, Values(tree=TREE))
