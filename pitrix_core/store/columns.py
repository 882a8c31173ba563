"""Columns that many tables have, and kinds of columns."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, Integer, String

from pitrix_core.store.engine import UtcTime

#: A number that the database counts up; SQLite does so for INTEGER alone.
#: Source: https://www.sqlite.org/autoinc.html.
BIG_SERIAL: Final = sa.BigInteger().with_variant(Integer, "sqlite")
#: What a row is named by elsewhere.
ID: Final = String(64)


def identity() -> Column[str]:
    """Return the column with a row's own id."""
    return Column("id", ID, primary_key=True)


def owner() -> Column[str]:
    """Return the column with whom a row belongs to."""
    return Column("owner", String(255), nullable=False)


def visibility() -> Column[str]:
    """Return the column with who sees a row beside its owner; what was there before, all saw."""
    return Column("visibility", String(16), nullable=False, server_default="public")


def json(name: str, *, default: str | None = None) -> "Column[object]":
    """Return a column of JSON that is never NULL.

    :param default: of rows that were there before the column.
    """
    return Column(name, sa.JSON(none_as_null=True), nullable=False, server_default=default)


def created_at() -> "Column[object]":
    """Return the column with when a row was written first."""
    return Column("created_at", UtcTime, nullable=False)
