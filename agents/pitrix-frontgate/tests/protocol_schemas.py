"""Loads the agent protocol's schemas for the tests, of each version."""

import functools
import json
from pathlib import Path
from typing import Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

PROTOCOL: Final = Path(__file__).resolve().parents[2] / "protocol"
VERSIONS: Final = (1, 2)


def schemas(version: int) -> Path:
    """Return the folder with a version's schemas."""
    return PROTOCOL / "schemas" / f"v{version}"


def examples(version: int, kind: str, *names: str) -> list[Path]:
    """List a version's examples, ``valid`` or ``invalid``, of some schemas or of all."""
    folder = PROTOCOL / "examples" / f"v{version}" / kind
    return [path for name in names or ("*",) for path in sorted(folder.glob(f"{name}/*.json"))]


def title(path: Path) -> str:
    """Name an example: its version, its schema and itself."""
    return f"{path.parents[2].name}-{path.parent.name}-{path.stem}"


def version_of(example: Path) -> int:
    """Tell which version an example is of."""
    return int(example.parents[2].name.removeprefix("v"))


def names(version: int) -> list[str]:
    """Name every schema of a version."""
    return sorted(path.name.removesuffix(".schema.json") for path in schemas(version).iterdir())


@functools.cache
def validator(name: str, version: int = 2) -> Draft202012Validator:
    """Build the validator of one schema, which may refer to the others of its version."""
    registry = Registry().with_resources(_resources(version))
    return Draft202012Validator({"$ref": f"{name}.schema.json"}, registry=registry)


def _resources(version: int) -> list[tuple[str, Resource]]:
    return [
        (path.name, Resource.from_contents(json.loads(path.read_text())))
        for path in sorted(schemas(version).iterdir())
    ]
