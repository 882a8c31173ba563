"""``pitrix package lint``: says everything that is wrong with packages, and how it is mended."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.problems import FAILED, CliError
from pitrix_core.cli.terminal import json_text, say
from pitrix_core.cli.verbs.packages.options import Naming, naming_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pitrix_core.cli.authoring.checking import Checker
    from pitrix_core.cli.authoring.lint_report import Linted
    from pitrix_core.findings import Rule

#: Rules named where one is not known.
_NAMED: Final = 5


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="PATH...")
@naming_options
@click.option("--strict", is_flag=True, help="Fail for warnings, too.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for other tools.")
@click.option("--explain", "--rule", "rule", metavar="RULE", help="Say what a rule means, and end.")
@json_option
def lint(
    paths: tuple[Path, ...],
    *,
    naming: Naming,
    strict: bool,
    as_sarif: bool,
    rule: str | None,
    as_json: bool,
) -> int:
    """Look at packages, folders or archives, and say all that is wrong with them.

    Each finding has its file, line and column, its rule, and what to do. The exit code is 1 where
    there are errors. Nothing is asked of a server.
    """
    from pitrix_core.cli.authoring.checking import Checker  # noqa: PLC0415  # slow to import

    if rule is None and not paths:
        raise click.UsageError("Name a package: a folder or an archive.")
    if as_json and as_sarif:
        raise click.UsageError("--json and --sarif exclude each other.")
    checker = Checker()
    if rule is not None:
        _explain(rule, checker.rules(), as_json=as_json)
        return 0
    packages = [_linted(path, checker, naming) for path in paths]
    _print(packages, checker, as_json=as_json, as_sarif=as_sarif)
    return FAILED if _is_failed(packages, strict=strict) else 0


def _linted(path: Path, checker: "Checker", naming: Naming) -> "Linted":
    from pitrix_core.cli.authoring.lint_report import Linted  # noqa: PLC0415  # slow to import

    checked = checker.check_at(path, name=naming.name, version=naming.version)
    return Linted(path=path, is_archive=not path.is_dir(), checked=checked)


def _print(packages: "list[Linted]", checker: "Checker", *, as_json: bool, as_sarif: bool) -> None:
    from pitrix_core.cli.authoring.lint_report import report_json, report_lines  # noqa: PLC0415
    from pitrix_core.cli.authoring.sarif import sarif_log  # noqa: PLC0415  # slow to import

    if as_json:
        print_json(report_json(packages))
    elif as_sarif:
        log = sarif_log(packages, checker.rules(), folder=Path.cwd())
        say(json_text(log, indent=2))
    else:
        for line in report_lines(packages):
            say(line)


def _is_failed(packages: "list[Linted]", *, strict: bool) -> bool:
    from pitrix_core.cli.authoring.lint_report import counts_of  # noqa: PLC0415  # slow to import

    counts = counts_of(packages)
    return bool(counts["error"] or (strict and counts["warning"]))


def _explain(code: str, rules: "Mapping[str, Rule]", *, as_json: bool) -> None:
    from pitrix_core.cli.authoring.lint_report import rule_lines  # noqa: PLC0415  # slow to import
    from pitrix_core.convert import to_json  # noqa: PLC0415

    rule = rules.get(code)
    if rule is None:
        alike = difflib.get_close_matches(code, rules, n=_NAMED, cutoff=0.4) or list(rules)
        raise CliError(f"No rule is called {code!r}.", next_step=f"There is {', '.join(alike)}.")
    if as_json:
        print_json(to_json(rule))
        return
    for line in rule_lines(rule):
        say(line)
