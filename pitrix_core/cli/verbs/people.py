"""``pitrix user``, ``group``, ``role`` and ``grant``: who there is, and what they may do."""

from typing import Any, Final

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import Columns, ask, print_fields, print_json, print_table
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject

_USERS: Final = "/v1/users"
_GROUPS: Final = "/v1/groups"
_ROLES: Final = "/v1/roles"
_PASSWORD: Final = click.option("--password", is_flag=True, help="Ask for a password.")
_YES: Final = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def user() -> None:
    """Let people in, change what they are, and let them go."""


@user.command("add")
@click.argument("name")
@click.option("--group", default="/", show_default=True, metavar="PATH", help="Their group.")
@click.option("--role", default="user", show_default=True, help="For what is theirs.")
@click.option("--email", help="Where to reach them.")
@_PASSWORD
@talks_to_api
def add_user(session: Session, /, *, password: bool, **said: str | None) -> None:
    """Let somebody in as NAME."""
    secret = {"password": _asked()} if password else {}
    _show(session, session.api.post(_USERS, {**_given(said), **secret}))


@user.command("list")
@talks_to_api
def list_users(session: Session, /) -> None:
    """List the users."""
    columns = {"name": "name", "group": "group", "role": "role", "email": "email"}
    items = session.api.items(_USERS)
    _table(session, items, {**columns, "disabled": "disabled_at"}, nothing="There is no user.")


@user.command("show")
@click.argument("name")
@talks_to_api
def show_user(session: Session, /, name: str) -> None:
    """Show a user."""
    _show(session, session.api.get(f"{_USERS}/{name}"))


@user.command("set")
@click.argument("name")
@click.option("--group", metavar="PATH", help="Another group; what is theirs comes along.")
@click.option("--role", help="Another role for what is theirs.")
@click.option("--email", help="Where to reach them.")
@talks_to_api
def set_user(session: Session, /, name: str, **said: str | None) -> None:
    """Change what a user is."""
    _show(session, session.api.patch(f"{_USERS}/{name}", _given(said)))


@user.command("disable")
@click.argument("name")
@talks_to_api
def disable_user(session: Session, /, name: str) -> None:
    """Lock a user out; what is theirs goes on."""
    _show(session, session.api.patch(f"{_USERS}/{name}", {"is_disabled": True}))


@user.command("enable")
@click.argument("name")
@talks_to_api
def enable_user(session: Session, /, name: str) -> None:
    """Let a user in again."""
    _show(session, session.api.patch(f"{_USERS}/{name}", {"is_disabled": False}))


@user.command("password")
@click.argument("name", required=False)
@talks_to_api
def set_password(session: Session, /, name: str | None) -> None:
    """Set a user's password, or one's own; sessions that were open end."""
    own = session.api.get("/v1/whoami")["name"]
    body: JsonObject = {}
    if name in {None, own}:
        body = {"current": str(click.prompt("Current password", hide_input=True, err=True))}
    session.api.post(f"{_USERS}/{name or own}/password", {**body, "password": _asked()})
    _said(session, {"name": name or own}, "The password is set.")


@user.command("delete")
@click.argument("name")
@click.option("--to", metavar="NAME", help="Who gets all that is theirs.")
@_YES
@talks_to_api
def delete_user(session: Session, /, name: str, to: str | None, yes: bool) -> None:
    """Let somebody go."""
    if not yes:
        ask(f"Delete the user {name}?")
    session.api.delete(f"{_USERS}/{name}", to=to)
    _said(session, {"name": name, "to": to}, f"{name} is gone.")


@click.group()
def group() -> None:
    """Make groups of people, in a tree, as departments are."""


@group.command("add")
@click.argument("path")
@talks_to_api
def add_group(session: Session, /, path: str) -> None:
    """Make the group PATH, such as /acme/web; the group above it has to be there."""
    parent, _, name = path.rpartition("/")
    _show(session, session.api.post(_GROUPS, {"name": name, "parent": parent or "/"}))


@group.command("list")
@talks_to_api
def list_groups(session: Session, /) -> None:
    """List the groups."""
    columns = {"path": "path", "id": "id", "since": "created_at"}
    _table(session, session.api.items(_GROUPS), columns, nothing="There is no group.")


@group.command("move")
@click.argument("path")
@click.argument("to")
@talks_to_api
def move_group(session: Session, /, path: str, to: str) -> None:
    """Give the group PATH the path TO; its people and the groups below come along."""
    parent, _, name = to.rpartition("/")
    body = {"name": name, "parent": parent or "/"}
    _show(session, session.api.patch(f"{_GROUPS}/{_group_id(session, path)}", body))


@group.command("delete")
@click.argument("path")
@talks_to_api
def delete_group(session: Session, /, path: str) -> None:
    """Delete a group that nothing refers to."""
    session.api.delete(f"{_GROUPS}/{_group_id(session, path)}")
    _said(session, {"path": path}, f"The group {path} is gone.")


@click.group()
def role() -> None:
    """Look at roles, and make some of one's own."""


@role.command("list")
@talks_to_api
def list_roles(session: Session, /) -> None:
    """List the roles, and what they allow."""
    columns = {"name": "name", "built-in": "is_built_in", "allows": "actions"}
    _table(session, session.api.items(_ROLES), columns, nothing="There is no role.")


@role.command("add")
@click.argument("name")
@click.argument("rights", nargs=-1, required=True, metavar="RIGHT...")
@talks_to_api
def add_role(session: Session, /, name: str, rights: tuple[str, ...]) -> None:
    """Make the role NAME of rights, such as clusters.read."""
    _show(session, session.api.post(_ROLES, {"name": name, "actions": list(rights)}))


@role.command("delete")
@click.argument("name")
@talks_to_api
def delete_role(session: Session, /, name: str) -> None:
    """Delete a role that nobody has."""
    session.api.delete(f"{_ROLES}/{name}")
    _said(session, {"name": name}, f"The role {name} is gone.")


@click.group()
def grant() -> None:
    """Let people do something with what belongs to the people of a group."""


@grant.command("add")
@click.argument("name", metavar="USER")
@click.argument("role_name", metavar="ROLE")
@click.argument("path", metavar="GROUP")
@talks_to_api
def add_grant(session: Session, /, name: str, role_name: str, path: str) -> None:
    """Grant USER a ROLE on a GROUP and all below it; / is everything."""
    body = {"role": role_name, "group": path}
    _show(session, session.api.post(f"{_USERS}/{name}/grants", body))


@grant.command("list")
@click.argument("name", metavar="USER")
@talks_to_api
def list_grants(session: Session, /, name: str) -> None:
    """List what USER was granted."""
    items = session.api.items(f"{_USERS}/{name}/grants")
    columns = {"role": "role", "group": "group", "id": "id"}
    _table(session, items, columns, nothing=f"{name} was granted nothing.")


@grant.command("remove")
@click.argument("grant_id", metavar="GRANT")
@talks_to_api
def remove_grant(session: Session, /, grant_id: str) -> None:
    """Take a grant back."""
    session.api.delete(f"/v1/grants/{grant_id}")
    _said(session, {"id": grant_id}, "The grant is taken back.")


def _asked() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _given(said: dict[str, str | None]) -> JsonObject:
    return {name: value for name, value in said.items() if value is not None}


def _group_id(session: Session, path: str) -> str:
    """Return a group's id: a path has slashes, and would be more than one part of a URL."""
    for found in session.api.items(_GROUPS):
        if path in {found["path"], found["id"]}:
            return str(found["id"])
    raise CliError(f"There is no group {path}.", next_step="List them: pitrix group list")


def _show(session: Session, found: Any) -> None:
    if session.as_json:
        print_json(found)
    else:
        print_fields(found)


def _said(session: Session, found: JsonObject, words: str) -> None:
    if session.as_json:
        print_json(found)
    else:
        say(words)


def _table(session: Session, items: list[JsonObject], columns: Columns, *, nothing: str) -> None:
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
    else:
        print_table(items, columns, nothing=nothing)
