"""Connects to SQLite or PostgreSQL, and hides what differs between them."""

import datetime as dt
import enum
import importlib.util
import sqlite3
from collections.abc import Mapping
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pitrix_core.errors import InvalidInputError

#: What is raised when the database is away, locked or busy for too long, or chose this transaction
#: to end a deadlock: try again later.
DATABASE_TROUBLE: Final[tuple[type[Exception], ...]] = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.TimeoutError,
)

#: What is raised when a database cannot keep a value: it is too long, or holds NUL.
UNFIT_FOR_DATABASE: Final[tuple[type[Exception], ...]] = (sa.exc.DataError,)

#: Milliseconds a writer waits for another one before it fails.
_BUSY_TIMEOUT_MS: Final = 30_000

#: Connections that a process keeps, and those it may open beside them: a step needs one for an
#: instant, so that a few serve many threads. PostgreSQL takes 100 in all unless it is told
#: otherwise (``max_connections``).
_KEPT_CONNECTIONS: Final = 5
_MORE_CONNECTIONS: Final = 10

#: Of every session on PostgreSQL. A machine that loses its power in the middle of a transaction
#: must not keep its locks until the kernel of the database's machine gives up, which takes hours.
#: Source: https://www.postgresql.org/docs/current/runtime-config-client.html, read 2026-11.
_SESSION: Final[Mapping[str, object]] = {
    "lock_timeout": _BUSY_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": 10_000,
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
}
#: Of libpq, which notices in the same way that the database's machine is gone.
#: Source: https://www.postgresql.org/docs/current/libpq-connect.html, read 2026-11.
_CONNECT: Final[Mapping[str, object]] = {
    "application_name": "pitrix",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
}


#: Transactions that were in each other's way, of which the database ended this one: nothing of it
#: was written, and it can be carried out again at once.
#: Source: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html,
#: read 2026-11.
_COLLISIONS: Final = frozenset({"40001", "40P01"})

#: Tells our advisory locks from those of others who use the same database.
_LOCKS: Final = 0x70697472


class Turn(enum.IntEnum):
    """What is done by one transaction at a time, where several could be at it."""

    MIGRATION = 1
    INSTALLATION = 2
    NODE_NUMBERS = 3
    EVENTS = 4
    PEOPLE = 7
    AUDIT = 5


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a database URL; connects to nothing yet.

    SQLite runs in WAL mode with full synchronisation, and every transaction that writes takes the
    write lock at its beginning, so that it can never fail half-way for a reader turned writer.

    PostgreSQL is used at *read committed* by those who write, whatever the server's default is, and
    at *repeatable read* by those who only read: all they read is of one moment, as on SQLite.

    An engine must not be taken over a fork.

    :param url: ``sqlite:///PATH`` or ``postgresql://USER@HOST/DATABASE``.
    :raises InvalidInputError: it is no URL of a database, or the driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InvalidInputError(  # the URL may hold a password, and is not repeated
            "The database's URL is none.", next_step="It looks like postgresql://USER@HOST/DATABASE"
        ) from None
    return _sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)


def db_now(connection: sa.Connection) -> dt.datetime:
    """Return the time by the one clock all runners share: the database's."""
    if connection.dialect.name == "sqlite":  # embedded: its clock is this machine's
        return dt.datetime.now(dt.UTC)
    now = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return cast("dt.datetime", now)


def read_options(engine: sa.Engine) -> Mapping[str, Any]:
    """Return the options of connections that only read."""
    if engine.dialect.name == "sqlite":
        return {"pitrix_read_only": True}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def take_turn(connection: sa.Connection, turn: Turn) -> None:
    """Wait until no other transaction has this turn, and keep it until the end of this one.

    Does nothing on SQLite, where one writes at a time anyway.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, int(turn))))


def insert_once(connection: sa.Connection, table: sa.Table, **values: object) -> bool:
    """Insert a row, unless there is one that excludes it; waits for who is about to insert that.

    :returns: False when there is one.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    unless_known = insert(table).values(**values).on_conflict_do_nothing()
    inserted = connection.execute(unless_known.returning(sa.literal(value=True)))
    return inserted.first() is not None


def is_collision(error: Exception) -> bool:
    """Say whether a transaction failed for another one that was in its way."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else None
    return getattr(cause, "sqlstate", None) in _COLLISIONS


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


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, hide_parameters=True)  # what is bound may be a secret
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise InvalidInputError(
            "PostgreSQL needs a driver that is not installed.",
            next_step="Install it: pip install 'pitrix-core[postgresql]'",
        )
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,  # what is bound may be a secret, and errors are logged
        isolation_level="READ COMMITTED",
        connect_args={name: value for name, value in _CONNECT.items() if name not in url.query},
        pool_pre_ping=True,
        pool_size=_KEPT_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        pool_use_lifo=True,
    )


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
