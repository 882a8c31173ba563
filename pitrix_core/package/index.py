"""Reads repository indexes: ``index.yaml`` as Helm and OpenPitrix write it.

An index is often far from perfect and still useful, so a bad entry becomes a finding and the others
are kept; only what is no index at all is an error.
"""

import functools
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import attrs
import yaml

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject
from pitrix_core.package.metadata import categories_of, is_name, objects_of, text_of, texts_of
from pitrix_core.package.semver import Version
from pitrix_core.package.yaml import YamlFaultError, translated
from pitrix_core.package.yaml_stream import LeftOutError, YamlStream
from pitrix_core.validation import pointer_to

INDEX_FILE: Final = "index.yaml"
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})", re.ASCII)
#: Most apps and versions that an index may list: four times as many as the largest one known has.
ENTRIES_LIMIT: Final = 200_000
#: How much of a name is shown that may be none, in characters.
_SHOWN: Final = 64
_BEGINNINGS: Final = frozenset({yaml.StreamStartEvent, yaml.DocumentStartEvent})
#: Members with a field of their own in :class:`IndexEntry`.
_KNOWN: Final = frozenset(
    {
        *("name", "version", "app_version", "appVersion", "description", "digest", "urls"),
        *("created", "home", "icon", "keywords", "maintainers", "sources", "screenshots"),
        *("title", "categories"),
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
    title: str = ""
    categories: tuple[str, ...] = ()
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
    """Read an index whole.

    :param file: for the findings.
    :raises PackageInvalidError: it is not YAML, unsafe to read, or no index at all.
    """
    reader = IndexReader(io.BytesIO(text.encode("utf-8", "replace")), file=file)
    found = list(reader)
    return IndexEntries(
        entries=ordered(each for each in found if isinstance(each, IndexEntry)),
        findings=tuple(each for each in found if isinstance(each, Finding)),
        generated=reader.generated,
    )


class IndexReader:
    """Reads an index an entry at a time, in bounded memory; to be iterated over once.

    An app's entries come one after the other, and in the order in which they are listed. JSON is
    read as the YAML it is.
    """

    def __init__(
        self, content: BinaryIO, *, file: str = INDEX_FILE, limit: int = ENTRIES_LIMIT
    ) -> None:
        """Keep what is to be read; read nothing yet.

        :param file: for the findings.
        :param limit: most apps and versions that may be listed.
        """
        #: When the index says it was written; known at the end.
        self.generated = ""
        self._stream = YamlStream(content)
        self._file = file
        #: Name in small letters → how it was written first, and its versions so far.
        self._seen: dict[str, tuple[str, set[str]]] = {}
        self._room = limit

    def __iter__(self) -> Iterator[IndexEntry | Finding]:
        """Give each version that is listed, or what is wrong with it.

        :raises PackageInvalidError: it is not YAML, unsafe to read, or no index at all; what came
            before that place was given already.
        """
        with translated(self._file):
            yield from self._document()

    def _document(self) -> Iterator[IndexEntry | Finding]:
        stream, has_entries = self._stream, False
        while type(event := stream.next()) in _BEGINNINGS:
            pass
        if type(event) is yaml.MappingStartEvent:
            while type(event := stream.next()) is not yaml.MappingEndEvent:
                name = self._kept(event)
                if name == "entries":
                    has_entries = True
                    yield from self._apps(stream.next())
                elif name == "generated":
                    self.generated = str(self._kept(stream.next()))
                else:
                    self._kept(stream.next())
        if not has_entries:
            raise self._no_index()
        stream.next()  # the end of the document
        if type(event := stream.next()) is not yaml.StreamEndEvent:
            raise YamlFaultError("there is a second document", event)

    def _no_index(self) -> PackageInvalidError:
        finding = _finding(self._file, ("entries",), "this is not an index: it has no entries")
        return PackageInvalidError(f"{self._file}: {finding.message}", findings=[finding])

    def _apps(self, event: Any) -> Iterator[IndexEntry | Finding]:
        at = ("entries",)
        if type(event) is not yaml.MappingStartEvent:
            value = self._kept(event)
            if value not in ("", "null", "~"):  # nothing is written as one of these
                yield _finding(self._file, at, "this should map names to lists of versions")
            return
        while type(event := self._stream.next()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent:
                raise YamlFaultError("a name has to be a text", event)
            yield from self._app(event.value, self._stream.next())

    def _app(self, name: str, event: Any) -> Iterator[IndexEntry | Finding]:
        at = ("entries", name[:_SHOWN])
        self._count(event)
        first, versions = self._seen.setdefault(name.casefold(), (name, set()))
        if type(event) is not yaml.SequenceStartEvent or first != name:
            self._kept(event)
            differs = f"it differs from {first[:_SHOWN]!r} in case only"
            wrong = "this should be a list of versions" if first == name else differs
            yield _finding(self._file, at, wrong)
            return
        number = 0
        while type(event := self._stream.next()) is not yaml.SequenceEndEvent:
            self._count(event)
            item = self._item(name, event, at=(*at, number))
            number += 1
            if isinstance(item, Finding):
                yield item
            elif item.version in versions:
                yield _finding(self._file, at, f"version {item.version} is listed twice")
            else:
                versions.add(item.version)
                yield item

    def _count(self, event: Any) -> None:
        if not self._room:
            raise YamlFaultError("it lists more than is taken from one index", event)
        self._room -= 1

    def _item(self, name: str, event: Any, *, at: tuple[object, ...]) -> IndexEntry | Finding:
        try:
            document = self._stream.value(event)
        except LeftOutError as ex:
            return _finding(self._file, at, str(ex))
        return _item(name, document, file=self._file, at=at)

    def _kept(self, event: Any) -> Any:
        """Return a value; None where it is not to be kept."""
        try:
            return self._stream.value(event)
        except LeftOutError:
            return None


def ordered(entries: Any) -> tuple[IndexEntry, ...]:
    """Return entries by name, the newest version first."""
    newest_first = sorted(entries, key=lambda entry: entry.semver, reverse=True)
    return tuple(sorted(newest_first, key=lambda entry: entry.name))


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
        title=text_of(document, "title"),
        categories=categories_of(document),
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
