"""Opens a package where it lies: a folder, or an archive of any format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

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
from pitrix_core.package.metadata import CHART_FILE, PACKAGE_FILE
from pitrix_core.plugins import PluginRegistry

#: Files in which a package says what it is called.
_DESCRIPTIONS: Final = (PACKAGE_FILE, CHART_FILE)
#: What a package that does not say so is called while it is looked at.
_ANY_NAME: Final = "unnamed"
_ANY_VERSION: Final = "0.0.0"


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

    :param name: instead of what the package says; one that says none is called something, since
        its name matters only once it is built.
    :param version: likewise.
    :raises PackageError: it cannot be read; the subclass and the findings say why.
    """
    if path.is_dir():
        if not any((path / file).is_file() for file in _DESCRIPTIONS):
            name, version = name or _ANY_NAME, version or _ANY_VERSION
        content = build_archive(path, name=name, version=version).content
        reader = read_archive(content)
    else:
        content = archive_bytes(path)
        packed = read_archive(content)
        if not packed.files.keys() & {*_DESCRIPTIONS}:
            name, version = name or _ANY_NAME, version or _ANY_VERSION
        files = supplemented(packed.files, name=name, version=version)
        reader = Package(digest=packed.digest, files=files)
    return Opened(
        path=path,
        digest=digest_of(content),
        size_bytes=len(content),
        package=read_with(recognise(reader.index, app_types), reader),
    )
