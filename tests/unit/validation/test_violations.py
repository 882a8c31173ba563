"""Violations of schemas, in words and at their places."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_core.findings import Finding, Level
from pitrix_core.validation import violations


def told(value: object, schema: dict[str, Any]) -> list[tuple[str, str]]:
    """Return pointer and message of each violation."""
    return [(found.pointer, found.message) for found in violations(value, schema)]


def field(**schema: Any) -> dict[str, Any]:
    """Return the schema of an object with one labelled field."""
    return {"properties": {"field": {"title": "Field", **schema}}}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        pytest.param({"type": "integer"}, "x", "'x' is not a whole number", id="type"),
        pytest.param({"type": ["string", "null"]}, 1, "1 is not a text or null", id="types"),
        pytest.param({"enum": [1, 3, 5]}, 10, "10 is not one of 1, 3, 5", id="enum"),
        pytest.param({"enum": ["a", ""]}, "b", "'b' is not one of a, (empty)", id="enum-empty"),
        pytest.param({"const": 3}, 4, "4 is not 3, which alone is allowed", id="const"),
        pytest.param({"minimum": 1}, 0, "0 is less than 1", id="minimum"),
        pytest.param({"maximum": 9}, 10.5, "10.5 is more than 9", id="maximum"),
        pytest.param({"multipleOf": 10}, 15, "15 is not a multiple of 10", id="multiple"),
        pytest.param({"pattern": "^a+$"}, "b", "'b' does not match the pattern ^a+$", id="pattern"),
        pytest.param({"minLength": 1}, "", "'' must not be empty", id="empty"),
        pytest.param({"minLength": 3}, "ab", "'ab' is shorter than 3 characters", id="short"),
        pytest.param({"maxLength": 1}, "ab", "'ab' is longer than 1 character", id="long"),
        pytest.param({"minItems": 2}, [1], "the list has less than 2 items", id="few-items"),
        pytest.param({"maxItems": 0}, [1], "the list has more than 0 items", id="many-items"),
        pytest.param({"uniqueItems": True}, [1, 1], "the list has an item twice", id="twice"),
        pytest.param({"type": "string"}, {}, "the object is not a text", id="an-object"),
        pytest.param(
            {"dependentRequired": {"a": ["b"]}},
            {"a": 1},
            "the object lacks what goes together: a needs b",
            id="goes-together",
        ),
        pytest.param({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "the name 'ab' is", id="name"),
        pytest.param({"not": {}}, 1, "1 is not allowed", id="not"),
        pytest.param({"contains": {"const": 1}}, [], "the list lacks an item", id="contains"),
        pytest.param(
            {"pattern": "^(a|b)(;(a|b))*$", "x-multichoice": {"choices": "ab", "separator": ";"}},
            "a,b",
            "'a,b' is not one or several of a, b, joined by ';'",
            id="several-choices",
        ),
    ],
)
def test_a_violation_is_told_with_its_label(
    schema: dict[str, Any], value: object, message: str
) -> None:
    """The title of the field begins the message, plain words follow."""
    [(pointer, found)] = told({"field": value}, field(**schema))

    assert pointer == "/field"
    assert found.startswith(f"Field: {message}")


@pytest.mark.parametrize(
    ("value", "step"),
    [
        pytest.param(0.3, 0.1, id="a-tenth"),
        pytest.param(1.1, 0.01, id="a-hundredth"),
        pytest.param(10**30, 10, id="large"),
        pytest.param(1e300, 0.5, id="a-large-float"),
        pytest.param(10**400, 0.5, id="larger-than-a-float"),
    ],
)
def test_multiples_are_what_they_are_on_paper(value: float, step: float) -> None:
    """Binary fractions do not make 0.3 something else than three tenths."""
    assert told(value, {"multipleOf": step}) == []


def test_what_is_missing_is_told_at_its_own_place() -> None:
    """With its label; without one, by its name."""
    schema = {**field(), "required": ["field", "other"]}

    assert told({}, schema) == [
        ("/field", "Field: a value is required"),
        ("/other", "'other' is a required property"),
    ]


@pytest.mark.parametrize(
    ("name", "message", "step"),
    [
        pytest.param(
            "feild", "'feild' is not known here; is it 'field'?", "Write 'field'", id="misspelt"
        ),
        pytest.param("x", "'x' is not known here", "Known here: field.", id="unknown"),
    ],
)
def test_what_is_not_known_is_told_at_its_own_place(name: str, message: str, step: str) -> None:
    """With the name that was probably meant, or those that are known."""
    [found] = violations({name: 1}, {**field(), "additionalProperties": False})

    assert (found.pointer, found.message) == (f"/{name}", message)
    assert step in str(found.next_step)


def test_everything_is_told_at_once_in_the_order_of_places() -> None:
    """Items by number, members by name; what two parts of a schema demand is told once."""
    part = {"required": ["b"], "properties": {"a": {"items": {"type": "integer"}}}}

    found = told({"a": ["x", *[1] * 9, "y"]}, {**part, "allOf": [part]})

    assert [pointer for pointer, _ in found] == ["/a/0", "/a/10", "/b"]


def test_an_item_is_called_what_its_list_is_called() -> None:
    """A list's label serves its items."""
    assert told({"field": ["x"]}, field(items={"type": "integer"})) == [
        ("/field/0", "Field: 'x' is not a whole number")
    ]


def test_the_name_of_a_record_is_no_label() -> None:
    """What stands behind a reference is called what its own place is called."""
    schema = {"$defs": {"Spec": {"title": "Spec", "type": "object"}}}
    members = {"a": {"$ref": "#/$defs/Spec"}, "b": {"$ref": "#/$defs/Spec", "title": "B"}}

    assert told({"a": 1, "b": 1}, {**schema, "properties": members}) == [
        ("/a", "1 is not an object"),
        ("/b", "B: 1 is not an object"),
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param([1], "1 is not a text", id="of-the-one-that-was-meant"),
        pytest.param({}, "the object is not a text or a list or null", id="of-none"),
    ],
)
def test_of_a_choice_only_what_was_meant_is_told(value: object, message: str) -> None:
    """Not that a value is none of several schemas."""
    texts = {"type": "array", "items": {"type": "string"}}
    schema = {"anyOf": [{"type": "null"}, {"type": "string"}, texts]}

    [(_, found)] = told(value, schema)

    assert found == message


def test_of_several_that_may_be_meant_none_is_guessed() -> None:
    """A choice without a clear candidate is told as a whole."""
    schema = {"oneOf": [{"minimum": 5}, {"multipleOf": 2}]}

    assert told(3, schema) == [("", "3 has not exactly one of the forms that are allowed")]
    assert told(6, schema) == [("", "6 has not exactly one of the forms that are allowed")]


SECRET = {"writeOnly": True, "type": "string", "pattern": "^x", "maxLength": 3, "enum": ["xyz"]}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(field(**SECRET), id="beside-the-limit"),
        pytest.param({**field(writeOnly=True), "allOf": [field(**SECRET)]}, id="elsewhere"),
        pytest.param(field(writeOnly=True, items=SECRET), id="inside"),
        pytest.param(field(anyOf=[{"type": "null"}, SECRET]), id="in-a-choice"),
        pytest.param(
            {**field(writeOnly=True), "if": {}, "then": field(const="xyz")}, id="conditional"
        ),
    ],
)
@pytest.mark.parametrize(
    "value",
    [pytest.param("hunter2", id="text"), pytest.param(["hunter2"], id="list")],
)
def test_a_secret_is_never_quoted(schema: dict[str, Any], value: object) -> None:
    """Whatever it violates, and wherever the schema says that it is one."""
    found = violations({"field": value}, schema)

    assert "hunter2" not in str(found)


#: One field decides whether another one shows.
FORM: dict[str, Any] = {
    "properties": {
        "mode": {"title": "Mode", "enum": ["single", "cluster"]},
        "peers": {
            "title": "Peers",
            "type": "string",
            "default": "",
            "x-visible-if": [{"key": "mode", "in": ["cluster"]}],
        },
    },
    "allOf": [
        {
            "if": {"properties": {"mode": {"enum": ["cluster"]}}, "required": ["mode"]},
            "then": {"required": ["peers"], "properties": {"peers": {"minLength": 1}}},
            "else": {"properties": {"peers": {"const": "", "maxLength": 0}}},
        }
    ],
}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        pytest.param({"mode": "single", "peers": ""}, [], id="hidden-and-empty"),
        pytest.param(
            {"mode": "single", "peers": "a"},
            [("/peers", "Peers: is only for Mode = cluster")],
            id="hidden-and-given",
        ),
        pytest.param(
            {"mode": "cluster"}, [("/peers", "Peers: a value is required")], id="shown-and-missing"
        ),
        pytest.param(
            {"mode": "cluster", "peers": ""},
            [("/peers", "Peers: '' must not be empty")],
            id="shown-and-empty",
        ),
    ],
)
def test_a_hidden_field_is_told_as_such(
    config: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """Once, and what would show it."""
    assert told(config, FORM) == found


def test_a_field_is_hidden_by_what_stands_beside_it() -> None:
    """At any depth; what is not there shows nothing."""
    form = {"properties": {"env": {"properties": {"roles": {"items": FORM}}}}}

    assert told({"env": {"roles": [{"peers": "a"}]}}, form) == [
        ("/env/roles/0/peers", "Peers: is only for Mode = cluster")
    ]


def test_a_field_that_is_not_for_some_values_names_them() -> None:
    """The condition is told as it is written."""
    peers = {**FORM["properties"]["peers"], "x-visible-if": [{"key": "mode", "not_in": ["single"]}]}
    form = {**FORM, "properties": {**FORM["properties"], "peers": peers}}

    assert told({"mode": "single", "peers": "a"}, form) == [
        ("/peers", "Peers: is not for Mode = single")
    ]


def test_what_is_nested_too_deeply_is_one_violation() -> None:
    """Nothing else is looked at."""
    value: Any = []
    for _ in range(5000):
        value = [value]

    [found] = violations(value, {"type": "string"})

    assert found.code == "schema.depth"


def test_the_number_of_findings_is_bounded() -> None:
    """A document with a million faults does not become a million messages."""
    found = violations(["x"] * 5000, {"items": {"type": "integer"}})

    assert len(found) == 1000


def test_nothing_is_fetched() -> None:
    """A reference to elsewhere is the schema's fault, and no request."""
    with pytest.raises(Exception, match="example"):
        violations(1, {"$ref": "https://schemas.example/x.json"})


def test_a_stand_in_may_be_anywhere() -> None:
    """It is not looked into, whatever the schema demands."""
    found = violations({"a": "?"}, field(), stand_in=lambda value: value == "?")

    assert found == []


def test_a_finding_has_code_and_level() -> None:
    """For programs; a summary of it is its place and its message."""
    assert violations(1, {"type": "string"}, pointer="/config", file="f") == [
        Finding(
            level=Level.ERROR,
            code="schema.type",
            message="1 is not a text",
            pointer="/config",
            file="f",
        )
    ]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(ANYTHING)
def test_no_value_is_too_strange(value: object) -> None:
    """Whatever is there, the answer is findings with messages."""
    schema = {
        "type": "object",
        "properties": {"a": FORM},
        "additionalProperties": {"anyOf": [FORM, {"multipleOf": 0.1}, {"pattern": "(a+)+$"}]},
        "propertyNames": {"pattern": "^[a-z]*$"},
    }

    assert all(found.message for found in violations(value, schema))
