"""An installation that is brought to this version keeps all that it has."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pitrix_core.errors import PitrixError
from pitrix_core.store import make_engine, migrations
from pitrix_core.testing.postgresql_server import PostgresqlServer

#: Before there were people, meters and an audit.
OLD = "0005"
ROWS = (0, 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database as an earlier version left it."""
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'old.db'}"
        if request.param == "postgresql":
            url = stack.enter_context(_own_database(request.getfixturevalue("shared_postgresql")))
        engine = make_engine(url)
        stack.callback(engine.dispose)
        migrations.upgrade(engine, revision=OLD)
        yield engine


@contextlib.contextmanager
def _own_database(server: PostgresqlServer) -> Iterator[str]:
    engine = make_engine(server.url()).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE old")
            yield server.url("old")
            connection.exec_driver_sql("DROP DATABASE old")
    finally:
        engine.dispose()


def reflected(engine: sa.Engine) -> sa.MetaData:
    """Return the tables as they are."""
    found = sa.MetaData()
    found.reflect(engine)
    return found


def filled(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """Put rows into every table, which refer to one another, and return them."""
    of_ours = [t for t in reflected(engine).sorted_tables if t.name != "alembic_version"]
    with engine.begin() as connection:
        for table in of_ours:
            rows = [{column.name: _value(column, n) for column in table.columns} for n in ROWS]
            connection.execute(table.insert(), rows)
        return {table.name: _rows(connection, table) for table in of_ours}


def _rows(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def _value(column: sa.Column[Any], number: int) -> object:
    for key in column.foreign_keys:
        return _value(key.column, number)
    if isinstance(column.type, sa.DateTime):
        zone = dt.UTC if column.type.timezone else None
        return dt.datetime(2026, 1, 1 + number, tzinfo=zone)
    samples: dict[type, object] = {
        bool: number == 0,
        int: number + 1,
        float: number + 0.5,
        bytes: bytes([number]),
        str: f"{number} {column.name}",
    }
    return samples.get(column.type.python_type, {"number": number})  # what is left is JSON


def test_no_row_is_lost(engine: sa.Engine) -> None:
    """Nor changed, whatever refers to it; references are enforced as before."""
    before = filled(engine)

    migrations.upgrade(engine)

    tables = reflected(engine).tables
    with engine.begin() as connection:
        for name, rows in before.items():
            old = sa.select(*(tables[name].c[column] for column in rows[0]))
            kept = [dict(row) for row in connection.execute(old).mappings()]
            assert [row for row in rows if row not in kept] == [], name
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(tables["repos"].delete())


def test_an_upgrade_that_would_break_a_reference_leaves_everything(tmp_path: Path) -> None:
    """SQLite does not look at references meanwhile; they are all looked at before the end."""
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    migrations.upgrade(engine, revision=OLD)
    filled(engine)
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as raw, raw:
        raw.execute("DELETE FROM repos")

    with pytest.raises(PitrixError, match="apps"):
        migrations.upgrade(engine)

    left = set(reflected(engine).tables)
    engine.dispose()
    assert "app_listings" not in left
