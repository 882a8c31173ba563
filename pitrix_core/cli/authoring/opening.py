"""Opens a package where it lies: a folder, or an archive of any format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from pitrix_core.catalog.recognise import ReadPackage, read_with, recognise
from pitrix_core.cli.plugin_commands import quiet_plugins
from pitrix_core.contracts import AppType
from pitrix_core.package import (
    Package,
    archive_bytes,
    build_archive,
    digest_of,
    read_archive,
    supplemented,
)
from pitrix_core.plugins import PluginRegistry


@attrs.frozen(kw_only=True)
class Opened:
    """A package, and the archive it is in or would be in."""

    path: Path
    #: Of the archive; of a folder, what ``pitrix package build`` would give.
    digest: str
    size_bytes: int
    package: ReadPackage


def installed_types() -> Mapping[str, AppType[Any]]:
    """Return the app types that are installed here; a broken plugin's are left out silently."""
    with quiet_plugins():
        return PluginRegistry().app_types()


def open_package(
    path: Path,
    *,
    app_types: Mapping[str, AppType[Any]],
    name: str | None = None,
    version: str | None = None,
) -> Opened:
    """Read a package from a folder or an archive.

    :param name: instead of what the package says; for one that has no ``package.json``.
    :param version: likewise.
    :raises PackageError: it cannot be read; the subclass and the findings say why.
    """
    if path.is_dir():
        content = build_archive(path, name=name, version=version).content
        reader = read_archive(content)
    else:
        content = archive_bytes(path)
        packed = read_archive(content)
        files = supplemented(packed.files, name=name, version=version)
        reader = Package(digest=packed.digest, files=files)
    return Opened(
        path=path,
        digest=digest_of(content),
        size_bytes=len(content),
        package=read_with(recognise(reader.index, app_types), reader),
    )
