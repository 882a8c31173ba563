"""Verbs that start servers: all of them on one machine, or one kind alone."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pitrix_core.cli.options import data_option
from pitrix_core.cli.terminal import say

if TYPE_CHECKING:
    from pitrix_core.config import Config

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
@click.option(
    "--allow-local",
    is_flag=True,
    help="Let admins use the provider `local`, which runs what packages say on this very machine.",
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
    allow_local: bool,
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
        allow_local=allow_local or None,
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
@_log_level
def pilot(
    data: Path | None,
    *,
    database: str | None,
    host: str | None,
    port: int | None,
    log_level: str | None,
) -> None:
    """Run a pilot alone: it talks to the agents. Any number of them share one database."""
    config = _configured(
        data, database=database, pilot_host=host, pilot_port=port, log_level=log_level
    )
    _wiring().run_pilot(config)


@click.command()
@data_option
@_database
@_log_level
def indexer(data: Path | None, database: str | None, log_level: str | None) -> None:
    """Run an indexer alone: it reads the repos."""
    _wiring().run_indexer(_configured(data, database=database, log_level=log_level))


def _configured(data: Path | None, **given: Any) -> "Config":
    """Read the settings."""
    from pitrix_core.config import Config  # noqa: PLC0415  # servers only

    return Config.load(data, **given)


def _wiring() -> Any:
    """Import what builds everything; it stands above the command line."""
    return importlib.import_module("pitrix_core.wiring")
