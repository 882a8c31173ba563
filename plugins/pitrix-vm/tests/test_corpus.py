"""Packages that others wrote: none may crash us, and nearly all have to be usable.

They are not part of this repository: ``PITRIX_SHARED`` names the folder whose ``corpus`` holds
them. The share that can be planned is in the report as the property ``planned``.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from vm_packages import VM, metadata_request, planned, snapshot

from pitrix_core.errors import PackageInvalidError, PlanRefusedError, TemplateRenderError
from pitrix_core.package import Package, violations

#: Share of the packages that have to be read and planned with their defaults.
LEAST_SHARE = 0.95
#: Packages at least that have a health check or a monitor.
LEAST_SUPERVISED = 20


def corpus() -> Path:
    """Return the folder of the corpus; skips where there is none."""
    folder = Path(os.environ.get("PITRIX_SHARED", "/nonexistent")) / "corpus"
    if not folder.is_dir():
        pytest.skip("needs FOLDER/corpus: PITRIX_SHARED=FOLDER pytest tests/test_corpus.py")
    return folder


def packages() -> Iterator[tuple[str, Package]]:
    """Return every package of the corpus, with a name for those that have none."""
    for config in sorted(corpus().glob("[ao]p*/**/config.json")):
        files = {
            path.relative_to(config.parent).as_posix(): path.read_bytes()
            for path in config.parent.rglob("*")
            if path.is_file()
        }
        files.setdefault("package.json", b'{"name": "app", "version": "1.0.0"}')
        yield str(config.parent), Package(digest="sha256:0", files=files)


def defaults_of(schema: Mapping[str, Any]) -> Any:
    """Return the configuration of a user who fills in nothing."""
    if "properties" not in schema:
        return schema["default"]
    members = schema["properties"].items()
    return {k: defaults_of(v) for k, v in members if "default" in v or "properties" in v}


def outcome(package: Package) -> str | None:
    """Plan a package with its defaults; return why it is refused, or None."""
    try:
        draft = planned(VM.parse(package))
    except (PackageInvalidError, PlanRefusedError) as ex:
        return str(ex) if ex.findings else "refused without a finding"
    except TemplateRenderError as ex:
        return str(ex)
    return None if draft.nodes else "no machine"


def test_packages_of_others_are_planned_with_their_defaults(
    record_property: Callable[[str, object], None],
) -> None:
    """Nearly all are; the others are refused, and nothing crashes."""
    outcomes = {name: outcome(package) for name, package in packages()}

    refused = {name: reason for name, reason in outcomes.items() if reason}
    record_property("planned", f"{len(outcomes) - len(refused)} of {len(outcomes)}")
    record_property("refused", refused)
    assert len(outcomes) - len(refused) >= LEAST_SHARE * len(outcomes), refused


def test_defaults_of_others_fulfil_their_own_schemas() -> None:
    """A user who fills in nothing lacks only what has to be given."""
    codes = {
        finding.code
        for name, package in packages()
        if outcome(package) is None
        for schema in (VM.config_schema(VM.parse(package)),)
        for finding in violations(defaults_of(schema), schema, file=name)
    }

    assert codes <= {"schema.required"}


def test_what_others_supervise_keeps_to_the_protocol() -> None:
    """Every drone can read what it is told; many packages have something to tell."""
    file = Path(__file__).parents[3] / "agents/protocol/schemas/v2/supervision.schema.json"
    if not file.is_file():
        pytest.skip("in a checkout, for agents/protocol/schemas: cd plugins/pitrix-vm && pytest")
    schemas = [json.loads(path.read_text("utf-8")) for path in file.parent.iterdir()]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    validator = Draft202012Validator({"$ref": file.name}, registry=registry)
    told = {
        (name, text)
        for name, package in packages()
        if outcome(package) is None
        for text in supervision_of(package)
    }

    faults = [(n, error) for n, text in told for error in validator.iter_errors(json.loads(text))]
    assert faults == []
    assert len({name for name, _ in told}) >= LEAST_SUPERVISED


def supervision_of(package: Package) -> Iterator[str]:
    """Return what the drones of a package's nodes are told."""
    spec = VM.parse(package)
    current = snapshot(planned(spec))
    metadata = VM.metadata(spec, metadata_request(current))
    for leaves in metadata.nodes.values():
        if "agent/supervision" in leaves:
            yield str(leaves["agent/supervision"])


def test_damaged_packages_of_others_are_refused_with_findings() -> None:
    """However a file is cut or mixed up, nothing but our own error comes of it."""
    random = Random(2026)  # noqa: S311  the same damage every time
    for _, package in packages():
        files = dict(package.files)
        name = random.choice(sorted(files))
        files[name] = damaged(files[name], random)
        reason = outcome(Package(digest="sha256:0", files=files))

        assert reason != "refused without a finding"


def damaged(content: bytes, random: Random) -> bytes:
    """Return a file with a few pieces of it copied, cut out or overwritten."""
    broken = bytearray(content)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(broken) + 1)
        piece = broken[start : start + random.randint(1, 40)]
        at = random.randrange(len(broken) + 1)
        end = at + random.choice((0, len(piece), 3))
        broken[at:end] = random.choice((piece, b"", b"null", b'"x"', b"-1"))
    return bytes(broken)
