"""``pitrix package diff``: shows what differs between two packages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.problems import CliError, finding_lines, show_error
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.packages.options import Naming, naming_options
from pitrix_core.errors import PitrixError

if TYPE_CHECKING:
    from pitrix_core.cli.authoring.comparison import Change
    from pitrix_core.cli.authoring.difference import Difference

#: Exit codes with ``--exit-code``. Source: POSIX, diff: 1 for different files, more for trouble.
DIFFERENT: Final = 1
TROUBLE: Final = 2

_MARKS: Final = {"added": "+", "removed": "-", "changed": "~"}


@click.command()
@click.argument("before", type=click.Path(path_type=Path, exists=True))
@click.argument("after", type=click.Path(path_type=Path, exists=True))
@click.option("--exit-code", is_flag=True, help="Exit with 1 if they differ, with 2 after trouble.")
@naming_options
@json_option
def diff(
    before: Path,
    after: Path,
    *,
    exit_code: bool,
    naming: Naming,
    as_json: bool,
) -> int:
    """Show what differs between the packages BEFORE and AFTER: folders or archives.

    Compares what they say about themselves, their files, what a user can set, and what the
    templates give to a user who fills in nothing. What hurts those who use the first one is a
    warning. Exit code 0, different or not, unless --exit-code is said.
    """
    try:
        found = _difference(before, after, naming)
    except (PitrixError, CliError) as ex:
        if not exit_code:
            raise
        show_error(ex, as_json=as_json)
        return TROUBLE
    if as_json:
        from pitrix_core.convert import to_json  # noqa: PLC0415  # slow to import

        print_json(to_json(found))
    else:
        _print(found)
    return DIFFERENT if exit_code and not found.is_empty else 0


def _difference(before: Path, after: Path, naming: Naming) -> "Difference":
    from pitrix_core.cli.authoring.difference import difference  # noqa: PLC0415  # slow to import
    from pitrix_core.cli.authoring.opening import installed_types, open_package  # noqa: PLC0415

    app_types = installed_types()
    old, new = (
        open_package(path, app_types=app_types, name=naming.name, version=naming.version).package
        for path in (before, after)
    )
    return difference(old, new)


def _print(found: "Difference") -> None:
    from pitrix_core.convert import to_json  # noqa: PLC0415  # slow to import

    if found.is_empty:
        say("No difference.")
    _section("metadata", found.metadata)
    _section("files (bytes)", found.files)
    _section("parameters", found.parameters)
    _section("documents", found.documents)
    for line in finding_lines(to_json(list(found.findings))):
        say(line)


def _section(title: str, changes: Sequence["Change"]) -> None:
    from pitrix_core.cli.authoring.cases import shown  # noqa: PLC0415  # slow to import

    if not changes:
        return
    say(title)
    for change in changes:
        values = {
            "added": lambda change: shown(change.after),
            "removed": lambda change: shown(change.before),
            "changed": lambda change: f"{shown(change.before)} → {shown(change.after)}",
        }[change.kind](change)
        say(f"  {_MARKS[change.kind]} {change.at}: {values}")
