"""``pitrix app``: what there is to deploy."""

from collections.abc import Iterator
from typing import Final

import click

from pitrix_core.cli.completion.values import apps
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table
from pitrix_core.cli.values import resolve
from pitrix_core.model import JsonObject

#: How the parameters of an app, or of a provider, are shown.
PARAMETER_COLUMNS: Final = {
    "path": "path",
    "type": "type",
    "default": "default",
    "choices": "enum",
    "about": "about",
}


@click.group()
def app() -> None:
    """Look at the applications of all repos."""


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


def parameters_of(schema: JsonObject) -> list[JsonObject]:
    """Return a row for each value that a schema takes, for :data:`PARAMETER_COLUMNS`."""
    return list(_leaves(resolve(schema, schema), schema, ()))


def _leaves(part: JsonObject, schema: JsonObject, path: tuple[str, ...]) -> Iterator[JsonObject]:
    """Yield a row for each parameter of a schema, in its order."""
    for name, member in (part.get("properties") or {}).items():
        # What stands beside a reference is this member's own: its default.
        inner = {**resolve(member, schema), **member}
        if inner.get("properties"):
            yield from _leaves(inner, schema, (*path, name))
            continue
        required = "" if name not in part.get("required", ()) else "required"
        about = inner.get("description") or inner.get("title") or ""
        yield {
            "path": ".".join((*path, name)),
            "type": inner.get("type"),
            "default": inner.get("default", required),
            "enum": inner.get("enum"),
            "about": about,
        }
