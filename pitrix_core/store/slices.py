"""Parts of long lists: what comes after a row, and no more than is wanted."""

import datetime as dt
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.errors import NotFoundError
from pitrix_core.store.engine import UtcTime


@attrs.frozen(kw_only=True)
class Slice:
    """Which part of a list is wanted."""

    #: Id of the row that it begins after; None for the beginning.
    after: str | None = None
    #: How many rows it has at most; None for all that come.
    limit: int | None = None


WHOLE: Final = Slice()


def newest_first(connection: sa.Connection, table: sa.Table, part: Slice) -> "sa.Select[Any]":
    """Return a query of a part of a table, by the time its rows were made, the newest first.

    :param table: has ``id`` and ``created_at``, and an index of both.
    :raises NotFoundError: there is no row that the part begins after.
    """
    columns = table.c
    query = sa.select(table).order_by(columns.created_at.desc(), columns.id.desc())
    if part.after is not None:
        place = _time_and_id(connection, table, part)
        query = query.where(sa.tuple_(columns.created_at, columns.id) < place)
    return query.limit(part.limit)


def oldest_first(connection: sa.Connection, table: sa.Table, part: Slice) -> "sa.Select[Any]":
    """Return a query of a part of a table, by the time its rows were made, the oldest first.

    :param table: has ``id`` and ``created_at``, and an index of both.
    :raises NotFoundError: there is no row that the part begins after.
    """
    columns = table.c
    query = sa.select(table).order_by(columns.created_at, columns.id)
    if part.after is not None:
        place = _time_and_id(connection, table, part)
        query = query.where(sa.tuple_(columns.created_at, columns.id) > place)
    return query.limit(part.limit)


def place_of(connection: sa.Connection, column: "sa.Column[Any]", part: Slice) -> Any:
    """Return what stands in a column of the row that a part begins after.

    :raises NotFoundError: there is no such row.
    """
    place = connection.scalar(sa.select(column).where(column.table.c.id == part.after))
    if place is None:
        raise NotFoundError(
            f"There is nothing here with the id {part.after!r}.",
            next_step="Begin with the first page again: leave the cursor out.",
        )
    return place


def _time_and_id(connection: sa.Connection, table: sa.Table, part: Slice) -> "sa.Tuple":
    created_at: dt.datetime = place_of(connection, table.c.created_at, part)
    return sa.tuple_(sa.literal(created_at, UtcTime()), sa.literal(part.after, sa.String()))
