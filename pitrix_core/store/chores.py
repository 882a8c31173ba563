"""Chores: what is done now and then by whichever process is at it, and not by all of them."""

import datetime as dt

import sqlalchemy as sa

from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once


class ChoreRepository:
    """When a chore was last taken on."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def take(self, name: str, *, every_s: float) -> bool:
        """Take a chore on, if nobody has for a while; one process of several gets it.

        It counts as done from then on: who dies over it leaves it to the next time.

        :param name: at most 128 characters.
        :param every_s: seconds between one time and the next.
        """
        columns = tables.chores.c
        due_at = self._now - dt.timedelta(seconds=every_s)
        taken = self._connection.execute(
            tables.chores.update()
            .where(columns.name == name, columns.done_at <= due_at)
            .values(done_at=self._now)
        ).rowcount
        return bool(taken) or insert_once(
            self._connection, tables.chores, name=name, done_at=self._now
        )
