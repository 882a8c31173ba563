"""The JSON Schema of a form."""

from typing import Any

import jsonschema
import pytest
from vm_packages import VM, cluster_json, config_json, group, leaf, node, parsed


def schema_of(*leaves: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a form with these leaves below ``cluster``."""
    form = config_json(group("cluster", group("db", leaf("count", default=1)), *leaves))
    schema: dict[str, Any] = dict(VM.config_schema(parsed(cluster_json(node("db")), form=form)))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def property_of(a_leaf: dict[str, Any]) -> dict[str, Any]:
    """Return what the schema says of one leaf, without its place in the form."""
    cluster = schema_of(a_leaf)["properties"]["cluster"]
    made: dict[str, Any] = cluster["properties"][a_leaf["key"]]
    assert made.pop("x-order") == 1
    return made


def test_the_schema_is_nested_as_the_form() -> None:
    """Each array node is a closed object that keeps the form's order."""
    schema = schema_of(leaf("a.b", "string", default="x"))

    cluster = schema["properties"]["cluster"]
    assert (schema["additionalProperties"], cluster["additionalProperties"]) == (False, False)
    assert list(cluster["properties"]) == ["db", "a.b"]
    assert "required" not in schema
    assert cluster["properties"]["db"]["properties"]["count"]["default"] == 1


@pytest.mark.parametrize(
    ("a_leaf", "expected"),
    [
        pytest.param(
            leaf("a", default=10, min=10, max=100, step=10, description="d"),
            {
                "title": "A",
                "type": "integer",
                "minimum": 10,
                "maximum": 100,
                "multipleOf": 10,
                "description": "d",
                "default": 10,
            },
            id="integer",
        ),
        pytest.param(
            leaf("a", "number", default=0.5),
            {"title": "A", "type": "number", "default": 0.5},
            id="number",
        ),
        pytest.param(
            leaf("a", "boolean", default=True),
            {"title": "A", "type": "boolean", "default": True},
            id="boolean",
        ),
        pytest.param(
            leaf("a", "string", default="x", pattern="^x", label=""),
            {"title": "a", "type": "string", "pattern": "^x", "default": "x"},
            id="text",
        ),
        pytest.param(
            leaf("a", default=1, range=[1, 3], required="yes"),
            {"title": "A", "type": "integer", "enum": [1, 3], "default": 1},
            id="choice",
        ),
        pytest.param(
            leaf("a", "string", range=["x"], required="no"),
            {"title": "A", "type": "string", "enum": ["x", ""], "default": ""},
            id="optional-choice",
        ),
        pytest.param(
            leaf("a", "string", range=["x", "y.z"], multichoice=True, default="x", required="yes"),
            {
                "title": "A",
                "type": "string",
                "pattern": r"^((x|y\.z)(,(x|y\.z))*)$",
                "default": "x",
            },
            id="several-choices",
        ),
        pytest.param(
            leaf("a", "password", default=""),
            {
                "title": "A",
                "type": "string",
                "x-type": "password",
                "writeOnly": True,
                "default": "",
            },
            id="password",
        ),
        pytest.param(
            leaf("a", "service"),
            {"title": "A", "type": "string", "x-type": "service", "default": ""},
            id="link",
        ),
        pytest.param(
            leaf("a", "loadbalancer"), {"title": "A", "type": "array", "default": []}, id="balancer"
        ),
        pytest.param(
            leaf("a", "string", pattern="(", default="x"),
            {"title": "A", "type": "string", "default": "x"},
            id="bad-pattern",
        ),
    ],
)
def test_a_leaf_becomes_a_property(a_leaf: dict[str, Any], expected: dict[str, Any]) -> None:
    """Every attribute that limits a value has its keyword."""
    assert property_of(a_leaf) == expected


@pytest.mark.parametrize("required", ["yes", "true", True])
def test_what_has_no_usable_default_must_be_given(required: str | bool) -> None:
    """All spellings of yes count; an empty text does not do."""
    schema = schema_of(leaf("a", "string", default="", required=required))

    assert schema["required"] == ["cluster"]
    assert schema["properties"]["cluster"]["required"] == ["a"]
    assert not jsonschema.Draft202012Validator(schema).is_valid({"cluster": {"a": ""}})


@pytest.mark.parametrize(
    "a_leaf",
    [
        pytest.param(leaf("a", "string", default="", required="no"), id="optional"),
        pytest.param(leaf("a", "string", default="x", required="yes"), id="default"),
        pytest.param(leaf("vxnet", "string", default="", required="yes"), id="network"),
        pytest.param(leaf("subnet", "string", default="", required=True), id="subnet"),
    ],
)
def test_what_has_a_default_need_not_be_given(a_leaf: dict[str, Any]) -> None:
    """The network may stay empty: the runtime has a default one."""
    assert "required" not in schema_of(a_leaf)["properties"]["cluster"]


def test_a_default_outside_its_own_range_is_no_default() -> None:
    """The user has to choose, rather than be refused for what the package says."""
    schema = schema_of(leaf("a", default=0, range=[101, 202], required="yes"))

    assert schema["properties"]["cluster"]["required"] == ["a"]
    assert "default" not in schema["properties"]["cluster"]["properties"]["a"]
