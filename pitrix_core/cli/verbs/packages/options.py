"""Options that several verbs for packages share, and what they are turned into."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

T = TypeVar("T")

package_argument = click.argument("path", type=click.Path(path_type=Path, exists=True))
language_option = click.option(
    "--language",
    default="en",
    help="Language of titles and messages, as far as the package is translated.  [default: en]",
)


@attrs.frozen(kw_only=True)
class Naming:
    """What a package is called, instead of what it says itself; None for what it says."""

    name: str | None
    version: str | None


def naming_options(function: Callable[..., T]) -> Callable[..., T]:
    """Give a verb ``--name`` and ``--version``, as one argument ``naming``."""

    @click.option("--name", help="Name, instead of the package's own.")
    @click.option("--version", help="Version (SemVer), instead of the package's own.")
    @functools.wraps(function)
    def run(*args: Any, name: str | None, version: str | None, **options: Any) -> T:
        return function(*args, naming=Naming(name=name, version=version), **options)

    return run
