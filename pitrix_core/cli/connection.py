"""Which server a verb talks to, with which token, and in which language.

An option wins over an environment variable, and that over what ``pitrix serve`` left in its data
folder, so that on one machine nothing has to be set. Who has logged in at a server asks as that.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import attrs
import click

from pitrix_core.cli import logins
from pitrix_core.cli.problems import CliError
from pitrix_core.service.languages import language_of


@attrs.frozen(kw_only=True)
class Target:
    """A server, and the token to show it."""

    url: str
    token: str | None = attrs.field(repr=False)


def data_folder(given: Path | None, *, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the data folder: the option, ``PITRIX_DATA``, or ``pitrix`` where the user's programs
    keep their data (XDG base directories).
    """
    if given is not None:
        return given
    if environ.get("PITRIX_DATA"):
        return Path(environ["PITRIX_DATA"])
    home = environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or Path.home(), ".local/share")
    return Path(home, "pitrix")


def target(
    *,
    url: str | None,
    token: str | None,
    data: Path | None,
    environ: Mapping[str, str] = os.environ,
) -> Target:
    """Find the server.

    A token of the data folder is shown only to the server of that folder.

    :raises CliError: none is named, and the data folder is not one of a server.
    """
    folder = data_folder(data, environ=environ)
    own_url = _read(folder / "url")
    remembered = logins.remembered(environ=environ)
    found_url = url or environ.get("PITRIX_URL") or own_url or next(reversed(remembered), None)
    found_token = token or environ.get("PITRIX_TOKEN") or remembered.get(found_url or "")
    if found_url is None:
        raise CliError(
            f"No server is known: {folder} holds none.",
            next_step="Start one with: pitrix serve; or name one: --url URL --token TOKEN",
        )
    if found_token is None and found_url == own_url:
        found_token = _read(folder / "token")
    return Target(url=found_url, token=found_token)


def language(given: str | None, *, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the language to ask for: the option, ``PITRIX_LANGUAGE``, or the system's.

    :returns: None where none is set.
    :raises click.UsageError: what is given is no language.
    """
    wanted = given or environ.get("PITRIX_LANGUAGE")
    if not wanted:
        return language_of(environ)
    found = language_of({"LANG": wanted})
    if found is None:
        raise click.UsageError(f"{wanted!r} is no language; name one as zh-CN or de.")
    return found


def is_known(*, url: str | None, data: Path | None) -> bool:
    """Say whether a server is named anywhere."""
    try:
        target(url=url, token=None, data=data)
    except CliError:
        return False
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as ex:
        raise CliError(
            f"{path} cannot be read: {ex.strerror}.",
            next_step="Ask as the user who runs pitrix serve, or give --url and --token.",
        ) from ex
