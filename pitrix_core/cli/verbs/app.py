"""``pitrix app``: what there is to deploy."""

import click

from pitrix_core.cli.completion.values import apps
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table
from pitrix_core.cli.verbs.lives import APP_VERBS
from pitrix_core.cli.verbs.match import match
from pitrix_core.cli.verbs.usage import stats


@click.group()
def app() -> None:
    """Look at the applications of all repos."""


for _verb in (*APP_VERBS, match, stats):
    app.add_command(_verb)


@app.command("list")
@click.option("--search", help="Text in the name or the description.")
@talks_to_api
def list_(session: Session, search: str | None) -> None:
    """List the applications."""
    items = session.api.items("/v1/apps", search=search)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(
        items,
        {"name": "name", "id": "id", "description": "description"},
        nothing="No app is called so."
        if search
        else "There is no app. Add a repo: pitrix repo add NAME file:///FOLDER",
    )


@app.command()
@click.argument("app_id", metavar="APP", shell_complete=apps)
@talks_to_api
def show(session: Session, app_id: str) -> None:
    """Show an application."""
    found = session.api.get(f"/v1/apps/{app_id}")
    if session.as_json:
        print_json(found)
        return
    print_fields({name: found.get(name) for name in ("name", "id", "repo_id", "description")})


@app.command()
@click.argument("app_id", metavar="APP", shell_complete=apps)
@talks_to_api
def versions(session: Session, app_id: str) -> None:
    """List the versions of an application, the newest first."""
    items = session.api.items(f"/v1/apps/{app_id}/versions")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"version": "version", "of": "app_version", "type": "app_type", "state": "state"}
    columns |= {"signed by": "signed_by", "id": "id"}
    print_table(items, columns, nothing="It has no version.")
