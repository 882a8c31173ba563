"""``pitrix package inspect``: says in short what a package holds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import aligned, print_fields, print_json, text_of
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.packages.options import (
    Naming,
    language_option,
    naming_options,
    package_argument,
)

if TYPE_CHECKING:
    from pitrix_core.cli.authoring.opening import Opened
    from pitrix_core.model import JsonObject


@click.command()
@package_argument
@click.option("--schema", "shows_schema", is_flag=True, help="Print the configuration's schema.")
@language_option
@naming_options
@json_option
def inspect(
    path: Path,
    *,
    shows_schema: bool,
    language: str,
    naming: Naming,
    as_json: bool,
) -> None:
    """Say what the package PATH is, what it makes, and what can be set.

    PATH is a folder or an archive; the digest and size of a folder are those of the archive that
    would be built of it.
    """
    from pitrix_core.cli.authoring.opening import installed_types, open_package  # noqa: PLC0415
    from pitrix_core.cli.authoring.rendering import schema_of  # noqa: PLC0415  # slow to import

    opened = open_package(
        path, app_types=installed_types(), name=naming.name, version=naming.version
    )
    if shows_schema:
        print_json(schema_of(opened.package, language=language))
        return
    about = _about(opened)
    if as_json:
        print_json(about)
        return
    _print(about, path)


def _about(opened: "Opened") -> dict[str, Any]:
    from pitrix_core.catalog.guard import asking  # noqa: PLC0415  # slow to import
    from pitrix_core.cli.authoring.checking import Checker  # noqa: PLC0415
    from pitrix_core.convert import to_json  # noqa: PLC0415

    package = opened.package
    app_type, spec = package.app_type, package.spec
    with asking(app_type, to="look at the package"):
        outline = app_type.outline(spec)
    remarks = Checker().check(package.reader).findings
    files = package.reader.index.files
    return {
        **to_json(spec.info),
        "app_type": app_type.name,
        "dialect": spec.dialect,
        "digest": opened.digest,
        "size_bytes": opened.size_bytes,
        "files": dict(sorted(files.items())),
        "outline": to_json(outline),
        "findings": dict(Counter(str(remark.level) for remark in remarks)),
    }


def _print(about: "JsonObject", path: Path) -> None:
    maintainers = [found.get("name", "") for found in about["maintainers"]]
    count, size = len(about["files"]), sum(about["files"].values())
    print_fields(
        {
            "name": about["name"],
            "version": about["version"],
            "application": about["app_version"],
            "description": about["description"],
            "home": about["home"],
            "maintainers": maintainers,
            "app type": " ".join(filter(None, (about["app_type"], about["dialect"]))),
            "digest": about["digest"],
            "size": f"{about['size_bytes']} bytes packed; {count} files of {size} bytes",
        }
    )
    _print_outline(about["outline"])
    if about["findings"]:
        said = ", ".join(f"{count} {level}" for level, count in about["findings"].items())
        say(f"\nremarks: {said}; see them: pitrix package lint {path}")


def _print_outline(outline: "JsonObject") -> None:
    """Write single values as fields, and lists of objects as tables below them."""
    tables = {title: value for title, value in outline.items() if _is_table(value)}
    say()
    print_fields({title: value for title, value in outline.items() if title not in tables})
    for title, rows in tables.items():
        say(f"\n{title}")
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[text_of(row.get(name)) for name in columns] for row in rows]
        for line in aligned([columns, *cells]):
            say(f"  {line}")


def _is_table(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(row, Mapping) for row in value)
    )
