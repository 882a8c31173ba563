"""Categories of the catalogue: a tree of two levels, and what was put into them by hand."""

import datetime as dt
from collections.abc import Collection, Mapping

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once
from pitrix_core.store.records import record

_LIST_THEM = "List them: pitrix category list"


@attrs.frozen(kw_only=True)
class Category:
    """What apps are sorted into."""

    id: str
    #: As packages name it: ``big-data``.
    name: str
    #: None at the top.
    parent_id: str | None = None
    #: Language → what people read: ``{"en": "Big data"}``.
    titles: Mapping[str, str] = attrs.field(factory=dict)
    created_at: dt.datetime


class CategoryRepository:
    """What there is, and which apps and repos were put into it."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def add(self, category: Category) -> None:
        """Store a category.

        :raises ConflictError: the name is taken.
        """
        row = {**convert.to_json(category), "created_at": self._now}
        if not insert_once(self._connection, tables.categories, **row):
            raise _taken(category.name)

    def replace(self, category: Category) -> None:
        """Store a known category anew.

        :raises ConflictError: the name is another one's.
        """
        columns = tables.categories.c
        same = sa.select(columns.id).where(columns.name == category.name, columns.id != category.id)
        if self._connection.scalar(same) is not None:
            raise _taken(category.name)
        self._connection.execute(
            tables.categories.update()
            .where(columns.id == category.id)
            .values(name=category.name, parent_id=category.parent_id, titles=dict(category.titles))
        )

    def delete(self, category: Category) -> None:
        """Remove a category; what was in it is not any more.

        :raises ConflictError: there are others in it.
        """
        columns = tables.categories.c
        below = sa.select(columns.name).where(columns.parent_id == category.id)
        names = self._connection.scalars(below.order_by(columns.name)).all()
        if names:
            raise ConflictError(
                f"Category {category.name} holds others: {', '.join(names)}.",
                next_step="Delete these first, or move them.",
            )
        self._connection.execute(tables.categories.delete().where(columns.id == category.id))

    def all(self) -> list[Category]:
        """Return every category, by name."""
        query = sa.select(tables.categories).order_by(tables.categories.c.name)
        return [record(row, Category) for row in self._connection.execute(query)]

    def get(self, id_or_name: str) -> Category:
        """Return a category.

        :raises NotFoundError: there is none of this id or name.
        """
        columns = tables.categories.c
        query = sa.select(tables.categories).where(
            sa.or_(columns.id == id_or_name, columns.name == id_or_name)
        )
        row = self._connection.execute(query).first()
        if row is None:
            raise NotFoundError(f"There is no category {id_or_name!r}.", next_step=_LIST_THEM)
        return record(row, Category)

    def put_app(self, app_id: str, category_ids: Collection[str]) -> list[str]:
        """Put an app into categories, out of all others; with none, its package's words count.

        :returns: ids of those it was in.
        """
        return self._put(tables.app_categories, "app_id", app_id, category_ids)

    def put_repo(self, repo_id: str, category_ids: Collection[str]) -> list[str]:
        """Put all apps of a repo into categories, but those that say something themselves.

        :returns: ids of those they were in.
        """
        return self._put(tables.repo_categories, "repo_id", repo_id, category_ids)

    def _put(
        self, table: sa.Table, column: str, thing: str, category_ids: Collection[str]
    ) -> list[str]:
        old = table.delete().where(table.c[column] == thing).returning(table.c.category_id)
        before = sorted(self._connection.scalars(old))
        rows = [{column: thing, "category_id": known} for known in sorted(set(category_ids))]
        if rows:
            self._connection.execute(table.insert(), rows)
        return before


def _taken(name: str) -> ConflictError:
    return ConflictError(f"There is a category {name!r} already.", pointer="/name")
