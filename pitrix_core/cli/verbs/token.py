"""``pitrix token``: API tokens of one's own."""

from typing import Final

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_json, print_table
from pitrix_core.cli.terminal import say

_TOKENS: Final = "/v1/tokens"


@click.group()
def token() -> None:
    """Make API tokens for programs, look at them, and take them back."""


@token.command()
@click.argument("name")
@click.option("--right", "rights", multiple=True, help="Allow only this; may be repeated.")
@click.option("--group", metavar="PATH", help="Only things of this group's people.")
@click.option("--days", type=click.IntRange(1), help="How long it is good; for ever if left out.")
@talks_to_api
def add(
    session: Session,
    /,
    name: str,
    rights: tuple[str, ...],
    group: str | None,
    days: int | None,
) -> None:
    """Make a token called NAME, and show it this once."""
    said = {"name": name, "actions": list(rights) or None, "group": group, "expires_in_days": days}
    body = {member: value for member, value in said.items() if value is not None}
    made = session.api.post(_TOKENS, body)
    if session.as_json:
        print_json(made)
    else:
        say(made["token"])
        say("It is not shown again.", err=True)


@token.command("list")
@talks_to_api
def list_(session: Session, /) -> None:
    """List one's own tokens."""
    items = session.api.items(_TOKENS)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"name": "name", "id": "id", "allows": "actions", "on": "group_id"}
    times = {"used": "used_at", "until": "expires_at"}
    print_table(items, {**columns, **times}, nothing="There is no token.")


@token.command()
@click.argument("name")
@talks_to_api
def revoke(session: Session, /, name: str) -> None:
    """Make a token worth nothing, from now on."""
    session.api.delete(f"{_TOKENS}/{name}")
    if session.as_json:
        print_json({"name": name})
    else:
        say(f"The token {name} is worth nothing any more.")
