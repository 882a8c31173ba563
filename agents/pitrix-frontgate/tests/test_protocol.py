"""The agent protocol's schemas hold for their version's examples, of which each has both kinds."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from protocol_schemas import VERSIONS, examples, names, schemas, title, validator, version_of

ALL = [(version, name) for version in VERSIONS for name in names(version)]
VALID = [path for version in VERSIONS for path in examples(version, "valid")]
INVALID = [path for version in VERSIONS for path in examples(version, "invalid")]


@pytest.mark.parametrize(("version", "name"), ALL)
def test_a_schema_is_itself_valid(version: int, name: str) -> None:
    """Every schema obeys the meta-schema and carries its file's name as its id."""
    schema = json.loads((schemas(version) / f"{name}.schema.json").read_text())

    Draft202012Validator.check_schema(schema)

    assert schema["$id"] == f"{name}.schema.json"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_every_schema_has_examples(version: int, kind: str) -> None:
    """No schema is without an example that it accepts and one that it rejects."""
    shown = {path.parent.name for path in examples(version, kind)}

    assert set(names(version)) - {"common"} == shown


@pytest.mark.parametrize("example", VALID, ids=title)
def test_a_valid_example_is_accepted(example: Path) -> None:
    """An example under ``valid`` has no finding."""
    schema = validator(example.parent.name, version_of(example))

    assert list(schema.iter_errors(json.loads(example.read_text()))) == []


@pytest.mark.parametrize("example", INVALID, ids=title)
def test_an_invalid_example_is_rejected(example: Path) -> None:
    """An example under ``invalid`` has exactly one fault, and it is found."""
    schema = validator(example.parent.name, version_of(example))

    assert len(list(schema.iter_errors(json.loads(example.read_text())))) == 1
