"""Reads repository indexes: ``index.yaml`` as Helm and OpenPitrix write it.

An index is often far from perfect and still useful, so a bad entry becomes a finding and the others
are kept; only what is no index at all is an error.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject
from pitrix_core.package.metadata import is_name, objects_of, text_of, texts_of
from pitrix_core.package.semver import Version
from pitrix_core.package.yaml import parse_yaml
from pitrix_core.validation import pointer_to

INDEX_FILE: Final = "index.yaml"
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})", re.ASCII)
#: Members with a field of their own in :class:`IndexEntry`.
_KNOWN: Final = frozenset(
    {
        *("name", "version", "app_version", "appVersion", "description", "digest", "urls"),
        *("created", "home", "icon", "keywords", "maintainers", "sources", "screenshots"),
    }
)


@attrs.frozen(kw_only=True)
class IndexEntry:
    """One version of one package."""

    name: str
    version: str
    #: Where the archive is; relative to the index, or absolute. At least one.
    urls: tuple[str, ...]
    #: ``sha256:…``; empty where the index names none.
    digest: str = ""
    app_version: str = ""
    description: str = ""
    #: As written; often no valid time.
    created: str = ""
    home: str = ""
    icon: str = ""
    keywords: tuple[str, ...] = ()
    maintainers: tuple[JsonObject, ...] = ()
    sources: tuple[str, ...] = ()
    screenshots: tuple[str, ...] = ()
    #: Members this program does not know, kept when an index is written again.
    extra: JsonObject = attrs.field(factory=dict)

    @functools.cached_property
    def semver(self) -> Version:
        """The version, comparable."""
        return Version.parse(self.version)


@attrs.frozen(kw_only=True)
class IndexEntries:
    """What an index lists."""

    #: By name, the newest version first.
    entries: tuple[IndexEntry, ...]
    #: What was left out or looks wrong.
    findings: tuple[Finding, ...] = ()
    #: As written.
    generated: str = ""


def read_index(text: str, *, file: str = INDEX_FILE) -> IndexEntries:
    """Read an index.

    :param file: for the findings.
    :raises PackageInvalidError: it is not YAML, unsafe to read, or no index at all.
    """
    document = parse_yaml(text, file=file)
    if not isinstance(document, dict) or "entries" not in document:
        finding = _finding(file, ("entries",), "this is not an index: it has no entries")
        raise PackageInvalidError(f"{file}: {finding.message}", findings=[finding])
    found: dict[tuple[str, str], IndexEntry] = {}
    findings: list[Finding] = []
    for item in _items(document["entries"], file):
        if isinstance(item, Finding):
            findings.append(item)
        elif (item.name, item.version) in found:
            at = ("entries", item.name)
            findings.append(_finding(file, at, f"version {item.version} is listed twice"))
        else:
            found[item.name, item.version] = item
    return IndexEntries(
        entries=ordered(found.values()),
        findings=tuple(findings),
        generated=text_of(document, "generated"),
    )


def ordered(entries: Any) -> tuple[IndexEntry, ...]:
    """Return entries by name, the newest version first."""
    newest_first = sorted(entries, key=lambda entry: entry.semver, reverse=True)
    return tuple(sorted(newest_first, key=lambda entry: entry.name))


def _items(entries: Any, file: str) -> Iterator[IndexEntry | Finding]:
    if not isinstance(entries, dict):
        if entries not in ("", "null", "~"):  # nothing is written as one of these
            yield _finding(file, ("entries",), "this should map names to lists of versions")
        return
    for name, versions in entries.items():
        if not isinstance(versions, list):
            yield _finding(file, ("entries", name), "this should be a list of versions")
            continue
        for number, version in enumerate(versions):
            yield _item(name, version, file=file, at=("entries", name, number))


def _item(
    name: object, document: Any, *, file: str, at: tuple[object, ...]
) -> IndexEntry | Finding:
    if not isinstance(document, dict):
        return _finding(file, at, "this should be an object")
    fault = _fault(name, document)
    if fault is not None:
        return _finding(file, (*at, fault[0]), fault[1])
    digest = _DIGEST.fullmatch(text_of(document, "digest"))
    return IndexEntry(
        name=str(name),
        version=document["version"],
        urls=texts_of(document, "urls"),
        digest=f"sha256:{digest.group(1).lower()}" if digest else "",
        app_version=text_of(document, "app_version", "appVersion"),
        description=text_of(document, "description"),
        created=text_of(document, "created"),
        home=text_of(document, "home"),
        icon=text_of(document, "icon"),
        keywords=texts_of(document, "keywords"),
        maintainers=objects_of(document, "maintainers"),
        sources=texts_of(document, "sources"),
        screenshots=texts_of(document, "screenshots"),
        extra={key: value for key, value in document.items() if key not in _KNOWN},
    )


def _fault(name: object, document: JsonObject) -> tuple[str, str] | None:
    """Return the member that keeps an entry from being used, and why."""
    if not is_name(name) or document.get("name", name) != name:
        return "name", "it is not a package's name, or not the one it is listed under"
    if not texts_of(document, "urls"):
        return "urls", "there is no address to fetch it from"
    digest = text_of(document, "digest")
    if digest and not _DIGEST.fullmatch(digest):
        return "digest", "this is not a SHA-256 in hexadecimal digits"
    try:
        Version.parse(text_of(document, "version"))
    except ValueError as ex:
        return "version", str(ex)
    return None


def _finding(file: str, at: tuple[object, ...], message: str) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="index.entry",
        message=message,
        pointer=pointer_to(at),
        file=file,
        next_step="The entry is left out; its repository has to be repaired.",
    )
