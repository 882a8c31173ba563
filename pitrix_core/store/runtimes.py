"""Runtimes, as the database keeps them."""

import datetime as dt

import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model import Runtime
from pitrix_core.store import tables
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

    def add(self, runtime: Runtime, *, credential_id: str | None) -> None:
        """Store a runtime.

        :raises ConflictError: the name is taken.
        """
        if self._by_name(runtime.name) is not None:
            raise ConflictError(f"There is a runtime {runtime.name!r} already.", pointer="/name")
        self._connection.execute(
            tables.runtimes.insert().values(
                **convert.to_json(runtime),
                credential_id=credential_id,
                state=_ACTIVE,
                created_at=self._now,
            )
        )

    def get(self, id_or_name: str) -> Runtime:
        """Return a runtime.

        :raises NotFoundError: there is none of this id or name.
        """
        return record(self._row(id_or_name), Runtime)

    def state(self, runtime_id: str) -> str:
        """Return ``active``, ``deleting`` or ``deleted``."""
        return str(self._row(runtime_id).state)

    def credential_id(self, runtime_id: str) -> str | None:
        """Return the id of the secret that holds its credential as JSON."""
        found: str | None = self._row(runtime_id).credential_id
        return found

    def all(self) -> list[Runtime]:
        """Return every runtime that is not deleted, oldest first."""
        query = (
            sa.select(tables.runtimes)
            .where(tables.runtimes.c.state == _ACTIVE)
            .order_by(tables.runtimes.c.created_at, tables.runtimes.c.id)
        )
        return [record(row, Runtime) for row in self._connection.execute(query)]

    def lock(self, runtime_id: str) -> None:
        """Be the only one to sweep a runtime until the transaction ends."""
        query = sa.select(tables.runtimes.c.id).where(tables.runtimes.c.id == runtime_id)
        self._connection.execute(query.with_for_update()).all()  # SQLite: one writes at a time

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

    def _by_name(self, name: str) -> sa.Row[tuple[object, ...]] | None:
        query = sa.select(tables.runtimes).where(tables.runtimes.c.name == name)
        return self._connection.execute(query).one_or_none()

    def _row(self, id_or_name: str) -> sa.Row[tuple[object, ...]]:
        columns = tables.runtimes.c
        query = sa.select(tables.runtimes).where(
            sa.or_(columns.id == id_or_name, columns.name == id_or_name)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no runtime {id_or_name!r}.", next_step="List them: pitrix runtime list"
            )
        return row
