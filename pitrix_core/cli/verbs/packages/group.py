"""``pitrix package``: what authors of packages work with."""

import click

from pitrix_core.cli.verbs.packages.build import build
from pitrix_core.cli.verbs.packages.index import index
from pitrix_core.cli.verbs.packages.lint import lint


@click.group()
def package() -> None:
    """Write, check and build packages; none of it needs a server."""


package.add_command(build)
package.add_command(index)
package.add_command(lint)
