"""Remembers the tokens that `pitrix login` got, in a file that only its owner reads."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pitrix_core.cli.problems import CliError


def remembered(*, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the tokens by the server's URL, the last login's last.

    :raises CliError: the file cannot be read.
    """
    path = _path(environ)
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(url): str(token) for url, token in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as ex:
        raise CliError(
            f"{path} cannot be read: {ex}", next_step="Remove it, and log in again."
        ) from ex


def remember(url: str, token: str, *, environ: Mapping[str, str] = os.environ) -> None:
    """Keep a token for a server.

    :raises CliError: the file cannot be written.
    """
    known = remembered(environ=environ)
    known.pop(url, None)
    _write({**known, url: token}, environ)


def forget(url: str, *, environ: Mapping[str, str] = os.environ) -> str | None:
    """Drop the token for a server, and return it; None where there was none.

    :raises CliError: the file cannot be written.
    """
    known = remembered(environ=environ)
    token = known.pop(url, None)
    if token is not None:
        _write(known, environ)
    return token


def _write(known: Mapping[str, str], environ: Mapping[str, str]) -> None:
    path = _path(environ)
    new = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known, file)
        new.replace(path)
    except OSError as ex:
        raise CliError(f"{path} cannot be written: {ex.strerror}.") from ex


def _path(environ: Mapping[str, str]) -> Path:
    """Return the file's path (XDG base directories)."""
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home(), ".config")
    return Path(home, "pitrix", "logins.json")
