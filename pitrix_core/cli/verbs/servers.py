"""Verbs that start servers: all of them on one machine, or one kind alone."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pitrix_core.cli.options import data_option
from pitrix_core.cli.terminal import say

if TYPE_CHECKING:
    from pitrix_core.config import Config

_F = TypeVar("_F", bound=Callable[..., Any])

_database = click.option(
    "--database",
    metavar="URL",
    help="postgresql://USER@HOST/DATABASE instead of SQLite in the data folder. A password does "
    "not belong here: PGPASSWORD and ~/.pgpass are read. [env: PITRIX_DATABASE]",
)
_log_level = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Least level that is logged. [env: PITRIX_LOG_LEVEL]",
)

_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


def _pilot_tls(prefix: str) -> Callable[[_F], _F]:
    """Add the options with what the Pilot serves TLS with."""

    def add(command: _F) -> _F:
        cert = click.option(
            f"--{prefix}tls-cert", type=_PEM, help="The Pilot's certificate and its chain, PEM."
        )
        key = click.option(f"--{prefix}tls-key", type=_PEM, help="Its key, PEM.")
        return cert(key(command))

    return add


@click.command()
@data_option
@_database
@click.option("--host", help="Address the API listens on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The API's port; 0 takes a free one.  [default: 9100]",
)
@click.option("--pilot-host", help="Address Frontgates dial.  [default: 127.0.0.1]")
@click.option("--pilot-port", type=click.IntRange(0, 65535), help="Its port; 0 takes a free one.")
@_pilot_tls("pilot-")
@click.option(
    "--allow-local",
    is_flag=True,
    help="Let admins use the provider `local`, which runs what packages say on this very machine.",
)
@click.option(
    "--allow-private-repos",
    metavar="NETWORKS",
    help="Networks (CIDR, separated by commas) that repos may be in beside public ones; `all` for "
    "every private one. [env: PITRIX_PRIVATE_REPOS]",
)
@_log_level
def serve(  # noqa: PLR0913  # one for each option
    data: Path | None,
    *,
    database: str | None,
    host: str | None,
    port: int | None,
    pilot_host: str | None,
    pilot_port: int | None,
    pilot_tls_cert: Path | None,
    pilot_tls_key: Path | None,
    allow_local: bool,
    allow_private_repos: str | None,
    log_level: str | None,
) -> None:
    """Run everything on this machine: API, runner, pilot and indexer.

    The first start makes the data folder, a database in it, and an admin's token in DATA/token; the
    API's address is written to DATA/url. Stop it with Ctrl-C.
    """
    config = _configured(
        data,
        database=database,
        api_host=host,
        api_port=port,
        pilot_host=pilot_host,
        pilot_port=pilot_port,
        pilot_tls_cert=_text(pilot_tls_cert),
        pilot_tls_key=_text(pilot_tls_key),
        allow_local=allow_local or None,
        private_repos=allow_private_repos,
        log_level=log_level,
    )

    def ready(url: str) -> None:
        say(f"pitrix serves {url} from {config.data_dir}. Stop it with Ctrl-C.")
        say(f"In another shell: export PITRIX_DATA={config.data_dir}; pitrix app list")

    _wiring().serve(config, on_ready=ready)


@click.command()
@data_option
@_database
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@_log_level
def api(
    data: Path | None,
    *,
    database: str | None,
    host: str | None,
    port: int | None,
    log_level: str | None,
) -> None:
    """Run the REST API alone. Any number of them share one database."""
    config = _configured(data, database=database, api_host=host, api_port=port, log_level=log_level)
    _wiring().run_api(config)


@click.command()
@data_option
@_database
@_log_level
def runner(data: Path | None, database: str | None, log_level: str | None) -> None:
    """Run a runner alone: it carries jobs out. Any number of them share one database."""
    _wiring().run_runner(_configured(data, database=database, log_level=log_level))


@click.command()
@data_option
@_database
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@_pilot_tls("")
@_log_level
def pilot(  # one for each option
    data: Path | None,
    *,
    database: str | None,
    host: str | None,
    port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    log_level: str | None,
) -> None:
    """Run a pilot alone: it talks to the agents. Any number of them share one database.

    Without --tls-cert, something in front of it has to speak TLS wherever the way to it is not
    trusted. PITRIX_PILOT_URL says where Frontgates find it; PITRIX_PILOT_CA names a file with the
    authorities they trust for it, where those of their machines are not meant.
    """
    config = _configured(
        data,
        database=database,
        pilot_host=host,
        pilot_port=port,
        pilot_tls_cert=_text(tls_cert),
        pilot_tls_key=_text(tls_key),
        log_level=log_level,
    )
    _wiring().run_pilot(config)


@click.command()
@data_option
@_database
@_log_level
def indexer(data: Path | None, database: str | None, log_level: str | None) -> None:
    """Run an indexer alone: it reads the repos."""
    _wiring().run_indexer(_configured(data, database=database, log_level=log_level))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _configured(data: Path | None, **given: Any) -> "Config":
    """Read the settings."""
    from pitrix_core.config import Config  # noqa: PLC0415  # servers only

    return Config.load(data, **given)


def _wiring() -> Any:
    """Import what builds everything; it stands above the command line."""
    return importlib.import_module("pitrix_core.wiring")
