"""``pitrix event``: what happened, in the order it was written."""

import time
from typing import Final

import click

from pitrix_core.cli.client import UnreachableError
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_json, text_of, time_of
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject

#: Seconds between two looks at the end of the list.
_POLL_S: Final = 0.5

_subject = click.option("--subject", help="Only about this thing: the id of a cluster, job, ….")


@click.group()
def event() -> None:
    """Look at what happened."""


@event.command("list")
@_subject
@click.option("--after", help="Only what was written after the event of this id.")
@talks_to_api
def list_(session: Session, subject: str | None, after: str | None) -> None:
    """List what happened, the oldest first."""
    items = session.api.items("/v1/events", subject=subject, after=after)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    for item in items:
        say(_line(item))


@event.command()
@_subject
@click.option("--after", help="Begin after the event of this id.")
@talks_to_api
def watch(session: Session, subject: str | None, after: str | None) -> None:
    """Write what happens as it happens, until Ctrl-C; with --json an object a line."""
    while True:
        try:
            items = session.api.items("/v1/events", subject=subject, after=after)
        except UnreachableError:
            items = []
        for item in items:
            after = str(item["id"])
            if session.as_json:
                print_json(item)
            else:
                say(_line(item))
        time.sleep(_POLL_S)


def _line(item: JsonObject) -> str:
    about = text_of(item.get("data"))
    return f"{time_of(item.get('at'))}  {item['kind']:<20}  {item.get('subject', '')}  {about}"
