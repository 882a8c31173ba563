"""Defaults are filled in, also those that depend on other values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_core.service.configs import completed_config
from pitrix_core.service.defaults import with_defaults


def chosen(group: int, cpu: int) -> dict[str, Any]:
    """Return what a combination of resources says of a role."""
    return {
        "if": {"properties": {"group": {"const": group}}, "required": ["group"]},
        "then": {"properties": {"role": {"properties": {"cpu": {"default": cpu}}}}},
    }


#: A combination of resources chooses the machines of a role, as forms of real packages have it.
GROUPS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "group": {"type": "integer", "enum": [0, 1], "default": 0},
        "role": {
            "type": "object",
            "properties": {
                "cpu": {"type": "integer", "default": 1},
                "count": {"type": "integer", "default": 3},
            },
        },
    },
    "allOf": [chosen(0, 2), chosen(1, 8)],
}


@pytest.mark.parametrize(
    ("config", "cpu"),
    [
        pytest.param({}, 2, id="by-default"),
        pytest.param({"group": 1}, 8, id="chosen"),
        pytest.param({"group": 1, "role": {"count": 1}}, 8, id="beside-what-was-given"),
        pytest.param({"group": 1, "role": {"cpu": 4}}, 4, id="given"),
        pytest.param({"group": 7}, 1, id="no-combination"),
    ],
)
def test_a_combination_chooses_the_defaults(config: dict[str, Any], cpu: int) -> None:
    """Before the property's own default, and never before what the user gave."""
    assert with_defaults(config, GROUPS)["role"]["cpu"] == cpu


def test_defaults_keep_the_order_of_the_form() -> None:
    """However they were chosen."""
    assert list(with_defaults({}, GROUPS)) == ["group", "role"]
    assert list(with_defaults({}, GROUPS)["role"]) == ["cpu", "count"]


def field(condition: Any, **branches: Any) -> dict[str, Any]:
    """Return a form of two texts, the second one's default by the first one's value."""
    return {
        "properties": {"mode": {"default": "a"}, "peers": {"default": "own"}},
        "if": {"properties": {"mode": condition}, "required": ["mode"]},
        **{name: {"properties": {"peers": {"default": v}}} for name, v in branches.items()},
    }


@pytest.mark.parametrize(
    ("schema", "peers"),
    [
        pytest.param(field({"const": "a"}, then="x"), "x", id="then"),
        pytest.param(field({"const": "b"}, **{"else": "y"}), "y", id="else"),
        pytest.param(field({"const": "b"}, then="x"), "own", id="no-else"),
        pytest.param({"allOf": [field({"const": "a"}, then="x")]}, "x", id="in-all-of"),
        pytest.param({"then": {"properties": {"peers": {"default": 1}}}}, None, id="without-if"),
        pytest.param(
            {"if": True, "then": field({"const": "b"}, **{"else": "y"})}, "y", id="nested"
        ),
        pytest.param(
            {
                **field({"const": "a"}, then="x"),
                "$defs": {"m": {"const": "a"}},
                "if": {"properties": {"mode": {"$ref": "#/$defs/m"}}},
            },
            "x",
            id="by-reference",
        ),
        pytest.param({"allOf": [True, False], "if": True, "then": False}, None, id="no-objects"),
    ],
)
def test_a_branch_brings_its_defaults(schema: dict[str, Any], peers: str | None) -> None:
    """Tested with plain defaults filled in, wherever the condition stands."""
    schema = {"properties": {"mode": {"default": "a"}}, **schema}

    assert with_defaults({}, schema).get("peers") == peers


def test_conditions_do_not_decide_one_another() -> None:
    """Two that contradict each other are each asked once, of the plain defaults."""

    def flip(value: bool) -> dict[str, Any]:
        return {
            "if": {"properties": {"on": {"const": value}}},
            "then": {"properties": {"on": {"default": not value}}},
        }

    schema = {"properties": {"on": {"default": True}}, "allOf": [flip(True), flip(False)]}

    assert with_defaults({}, schema) == {"on": False}


def test_an_outer_choice_decides_an_inner_condition() -> None:
    """From the outside in: a role's own conditions see what its combination chose."""
    shown = {
        "if": {"properties": {"cpu": {"const": 8}}},
        "then": {"properties": {"turbo": {"default": "on"}}},
    }
    role = {**GROUPS["properties"]["role"], **shown}
    schema = {**GROUPS, "properties": {**GROUPS["properties"], "role": role}}

    assert with_defaults({"group": 1}, schema)["role"]["turbo"] == "on"
    assert "turbo" not in with_defaults({"group": 0}, schema)["role"]


def test_a_hidden_field_keeps_what_stands_for_none() -> None:
    """Its default is filled in while it is hidden; shown, the user has to give it."""
    schema = {
        "properties": {"tls": {"type": "boolean", "default": False}, "ca": {"type": "string"}},
        "allOf": [
            {
                "if": {"properties": {"tls": {"const": True}}, "required": ["tls"]},
                "then": {"required": ["ca"], "properties": {"ca": {"minLength": 1}}},
                "else": {"properties": {"ca": {"default": "", "const": ""}}},
            }
        ],
    }

    assert completed_config({}, schema) == {"tls": False, "ca": ""}
    assert with_defaults({"tls": True}, schema) == {"tls": True}


def test_what_is_nested_without_end_stays_as_it_is() -> None:
    """It is refused by the schema's check, not by a stack that is too small."""
    value: Any = []
    for _ in range(5000):
        value = [value]

    assert with_defaults({"group": value}, GROUPS)["group"] is value


def test_many_levels_of_conditions_take_no_time() -> None:
    """What is done grows with the form, not with its power."""
    schema: dict[str, Any] = {"properties": {"leaf": {"default": 1}}}
    for _ in range(40):
        inner = {"type": "object", **schema}
        schema = {"properties": {"in": inner}, "if": True, "then": {"properties": {"in": {}}}}

    found = with_defaults({}, schema)

    assert str(found).count("in") == 40


KEYS = st.sampled_from(["group", "role", "cpu", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_what_was_given_always_wins(config: dict[str, Any]) -> None:
    """And filling in twice gives the same as once."""
    filled = with_defaults(config, GROUPS)

    assert all(filled[key] == value for key, value in config.items() if key != "role")
    assert with_defaults(filled, GROUPS) == filled
