"""Lanes: what shares the limits of a runtime, whichever runner carries it out.

Every task runs in the lane of its runtime, but for those that ask nothing of a cloud: they have a
lane without limits to themselves. A lane's row is locked by whoever claims from it, so that all
runners together keep its limits; claims wait for nothing else while they hold it.
"""

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.model import Pace, RuntimeLimits, TaskState
from pitrix_core.model.request_rate import RequestRate
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once

#: The lane of tasks that ask nothing of a cloud.
FREE_LANE: Final = ""
#: First halves of the core's own kinds that talk to agents, not to a cloud.
_FREE_INTERFACES: Final = frozenset({"agent", "frontgate", "metadata", "service"})


def lane_of(kind: str, *, runtime_id: str) -> str:
    """Return the lane of a task."""
    return FREE_LANE if kind.partition(".")[0] in _FREE_INTERFACES else runtime_id


@attrs.frozen(kw_only=True)
class Lane:
    """A lane in which tasks are due, and what may be claimed from it now."""

    id: str
    rate: RequestRate
    #: Requests under way.
    held: int
    #: Job's id → its tasks under way in this lane.
    held_by_job: Mapping[str, int]
    #: How many requests more may be begun.
    allowance: float


class LaneRepository:
    """Lanes and their limits."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def ensure(self, lane_ids: Collection[str]) -> None:
        """Add what is missing, without limits; a lane without a row would never be claimed from."""
        columns = tables.lanes.c
        known = self._connection.scalars(
            sa.select(columns.id).where(columns.id.in_(sorted(lane_ids)))
        )
        for lane_id in sorted(set(lane_ids).difference(known)):
            insert_once(self._connection, tables.lanes, id=lane_id, tokens=0.0)

    def set_limits(self, runtime_id: str, limits: RuntimeLimits) -> None:
        """Limit what a runtime's cloud is sent; what throttling has done to its rate stays."""
        self.ensure([runtime_id])
        self._connection.execute(
            tables.lanes.update()
            .where(tables.lanes.c.id == runtime_id)
            .values(concurrency=limits.concurrency, ceiling_per_s=limits.rate_per_s)
        )

    def rate(self, lane_id: str) -> RequestRate:
        """Return the rate of a lane; without limits where there is no such lane."""
        query = sa.select(tables.lanes).where(tables.lanes.c.id == lane_id)
        row = self._connection.execute(query).one_or_none()
        return RequestRate() if row is None else _rate(row)

    def pace(self, runtime_id: str) -> Pace:
        """Return how much a runtime's cloud is asked for now."""
        query = sa.select(tables.lanes).where(tables.lanes.c.id == runtime_id)
        row = self._connection.execute(query).one()
        lane = self._lane(row, self._held())
        rate_per_s = lane.rate.per_s_at(self._now)
        return Pace(
            under_way=lane.held,
            concurrency=row.concurrency,
            rate_per_s=None if math.isinf(rate_per_s) else rate_per_s,
            throttled_at=lane.rate.slowed_at,
        )

    def open(self) -> list[Lane]:
        """Return the lanes from which something can be claimed now, without locking them."""
        return self._open(self._with_due())

    def open_locked(self) -> list[Lane]:
        """Return the same, and lock them until the transaction ends."""
        return self._open(self._with_due().with_for_update(of=tables.lanes))

    def spend(self, lane: Lane, requests: int) -> None:
        """Take from a lane's bucket what requests cost."""
        rate = lane.rate.spent(requests, now=self._now)
        if rate is not lane.rate:
            self._write(lane.id, rate)

    def slow_down(self, lane_id: str, *, seen_per_s: float) -> RequestRate | None:
        """Halve the rate of a lane whose cloud has throttled.

        :param seen_per_s: requests a second that one runner has sent; the others are taken to have
            sent as many each.
        :returns: the new rate; None where it was halved just now, for the same cause.
        """
        runners = self._connection.scalar(sa.select(sa.func.count()).select_from(tables.runners))
        query = sa.select(tables.lanes).where(tables.lanes.c.id == lane_id).with_for_update()
        before = _rate(self._connection.execute(query).one())
        after = before.slowed(now=self._now, seen_per_s=seen_per_s * max(1, runners or 0))
        if after is before:
            return None
        self._write(lane_id, after)
        return after

    def _open(self, query: "sa.Select[Any]") -> list[Lane]:
        rows = self._connection.execute(query).all()
        if not rows:
            return []
        held = self._held()  # after the lock: what was claimed until then is counted
        lanes = [self._lane(row, held) for row in rows]
        return [lane for lane in lanes if lane.allowance >= 1]

    def _with_due(self) -> "sa.Select[Any]":
        columns = tables.tasks.c
        has_due = sa.exists().where(
            columns.state == TaskState.READY,
            columns.lane == tables.lanes.c.id,
            columns.run_at <= self._now,
        )
        return sa.select(tables.lanes).where(has_due).order_by(tables.lanes.c.id)

    def _held(self) -> Sequence["sa.Row[Any]"]:
        columns = tables.tasks.c
        query = (
            sa.select(columns.lane, columns.job_id, sa.func.count().label("held"))
            .where(columns.state == TaskState.CLAIMED, sa.not_(columns.rides))
            .group_by(columns.lane, columns.job_id)
        )
        return self._connection.execute(query).all()

    def _lane(self, row: "sa.Row[Any]", held: Iterable["sa.Row[Any]"]) -> Lane:
        by_job = {each.job_id: each.held for each in held if each.lane == row.id}
        total, rate = sum(by_job.values()), _rate(row)
        room = math.inf if row.concurrency is None else row.concurrency - total
        return Lane(
            id=row.id,
            rate=rate,
            held=total,
            held_by_job=by_job,
            allowance=min(room, rate.tokens_at(self._now)),
        )

    def _write(self, lane_id: str, rate: RequestRate) -> None:
        values = attrs.asdict(rate)
        self._connection.execute(
            tables.lanes.update().where(tables.lanes.c.id == lane_id).values(**values)
        )


def _rate(row: "sa.Row[Any]") -> RequestRate:
    return RequestRate(
        ceiling_per_s=row.ceiling_per_s,
        slowed_to_per_s=row.slowed_to_per_s,
        slowed_at=row.slowed_at,
        tokens=row.tokens,
        filled_at=row.filled_at,
    )
