"""Builds a package archive from a folder; the same folder gives the same bytes."""

import json
from collections.abc import Mapping
from pathlib import Path

import attrs

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import AppInfo
from pitrix_core.package.folder import folder_files
from pitrix_core.package.json import parse_json
from pitrix_core.package.limits import DEFAULT_LIMITS, Limits
from pitrix_core.package.metadata import CHART_FILE, PACKAGE_FILE, describe
from pitrix_core.package.pack import ArchiveFormat, pack
from pitrix_core.package.reader import Package, digest_of


@attrs.frozen(kw_only=True)
class Built:
    """An archive, ready to be written under its name."""

    content: bytes = attrs.field(repr=False)
    digest: str
    #: ``NAME-VERSION.tgz``, or ``.zip``.
    file_name: str
    info: AppInfo


def build_archive(
    folder: Path,
    *,
    name: str | None = None,
    version: str | None = None,
    archive_format: ArchiveFormat = "tgz",
    limits: Limits = DEFAULT_LIMITS,
) -> Built:
    """Pack a folder as ``NAME-VERSION.tgz`` with one top folder NAME; nothing is written.

    The same files give the same bytes, as far as :mod:`pitrix_core.package.pack` says.

    :param name: instead of what the package's own metadata say; put into the archive's
        ``package.json``, which is made if there is none.
    :param version: likewise.
    :raises PackageArchiveError: the folder holds links, files that cannot be read, or is beyond a
        limit.
    :raises PackageInvalidError: name or version are unknown or not valid, or given for a Helm
        chart, which says them itself.
    """
    files = supplemented(folder_files(folder, limits=limits), name=name, version=version)
    info = describe(Package(digest="", files=files))
    content = pack(files, top=info.name, archive_format=archive_format)
    return Built(
        content=content,
        digest=digest_of(content),
        file_name=f"{info.name}-{info.version}.{archive_format}",
        info=info,
    )


def supplemented(
    files: Mapping[str, bytes], *, name: str | None = None, version: str | None = None
) -> Mapping[str, bytes]:
    """Return a package's files with what its own metadata do not say.

    :param name: put into ``package.json``, which is made if there is none; None to leave it.
    :param version: likewise.
    :raises PackageInvalidError: the package is a Helm chart, which says them itself, or its
        ``package.json`` cannot be read.
    """
    given = {k: v for k, v in (("name", name), ("version", version)) if v is not None}
    return {**files, PACKAGE_FILE: _package_json(files, given)} if given else files


def _package_json(files: Mapping[str, bytes], given: Mapping[str, str]) -> bytes:
    document = {"api_version": "v1"}
    if PACKAGE_FILE in files:
        own = Package(digest="", files=files).read_text(PACKAGE_FILE)
        read = parse_json(own, file=PACKAGE_FILE)
        document = read if isinstance(read, dict) else {}
    elif CHART_FILE in files:
        message = "a chart says its name and version itself; change them there"
        finding = Finding(level=Level.ERROR, code="package.chart", message=message, file=CHART_FILE)
        raise PackageInvalidError(f"{CHART_FILE}: {message}", findings=[finding])
    text = json.dumps({**document, **given}, indent=2, ensure_ascii=False)
    return (text + "\n").encode()
