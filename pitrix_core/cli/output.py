"""How answers look: tables for people, JSON for programs."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import in_one_line, indented, json_text, say, visible
from pitrix_core.model import JsonObject

#: Column title → member of the object, or a function of it.
Columns = Mapping[str, str | Callable[[JsonObject], object]]

_GAP: Final = "  "
#: Characters between two columns of a drawn table.
_DRAWN_GAP: Final = 3
#: Characters a drawn table's last column has at least, if it needs them.
_LAST_COLUMN: Final = 24


def is_terminal() -> bool:
    """Say whether a person looks at standard output."""
    return sys.stdout.isatty()


def print_json(value: object) -> None:
    """Write JSON to standard output: indented for a person, on one line for a program."""
    indent = 2 if is_terminal() else None
    say(json_text(value, indent=indent))


def ask(question: str) -> None:
    """Go on only when a person says yes.

    :raises CliError: the answer is no, or there is nobody to give one.
    """
    try:
        is_agreed = click.confirm(visible(question), err=True)
    except click.Abort as ex:
        if not isinstance(ex.__context__, EOFError):
            raise
        say(err=True)
        raise CliError(
            "Nobody answered; nothing was done.", next_step="Say --yes to go on without a question."
        ) from ex
    if not is_agreed:
        raise CliError("Nothing was done.")


def print_table(rows: Sequence[JsonObject], columns: Columns, *, nothing: str) -> None:
    """Write a table: drawn in a terminal that is wide enough, aligned columns elsewhere.

    Only the last column is broken into lines: an id in two pieces could not be copied.

    :param nothing: what is said when there is no row.
    """
    if not rows:
        say(nothing)
        return
    cells = [[_cell(row, source) for source in columns.values()] for row in rows]
    every = [list(columns), *cells]
    if is_terminal() and _fits(every, width=shutil.get_terminal_size().columns):
        _draw(list(columns), cells)
        return
    for line in aligned(every):
        say(line)


def print_fields(fields: Mapping[str, object]) -> None:
    """Write names and values below each other; empty values are left out."""
    shown = {name: text_of(value) for name, value in fields.items()}
    width = max((len(name) for name in shown), default=0)
    for name, text in shown.items():
        if text:
            say(f"{name:<{width}}{_GAP}{indented(text, width + len(_GAP))}")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines whose columns begin at the same place."""
    lines = [[in_one_line(visible(cell)) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        _GAP.join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def text_of(value: object) -> str:
    """Return a value as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case dict():
            return ", ".join(f"{path}={text}" for path, text in _leaves(value))
        case list() | tuple():
            return ", ".join(text_of(item) for item in value)
        case _:
            return str(value)


def time_of(value: object) -> str:
    """Return a time of the API to the second, as ``2026-08-21 09:30:00Z``."""
    text = str(value or "")
    return f"{text[:10]} {text[11:19]}Z" if "T" in text else text


def _leaves(value: JsonObject, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the paths and texts of an object's values, but for empty ones."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, f"{path}{key}.")
        elif text := text_of(item):
            yield f"{path}{key}", text


def _cell(row: JsonObject, source: str | Callable[[JsonObject], object]) -> str:
    value: Any = row.get(source) if isinstance(source, str) else source(row)
    is_time = isinstance(source, str) and source.endswith("_at")
    return in_one_line(visible(time_of(value) if is_time else text_of(value)))


def _fits(rows: Sequence[Sequence[str]], *, width: int) -> bool:
    """Say whether a drawn table leaves its last column room to be read."""
    *first, last = (max(len(cell) for cell in column) for column in zip(*rows, strict=True))
    return sum(first) + len(first) * _DRAWN_GAP + min(last, _LAST_COLUMN) <= width


def _draw(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415  # slow to import, needed in a terminal only
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title != titles[-1])
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
