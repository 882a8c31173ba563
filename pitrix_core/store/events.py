"""Events: what happened, in the order it was written."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Actor
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.engine import Turn, take_turn
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened to something."""

    id: int
    owner: str
    #: ``cluster.active``, ``task.failed``, …
    kind: str
    #: Id of what it happened to.
    subject: str
    at: dt.datetime
    data: JsonObject


class EventRepository:
    """Writes events with what they are about, and reads them back."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now
        self._added: list[dict[str, Any]] = []

    def add(self, kind: str, subject: str, *, owner: str, data: Mapping[str, Any]) -> None:
        """Write down that something happened; never with a secret in it."""
        self._added.append(
            {
                "kind": kind,
                "subject": subject,
                "owner": owner,
                "at": self._now,
                "data": convert.to_json(data),
            }
        )

    def flush(self) -> None:
        """Store what was added.

        The store does it right before it commits, and one transaction at a time: who reads events
        goes by their numbers, so that none may appear below one that was read. Done last, it keeps
        others waiting for the length of a commit, and waits for nobody with the turn in its hand.
        """
        if self._added:
            take_turn(self._connection, Turn.EVENTS)
            self._connection.execute(tables.events.insert(), self._added)
            self._added = []

    def after(
        self,
        event_id: int,
        *,
        limit: int,
        subjects: frozenset[str] = frozenset(),
        viewer: Actor | None = None,
    ) -> list[Event]:
        """Return events after one, oldest first.

        :param subjects: only those about one of these; empty for all.
        :param viewer: only those that they see; None for all.
        """
        self.flush()
        query = (
            sa.select(tables.events)
            .where(tables.events.c.id > event_id)
            .order_by(tables.events.c.id)
            .limit(limit)
        )
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.events))
        if subjects:
            query = query.where(tables.events.c.subject.in_(subjects))
        return [record(row, Event) for row in self._connection.execute(query)]

    def last_id(self) -> int:
        """Return the newest event's id; 0 when nothing ever happened."""
        self.flush()
        return self._connection.scalar(sa.select(sa.func.max(tables.events.c.id))) or 0
