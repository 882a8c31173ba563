"""Turns rows into records."""

from typing import Any, TypeVar

import attrs
import sqlalchemy as sa

from pitrix_core import convert

T = TypeVar("T", bound=attrs.AttrsInstance)


def record(row: sa.Row[Any], cls: type[T], **more: object) -> T:
    """Build a record from the columns that bear its fields' names.

    :param more: fields that are no column of the row.
    """
    columns = {**row._mapping, **more}  # noqa: SLF001 (documented API of SQLAlchemy, despite its name)
    fields = {a.name: columns[a.name] for a in attrs.fields(cls) if a.name in columns}
    return convert.from_json(fields, cls)
