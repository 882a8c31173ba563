"""The JSON Schema of a form: each attribute of a parameter, and what it lets pass."""

from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from vm_packages import config_json, group, leaf

from pitrix_core.model import JsonObject
from pitrix_core.package import violations
from pitrix_vm.form import form_schema, read_form, service_schema


def schema_of(*members: Mapping[str, Any]) -> JsonObject:
    """Return the schema of a form with these members below ``cluster``."""
    schema = form_schema(read_form(config_json(group("cluster", *members))))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def property_of(a_leaf: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the schema says of one leaf, without its place in the form."""
    made = dict(schema_of(a_leaf)["properties"]["cluster"]["properties"][a_leaf["key"]])
    assert made.pop("x-order") == 0
    return made


def refused(schema: JsonObject, values: Mapping[str, Any]) -> set[str]:
    """Return the pointers of what is wrong with values below ``cluster``."""
    found = violations({"cluster": values}, schema)
    return {finding.pointer.removeprefix("/cluster") for finding in found}


def test_the_schema_is_nested_as_the_form() -> None:
    """Each array node is a closed object that keeps the form's order."""
    schema = schema_of(group("db", leaf("count", default=1)), leaf("a.b", "string", default="x"))

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
                "x-step": 10,
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
            leaf("a", "string", default="1", pattern=r"^\d$"),
            {
                "title": "A",
                "type": "string",
                "pattern": r"^[0-9]$(?!\n)",
                "x-pattern": r"^\d$",
                "default": "1",
            },
            id="pattern-of-javascript",
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
                "pattern": r"^(?:x|y\.z)(?:,(?:x|y\.z))*$(?!\n)",
                "default": "x",
                "x-multichoice": {"choices": ["x", "y.z"], "separator": ","},
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
            leaf("a", "service", tag=["ZK"], limits={"app-1": []}, allowed_operations=["modify"]),
            {
                "title": "A",
                "type": "string",
                "x-type": "service",
                "default": "",
                "x-service": {
                    "limits": {"app-1": []},
                    "tags": ["ZK"],
                    "allowed_operations": ["modify"],
                },
            },
            id="link",
        ),
        pytest.param(
            leaf("a", "string", pattern="(", default="x"),
            {"title": "A", "type": "string", "default": "x"},
            id="bad-pattern",
        ),
        pytest.param(
            leaf("a", "string", default="x", multiline=True, expanded=False, changeable=False),
            {
                "title": "A",
                "type": "string",
                "default": "x",
                "x-multiline": True,
                "x-expanded": False,
                "x-changeable": False,
            },
            id="shown-in-a-way",
        ),
        pytest.param(
            leaf("a", default=3, changeable_when_create=False, range=[1, 3]),
            {
                "title": "A",
                "type": "integer",
                "const": 3,
                "default": 3,
                "x-changeable-when-create": False,
            },
            id="fixed",
        ),
        pytest.param(
            leaf("memory", default=1024, auto_scale_step=1024),
            {
                "title": "Memory",
                "type": "integer",
                "default": 1024,
                "x-unit": "MiB",
                "x-auto-scale-step": 1024,
            },
            id="with-a-unit",
        ),
        pytest.param(
            leaf("a", "eip", default="", associate_mode=0),
            {
                "title": "A",
                "type": "string",
                "default": "",
                "x-type": "eip",
                "x-associate-mode": 0,
            },
            id="address",
        ),
        pytest.param(
            leaf("a", "boolean", required="no"),
            {"title": "A", "type": "boolean", "default": False},
            id="no-boolean",
        ),
        pytest.param(
            leaf("a", "integer", required="no"), {"title": "A", "type": "integer"}, id="no-default"
        ),
    ],
)
def test_a_leaf_becomes_a_property(a_leaf: dict[str, Any], expected: dict[str, Any]) -> None:
    """Every attribute that limits a value or says how it is shown has its keyword."""
    assert property_of(a_leaf) == expected


KEY = {"access_key_id": "AK", "secret_access_key": "SK"}


@pytest.mark.parametrize(
    ("a_leaf", "good", "bad"),
    [
        pytest.param(leaf("a"), 1, "1", id="integer"),
        pytest.param(leaf("a"), 1, 1.5, id="integer-fraction"),
        pytest.param(leaf("a", "number"), 1.5, "1.5", id="number"),
        pytest.param(leaf("a", "boolean"), True, 1, id="boolean"),
        pytest.param(leaf("a", "string"), "x", 1, id="string"),
        pytest.param(leaf("a", "string", required="yes"), "x", "", id="required"),
        pytest.param(leaf("a", "string", required="yes", default="x"), "y", "", id="filled"),
        pytest.param(leaf("a", "password", required="yes"), "x", "", id="required-password"),
        pytest.param(leaf("a", "service", required="yes"), "cl-1", "", id="required-link"),
        pytest.param(leaf("a", default=1, range=[1, 3]), 3, 2, id="range"),
        pytest.param(leaf("a", default=1, range=[1, 0]), 1, True, id="range-of-numbers"),
        pytest.param(leaf("a", default=2, min=2), 2, 1, id="min"),
        pytest.param(leaf("a", default=2, max=2), 2, 3, id="max"),
        pytest.param(leaf("a", default=10, range=[10, 200], max=100), 10, 200, id="range-and-max"),
        pytest.param(leaf("a", default=10, step=10), 20, 15, id="step"),
        pytest.param(leaf("a", "number", default=0.5, max=1), 0.7, 1.1, id="number-max"),
        pytest.param(leaf("a", "string", pattern="b+"), "abbc", "ac", id="pattern-anywhere"),
        pytest.param(leaf("a", "string", pattern=r"^\d+$"), "12", "\u0661", id="pattern-digits"),
        pytest.param(leaf("a", "string", pattern="^a$"), "a", "a\n", id="pattern-end"),
        pytest.param(leaf("a", "password", pattern="^.{6,}$"), "123456", "1", id="password"),
        pytest.param(
            leaf("a", "string", range=["x", "y"], multichoice=True), "y,x", "x;y", id="multichoice"
        ),
        pytest.param(
            leaf("a", "string", range=["x", "y"], multichoice=True, separator="|"),
            "x|y",
            "x,y",
            id="separator",
        ),
        pytest.param(leaf("a", "accesskey"), "AK", 1, id="access-key-id"),
        pytest.param(leaf("a", "accesskey"), KEY, ["AK", "SK"], id="access-key"),
        pytest.param(
            leaf("a", "loadbalancer"),
            [{"listener": "lbl-1", "port": 80, "policy": "lbp-1"}],
            "lbl-1",
            id="balancers",
        ),
        pytest.param(leaf("a", "vxnet"), "vxnet-1", ["vxnet-1"], id="network"),
        pytest.param(leaf("a", "eip"), "eip-1 eip-2", ["eip-1"], id="addresses"),
        pytest.param(
            leaf("a", "string", default="x", changeable_when_create=False), "x", "y", id="fixed"
        ),
    ],
)
def test_the_schema_enforces_what_the_package_says(
    a_leaf: dict[str, Any], good: object, bad: object
) -> None:
    """What an attribute allows passes; what it does not is refused at its place."""
    schema = schema_of(a_leaf)

    refusals = [refused(schema, {"a": value}) for value in (good, bad)]

    assert refusals == [set(), {"/a"}]


@pytest.mark.parametrize("member", ["access_key_id", "secret_access_key"])
def test_an_access_key_is_given_whole_or_by_its_id(member: str) -> None:
    """Half a key is refused, and a secret is kept as one."""
    schema = schema_of(leaf("a", "accesskey"))

    half = {name: value for name, value in KEY.items() if name != member}
    assert refused(schema, {"a": half}) == {f"/a/{member}"}
    parts = property_of(leaf("a", "accesskey"))["properties"]
    assert [name for name, part in parts.items() if part.get("writeOnly")] == ["secret_access_key"]


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        pytest.param({"port": 8080}, "/a/0/listener", id="no-listener"),
        pytest.param({"listener": "lbl-1", "port": 70000}, "/a/0/port", id="no-such-port"),
        pytest.param({"listener": "lbl-1", "port": 81}, "/a/0/port", id="other-port"),
        pytest.param({"listener": "lbl-1", "port": 8080, "x": 1}, "/a/0/x", id="unknown"),
    ],
)
def test_a_listener_of_a_balancer_is_checked(item: dict[str, Any], pointer: str) -> None:
    """It names itself and one of the ports that the package offers."""
    schema = schema_of(leaf("a", "loadbalancer", port=[8080, 8443]))

    assert refused(schema, {"a": [item]}) == {pointer}


@pytest.mark.parametrize("required", ["yes", "true", True])
def test_what_has_no_usable_default_must_be_given(required: str | bool) -> None:
    """All spellings of yes count; an empty text does not do."""
    schema = schema_of(leaf("a", "string", default="", required=required))

    assert schema["required"] == ["cluster"]
    assert schema["properties"]["cluster"]["required"] == ["a"]
    assert refused(schema, {}) == {"/a"}


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
    schema = schema_of(a_leaf)

    assert "required" not in schema["properties"]["cluster"]
    assert refused(schema, {a_leaf["key"]: a_leaf["default"]}) == set()


def test_listeners_are_a_list_whatever_a_package_says_of_choices() -> None:
    """Several choices would be one text, and a list is none."""
    schema = schema_of(leaf("a", "loadbalancer", default=0.5, range=["b"], multichoice=True))

    listeners = schema["properties"]["cluster"]["properties"]["a"]
    assert violations(listeners["default"], listeners) == []


def test_a_default_outside_its_own_limits_is_no_default() -> None:
    """The user has to give a value, rather than be refused for what the package says."""
    schema = schema_of(leaf("a", default=0, min=101, max=202, required="yes"))

    assert schema["properties"]["cluster"]["required"] == ["a"]
    assert "default" not in schema["properties"]["cluster"]["properties"]["a"]


@pytest.mark.parametrize(
    ("attributes", "still_refused"),
    [
        pytest.param({"kind": "integer", "default": 0, "range": [101]}, 1, id="range"),
        pytest.param({"kind": "integer", "default": 0, "min": 10}, 5, id="min"),
        pytest.param({"kind": "integer", "default": 15, "step": 10}, 25, id="step"),
        pytest.param({"kind": "string", "default": "", "pattern": "^a+$"}, "b", id="pattern"),
        pytest.param(
            {"kind": "string", "default": "c", "range": ["a", "b"], "multichoice": True},
            "d",
            id="multichoice",
        ),
    ],
)
def test_an_optional_default_is_allowed_wrong_as_it_may_be(
    attributes: dict[str, Any], still_refused: object
) -> None:
    """Who fills in nothing is not refused; other values outside the limits are."""
    a_leaf = leaf("a", **attributes, required="no")
    schema = schema_of(a_leaf)

    refusals = [refused(schema, {"a": value}) for value in (a_leaf["default"], still_refused)]

    assert refusals == [set(), {"/a"}]


def test_system_parameters_come_first() -> None:
    """They are hoisted to the top, in a form that is drawn in order."""
    form = config_json(group("env", leaf("a", default=1), leaf("b", default=1, system=True)))

    properties = form_schema(read_form(form))["properties"]["env"]["properties"]

    assert {key: made["x-order"] for key, made in properties.items()} == {"b": 0, "a": 1}
    assert properties["b"]["x-system"] is True


# -- parameters of services ------------------------------------------------------------------------

SERVICES = config_json(
    group("cluster", leaf("name", "string", default="")),
    group("service_params", group("db", leaf("ip", "string", required="yes"))),
)


def test_parameters_of_services_are_not_asked_for_at_creation() -> None:
    """What a service needs cannot be known when a cluster is created."""
    schema = form_schema(read_form(SERVICES))

    assert [*schema["properties"]] == ["cluster"]
    assert violations({"service_params": {}}, schema) != []


@pytest.mark.parametrize(
    ("keys", "pointer"),
    [pytest.param((), "/db/ip", id="all"), pytest.param(("db",), "/ip", id="a-group")],
)
def test_parameters_of_services_have_schemas_of_their_own(
    keys: tuple[str, ...], pointer: str
) -> None:
    """A group of them can be asked for alone."""
    schema = service_schema(read_form(SERVICES), *keys)

    assert schema is not None
    value = {"ip": ""} if keys else {"db": {"ip": ""}}
    assert [finding.pointer for finding in violations(value, schema)] == [pointer]


@pytest.mark.parametrize("keys", [("web",), ("db", "ip"), ("db", "ip", "x")])
def test_services_without_parameters_have_no_schema(keys: tuple[str, ...]) -> None:
    """Nothing is asked for where there is no such group."""
    assert service_schema(read_form(SERVICES), *keys) is None
