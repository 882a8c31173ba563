"""Looks at a repo before it is registered: what its index lists, and what can be read of it."""

from typing import Final

import attrs

from pitrix_core.catalog.recognise import read_package
from pitrix_core.errors import PitrixError, RepoError
from pitrix_core.findings import Finding, Level
from pitrix_core.package import IndexEntry, check_digest
from pitrix_core.package.index import IndexReader
from pitrix_core.package.limits import DEFAULT_LIMITS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.plugins.repo_kinds import OpenRepo

#: Entries that are shown, packages that are read, and findings that are kept.
_SHOWN: Final = 10
_READ: Final = 3
_FINDINGS: Final = 50


@attrs.frozen(kw_only=True)
class FoundEntry:
    """A version that an index lists."""

    name: str
    version: str
    description: str


@attrs.frozen(kw_only=True)
class RepoFound:
    """What was found in a repo; nothing of it is stored."""

    #: How it is read.
    kind: str
    apps: int
    versions: int
    #: Types of the packages that were read to find out.
    app_types: tuple[str, ...]
    #: The first ones.
    entries: tuple[FoundEntry, ...]
    #: What is wrong, in the index and in these packages; the first ones.
    findings: tuple[Finding, ...]


def inspect_repo(source: OpenRepo, registry: PluginRegistry, *, kind: str) -> RepoFound:
    """Read a repo's index, and the packages it lists first.

    :raises RepoError: the index cannot be read.
    :raises PackageInvalidError: it is none.
    """
    index = source.read_index()
    if index is None:
        raise RepoError("The repo answers that its index has not changed, but nobody knows it yet.")
    names: set[str] = set()
    first: list[IndexEntry] = []
    findings: list[Finding] = []
    versions = 0
    with index:
        for item in IndexReader(index.file):
            if isinstance(item, Finding):
                findings += [item] if len(findings) < _FINDINGS else []
                continue
            versions += 1
            names.add(item.name)
            first += [item] if len(first) < _SHOWN else []
    app_types: set[str] = set()
    for entry in first[:_READ]:
        try:
            app_types.add(_type_of(source, registry, entry))
        except PitrixError as ex:
            findings.append(_unreadable(entry, ex))
    return RepoFound(
        kind=kind,
        apps=len(names),
        versions=versions,
        app_types=tuple(sorted(app_types)),
        entries=tuple(
            FoundEntry(name=entry.name, version=entry.version, description=entry.description)
            for entry in first
        ),
        findings=tuple(findings),
    )


def _type_of(source: OpenRepo, registry: PluginRegistry, entry: IndexEntry) -> str:
    content = source.read(entry.urls[0], limit_bytes=DEFAULT_LIMITS.archive_bytes)
    if entry.digest:
        check_digest(content, entry.digest, by="The index", next_step="Build the index again.")
    return read_package(content, registry.app_types()).app_type.name


def _unreadable(entry: IndexEntry, ex: PitrixError) -> Finding:
    about = f"{entry.name} {entry.version}"
    return Finding(
        level=Level.WARNING,
        code=ex.code,
        message=f"{about}: {ex.message}",
        file=about,
        next_step=ex.next_step,
    )
