"""Roles of an installation's own, beside the built-in ones."""

import datetime as dt

import attrs
import sqlalchemy as sa

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model.access import ALL_ACTIONS, BUILT_IN_ROLES, Action, folded
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once


@attrs.frozen(kw_only=True)
class Role:
    """A bundle of actions."""

    name: str
    actions: frozenset[Action]
    is_built_in: bool = False


class RoleRepository:
    """Which roles there are."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def all(self) -> list[Role]:
        """Return every role: the built-in ones, then the others by name."""
        built_in = [
            Role(name=name, actions=actions, is_built_in=True)
            for name, actions in BUILT_IN_ROLES.items()
        ]
        columns = tables.roles.c
        query = sa.select(columns.name, columns.actions).order_by(columns.name)
        rows = self._connection.execute(query)
        return built_in + [
            Role(name=row.name, actions=ALL_ACTIONS.intersection(row.actions)) for row in rows
        ]

    def get(self, name: str) -> Role:
        """Return a role.

        :raises NotFoundError: there is none of this name.
        """
        for role in self.all():
            if role.name == name:
                return role
        raise NotFoundError(f"There is no role {name!r}.", next_step="List them: pitrix role list")

    def add(self, role: Role) -> None:
        """Store a role.

        :raises ConflictError: there is one that is called so, or looks so.
        """
        is_new = folded(role.name) not in BUILT_IN_ROLES and insert_once(
            self._connection,
            tables.roles,
            name=role.name,
            folded_name=folded(role.name),
            actions=sorted(role.actions),
            created_at=self._now,
        )
        if not is_new:
            raise ConflictError(
                f"There is a role {role.name!r} already, or one whose name looks the same.",
                pointer="/name",
            )

    def is_used(self, name: str) -> bool:
        """Say whether somebody has a role."""
        columns = (tables.users.c.role, tables.grants.c.role)
        return any(
            self._connection.scalar(sa.select(column).where(column == name).limit(1)) is not None
            for column in columns
        )

    def delete(self, name: str) -> None:
        """Delete a role that nobody has."""
        self._connection.execute(tables.roles.delete().where(tables.roles.c.name == name))
