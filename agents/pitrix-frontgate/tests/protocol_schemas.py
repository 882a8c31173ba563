"""Loads the agent protocol's schemas for the tests."""

import functools
import json
from pathlib import Path
from typing import Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

PROTOCOL: Final = Path(__file__).resolve().parents[2] / "protocol"


def names() -> list[str]:
    """Name every schema."""
    return sorted(
        path.name.removesuffix(".schema.json") for path in (PROTOCOL / "schemas").iterdir()
    )


@functools.cache
def validator(name: str) -> Draft202012Validator:
    """Build the validator of one schema, which may refer to the others."""
    return Draft202012Validator(
        {"$ref": f"{name}.schema.json"}, registry=Registry().with_resources(_resources())
    )


def _resources() -> list[tuple[str, Resource]]:
    found = []
    for name in names():
        path = PROTOCOL / "schemas" / f"{name}.schema.json"
        found.append((path.name, Resource.from_contents(json.loads(path.read_text()))))
    return found
