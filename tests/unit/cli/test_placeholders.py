"""Values for what a configuration lacks."""

from typing import Any

import pytest

from pitrix_core.cli.authoring.placeholders import with_everything, with_secrets
from pitrix_core.errors import ConfigInvalidError

SECRET = {"type": "string", "writeOnly": True}


def schema(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "properties": properties, "required": required or []}


def test_a_missing_secret_is_made_up() -> None:
    """Its place is told, and what else is there stays."""
    completed = with_secrets({"a": 1}, schema(["p"], p=SECRET, a={"type": "integer"}))

    assert completed.config == {"a": 1, "p": "***"}
    assert completed.placeholders == ("/p",)


def test_a_secret_in_a_group_is_made_up() -> None:
    """Groups that are there lack it, too."""
    completed = with_secrets({}, schema(["g"], g=schema(["p"], p=SECRET)))

    assert completed.config == {"g": {"p": "***"}}
    assert completed.placeholders == ("/g/p",)


def test_a_group_that_is_left_out_lacks_nothing() -> None:
    """An optional group does not come into being by its secret."""
    group = schema(["p", "n"], p=SECRET, n={"type": "integer"})

    assert with_secrets({}, schema(g=group)).config == {}


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"pattern": "^[a-z]{20}$"}, id="pattern"),
        pytest.param({"minLength": 20}, id="shortest"),
        pytest.param({"maxLength": 2}, id="longest"),
    ],
)
def test_a_made_up_secret_has_no_form_to_keep(form: dict[str, Any]) -> None:
    """Nobody gave it, so nobody is told that it is wrong."""
    completed = with_secrets({}, schema(["p"], p={**SECRET, **form}))

    assert completed.config == {"p": "***"}


def test_a_given_secret_has_a_form_to_keep() -> None:
    """Who gave it is told, without seeing it again."""
    with pytest.raises(ConfigInvalidError) as caught:
        with_secrets({"p": "geheim"}, schema(["p"], p={**SECRET, "minLength": 8}))

    assert [finding.pointer for finding in caught.value.findings] == ["/config/p"]
    assert "geheim" not in str(caught.value)


def test_what_else_is_missing_is_a_violation() -> None:
    """Only secrets are made up for who renders."""
    with pytest.raises(ConfigInvalidError) as caught:
        with_secrets({}, schema(["p", "n"], p=SECRET, n={"type": "integer"}))

    [finding] = caught.value.findings
    assert "/n" in finding.pointer or "'n'" in finding.message


@pytest.mark.parametrize("config", [{"g": 3}, {"g": None}, {"g": []}], ids=str)
def test_what_is_no_group_is_refused(config: Any) -> None:
    """What stands where a group should be is a violation, and nothing crashes."""
    with pytest.raises(ConfigInvalidError):
        with_secrets(config, schema(["g"], g=schema(["p"], p=SECRET)))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        pytest.param({"type": "integer"}, 1, id="integer"),
        pytest.param({"type": "number", "minimum": 2.5}, 2.5, id="smallest"),
        pytest.param({"type": "boolean"}, False, id="flag"),
        pytest.param({"type": "array"}, [], id="list"),
        pytest.param({"type": "object"}, {}, id="object"),
        pytest.param({"type": ["string", "null"]}, "text", id="one-of-types"),
        pytest.param({"enum": ["a", "b"]}, "a", id="choice"),
        pytest.param({"const": 7}, 7, id="constant"),
        pytest.param({"type": "string"}, "text", id="text"),
        pytest.param({"type": "string", "default": "d"}, "d", id="default"),
        pytest.param(SECRET, "***", id="secret"),
    ],
)
def test_everything_can_be_made_up(part: dict[str, Any], value: Any) -> None:
    """A default counts; else it is the smallest, the first or an empty value of the type."""
    assert with_everything(schema(x=part)) == {"x": value}


@pytest.mark.parametrize("odd", [{}, {"properties": []}, {"properties": {"x": True}}])
def test_a_schema_that_says_nothing_needs_nothing(odd: dict[str, Any]) -> None:
    """Schemas of any form are taken."""
    assert with_everything(odd) == {}
