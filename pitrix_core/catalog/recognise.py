"""Finds the app type a package is of, and reads the package with it."""

from collections.abc import Mapping
from typing import Any

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.contracts import AppType
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import (
    AmbiguousPackageError,
    PackageError,
    PackageInvalidError,
    UnknownPackageError,
)
from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import PackageIndex, PackageSpec
from pitrix_core.package import read_archive
from pitrix_core.plugins.hooks import Hooks


@attrs.frozen(kw_only=True)
class ReadPackage:
    """A package with the app type that read it."""

    reader: PackageReader
    app_type: AppType[Any]
    spec: PackageSpec


def recognise(index: PackageIndex, app_types: Mapping[str, AppType[Any]]) -> AppType[Any]:
    """Ask every app type whether the package is its own; one that fails to say claims nothing.

    :raises UnknownPackageError: it is nobody's.
    :raises AmbiguousPackageError: several claim it.
    """
    claimed: list[AppType[Any]] = []
    failed: list[PackageError] = []
    for _, app_type in sorted(app_types.items()):
        try:
            with asking(app_type, to="look at the package"):
                claimed += [app_type] if app_type.claims(index) else []
        except PackageError as ex:
            failed.append(ex)
    if len(claimed) == 1:
        return claimed[0]
    if claimed:
        names = " and ".join(app_type.name for app_type in claimed)
        raise AmbiguousPackageError(
            f"The package is claimed by the app types {names}.",
            next_step="Disable or uninstall all but one of their plugins: pitrix plugins",
        )
    known = ", ".join(sorted(app_types)) or "none"
    broken = "".join(f" {ex.message}." for ex in failed)
    raise UnknownPackageError(
        f"No installed app type recognises the package (installed: {known}).{broken}",
        next_step="Install the plugin of its app type, or look at what it lacks: "
        "a VM package has config.json and cluster.json.mustache, .tmpl or .j2 at its top.",
    )


def read_package(content: bytes, app_types: Mapping[str, AppType[Any]]) -> ReadPackage:
    """Read an archive with the app type it is of.

    :raises PackageError: it cannot be read; the subclass and the findings say why.
    """
    reader = read_archive(content)
    return read_with(recognise(reader.index, app_types), reader)


def judged(package: ReadPackage, hooks: Hooks) -> tuple[Finding, ...]:
    """Return what its app type and plugins remark on a package that can be offered.

    :raises PackageInvalidError: it cannot: with every finding.
    """
    with asking(package.app_type, to="look at the package"):
        remarks = package.app_type.validate(package.spec)
    findings = (
        *remarks,
        *hooks.check_package(package.reader, package.spec, app_type=package.app_type.name),
    )
    if errors_in(findings):
        raise PackageInvalidError("The package cannot be offered.", findings=findings)
    return findings


def read_with(app_type: AppType[Any], reader: PackageReader) -> ReadPackage:
    """Read a package with an app type.

    :raises PackageError: it cannot be read; the subclass and the findings say why.
    """
    with asking(app_type, to="read the package"):
        spec = app_type.parse(reader)
    if not isinstance(spec, PackageSpec):
        raise PackageError(
            f"App type {app_type.name} read the package as {type(spec).__name__}, "
            "which is no PackageSpec.",
            next_step=f"Tell the authors of app type {app_type.name}.",
        )
    return ReadPackage(reader=reader, app_type=app_type, spec=spec)
