"""What differs between two packages, and what of it hurts those who use the first one."""

from collections.abc import Iterator, Sequence

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.cli.authoring.comparison import Change, changes, union
from pitrix_core.cli.authoring.parameters import (
    parameter_changes,
    parameter_findings,
    parameters_of,
)
from pitrix_core.cli.authoring.rendering import hidden, rendered_by_default, schema_of
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.convert import to_json
from pitrix_core.errors import PackageError
from pitrix_core.findings import Finding, Level


@attrs.frozen(kw_only=True)
class Difference:
    """Two packages, compared."""

    #: What they say about themselves, their app types and dialects.
    metadata: tuple[Change, ...] = ()
    #: By path; the sizes in bytes.
    files: tuple[Change, ...] = ()
    #: By pointer; what they may be.
    parameters: tuple[Change, ...] = ()
    #: By ``FILE#POINTER``, rendered for a user who fills in nothing.
    documents: tuple[Change, ...] = ()
    #: What users of the first one have to know; what could not be compared.
    findings: tuple[Finding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the packages hold the same files."""
        return not (self.metadata or self.files or self.parameters or self.documents)


def difference(before: ReadPackage, after: ReadPackage) -> Difference:
    """Compare two packages.

    :raises PackageError: an app type fails to describe the configuration of one.
    """
    old, new = (list(parameters_of(schema_of(package))) for package in (before, after))
    documents, failures = _documents(before, after)
    return Difference(
        metadata=tuple(changes(_metadata(before), _metadata(after))),
        files=tuple(_files(before.reader, after.reader)),
        parameters=tuple(parameter_changes(old, new)),
        documents=tuple(documents),
        findings=(*parameter_findings(old, new), *_upgrade(before, after), *failures),
    )


def _metadata(package: ReadPackage) -> dict[str, object]:
    said = {name: value for name, value in to_json(package.spec.info).items() if value}
    return {**said, "app_type": package.app_type.name, "dialect": package.spec.dialect}


def _files(before: PackageReader, after: PackageReader) -> Iterator[Change]:
    old, new = before.index.files, after.index.files
    for path in sorted(union(old, new)):
        if path not in new:
            yield Change(at=path, kind="removed", before=old[path])
        elif path not in old:
            yield Change(at=path, kind="added", after=new[path])
        elif before.read_bytes(path) != after.read_bytes(path):
            yield Change(at=path, kind="changed", before=old[path], after=new[path])


def _documents(
    before: ReadPackage, after: ReadPackage
) -> tuple[Sequence[Change], Sequence[Finding]]:
    try:
        old, new = (hidden(rendered_by_default(package)) for package in (before, after))
    except PackageError as ex:
        message = f"the documents were not compared: {ex.message}"
        return [], [Finding(level=Level.WARNING, code="upgrade.documents", message=message)]
    found: list[Change] = []
    for file in union(old, new):
        place = f"{file}#"
        if file not in new:
            found.append(Change(at=place, kind="removed", before=old[file]))
        elif file not in old:
            found.append(Change(at=place, kind="added", after=new[file]))
        else:
            found += changes(old[file], new[file], at=place)
    return found, []


def _upgrade(before: ReadPackage, after: ReadPackage) -> list[Finding]:
    if before.app_type is not after.app_type:
        message = f"the app type was {before.app_type.name} and is {after.app_type.name}"
        return [Finding(level=Level.WARNING, code="upgrade.app_type", message=message)]
    with asking(after.app_type, to="compare the packages"):
        return list(after.app_type.upgrade_findings(before.spec, after.spec))
