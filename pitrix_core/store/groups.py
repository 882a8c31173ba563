"""Groups: a tree of people, as departments are."""

import datetime as dt
from typing import Final

import attrs
import sqlalchemy as sa

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model.access import ROOT_PATH, child_path, folded, is_within
from pitrix_core.store import tables
from pitrix_core.store.access import within
from pitrix_core.store.engine import Turn, insert_once, take_turn
from pitrix_core.store.records import record

#: Of the root, in every installation.
ROOT_ID: Final = "grp-root"


@attrs.frozen(kw_only=True)
class Group:
    """A group of people."""

    id: str
    #: Empty for the root.
    name: str
    #: Names from the root down: ``/acme/web``.
    path: str
    parent_id: str | None = None
    created_at: dt.datetime


class GroupRepository:
    """The tree of groups."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def take_turn(self) -> None:
        """Be the only one who changes people and groups until the transaction ends."""
        take_turn(self._connection, Turn.PEOPLE)

    def ensure_root(self) -> None:
        """Make the root, if there is none."""
        self._insert(Group(id=ROOT_ID, name="", path=ROOT_PATH, created_at=self._now))

    def add(self, group_id: str, name: str, *, parent: Group) -> Group:
        """Store a group below another one.

        :raises ConflictError: there is one that is called so, or looks so.
        """
        path = child_path(parent.path, name)
        group = Group(id=group_id, name=name, path=path, parent_id=parent.id, created_at=self._now)
        if not self._insert(group):
            raise _taken(path)
        return group

    def get(self, id_or_path: str) -> Group:
        """Return a group.

        :raises NotFoundError: there is none of this id or path.
        """
        columns = tables.groups.c
        query = sa.select(tables.groups).where(
            sa.or_(columns.id == id_or_path, columns.path == id_or_path)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no group {id_or_path!r}.", next_step="List them: pitrix group list"
            )
        return record(row, Group)

    def below(self, path: str) -> list[Group]:
        """Return the group of a path and all below it, by path."""
        query = sa.select(tables.groups).where(within(path)).order_by(tables.groups.c.path)
        return [record(row, Group) for row in self._connection.execute(query)]

    def move(self, group: Group, *, name: str, parent: Group) -> None:
        """Give a group another name or another place; all below it come along.

        :raises ConflictError: the place is below the group itself, or taken.
        """
        if is_within(parent.path, group.path):
            raise ConflictError(
                f"{parent.path} is the group itself, or below it.", pointer="/parent"
            )
        path = child_path(parent.path, name)
        columns = tables.groups.c
        other = sa.select(columns.id).where(
            columns.folded_path == folded(path), columns.id != group.id
        )
        if self._connection.scalar(other) is not None:
            raise _taken(path)
        for each in self.below(group.path):
            moved = path + each.path.removeprefix(group.path)
            values = {"path": moved, "folded_path": folded(moved)}
            if each.id == group.id:
                values |= {"name": name, "parent_id": parent.id}
            self._connection.execute(
                tables.groups.update().where(columns.id == each.id).values(**values)
            )

    def is_empty(self, group_id: str) -> bool:
        """Say whether nothing refers to a group: people, groups below it, grants, tokens."""
        columns = (
            tables.groups.c.parent_id,
            tables.users.c.group_id,
            tables.grants.c.group_id,
            tables.tokens.c.group_id,
        )
        return not any(
            self._connection.scalar(sa.select(column).where(column == group_id).limit(1))
            for column in columns
        )

    def delete(self, group_id: str) -> None:
        """Delete a group that nothing refers to."""
        self._connection.execute(tables.groups.delete().where(tables.groups.c.id == group_id))

    def _insert(self, group: Group) -> bool:
        values = {**attrs.asdict(group), "folded_path": folded(group.path)}
        return insert_once(self._connection, tables.groups, **values)


def _taken(path: str) -> ConflictError:
    return ConflictError(
        f"There is a group {path!r} already, or one whose name looks the same.", pointer="/name"
    )
