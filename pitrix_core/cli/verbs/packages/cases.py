"""``pitrix package test``: tries the cases that a package's author wrote."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.problems import FAILED, CliError
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.packages.options import Naming, naming_options, package_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pitrix_core.cli.authoring.cases import CaseResult


@click.command("test")
@package_argument
@click.option("-k", "wanted", default="", help="Try the cases with this in their names alone.")
@naming_options
@json_option
def cases(path: Path, *, wanted: str, naming: Naming, as_json: bool) -> int:
    """Try the cases in tests/*.yaml and tests/*.json of the package PATH.

    Each says a configuration, and what has to come of it: parts of the rendered documents, findings
    or an error. No server and no cloud is needed. Exit code 1 if a case fails, or there is none.
    """
    from pitrix_core.cli.authoring.case_files import read_cases  # noqa: PLC0415  # slow to import
    from pitrix_core.cli.authoring.cases import tried  # noqa: PLC0415
    from pitrix_core.cli.authoring.opening import installed_types, open_package  # noqa: PLC0415
    from pitrix_core.convert import to_json  # noqa: PLC0415

    opened = open_package(
        path, app_types=installed_types(), name=naming.name, version=naming.version
    )
    found = [case for case in read_cases(opened.package.reader) if wanted in case.name]
    if not found:
        raise CliError(
            f"There is no case called {wanted!r}." if wanted else f"{path} holds no case.",
            next_step="Write tests/NAME.yaml; pitrix package new NAME makes a package with one.",
        )
    results = list(tried(opened.package, found))
    failed = sum(bool(result.mismatches) for result in results)
    if as_json:
        print_json({"cases": to_json(results), "count": len(results), "failed": failed})
    else:
        _print(results)
        plural = "" if len(results) == 1 else "s"
        say(f"{len(results)} case{plural}, {failed} failed")
    return FAILED if failed else 0


def _print(results: "Sequence[CaseResult]") -> None:
    for result in results:
        mark, colour = ("FAILED", "red") if result.mismatches else ("ok    ", "green")
        say(f"{click.style(mark, fg=colour)}  {result.name}  ({result.file}:{result.line})")
        for mismatch in result.mismatches:
            say(f"          {mismatch.at}: {mismatch.message}")
