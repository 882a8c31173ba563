"""``pitrix package index``: lists the archives of a folder, which makes it a repo."""

import datetime as dt
from pathlib import Path

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.terminal import say


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def index(folder: Path, as_json: bool) -> None:
    """List every archive of FOLDER in its index.yaml, beside what is listed there already."""
    write_folder_index(folder, as_json=as_json)


def write_folder_index(folder: Path, *, as_json: bool) -> None:
    """List the archives of a folder in its index, and say which there are."""
    from pitrix_core.package import write_index  # noqa: PLC0415  # slow to import

    listed = write_index(folder, now=dt.datetime.now(dt.UTC))
    if as_json:
        print_json({"file": str(folder / "index.yaml"), "versions": len(listed.entries)})
        return
    for entry in listed.entries:
        say(f"{entry.name}  {entry.version}  {', '.join(entry.urls)}")
