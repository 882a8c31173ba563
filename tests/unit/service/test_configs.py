"""A configuration is checked, completed, and rid of its secrets."""

from typing import Any

import pytest

from pitrix_core.errors import ConfigInvalidError
from pitrix_core.model import SecretRef
from pitrix_core.service.configs import completed_config, without_secrets

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "size": {"type": "integer", "minimum": 1, "default": 3},
        "anything": True,
        "password": {"type": "string", "writeOnly": True, "minLength": 3},
        "env": {
            "type": "object",
            "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}},
        },
        "backup": {
            "type": "object",
            "required": ["bucket"],
            "properties": {"bucket": {"type": "string"}, "days": {"default": 7}},
        },
    },
}


def test_defaults_are_filled_in() -> None:
    """Also inside of groups that were left out; what was given stays."""
    assert completed_config({"name": "one", "env": {"b": "y"}}, SCHEMA) == {
        "name": "one",
        "size": 3,
        "env": {"a": "x", "b": "y"},
    }
    assert completed_config({"name": "one"}, SCHEMA)["env"] == {"a": "x"}


def test_an_optional_group_that_needs_the_user_is_left_out() -> None:
    """Filling half of it in would make it wrong; a required one is told in detail."""
    assert "backup" not in completed_config({"name": "one"}, SCHEMA)
    with pytest.raises(ConfigInvalidError) as caught:
        completed_config({"name": "one"}, {**SCHEMA, "required": ["name", "backup"]})

    assert caught.value.pointer == "/config/backup/bucket"


def test_every_violation_is_told_with_its_place() -> None:
    """At once; the error itself points to the first."""
    with pytest.raises(ConfigInvalidError) as caught:
        completed_config({"size": 0, "colour": "red", "env": {"a": 5}}, SCHEMA)

    assert {(finding.pointer, finding.code) for finding in caught.value.findings} == {
        ("/config/colour", "schema.additionalProperties"),
        ("/config/env/a", "schema.type"),
        ("/config/name", "schema.required"),
        ("/config/size", "schema.minimum"),
    }
    assert caught.value.pointer == "/config/colour"
    assert caught.value.next_step is not None


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        pytest.param({"anything": {"$secret": "sec-1"}}, "/config/anything", id="a-secret"),
        pytest.param({"anything": [1, {"$ref": "a#/b"}]}, "/config/anything/1", id="in-a-list"),
        pytest.param(
            {"anything": {"a/b": {"$agent": {}}}}, "/config/anything/a~1b", id="in-an-object"
        ),
    ],
)
def test_markers_are_not_taken_from_users(given: dict[str, Any], pointer: str) -> None:
    """They would be replaced by secrets of others, or by outputs of tasks."""
    with pytest.raises(ConfigInvalidError) as caught:
        completed_config({"name": "one", **given}, SCHEMA)

    [finding] = caught.value.findings
    assert (finding.code, finding.pointer) == ("config.marker", pointer)


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        pytest.param(SCHEMA, {"name": "one", "password": "pw"}, id="the-secret-itself"),
        pytest.param(
            {"properties": {"a": {"anyOf": [{"type": "null"}], **SCHEMA}}},
            {"a": {"name": "one", "password": "hunter2"}},
            id="what-it-is-part-of",
        ),
    ],
)
def test_no_secret_is_quoted(schema: Any, given: Any) -> None:
    """Neither in the message nor in a finding."""
    with pytest.raises(ConfigInvalidError) as caught:
        completed_config(given, schema)

    said = f"{caught.value} {caught.value.findings}"
    assert "hunter2" not in said
    assert "'pw'" not in said


def taken(config: Any, schema: Any) -> tuple[Any, list[str]]:
    """Return a configuration without its secrets, and the secrets."""
    kept: list[str] = []

    def keep(text: str) -> SecretRef:
        kept.append(text)
        return SecretRef(f"sec-{len(kept)}")

    return without_secrets(config, schema, keep=keep), kept


def test_what_is_nested_without_end_is_one_violation() -> None:
    """It is not looked into for anything else."""
    value: Any = {"$secret": "sec-1"}
    for _ in range(5000):
        value = [value]

    with pytest.raises(ConfigInvalidError) as caught:
        completed_config({"name": "one", "anything": value}, SCHEMA)

    assert [finding.code for finding in caught.value.findings] == ["schema.depth"]


SECRET = {"writeOnly": True}


@pytest.mark.parametrize(
    ("schema", "config", "result", "secrets"),
    [
        pytest.param(
            {"properties": {"a": SECRET, "b": {}}},
            {"a": "x", "b": "y"},
            {"a": {"$secret": "sec-1"}, "b": "y"},
            ["x"],
            id="a-text",
        ),
        pytest.param(
            {"properties": {"a": SECRET}},
            {"a": 1234},
            {"a": {"$secret": "sec-1"}},
            ["1234"],
            id="a-number",
        ),
        pytest.param(
            {"properties": {"a": SECRET}},
            {"a": ["x"]},
            {"a": {"$secret": "sec-1"}},
            ['["x"]'],
            id="a-list",
        ),
        pytest.param({"properties": {"a": SECRET}}, {"a": ""}, {"a": ""}, [], id="empty"),
        pytest.param({"properties": {"a": SECRET}}, {"a": None}, {"a": None}, [], id="null"),
        pytest.param(
            {"items": {"properties": {"a": SECRET}}},
            [{"a": "x"}, {"a": "y"}],
            [{"a": {"$secret": "sec-1"}}, {"a": {"$secret": "sec-2"}}],
            ["x", "y"],
            id="in-a-list",
        ),
        pytest.param(
            {"properties": {"b": True}, "additionalProperties": SECRET},
            {"a": "x", "b": "y"},
            {"a": {"$secret": "sec-1"}, "b": "y"},
            ["x"],
            id="of-any-name",
        ),
        pytest.param(
            {"properties": {"a": {"anyOf": [{"type": "string"}, {"properties": {"key": SECRET}}]}}},
            {"a": {"id": "x", "key": "y"}},
            {"a": {"id": "x", "key": {"$secret": "sec-1"}}},
            ["y"],
            id="in-a-choice",
        ),
        pytest.param(
            {
                "$defs": {"login": {"properties": {"a": SECRET}}},
                "allOf": [{"if": True, "then": {"$ref": "#/$defs/login"}}],
            },
            {"a": "x"},
            {"a": {"$secret": "sec-1"}},
            ["x"],
            id="by-condition-and-reference",
        ),
    ],
)
def test_secrets_are_replaced_by_markers(
    schema: Any, config: Any, result: Any, secrets: list[str]
) -> None:
    """Wherever the schema says that there is one."""
    assert taken(config, schema) == (result, secrets)
