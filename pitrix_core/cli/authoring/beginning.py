"""Begins a new package: chooses who makes it, and writes the files, all of them or none."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.cli.problems import CliError
from pitrix_core.contracts import AppType
from pitrix_core.errors import InvalidInputError
from pitrix_core.package import DEFAULT_LIMITS
from pitrix_core.package.metadata import is_name
from pitrix_core.package.tree import checked_parts


@attrs.frozen(kw_only=True)
class Skeleton:
    """The files of a new package."""

    app_type: str
    #: Path → content.
    files: Mapping[str, bytes] = attrs.field(repr=False)


def skeleton(
    name: str,
    *,
    app_types: Mapping[str, AppType[Any]],
    type_name: str | None = None,
    dialect: str = "",
) -> Skeleton:
    """Return the files of a new package.

    :param type_name: of the app type; may be left out where one alone begins packages.
    :param dialect: empty for the one that the app type recommends.
    :raises InvalidInputError: no package may be called so, or there is no such dialect.
    :raises CliError: there is no such app type, none that begins packages, or several.
    :raises PackageError: the app type fails.
    """
    if not is_name(name):
        raise InvalidInputError(
            f"no package can be called {name!r}",
            next_step="Take 1 to 63 letters, digits, '-', '_' and '.', a letter or digit first.",
        )
    offered = _offered(name, _wanted(app_types, type_name), dialect)
    if len(offered) > 1:
        names = ", ".join(found.app_type for found in offered)
        raise CliError(
            f"Several app types begin packages: {names}.", next_step="Name one: --type NAME"
        )
    if not offered:
        raise CliError(
            "No app type that is installed here begins packages.",
            next_step="Look at the installed plugins: pitrix plugins",
        )
    return offered[0]


def write_skeleton(folder: Path, made: Skeleton) -> None:
    """Write the files of a new package into a folder that is not there yet.

    :raises CliError: there is something already, or it cannot be written.
    """
    if folder.exists():
        raise CliError(
            f"{folder} is there already.",
            next_step="Nothing is overwritten: take another name, or another folder with --output.",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            _write(staged, made.files)
            staged.chmod(0o755)
            staged.rename(folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as ex:
        raise CliError(f"{folder} cannot be written: {ex.strerror}") from ex


def _wanted(
    app_types: Mapping[str, AppType[Any]], type_name: str | None
) -> Mapping[str, AppType[Any]]:
    if type_name is None:
        return app_types
    if type_name not in app_types:
        known = ", ".join(sorted(app_types)) or "none"
        raise CliError(
            f"There is no app type {type_name!r} (installed: {known}).",
            next_step="Look at the installed plugins: pitrix plugins",
        )
    return {type_name: app_types[type_name]}


def _offered(name: str, app_types: Mapping[str, AppType[Any]], dialect: str) -> list[Skeleton]:
    offered: list[Skeleton] = []
    refusals: list[InvalidInputError] = []
    for type_name, app_type in sorted(app_types.items()):
        try:
            with asking(app_type, to="begin a package"):
                files = app_type.skeleton(name, dialect=dialect)
        except InvalidInputError as ex:
            refusals.append(ex)
            continue
        offered += [Skeleton(app_type=type_name, files=files)] if files else []
    if refusals and not offered:
        raise refusals[0]
    return offered


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        file = folder.joinpath(*checked_parts(path, DEFAULT_LIMITS))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
