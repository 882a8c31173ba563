"""``pitrix version``: which versions are installed."""

import importlib.metadata
import platform
from typing import Final

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_fields, print_json

#: Entry-point groups whose owners are plugins; their packages are not imported to be named.
_GROUPS: Final = ("pitrix.providers", "pitrix.plugins", "pitrix.agents", "pitrix.interfaces")


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Show the versions of this command line, its plugins and Python."""
    plugins = {
        point.dist.name: point.dist.version
        for group in _GROUPS
        for point in importlib.metadata.entry_points(group=group)
        if point.dist is not None
    }
    found = {
        "pitrix-core": importlib.metadata.version("pitrix-core"),
        **dict(sorted(plugins.items())),
    }
    if as_json:
        print_json({"versions": found, "python": platform.python_version()})
        return
    print_fields({**found, "python": platform.python_version()})
