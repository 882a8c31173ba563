"""Claims: which tasks a runner takes, and the write that takes them.

Fair twice over. Across lanes: what is free goes to the lane with the fewest requests under way, so
that a runtime that is throttled holds nobody back. Across jobs of a lane: a job that holds an even
share or more goes last, so that one of five hundred nodes does not starve the others. Beyond that,
those that waited longest go first.

Polls that one request can answer ride on each other: they cost one slot and one token together.
"""

import datetime as dt
import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs
import sqlalchemy as sa

from pitrix_core.errors import InvalidInputError
from pitrix_core.model import OperationState, TaskRecord, TaskState
from pitrix_core.store import tables
from pitrix_core.store.lanes import Lane, LaneRepository
from pitrix_core.store.records import record

log = logging.getLogger(__name__)

#: Until a task that this version cannot read is claimed again, perhaps by another version.
_UNREADABLE_PAUSE: Final = dt.timedelta(seconds=60)

#: Tasks taken by one claim, where polls share requests.
_MOST_AT_ONCE: Final = 500

#: A lane and a kind: polls of these may share a request.
Group: TypeAlias = tuple[str, str]


@attrs.frozen(kw_only=True)
class Claim:
    """A task in the hands of one runner."""

    task: TaskRecord
    #: Under an earlier claim the request was about to be sent, and no answer was saved.
    maybe_sent: bool
    #: The database's time of the claim.
    claimed_at: dt.datetime
    #: Whose limits it shares.
    lane: str = ""

    @property
    def group(self) -> Group | None:
        """The group in which it can be polled; None for what is not to be polled next."""
        operation = self.task.operation
        if operation is None or operation.state is not OperationState.PENDING:
            return None
        return self.lane, self.task.kind


@attrs.frozen
class _Due:
    id: str
    group: Group | None


@attrs.frozen(kw_only=True)
class _Picked:
    ids: Sequence[str]
    #: Those among them that ride on another one's request.
    riders: Collection[str]

    @property
    def requests(self) -> int:
        return len(self.ids) - len(self.riders)


def together(claims: Iterable[Claim], batches: Mapping[Group, int]) -> list[list[Claim]]:
    """Return the steps that claims make: each alone, but for polls that share a request."""
    steps: list[list[Claim]] = []
    open_steps: dict[Group, list[Claim]] = {}
    for claim in claims:
        size = 1 if claim.group is None else batches.get(claim.group, 1)
        step = open_steps.get(claim.group) if claim.group is not None else None
        if step is None or len(step) >= size:
            step = []
            steps.append(step)
            if claim.group is not None:
                open_steps[claim.group] = step
        step.append(claim)
    return steps


class ClaimRepository:
    """Tasks whose time has come."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now
        self._lanes = LaneRepository(connection, now=now)

    def can_claim(self) -> bool:
        """Say whether a claim would find anything; takes no lock."""
        return bool(self._lanes.open())

    def next_run_at(self) -> dt.datetime | None:
        """Return when the time of the next task comes, or came; None for never."""
        columns = tables.tasks.c
        first_of_lane = (  # one look into the index for each lane
            sa.select(sa.func.min(columns.run_at))
            .where(columns.state == TaskState.READY, columns.lane == tables.lanes.c.id)
            .scalar_subquery()
        )
        firsts = self._connection.scalars(sa.select(first_of_lane).select_from(tables.lanes))
        return min((first for first in firsts if first is not None), default=None)

    def claim(
        self, runner_id: str, *, limit: int, batches: Mapping[Group, int] | None = None
    ) -> list[Claim]:
        """Take tasks whose time has come, within the limits of their lanes.

        A task without an operation gets its request key, and the moment it may be sent, in this
        same write: what was committed before a request leaves is all that a successor has to go by.

        :param limit: requests that may be begun.
        :param batches: groups whose polls share requests → how many one request takes.
        """
        picked: list[_Picked] = []
        lanes = self._lanes.open_locked()
        for lane, share in _shares(lanes, limit):
            found = self._picked(lane, share, batches or {})
            self._lanes.spend(lane, found.requests)
            picked.append(found)
        ids = [each for found in picked for each in found.ids]
        riders = [each for found in picked for each in found.riders]
        rows = self._take(runner_id, ids, riders) if ids else []
        return [claim for row in rows if (claim := self._claim_of(row)) is not None]

    # -- picking -----------------------------------------------------------------------------------

    def _picked(self, lane: Lane, share: int, batches: Mapping[Group, int]) -> _Picked:
        """Choose from a lane: first of the jobs that hold less than an even share."""
        sizes = {group: size for group, size in batches.items() if group[0] == lane.id}
        most = min(max(_MOST_AT_ONCE, share), share * max(sizes.values(), default=1))
        greedy = _greedy(lane, share)
        due = self._due(lane, most, but=greedy, with_groups=bool(sizes))
        if greedy and len(due) < most:
            due += self._due(lane, most - len(due), of=greedy, with_groups=bool(sizes))
        return _fitting(due, share, sizes)

    def _due(
        self,
        lane: Lane,
        limit: int,
        *,
        but: Collection[str] = (),
        of: Collection[str] = (),
        with_groups: bool,
    ) -> list[_Due]:
        columns = tables.tasks.c
        state = columns.operation["state"].as_string() if with_groups else sa.null()
        query = sa.select(columns.id, columns.kind, state.label("operation_state")).where(
            columns.state == TaskState.READY,
            columns.lane == lane.id,
            columns.run_at <= self._now,
        )
        if but:
            query = query.where(columns.job_id.not_in(sorted(but)))
        if of:
            query = query.where(columns.job_id.in_(sorted(of)))
        rows = self._connection.execute(
            query.order_by(columns.run_at, columns.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # ignored by SQLite, where one writes at a time
        )
        return [_Due(row.id, _group_of(row, lane.id)) for row in rows]

    # -- taking ------------------------------------------------------------------------------------

    def _take(
        self, runner_id: str, ids: Sequence[str], riders: Sequence[str]
    ) -> Sequence["sa.Row[Any]"]:
        columns = tables.tasks.c
        unsent = columns.operation.is_(None) & columns.sent_at.is_(None)
        key = columns.id + "-" + sa.cast(columns.fence + 1, sa.String)
        now = sa.literal(self._now, columns.run_at.type)
        return self._connection.execute(
            tables.tasks.update()
            .where(columns.id.in_(ids))
            .values(
                state=TaskState.CLAIMED,
                runner_id=runner_id,
                rides=columns.id.in_(riders),
                fence=columns.fence + 1,
                woken=False,
                started_at=sa.func.coalesce(columns.started_at, now),
                request_key=sa.func.coalesce(columns.request_key, key),
                attempts=sa.case((unsent, columns.attempts + 1), else_=columns.attempts),
                sent_at=sa.case((unsent, now), else_=columns.sent_at),
                sent_fence=sa.case((unsent, columns.fence + 1), else_=columns.sent_fence),
            )
            .returning(tables.tasks)
        ).all()

    def _claim_of(self, row: "sa.Row[Any]") -> Claim | None:
        """Read a claimed task; one that this version cannot read must not keep all others back."""
        try:
            task = record(row, TaskRecord)
        except InvalidInputError as ex:
            log.error("A task cannot be read: %s", ex, extra=_extra(row))  # noqa: TRY400  # no trace
            self._connection.execute(
                tables.tasks.update()
                .where(tables.tasks.c.id == row.id)
                .values(
                    state=TaskState.READY,
                    runner_id=None,
                    run_at=self._now + _UNREADABLE_PAUSE,
                    error=f"This version of pitrix cannot read the task: {ex}",
                )
            )
            return None
        maybe_sent = row.operation is None and row.sent_fence != row.fence
        return Claim(task=task, maybe_sent=maybe_sent, claimed_at=self._now, lane=row.lane)


def _shares(lanes: Sequence[Lane], limit: int) -> list[tuple[Lane, int]]:
    """Divide what is free among lanes: each to the one that has the fewest under way."""
    given = dict.fromkeys((lane.id for lane in lanes), 0)
    for _ in range(limit):
        takers = [lane for lane in lanes if given[lane.id] + 1 <= lane.allowance]
        if not takers:
            break
        neediest = min(takers, key=lambda lane: lane.held + given[lane.id])
        given[neediest.id] += 1
    return [(lane, given[lane.id]) for lane in lanes if given[lane.id]]


def _greedy(lane: Lane, share: int) -> frozenset[str]:
    """Return the jobs that hold an even share or more, if one more job wanted its part."""
    even = math.ceil((lane.held + share) / (len(lane.held_by_job) + 1))
    return frozenset(job_id for job_id, held in lane.held_by_job.items() if held >= even)


def _group_of(row: Any, lane_id: str) -> Group | None:
    return (lane_id, row.kind) if row.operation_state == OperationState.PENDING else None


def _fitting(due: Sequence[_Due], share: int, sizes: Mapping[Group, int]) -> _Picked:
    """Take as many, in their order, as make no more than so many requests."""
    ids: list[str] = []
    riders: list[str] = []
    room: dict[Group, int] = {}
    requests = 0
    for task in due:
        if task.group is not None and room.get(task.group, 0) > 0:
            room[task.group] -= 1
            riders.append(task.id)
        elif requests < share:
            requests += 1
            if task.group is not None:
                room[task.group] = sizes.get(task.group, 1) - 1
        else:
            continue
        ids.append(task.id)
    return _Picked(ids=ids, riders=riders)


def _extra(row: "sa.Row[Any]") -> dict[str, object]:
    return {"action": "task.unreadable", "job_id": row.job_id, "task_id": row.id}
