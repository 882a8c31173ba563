"""Writes a folder's ``index.yaml`` from the archives in it, keeping what it listed before."""

import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from pitrix_core.errors import PackageArchiveError, PackageDigestError, PackageInvalidError
from pitrix_core.package.archive import archive_bytes, read_archive
from pitrix_core.package.index import INDEX_FILE, IndexEntries, IndexEntry, ordered, read_index
from pitrix_core.package.limits import DEFAULT_LIMITS, Limits
from pitrix_core.package.metadata import describe

_PATTERNS: Final = ("*.tgz", "*.tar.gz", "*.zip")


def write_index(folder: Path, *, now: dt.datetime, limits: Limits = DEFAULT_LIMITS) -> IndexEntries:
    """List every archive of a folder in its ``index.yaml``, beside what is listed there already.

    An entry of the same name, version and digest is kept as it is; one without a digest gets its
    archive's. The file is replaced at once or not at all.

    :param now: aware UTC; the time the index and its new entries get.
    :returns: what is listed now.
    :raises PackageDigestError: an archive differs from what the index lists under its name and
        version, or under its file name; or two archives say they are the same version.
    :raises PackageArchiveError: an archive cannot be read, and the message names it; or there is no
        such folder.
    :raises PackageInvalidError: an archive does not say its name and version, or the index that is
        there cannot be read.
    """
    if not folder.is_dir():
        raise PackageArchiveError(f"{folder}: there is no such folder")
    path = folder / INDEX_FILE
    before = _listed(path)
    found = [
        entry_of(archive_bytes(archive, limits=limits), archive.name, now=now, limits=limits)
        for archive in _archives(folder)
    ]
    after = with_entries(before, found, now=now)
    replace_file(path, dump_index(after).encode())
    return after


def with_entries(
    listed: IndexEntries, found: Sequence[IndexEntry], *, now: dt.datetime
) -> IndexEntries:
    """Return an index that lists archives, too.

    :param found: as :func:`entry_of` describes them.
    :raises PackageDigestError: one differs from what is listed under its name and version, or
        under its file name, or from another one.
    """
    entries = {(entry.name, entry.version): entry for entry in listed.entries}
    for entry in found:
        known = entries.setdefault((entry.name, entry.version), entry)
        _require_same(known, entry)
        if not known.digest and entry.urls[0] in known.urls:
            entries[entry.name, entry.version] = attrs.evolve(known, digest=entry.digest)
    _require_listed_files(listed.entries, found)
    return IndexEntries(
        entries=ordered(entries.values()), findings=listed.findings, generated=_stamp(now)
    )


def _stamp(now: dt.datetime) -> str:
    return now.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def dump_index(index: IndexEntries) -> str:
    """Return an index as text, in the form Helm and OpenPitrix read."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for entry in index.entries:
        entries.setdefault(entry.name, []).append(document_of(entry))
    document = {"apiVersion": "v1", "generated": index.generated, "entries": entries}
    return yaml.safe_dump(document, sort_keys=True, allow_unicode=True, width=100)


def _listed(path: Path) -> IndexEntries:
    if not path.exists():
        return IndexEntries(entries=())
    # NOTE(encoding): bytes that are not UTF-8 become a character that YAML or a name refuses
    return read_index(path.read_bytes().decode("utf-8", "replace"))


def _archives(folder: Path) -> list[Path]:
    return sorted({path for pattern in _PATTERNS for path in folder.glob(pattern)})


def entry_of(
    content: bytes, file_name: str, *, now: dt.datetime, limits: Limits = DEFAULT_LIMITS
) -> IndexEntry:
    """Return what an index says of an archive.

    :param file_name: the archive's, beside the index.
    :raises PackageArchiveError: it cannot be read.
    :raises PackageInvalidError: it does not say its name and version.
    """
    try:
        package = read_archive(content, limits=limits)
        info = describe(package)
    except PackageArchiveError as ex:
        raise PackageArchiveError(f"{file_name}: {ex}", next_step=ex.next_step) from ex
    except PackageInvalidError as ex:
        raise PackageInvalidError(f"{file_name}: {ex}", findings=ex.findings) from ex
    return IndexEntry(
        name=info.name,
        version=info.version,
        urls=(file_name,),
        digest=package.digest,
        created=_stamp(now),
        app_version=info.app_version,
        description=info.description,
        home=info.home,
        icon=info.icon,
        keywords=info.keywords,
        maintainers=info.maintainers,
        sources=info.sources,
        screenshots=info.screenshots,
        title=info.title,
        categories=info.categories,
    )


def _require_listed_files(listed: Iterable[IndexEntry], found: Iterable[IndexEntry]) -> None:
    """Refuse a file that an entry names, and that holds another package by now.

    :raises PackageDigestError: there is one.
    """
    files = {entry.urls[0]: entry for entry in found}
    for entry in listed:
        for url in entry.urls:
            if url in files:
                _require_same(entry, files[url])


def _require_same(listed: IndexEntry, found: IndexEntry) -> None:
    """Compare what the index lists with what lies in the folder.

    :raises PackageDigestError: they differ.
    """
    if listed.digest and listed.digest != found.digest:
        raise PackageDigestError(
            f"{found.urls[0]}: {listed.name} {listed.version} is listed with {listed.digest}, and "
            f"this archive has {found.digest}",
            next_step="A released version never changes: raise the version, or remove the "
            "old archive and its entry.",
        )


def document_of(entry: IndexEntry) -> dict[str, Any]:
    """Return an entry as an index says it, without what is empty."""
    fields: Mapping[str, Any] = {
        "name": entry.name,
        "version": entry.version,
        "appVersion": entry.app_version,
        "description": entry.description,
        "created": entry.created,
        "digest": entry.digest.removeprefix("sha256:"),
        "urls": list(entry.urls),
        "home": entry.home,
        "icon": entry.icon,
        "keywords": list(entry.keywords),
        "maintainers": [dict(maintainer) for maintainer in entry.maintainers],
        "sources": list(entry.sources),
        "screenshots": list(entry.screenshots),
        "title": entry.title,
        "categories": list(entry.categories),
    }
    return {**entry.extra, **{name: value for name, value in fields.items() if value}}


def replace_file(path: Path, content: bytes) -> None:
    """Write a file at once or not at all.

    :raises OSError: it cannot be written.
    """
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        staged.write_bytes(content)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
