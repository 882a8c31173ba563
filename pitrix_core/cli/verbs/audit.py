"""``pitrix audit``: who changed what; checked here, so that no server has to be believed."""

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import Columns, ask, print_json, print_table, time_of
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.errors import InvalidInputError
from pitrix_core.model import JsonObject
from pitrix_core.model.audit import Anchor, AuditEntry, ChainReport, check_chain

_ENTRIES: Final = "/v1/audit"
#: Longest line of an exported file; an entry has a twentieth of it at the most.
_LONGEST_LINE: Final = 1024 * 1024

_COLUMNS: Final[Columns] = {
    "id": "id",
    "when": lambda entry: time_of(entry["at"]),
    "user": "user",
    "action": "action",
    "subject": "subject",
    "from": "address",
    "before": "before",
    "after": "after",
}
_file = click.Path(path_type=Path, dir_okay=False)


def _anchor(_ctx: click.Context, _option: click.Parameter, given: Any) -> Any:
    try:
        if isinstance(given, tuple):
            return tuple(Anchor.parse(text) for text in given)
        return None if given is None else Anchor.parse(given)
    except InvalidInputError as ex:
        raise click.BadParameter(f"{ex.message} {ex.next_step}") from ex


@click.group()
def audit() -> None:
    """Look at who changed what, and check that nobody changed that.

    Every change is an entry, and each entry holds a hash over itself and the one before it. Keep
    the newest entry's hash elsewhere now and then: `pitrix audit export` prints it.
    """


@audit.command("list")
@click.option("--user", help="Only what this user did.")
@click.option("--action", help="Only this, such as addRuntime.")
@click.option("--subject", help="Only what was done to the thing of this id.")
@click.option("--since", metavar="TIME", help="Only from then on, as 2026-11-01T12:00:00Z.")
@click.option("--until", metavar="TIME", help="Only before then.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most."
)
@talks_to_api
def list_(session: Session, /, limit: int, **wanted: str | None) -> None:
    """List what was changed, the newest first."""
    items = list(itertools.islice(session.api.each(_ENTRIES, **wanted), limit))
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(items, _COLUMNS, nothing="Nothing was changed.")


@audit.command()
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="ID:HASH",
    callback=_anchor,
    help="A place that was kept elsewhere: shows also what was cut off, or made anew.",
)
@click.option("--file", type=_file, help="Check an exported file instead of the server's entries.")
@talks_to_api
def verify(session: Session, anchors: tuple[Anchor, ...], file: Path | None) -> None:
    """Recompute the chain, and name the first entry that was changed, removed or inserted."""
    with contextlib.ExitStack() as stack:
        if file is None:
            start, entries = _of_server(session)
        else:
            start, entries = _of_file(stack.enter_context(_opened(file)), file)
        report = check_chain(entries, start=start, anchors=anchors)
    _tell(session, report)


@audit.command()
@click.argument("file", type=_file)
@talks_to_api
def export(session: Session, file: Path) -> None:
    """Write all entries into FILE, a line of JSON each, and print the newest one's anchor.

    The entries are checked on the way. The file can be checked with `pitrix audit verify --file`.
    """
    start, entries = _of_server(session)
    with _written(file) as out:
        out.write(json.dumps({"start": str(start)}) + "\n")
        report = check_chain(_copied(entries, out), start=start)
    _tell(session, report)


@audit.command()
@click.option(
    "--anchor",
    required=True,
    metavar="ID:HASH",
    callback=_anchor,
    help="The last entry that goes, as `pitrix audit export` printed it.",
)
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@talks_to_api
def prune(session: Session, anchor: Anchor, *, is_agreed: bool) -> None:
    """Drop all entries up to one that was exported; the chain goes on from there."""
    if not is_agreed:
        ask(f"Drop all entries up to {anchor.id}? There is no other copy than what you exported.")
    ends = session.api.post(f"{_ENTRIES}/prune", {"anchor": str(anchor)})
    if session.as_json:
        print_json(ends)
    else:
        say(f"The audit begins after entry {ends['start']['id']}.")


def _of_server(session: Session) -> tuple[Anchor, Iterator[AuditEntry]]:
    start = session.api.get(f"{_ENTRIES}/ends")["start"]
    entries = session.api.each(_ENTRIES, order="oldest")
    return Anchor(id=start["id"], hash=start["hash"]), map(_entry, entries)


def _of_file(lines: IO[str], file: Path) -> tuple[Anchor, Iterator[AuditEntry]]:
    first = _document(lines.readline(_LONGEST_LINE), file, number=1)
    start = first.get("start")
    if not isinstance(start, str):
        raise _no_export(file, number=1)
    return Anchor.parse(start), _entries_in(lines, file)


def _entries_in(lines: IO[str], file: Path) -> Iterator[AuditEntry]:
    for number in itertools.count(2):
        line = lines.readline(_LONGEST_LINE)
        if not line:
            return
        try:
            yield _entry(_document(line, file, number=number))
        except InvalidInputError as ex:
            raise _no_export(file, number=number) from ex


def _document(line: str, file: Path, *, number: int) -> JsonObject:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as ex:
        raise _no_export(file, number=number) from ex
    if not isinstance(found, dict):
        raise _no_export(file, number=number)
    return found


def _no_export(file: Path, *, number: int) -> CliError:
    return CliError(
        f"{file}, line {number}: this is no entry of an audit.",
        next_step="Name a file that `pitrix audit export` wrote.",
    )


def _entry(item: JsonObject) -> AuditEntry:
    from pitrix_core.convert import from_json  # noqa: PLC0415  # `--help` need not wait for it

    return from_json(item, AuditEntry)


def _copied(entries: Iterable[AuditEntry], out: IO[str]) -> Iterator[AuditEntry]:
    from pitrix_core.convert import to_json  # noqa: PLC0415  # `--help` need not wait for it

    for entry in entries:
        out.write(json.dumps(to_json(entry)) + "\n")
        yield entry


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as ex:
        raise CliError(f"{file} cannot be read: {ex.strerror}.") from ex


@contextlib.contextmanager
def _written(file: Path) -> Iterator[IO[str]]:
    try:
        with file.open("x", encoding="utf-8") as out:
            yield out
    except FileExistsError as ex:
        raise CliError(f"{file} is there already.", next_step="Name a new file.") from ex
    except OSError as ex:
        raise CliError(f"{file} cannot be written: {ex.strerror}.") from ex


def _tell(session: Session, report: ChainReport) -> None:
    """Say what a look has shown; what is wrong ends in a failure."""
    if session.as_json:
        print_json({"count": report.count, "anchor": str(report.newest), "fault": report.fault})
    elif report.fault is None:
        say(f"{report.count} entries are sound. Keep this elsewhere: {report.newest}")
    if report.fault is not None:
        raise CliError(
            report.fault,
            next_step="Compare with what you exported: pitrix audit verify --file FILE",
        )
