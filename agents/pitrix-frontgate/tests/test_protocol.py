"""The agent protocol's schemas hold for its examples, and each has examples of both kinds."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from protocol_schemas import PROTOCOL, names, validator

EXAMPLES = PROTOCOL / "examples"


def _examples(kind: str) -> list[Path]:
    return sorted((EXAMPLES / kind).glob("*/*.json"))


def _name(example: Path) -> str:
    return f"{example.parent.name}-{example.stem}"


@pytest.mark.parametrize("name", names())
def test_a_schema_is_itself_valid(name: str) -> None:
    """Every schema obeys the meta-schema and carries its file's name as its id."""
    schema = json.loads((PROTOCOL / "schemas" / f"{name}.schema.json").read_text())

    Draft202012Validator.check_schema(schema)

    assert schema["$id"] == f"{name}.schema.json"


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_every_schema_has_examples(kind: str) -> None:
    """No schema is without an example that it accepts and one that it rejects."""
    missing = set(names()) - {"common"} - {path.parent.name for path in _examples(kind)}

    assert missing == set()


@pytest.mark.parametrize("example", _examples("valid"), ids=_name)
def test_a_valid_example_is_accepted(example: Path) -> None:
    """An example under ``valid`` has no finding."""
    findings = list(validator(example.parent.name).iter_errors(json.loads(example.read_text())))

    assert findings == []


@pytest.mark.parametrize("example", _examples("invalid"), ids=_name)
def test_an_invalid_example_is_rejected(example: Path) -> None:
    """An example under ``invalid`` has exactly one fault, and it is found."""
    findings = list(validator(example.parent.name).iter_errors(json.loads(example.read_text())))

    assert len(findings) == 1
