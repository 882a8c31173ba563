"""``pitrix login``, ``logout`` and ``whoami``."""

import contextlib
import socket
import uuid
from pathlib import Path
from typing import Any

import click

from pitrix_core.cli import connection, logins
from pitrix_core.cli.options import Session, data_option, json_option, talks_to_api
from pitrix_core.cli.output import print_fields, print_json
from pitrix_core.cli.problems import ApiError, CliError
from pitrix_core.cli.terminal import say

_WHO_AM_I = "/v1/whoami"


@click.command()
@click.argument("name", required=False)
@click.option("--url", help="Address of the API. [env: PITRIX_URL]")
@click.option("--with-token", is_flag=True, help="Ask for a token made elsewhere, not a password.")
@click.option(
    "--days",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="How long the login is good.",
)
@data_option
@json_option
def login(  # one for each option
    name: str | None,
    *,
    url: str | None,
    with_token: bool,
    days: int,
    data: Path | None,
    as_json: bool,
) -> None:
    """Log in as NAME: an API token is made, and remembered on this machine.

    Who signs in with a browser alone makes a token there, and gives it with --with-token.
    """
    address = connection.target(url=url, token=None, data=data).url
    if with_token:
        token = str(click.prompt("Token", hide_input=True, err=True))
    else:
        name = name or str(click.prompt("Name", err=True))
        password = str(click.prompt("Password", hide_input=True, err=True))
        token = _token_for(address, name, password, days=days)
    found = _who_shows(address, token)
    logins.remember(address, token)
    if as_json:
        print_json({"url": address, "name": found["name"]})
    else:
        say(f"Logged in at {address} as {found['name']}.")


@click.command()
@click.option("--url", help="Address of the API. [env: PITRIX_URL]")
@data_option
@json_option
def logout(*, url: str | None, data: Path | None, as_json: bool) -> None:
    """Forget the login, and make its token worth nothing."""
    address = connection.target(url=url, token=None, data=data).url
    token = logins.forget(address)
    if token is None:
        raise CliError(f"Nobody is logged in at {address}.")
    _revoke(address, token)
    if as_json:
        print_json({"url": address})
    else:
        say(f"Logged out at {address}.")


@click.command()
@talks_to_api
def whoami(session: Session, /) -> None:
    """Show as whom one asks, and what one may do."""
    found = session.api.get(_WHO_AM_I)
    if session.as_json:
        print_json(found)
        return
    print_fields(
        {
            "name": found["name"],
            "group": found["group"],
            "may": found["actions"],
            **{
                f"on {reach['path']}": "everything"
                if found["is_admin"] and reach["path"] == "/"
                else reach["actions"]
                for reach in found["reaches"]
            },
        }
    )


def _token_for(address: str, name: str, password: str, *, days: int) -> str:
    """Open a session, make a token in it, and end it."""
    from pitrix_core.cli.client import BrowserApi  # noqa: PLC0415  # `--help` need not wait for it

    with BrowserApi(address) as browser:
        browser.log_in(name, password)
        wanted = {"name": _token_name(), "expires_in_days": days}
        token = str(browser.post("/v1/tokens", wanted)["token"])
        browser.delete("/v1/sessions/current")
    return token


def _token_name() -> str:
    """Return a name that says which machine a token is on, and is no other one's."""
    return f"login on {socket.gethostname()[:30]} {uuid.uuid4().hex[:8]}"


def _who_shows(address: str, token: str) -> Any:
    from pitrix_core.cli.client import Api  # noqa: PLC0415  # `--help` need not wait for it

    with Api(address, token=token) as api:
        return api.get(_WHO_AM_I)


def _revoke(address: str, token: str) -> None:
    from pitrix_core.cli.client import Api  # noqa: PLC0415  # `--help` need not wait for it

    with Api(address, token=token) as api, contextlib.suppress(ApiError):  # it may be over already
        api.delete("/v1/tokens/current")
