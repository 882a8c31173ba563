"""Repos in a registry of OCI artifacts, as Helm keeps charts there: ``oci://HOST/PATH``.

There is no index: one is made of the tags and of what the artifacts say. A tag is a version, with
``_`` for ``+``, which tags cannot hold.
Source: https://helm.sh/docs/topics/registries/, read 2026-08.
"""

import datetime as dt
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs

from pitrix_core.catalog.fetcher import parse_url
from pitrix_core.catalog.sources.registry import MANIFEST, Blob, Manifest, Registry
from pitrix_core.contracts.repo import (
    INDEX_LIMIT_BYTES,
    Fetcher,
    IndexFile,
    Release,
    RepoKind,
    TlsSettings,
    spooled,
)
from pitrix_core.errors import (
    InvalidInputError,
    PackageDigestError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
)
from pitrix_core.package import Version
from pitrix_core.package.publish import document_of, entry_of
from pitrix_core.package.signature import SIGNATURE_SUFFIX

log = logging.getLogger(__name__)

#: Media types of Helm's charts. Source: helm.sh/helm/v3, pkg/registry/constants.go, read 2026-08.
CONFIG: Final = "application/vnd.cncf.helm.config.v1+json"
CONTENT: Final = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
#: Ours, for the signature beside the archive.
SIGNATURE: Final = "application/vnd.pitrix.signature.v1"
_CONFIG_LIMIT_BYTES: Final = 1024 * 1024
#: Versions that an index is made of, two requests for each.
_VERSIONS_LIMIT: Final = 5000
#: Source: the distribution specification, "Pulling manifests".
_NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)


@attrs.frozen(kw_only=True)
class OciSettings(TlsSettings):
    """How a registry is talked to, and what of it is the repo."""

    charts: tuple[str, ...] = attrs.field(
        default=(),
        metadata={
            "description": "Names below the repo's path; left out, the path itself, or all below "
            "it where the registry lists them"
        },
    )
    plain_http: bool = attrs.field(
        default=False, metadata={"description": "Whether the registry serves no TLS"}
    )


@attrs.frozen(kw_only=True)
class OciCredential:
    """An account at a registry; a token is given as its password."""

    username: str = ""
    password: str = attrs.field(default="", repr=False)


class OciKind(RepoKind):
    """Charts, and other packages, in a registry."""

    schemes: ClassVar[tuple[str, ...]] = ("oci",)
    settings: ClassVar[type] = OciSettings
    credential: ClassVar[type] = OciCredential

    def __init__(
        self, url: str, *, settings: OciSettings, credential: OciCredential, fetcher: Fetcher
    ) -> None:
        """Take host and path from the URL."""
        host, self._path = _place(url)
        self._place = f"oci://{host}"
        self._charts = tuple(_below(self._path, chart) for chart in settings.charts)
        self._registry = Registry(
            f"{'http' if settings.plain_http else 'https'}://{host}",
            fetcher=fetcher.with_tls(settings.tls()),
            username=credential.username,
            password=credential.password,
        )

    def read_index(self, known: str | None) -> IndexFile | None:
        """List the tags, and make an index of what is new; its tag is their digest."""
        versions = self._versions()
        text = "\n".join(f"{name}:{tag}" for name, tags in versions.items() for tag in tags)
        tag = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        if tag == known:
            return None
        return IndexFile(tag=tag, file=spooled(self._bounded(self._lines(versions))))

    def _bounded(self, lines: Iterable[str]) -> Iterator[bytes]:
        left = INDEX_LIMIT_BYTES
        for line in lines:
            left -= len(line)  # JSON's are ASCII
            if left < 0:
                raise RepoError(
                    f"The index of {self._place}/{self._path} would be larger than "
                    f"{INDEX_LIMIT_BYTES} bytes.",
                    next_step="Name some of its charts in the repo's settings: charts.",
                )
            yield line.encode()

    def _lines(self, versions: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Write an index in JSON, one version after the other: many need not fit into memory."""
        charts: dict[str, list[tuple[str, str]]] = {}
        for name, tags in versions.items():
            charts.setdefault(name.rpartition("/")[2], []).extend((name, tag) for tag in tags)
        yield '{"apiVersion": "v1", "entries": {'
        for number, (chart, tagged) in enumerate(charts.items()):
            yield f"{',' if number else ''}\n{json.dumps(chart)}: ["
            for place, (name, tag) in enumerate(tagged):
                yield f"{',' if place else ''}\n{json.dumps(self._entry(name, tag))}"
            yield "]"
        yield "}}"

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Read the archive that a tag stands for, or its signature."""
        bare = address.removesuffix(SIGNATURE_SUFFIX)
        name, tag = self._named(bare)
        wanted = CONTENT if bare == address else SIGNATURE
        blob = _part(self._registry.manifest(name, tag), wanted, of=bare)
        return self._registry.blob(name, blob, limit_bytes=limit_bytes)

    def push(self, release: Release) -> None:
        """Put a package under the tag of its version."""
        entry = entry_of(release.archive, release.file_name, now=dt.datetime.now(dt.UTC))
        name, tag = f"{self._path}/{entry.name}".lstrip("/"), entry.version.replace("+", "_")
        known = self._known(name, tag)
        content = Blob.of(release.archive, CONTENT)
        before = known.layer(CONTENT) if known else None
        if before is not None and before.digest != content.digest:
            raise PackageDigestError(
                f"{self._place}/{name}:{tag} is there already, with other bytes.",
                next_step="A released version never changes: raise the version.",
            )
        said = {"apiVersion": "v2", **document_of(entry)}
        config = json.dumps({key: said[key] for key in said if key not in _NOT_OF_CHARTS}).encode()
        parts = [(CONFIG, config), (CONTENT, release.archive)]
        parts += [(SIGNATURE, release.signature)] if release.signature is not None else []
        for _, part in parts:
            self._registry.put_blob(name, part)
        described = [Blob.of(part, media_type).document() for media_type, part in parts]
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described[0],
            "layers": described[1:],
            "annotations": {
                "org.opencontainers.image.title": entry.name,
                "org.opencontainers.image.version": entry.version,
            },
        }
        self._registry.put_manifest(name, tag, document)

    def _known(self, name: str, tag: str) -> Manifest | None:
        try:
            return self._registry.manifest(name, tag)
        except RepoNotFoundError:
            return None

    def _versions(self) -> dict[str, list[str]]:
        """Return the tags that are versions, by the names of what they are versions of.

        :raises RepoError: there are too many.
        """
        found = {
            name: sorted(tag for tag in tags if _TAG.fullmatch(tag) and _is_version(tag))
            for name, tags in self._listed()
        }
        if sum(map(len, found.values())) > _VERSIONS_LIMIT:
            raise RepoError(
                f"{self._place}/{self._path} has more than {_VERSIONS_LIMIT} versions.",
                next_step="Name some of its charts in the repo's settings: charts.",
            )
        return found

    def _listed(self) -> list[tuple[str, list[str]]]:
        if self._charts:
            return [(name, self._registry.tags(name)) for name in self._charts]
        if self._path:
            try:
                return [(self._path, self._registry.tags(self._path))]
            except RepoNotFoundError:
                pass
        prefix = f"{self._path}/" if self._path else ""
        names = [name for name in self._registry.names() if name.startswith(prefix)]
        if not names:
            raise RepoNotFoundError(
                f"{self._place}/{self._path} has no charts that the registry lists.",
                next_step="Name them in the repo's settings: charts.",
            )
        return [(name, self._registry.tags(name)) for name in sorted(names)]

    def _entry(self, name: str, tag: str) -> dict[str, Any]:
        """Return what an index says of a tag; without an address where it cannot be read."""
        entry = {"name": name.rpartition("/")[2], "version": tag.replace("_", "+")}
        try:
            manifest = self._registry.manifest(name, tag)
            content = _part(manifest, CONTENT, of=f"{name}:{tag}")
            said = self._said(name, manifest)
        except RepoTemporaryError:
            raise
        except RepoError as ex:
            log.warning("%s:%s is left out: %s", name, tag, ex, extra={"action": "repo.oci"})
            return entry
        address = f"{self._place}/{name}:{tag}"
        return {**said, **entry, "urls": [address], "digest": content.digest}

    def _said(self, name: str, manifest: Manifest) -> Mapping[str, Any]:
        if manifest.config.media_type != CONFIG:
            return {}
        content = self._registry.blob(name, manifest.config, limit_bytes=_CONFIG_LIMIT_BYTES)
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as ex:
            raise RepoError("its configuration is no JSON") from ex
        return found if isinstance(found, dict) else {}

    def _named(self, address: str) -> tuple[str, str]:
        """Return the name and the tag of an address, which is one of this registry."""
        bare = address.removeprefix(f"{self._place}/")
        name, _, tag = bare.rpartition(":")
        inside = name == self._path or name.startswith(f"{self._path}/" if self._path else "")
        if not inside or not _is_name(name) or not _TAG.fullmatch(tag):
            raise RepoError(f"{address!r} is not inside of {self._place}/{self._path}.")
        return name, tag


#: Members of an index's entry that a chart does not say of itself.
_NOT_OF_CHARTS: Final = frozenset({"urls", "digest", "created", "screenshots"})


def _place(url: str) -> tuple[str, str]:
    """Return the host and the path of a repo's URL.

    :raises InvalidInputError: it cannot be one.
    """
    try:
        parts = parse_url("https://" + url.removeprefix("oci://"))
    except RepoError as ex:
        raise InvalidInputError(ex.message, pointer="/url", next_step=ex.next_step) from ex
    path = parts.path.strip("/")
    if parts.query or (path and not _is_name(path)):
        raise InvalidInputError(
            f"{url!r} is no place in a registry.",
            pointer="/url",
            next_step="Name it without a tag, in small letters: oci://HOST/PATH",
        )
    return parts.netloc, path


def _part(manifest: Manifest, media_type: str, *, of: str) -> Blob:
    found = manifest.layer(media_type)
    if found is None:
        raise RepoNotFoundError(f"{of} has no part of the kind {media_type}.")
    return found


def _below(path: str, chart: str) -> str:
    name = f"{path}/{chart}".lstrip("/")
    if not _is_name(name):
        raise InvalidInputError(f"{chart!r} is no name in a registry.", pointer="/settings/charts")
    return name


def _is_name(text: str) -> bool:
    return len(text) <= 255 and all(_NAME.fullmatch(part) for part in text.split("/"))  # noqa: PLR2004  # the specification's advice


def _is_version(tag: str) -> bool:
    try:
        Version.parse(tag.replace("_", "+"))
    except ValueError:
        return False
    return True
