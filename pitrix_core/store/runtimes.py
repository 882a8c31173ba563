"""Runtimes, as the database keeps them."""

import datetime as dt

import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model import Runtime, RuntimeLimits
from pitrix_core.model.access import Actor
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.engine import insert_once
from pitrix_core.store.lanes import LaneRepository
from pitrix_core.store.records import record

_ACTIVE = "active"
_DELETING = "deleting"
_DELETED = "deleted"


class RuntimeRepository:
    """Places where clusters can run."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now
        self._lanes = LaneRepository(connection, now=now)

    def add(self, runtime: Runtime, *, credential_id: str | None) -> None:
        """Store a runtime.

        :raises ConflictError: the name is taken.
        """
        is_new = insert_once(
            self._connection,
            tables.runtimes,
            **convert.to_json(runtime),
            credential_id=credential_id,
            state=_ACTIVE,
            created_at=self._now,
        )
        if not is_new:
            raise ConflictError(f"There is a runtime {runtime.name!r} already.", pointer="/name")
        self._lanes.set_limits(runtime.id, runtime.limits)

    def set_limits(self, runtime_id: str, limits: RuntimeLimits) -> None:
        """Change how much the runtime's cloud is asked for; what is claimed next keeps to it."""
        self._connection.execute(
            tables.runtimes.update()
            .where(tables.runtimes.c.id == runtime_id)
            .values(limits=convert.to_json(limits))
        )
        self._lanes.set_limits(runtime_id, limits)

    def get(self, id_or_name: str, *, viewer: Actor | None = None) -> Runtime:
        """Return a runtime.

        :param viewer: who has to see it; None for nobody.
        :raises NotFoundError: there is none of this id or name that they see.
        """
        return record(self._row(id_or_name, viewer=viewer), Runtime)

    def state(self, runtime_id: str) -> str:
        """Return ``active``, ``deleting`` or ``deleted``."""
        return str(self._row(runtime_id).state)

    def hold(self, runtime_id: str) -> str:
        """Keep a runtime as it is until the transaction ends; others may hold it, too.

        :returns: its state, as :meth:`state` does.
        """
        return self._state_of(_by_id(runtime_id).with_for_update(read=True))

    def lock(self, runtime_id: str) -> str:
        """Wait for all who hold or have locked a runtime, and be the only one until the transaction
        ends.

        :returns: its state, as :meth:`state` does.
        """
        # Rows that refer to it can be inserted meanwhile.
        return self._state_of(_by_id(runtime_id).with_for_update(key_share=True))

    def _state_of(self, query: "sa.Select[str]") -> str:
        return self._connection.execute(query).scalar_one()

    def credential_id(self, runtime_id: str) -> str | None:
        """Return the id of the secret that holds its credential as JSON."""
        found: str | None = self._row(runtime_id).credential_id
        return found

    def all(self, *, viewer: Actor | None = None) -> list[Runtime]:
        """Return every runtime that is not deleted, oldest first.

        :param viewer: only those that they see; None for all.
        """
        query = (
            sa.select(tables.runtimes)
            .where(tables.runtimes.c.state == _ACTIVE)
            .order_by(tables.runtimes.c.created_at, tables.runtimes.c.id)
        )
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.runtimes))
        return [record(row, Runtime) for row in self._connection.execute(query)]

    def close(self, runtime_id: str) -> None:
        """Take no new cluster on it; its name is free again once it is deleted."""
        self._set_state(runtime_id, _DELETING)

    def delete(self, runtime_id: str) -> None:
        """Mark it deleted and free its name; the row stays, for what refers to it."""
        self._connection.execute(
            tables.runtimes.update()
            .where(tables.runtimes.c.id == runtime_id)
            .values(state=_DELETED, name=tables.runtimes.c.name + "~" + runtime_id)
        )

    def _set_state(self, runtime_id: str, state: str) -> None:
        self._connection.execute(
            tables.runtimes.update().where(tables.runtimes.c.id == runtime_id).values(state=state)
        )

    def _row(self, id_or_name: str, *, viewer: Actor | None = None) -> sa.Row[tuple[object, ...]]:
        columns = tables.runtimes.c
        query = sa.select(tables.runtimes).where(
            sa.or_(columns.id == id_or_name, columns.name == id_or_name)
        )
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.runtimes))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no runtime {id_or_name!r}.", next_step="List them: pitrix runtime list"
            )
        return row


def _by_id(runtime_id: str) -> "sa.Select[str]":
    return sa.select(tables.runtimes.c.state).where(tables.runtimes.c.id == runtime_id)
