"""Databases to measure on: SQLite in a file, or PostgreSQL on a server of one's own."""

import argparse
import contextlib
import itertools
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from bench.results import MeasurementError
from pitrix_core.store import make_engine
from pitrix_core.testing.postgresql_server import PostgresqlMissingError, postgresql_server


def add_database_argument(parser: argparse.ArgumentParser) -> None:
    """Say that a kind of database can be asked for."""
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")


@contextlib.contextmanager
def databases(kind: str) -> Iterator[Callable[[], str]]:
    """Yield a function that returns the URL of an empty database, another one each time; empty for
    SQLite, where each installation has a file in its own folder.

    :raises MeasurementError: there is no PostgreSQL.
    """
    if kind == "sqlite":
        yield str
        return
    numbers = itertools.count(1)
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql_server())
        except PostgresqlMissingError as ex:
            raise MeasurementError(str(ex)) from ex
        engine = make_engine(server.url()).execution_options(isolation_level="AUTOCOMMIT")
        stack.callback(engine.dispose)

        def new() -> str:
            name = f"bench_{next(numbers)}"
            with engine.connect() as connection:
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
            return server.url(name)

        yield new
