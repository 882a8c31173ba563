"""``pitrix provider``: the clouds runtimes can be registered with, and what they want to know."""

import click

from pitrix_core.cli.forms import ROW_COLUMNS, rows_of
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_json, print_table
from pitrix_core.cli.terminal import say


@click.group()
def provider() -> None:
    """Look at the clouds that runtimes can be registered with."""


@provider.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the providers."""
    items = session.api.items("/v1/providers")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(
        items,
        {"name": "name", "from": "distribution", "version": "version"},
        nothing="No provider is installed. Add one: pip install pitrix-local",
    )


@provider.command()
@click.argument("name", metavar="PROVIDER")
@talks_to_api
def show(session: Session, name: str) -> None:
    """Show what a runtime of PROVIDER can be told: settings, and the members of its credential.

    With --json: their JSON Schemas.
    """
    found = session.api.get(f"/v1/providers/{name}")
    if session.as_json:
        print_json(found)
        return
    say("settings, for: pitrix runtime add --set KEY=VALUE")
    print_table(rows_of(found["settings_schema"]), ROW_COLUMNS, nothing="none")
    say("\ncredential, for: pitrix runtime add --credential KEY=-")
    print_table(rows_of(found["credential_schema"]), ROW_COLUMNS, nothing="none")
