"""Finds the app type a package is of, and reads the package with it."""

from collections.abc import Mapping
from typing import Any

import attrs

from pitrix_core.contracts import AppType
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import AmbiguousPackageError, PackageError, UnknownPackageError
from pitrix_core.model import PackageIndex, PackageSpec
from pitrix_core.package import read_archive


@attrs.frozen(kw_only=True)
class ReadPackage:
    """A package with the app type that read it."""

    reader: PackageReader
    app_type: AppType[Any]
    spec: PackageSpec


def recognise(index: PackageIndex, app_types: Mapping[str, AppType[Any]]) -> AppType[Any]:
    """Ask every app type whether the package is its own.

    :raises UnknownPackageError: it is nobody's.
    :raises AmbiguousPackageError: several claim it.
    """
    claimed = [app_type for _, app_type in sorted(app_types.items()) if app_type.claims(index)]
    if len(claimed) == 1:
        return claimed[0]
    if claimed:
        names = " and ".join(app_type.name for app_type in claimed)
        raise AmbiguousPackageError(f"The package is claimed by the app types {names}.")
    known = ", ".join(sorted(app_types)) or "none"
    raise UnknownPackageError(
        f"No installed app type recognises the package (installed: {known}).",
        next_step="Install the plugin of its app type, or look at what it lacks: "
        "a VM package has cluster.json.tmpl and config.json at its top.",
    )


def read_package(content: bytes, app_types: Mapping[str, AppType[Any]]) -> ReadPackage:
    """Read an archive with the app type it is of.

    :raises PackageError: it cannot be read; the subclass and the findings say why.
    """
    reader = read_archive(content)
    app_type = recognise(reader.index, app_types)
    try:
        spec = app_type.parse(reader)
    except PackageError:
        raise
    except Exception as ex:
        raise PackageError(
            f"App type {app_type.name} failed to read the package: {type(ex).__name__}: {ex}",
            next_step=f"Tell the authors of app type {app_type.name}.",
        ) from ex
    return ReadPackage(reader=reader, app_type=app_type, spec=spec)
