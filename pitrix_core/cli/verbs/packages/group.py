"""``pitrix package``: what authors of packages work with."""

import click

from pitrix_core.cli.verbs.packages.build import build
from pitrix_core.cli.verbs.packages.cases import cases
from pitrix_core.cli.verbs.packages.diff import diff
from pitrix_core.cli.verbs.packages.inspect import inspect
from pitrix_core.cli.verbs.packages.keygen import keygen
from pitrix_core.cli.verbs.packages.lint import lint
from pitrix_core.cli.verbs.packages.new import new
from pitrix_core.cli.verbs.packages.render import render
from pitrix_core.cli.verbs.packages.sign import sign
from pitrix_core.cli.verbs.packages.verify import verify


@click.group()
def package() -> None:
    """Write, check and build packages; none of it needs a server."""


for verb in (new, lint, render, cases, inspect, diff, build, sign, verify, keygen):
    package.add_command(verb)
