"""``pitrix package new``: begins a package."""

from pathlib import Path

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.terminal import say


@click.command()
@click.argument("name")
@click.option("-t", "--type", "type_name", help="App type; may be left out where there is one.")
@click.option("--dialect", default="", help="Dialect of the templates, if the type has several.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder in which the folder NAME is made.  [default: .]",
)
@json_option
def new(name: str, type_name: str | None, dialect: str, output: Path, as_json: bool) -> None:
    """Begin a package: write a small and sound one into the folder NAME.

    Nothing is overwritten. A dialect that the app type does not know is answered with those it
    knows.
    """
    from pitrix_core.cli.authoring.beginning import skeleton, write_skeleton  # noqa: PLC0415
    from pitrix_core.cli.authoring.opening import installed_types  # noqa: PLC0415  # slow to import

    made = skeleton(name, app_types=installed_types(), type_name=type_name, dialect=dialect)
    folder = output / name
    write_skeleton(folder, made)
    if as_json:
        print_json({"folder": str(folder), "app_type": made.app_type, "files": sorted(made.files)})
        return
    for path in sorted(made.files):
        say(folder / path)
    say(f"Next: pitrix package lint {folder}; pitrix package test {folder}")
