"""Packages that others wrote: none may crash us, and nearly all have to be usable.

They are not part of this repository: ``PITRIX_SHARED`` names the folder whose ``corpus`` holds
them. The share that can be planned is in the report as the property ``planned``.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vm_packages import VM, planned

from pitrix_core.errors import PackageInvalidError
from pitrix_core.package import Package, violations

#: Share of the packages that have to be read and planned with their defaults.
LEAST_SHARE = 0.95


def corpus() -> Path:
    """Return the folder of the corpus; skips where there is none."""
    folder = Path(os.environ.get("PITRIX_SHARED", "/nonexistent")) / "corpus"
    if not folder.is_dir():
        pytest.skip("run with PITRIX_SHARED=FOLDER, where FOLDER/corpus holds packages")
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


def outcome(package: Package) -> str | None:
    """Plan a package with its defaults; return why it is refused, or None."""
    try:
        draft = planned(VM.parse(package))
    except PackageInvalidError as ex:
        return str(ex) if ex.findings else "refused without a finding"
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


def test_forms_of_others_lack_only_what_has_to_be_given() -> None:
    """Their defaults fulfil their own schemas."""
    codes = {
        finding.code
        for name, package in packages()
        if outcome(package) is None
        for finding in violations({}, VM.config_schema(VM.parse(package)), file=name)
    }

    assert codes <= {"schema.required"}
