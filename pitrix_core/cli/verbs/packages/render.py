"""``pitrix package render``: shows what a package's templates give with a configuration."""

from collections.abc import Mapping
from pathlib import Path

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.problems import FAILED, finding_lines
from pitrix_core.cli.terminal import json_text, say
from pitrix_core.cli.verbs.packages.options import (
    Naming,
    language_option,
    naming_options,
    package_argument,
)


@click.command()
@package_argument
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="One value.")
@click.option(
    "--values",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="JSON or YAML file with values; - for standard input.",
)
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of ***.")
@language_option
@naming_options
@json_option
def render(
    path: Path,
    *,
    settings: tuple[str, ...],
    values: Path | None,
    show_secrets: bool,
    language: str,
    naming: Naming,
    as_json: bool,
) -> int:
    """Print what the templates of the package PATH give with a configuration.

    PATH is a folder or an archive. The configuration is checked and completed with the package's
    schema, and every violation is reported; a password that nobody gave is made up. Exit code 1 if
    no cluster can be made of what is printed.
    """
    from pitrix_core.cli.authoring import rendering  # noqa: PLC0415  # slow to import
    from pitrix_core.cli.authoring.opening import installed_types, open_package  # noqa: PLC0415
    from pitrix_core.cli.values import collect  # noqa: PLC0415
    from pitrix_core.convert import to_json  # noqa: PLC0415
    from pitrix_core.findings import errors_in  # noqa: PLC0415

    opened = open_package(
        path, app_types=installed_types(), name=naming.name, version=naming.version
    )
    schema = rendering.schema_of(opened.package, language=language)
    config = collect(settings, file=values, schema=schema)
    found = rendering.rendered(opened.package, config, schema=schema)
    documents = rendering.revealed(found) if show_secrets else rendering.hidden(found)
    findings = to_json(list(found.findings))
    if as_json:
        made_up = list(found.placeholders)
        print_json({"documents": documents, "findings": findings, "placeholders": made_up})
    else:
        _print(documents)
        for line in finding_lines(findings):
            say(line, err=True)
    return FAILED if errors_in(found.findings) else 0


def _print(documents: Mapping[str, object]) -> None:
    """Write one document as it is, for other programs to read; several with their names."""
    for file, document in documents.items():
        if len(documents) > 1:
            say(f"# {file}")
        say(json_text(document, indent=2))
