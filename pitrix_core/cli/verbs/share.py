"""``pitrix runtime share`` and ``pitrix app share``: who sees them, beside their owners."""

from typing import Final

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json
from pitrix_core.model import JsonObject

_GROUPS: Final = click.option(
    "--group", "groups", multiple=True, metavar="PATH", help="A group that sees it; with `groups`."
)


@click.command("share")
@click.argument("name", metavar="RUNTIME")
@click.argument("visibility", type=click.Choice(["public", "private", "groups"]))
@_GROUPS
@talks_to_api
def share_runtime(session: Session, /, name: str, visibility: str, groups: tuple[str, ...]) -> None:
    """Say who sees a runtime, and can deploy on it."""
    _share(session, f"/v1/runtimes/{name}/share", {"visibility": visibility, "groups": groups})


@click.command("share")
@click.argument("name", metavar="APP")
@click.argument("visibility", type=click.Choice(["repo", "public", "private", "groups"]))
@_GROUPS
@talks_to_api
def share_app(session: Session, /, name: str, visibility: str, groups: tuple[str, ...]) -> None:
    """Say who sees an app; `repo` for whoever sees its repo."""
    said = {} if visibility == "repo" else {"visibility": visibility}
    _share(session, f"/v1/apps/{name}/share", {**said, "groups": groups})


def _share(session: Session, path: str, body: JsonObject) -> None:
    found = session.api.post(path, body)
    if session.as_json:
        print_json(found)
    else:
        print_fields({name: found.get(name) for name in ("name", "id", "visibility", "groups")})
