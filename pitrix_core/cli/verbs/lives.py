"""``pitrix app upload``, ``submit``, … and ``pitrix review``: the lives of app versions."""

from pathlib import Path
from typing import Final

import click

from pitrix_core.cli.completion import values as complete
from pitrix_core.cli.lookup import exact_version
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table, time_of
from pitrix_core.cli.problems import finding_lines
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject
from pitrix_core.model.lifecycle import RULES, Move

#: Moves of reviewers; all others are verbs of ``pitrix app``.
_REVIEWERS: Final = tuple(move for move, rule in RULES.items() if rule.needs is None)

_version_argument = click.argument(
    "version", metavar="APP@VERSION", shell_complete=complete.app_versions
)


@click.group()
def review() -> None:
    """Review versions of apps before they are released."""


@review.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the reviews under way, the oldest first."""
    items = session.api.items("/v1/reviews")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(
        items,
        {
            "app": "app_name",
            "version": "version",
            "owner": "owner",
            "phase": lambda one: one["phases"][0],
            "reviewer": "reviewer",
            "since": "created_at",
            "id": "app_version_id",
        },
        nothing="Nothing is under review.",
    )


@click.command()
@click.argument("file", metavar="ARCHIVE", type=click.Path(path_type=Path))
@talks_to_api
def upload(session: Session, file: Path) -> None:
    """Upload the ARCHIVE of a package: a draft, in a repo of your own.

    The same archive again is the same version; another one takes the place of a draft's.
    """
    from pitrix_core.package.archive import archive_bytes  # noqa: PLC0415  # slow to import

    found = session.api.upload("/v1/apps", archive_bytes(file))
    if session.as_json:
        print_json(found)
        return
    name = f"{found['info']['name']}@{found['version']}"
    print_fields({"version": name, "id": found["id"], "state": found["state"]})
    for line in finding_lines(found.get("findings") or []):
        say(line)
    if found["state"] == "draft":
        say(f"Next: pitrix app submit {found['id']}")


@click.command()
@_version_argument
@talks_to_api
def life(session: Session, version: str) -> None:
    """Show where a version is, and what you can do with it."""
    found = exact_version(session.api, version)
    _show(session, session.api.get(f"/v1/app_versions/{found['id']}"))


@click.command()
@_version_argument
@talks_to_api
def history(session: Session, version: str) -> None:
    """List what was done with a version: by whom, when and why."""
    found = exact_version(session.api, version)
    items = session.api.items(f"/v1/app_versions/{found['id']}/transitions")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(
        items,
        {
            "when": lambda one: time_of(one["at"]),
            "who": "actor",
            "what": "move",
            "from": "source",
            "to": "target",
            "phase": "phase",
            "why": "reason",
        },
        nothing="Nothing was done: it was indexed so.",
    )


def _verb(move: Move) -> click.Command:
    """Return the verb of a move."""
    rule = RULES[move]

    @click.command(move.value, help=f"{rule.summary}.", short_help=f"{rule.summary}.")
    @_version_argument
    @click.option("--reason", required=rule.asks_reason, help="Why; for its people.")
    @talks_to_api
    def run(session: Session, version: str, reason: str | None) -> None:
        found = exact_version(session.api, version)
        path = f"/v1/app_versions/{found['id']}/{move}"
        _show(session, session.api.post(path, {"reason": reason} if reason else {}))

    return run


def _show(session: Session, found: JsonObject) -> None:
    if session.as_json:
        print_json(found)
        return
    under = found.get("review") or {}
    print_fields(
        {
            "version": found["version"],
            "id": found["id"],
            "state": found["state"],
            "phases left": under.get("phases"),
            "reviewer": under.get("reviewer"),
            "you can": found["allowed"],
        }
    )


#: What ``pitrix app`` has of this.
APP_VERBS: Final[tuple[click.Command, ...]] = (
    upload,
    life,
    history,
    *(_verb(move) for move in Move if move not in _REVIEWERS),
)

for _move in _REVIEWERS:
    review.add_command(_verb(_move))
