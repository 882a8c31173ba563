"""Brings a database to this version's tables (Alembic).

Revisions come in halves: ``pre_`` ones only add, so that the last release goes on working beside
this one during a rolling upgrade; ``post_`` ones take away, once no process of it is left.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import alembic.command
import alembic.config
import sqlalchemy as sa

from pitrix_core.errors import PitrixError
from pitrix_core.store.engine import Turn, take_turn

#: Counts up with every change of tables.
_VERSION: Final = "PRAGMA schema_version"


def upgrade(engine: sa.Engine, *, revision: str = "head") -> None:
    """Bring the database to the newest revision; does nothing when it is there already.

    :param revision: another one to stop at.
    :raises PitrixError: references between rows would be broken; nothing was changed.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    is_sqlite = engine.dialect.name == "sqlite"
    with _rebuilding(engine) if is_sqlite else engine.begin() as connection:
        take_turn(connection, Turn.MIGRATION)  # of several processes that start, one does it
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)


@contextlib.contextmanager
def _rebuilding(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction on SQLite in which tables can be dropped that others refer to.

    It alters most of a table by having it made anew. References are looked at in the end instead.
    Source: https://www.sqlite.org/lang_altertable.html#otheralter, read 2026-11.
    """
    with engine.connect() as connection:
        connection.detach()  # it is closed in the end, and serves nobody else without references
        raw = connection.connection.dbapi_connection
        assert raw is not None  # noqa: S101  # it is open
        raw.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            before = connection.exec_driver_sql(_VERSION).scalar()
            yield connection
            if connection.exec_driver_sql(_VERSION).scalar() != before:
                _look_at_references(connection)


def _look_at_references(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise PitrixError(
            f"The database was not upgraded: table {broken[0]} refers to rows of {broken[2]} "
            "that are not there.",
            next_step="Restore the last backup, and upgrade that.",
        )
