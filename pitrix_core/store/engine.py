"""Connects to SQLite or PostgreSQL, and hides what differs between them."""

import datetime as dt
import sqlite3
from typing import Any, Final, cast

import sqlalchemy as sa

#: What is raised when the database is away, locked or busy for too long: try again later.
DATABASE_TROUBLE: Final = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.TimeoutError,
)

#: Milliseconds a writer waits for another one on SQLite before it fails.
_BUSY_TIMEOUT_MS = 30_000


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a database URL; connects to nothing yet.

    SQLite runs in WAL mode with full synchronisation, and every transaction that writes takes the
    write lock at its beginning, so that it can never fail half-way for a reader turned writer.

    :param url: ``sqlite:///PATH`` or ``postgresql+psycopg://…``.
    """
    engine = sa.create_engine(
        url,
        pool_pre_ping=not url.startswith("sqlite"),
        hide_parameters=True,  # what is bound may be a secret, and errors are logged
    )
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def db_now(connection: sa.Connection) -> dt.datetime:
    """Return the time by the one clock all runners share: the database's."""
    if connection.dialect.name == "sqlite":  # embedded: its clock is this machine's
        return dt.datetime.now(dt.UTC)
    now = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return cast("dt.datetime", now)


class UtcTime(sa.types.TypeDecorator[dt.datetime]):
    """An aware time in UTC; text that sorts by time on SQLite, ``timestamptz`` on PostgreSQL."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """Turn a time into UTC; SQLite keeps no offset."""
        if value is None:
            return None
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """Say that it is UTC."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or dt.UTC)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event below opens transactions
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    reads_only = connection.get_execution_options().get("pitrix_read_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
