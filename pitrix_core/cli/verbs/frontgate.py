"""``pitrix frontgate``: what connects the machines of a network."""

from typing import Final

import click

from pitrix_core.cli.completion.values import frontgates
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import Columns, ask, print_fields, print_json, print_table, time_of
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.job import finish
from pitrix_core.model import JsonObject

_COLUMNS: Final[Columns] = {
    "id": "id",
    "state": "state",
    "runtime": "runtime_id",
    "network": "network_id",
    "clusters": lambda found: str(len(found["clusters"])),
    "waiting": "messages_waiting",
    "token ends": lambda found: time_of(found["token_expires_at"]),
}


@click.group()
def frontgate() -> None:
    """Look at what connects the machines of a network, and revoke its access."""


@frontgate.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the Frontgates."""
    items = session.api.items("/v1/frontgates")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(items, _COLUMNS, nothing="There is no Frontgate. The first deployment makes one.")


@frontgate.command()
@click.argument("frontgate_id", metavar="FRONTGATE", shell_complete=frontgates)
@talks_to_api
def show(session: Session, frontgate_id: str) -> None:
    """Show a Frontgate: its connection, its token, what waits for it."""
    _show(session, session.api.get(f"/v1/frontgates/{frontgate_id}"))


@frontgate.command()
@click.argument("frontgate_id", metavar="FRONTGATE", shell_complete=frontgates)
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_api
def revoke(session: Session, frontgate_id: str, yes: bool) -> None:
    """Make all tokens of a Frontgate worth nothing, and cut its connection.

    The machines behind it go on as they are; nothing new reaches them until it is renewed.
    """
    if not yes:
        ask(f"Revoke the tokens of Frontgate {frontgate_id}?")
    _show(session, session.api.post(f"/v1/frontgates/{frontgate_id}/revoke"))


@frontgate.command()
@click.argument("frontgate_id", metavar="FRONTGATE", shell_complete=frontgates)
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_api
def renew(session: Session, frontgate_id: str, yes: bool) -> None:
    """Give a Frontgate another machine, which enrols anew.

    For one that is shut out: its token was revoked, or it was away for longer than its token
    lasts. Nothing but the user-data of a new machine can bring it an enrolment.
    """
    if not yes:
        ask(f"Replace the machine of Frontgate {frontgate_id}?")
    begun = session.api.post(f"/v1/frontgates/{frontgate_id}/renew")
    finish(session, begun["id"])
    if not session.as_json:
        say("The Frontgate is connected.")


def _show(session: Session, found: JsonObject) -> None:
    if session.as_json:
        print_json(found)
        return
    times = {name: time_of(value) for name, value in found.items() if name.endswith("_at")}
    print_fields({**found, **times})
