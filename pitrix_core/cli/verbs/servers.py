"""Verbs that start servers: all of them on one machine, or one kind alone."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pitrix_core.cli.connection import data_folder
from pitrix_core.cli.options import data_option

_log_level = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Least level that is logged.",
)
_host = click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
_port = click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")


@click.command()
@data_option
@_host
@_port
@click.option(
    "--allow-local",
    is_flag=True,
    help="Let admins use the provider `local`, which runs what packages say on this very machine.",
)
@_log_level
def serve(
    data: Path | None, host: str | None, port: int | None, allow_local: bool, log_level: str | None
) -> None:
    """Run everything on this machine: API, runner, pilot and indexer.

    The first start makes the data folder, a database in it, and an admin's token in DATA/token; the
    API's address is written to DATA/url. Stop it with Ctrl-C.
    """
    _start(
        "serve",
        data,
        api_host=host,
        api_port=port,
        allow_local=allow_local or None,
        log_level=log_level,
    )


@click.command()
@data_option
@_host
@_port
@_log_level
def api(data: Path | None, host: str | None, port: int | None, log_level: str | None) -> None:
    """Run the REST API alone."""
    _start("run_api", data, api_host=host, api_port=port, log_level=log_level)


@click.command()
@data_option
@_log_level
def runner(data: Path | None, log_level: str | None) -> None:
    """Run a runner alone: it carries jobs out. Any number of them share one database."""
    _start("run_runner", data, log_level=log_level)


@click.command()
@data_option
@_host
@_port
@_log_level
def pilot(data: Path | None, host: str | None, port: int | None, log_level: str | None) -> None:
    """Run a pilot alone: it talks to the agents."""
    _start("run_pilot", data, pilot_host=host, pilot_port=port, log_level=log_level)


@click.command()
@data_option
@_log_level
def indexer(data: Path | None, log_level: str | None) -> None:
    """Run an indexer alone: it reads the repos."""
    _start("run_indexer", data, log_level=log_level)


def _start(name: str, data: Path | None, **given: Any) -> None:
    """Call the function of the wiring that runs a server until it is stopped."""
    config = importlib.import_module("pitrix_core.config").Config
    wiring = importlib.import_module("pitrix_core.wiring")
    overrides = {option: value for option, value in given.items() if value is not None}
    run: Callable[[Any], None] = getattr(wiring, name)
    run(config.load(data_folder(data), **overrides))
