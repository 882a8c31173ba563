"""The courses of jobs: how they begin, are paused, are stopped, are given up, and end.

Every method that changes a job expects that the transaction has locked it
(:meth:`~pitrix_core.store.queue.QueueRepository.lock_jobs`), and writes no transition that
:data:`~pitrix_core.model.job.JOB_TRANSITIONS` does not know.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.model import Job, JobState, TaskState
from pitrix_core.model.job import (
    CANCELLED_CODE,
    JOB_ACTIVE_STATES,
    JOB_TRANSITIONS,
)
from pitrix_core.store import tables

#: What a task is whose request is known to have made nothing.
UNSENT: Final[Mapping[str, None]] = {"sent_at": None, "sent_fence": None}
_OPEN_STATES: Final = (TaskState.CLAIMED, TaskState.READY, TaskState.WAITING)
_GIVEN_UP: Final = "Given up when the job was cancelled; what came of its request is not known."


@attrs.frozen(kw_only=True)
class _Standing:
    """What the end of a job depends on."""

    state: JobState
    error_code: str | None
    has_failed: bool
    has_open: bool


class CourseRepository:
    """Jobs, from their beginning to their end."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- beginning ---------------------------------------------------------------------------------

    def begin(self, job: Job) -> None:
        """Let a job that waited for another one begin; its clock starts now."""
        limit = job.deadline_s
        deadline_at = None if limit is None else self._now + dt.timedelta(seconds=limit)
        self._move(job.id, JobState.RUNNING, started_at=self._now, deadline_at=deadline_at)
        self.make_ready(tables.tasks.c.job_id == job.id)

    def refuse(self, job_id: str, *, error: str, error_code: str) -> None:
        """End a job that waited for another one, and cannot begin; it has changed nothing."""
        values = {"error": error, "error_code": error_code, "finished_at": self._now}
        self._move(job_id, JobState.FAILED, **values)
        self.skip_unsent(job_id)

    def next_on(self, cluster_id: str) -> str | None:
        """Return the job that has to begin next on a cluster, if one waits and none is at work."""
        columns = tables.jobs.c
        if self._has_job(columns.cluster_id == cluster_id, columns.state.in_(JOB_ACTIVE_STATES)):
            return None
        waiting = sa.select(columns.id).where(
            columns.cluster_id == cluster_id, columns.state == JobState.QUEUED
        )
        found: str | None = self._connection.scalar(
            waiting.order_by(columns.created_at, columns.id).limit(1)
        )
        return found

    # -- pausing -----------------------------------------------------------------------------------

    def pause(self, job_id: str) -> bool:
        """Let nothing new of a job be started until it is resumed.

        :returns: False when it is in a state that cannot be paused.
        """
        paused = self._move(job_id, JobState.PAUSED, paused_at=self._now)
        if paused:
            self._hold_unsent(job_id)
        return paused

    def resume(self, job: Job) -> bool:
        """Let a paused job go on; its deadline moves by as long as it was paused.

        :returns: False when it is not paused.
        """
        if job.state is not JobState.PAUSED:
            return False
        paused_s = self._now - (job.paused_at or self._now)
        later = None if job.deadline_at is None else job.deadline_at + paused_s
        resumed = self._move(job.id, JobState.RUNNING, paused_at=None, deadline_at=later)
        if resumed:
            self.make_ready(tables.tasks.c.job_id == job.id)
        return resumed

    def _hold_unsent(self, job_id: str) -> None:
        """Take tasks that were not started, or whose request made nothing, out of the runners'
        sight; their time begins anew when they are started again.
        """
        columns = tables.tasks.c
        self._connection.execute(
            tables.tasks.update()
            .where(columns.job_id == job_id, _is_unsent())
            .values(state=TaskState.WAITING, started_at=None)
        )

    def make_ready(self, which: "sa.ColumnElement[bool]") -> None:
        """Let tasks be started that wait for no other, where their job is neither paused nor
        stopped.
        """
        columns = tables.tasks.c
        is_running = sa.exists().where(
            tables.jobs.c.id == columns.job_id, tables.jobs.c.state == JobState.RUNNING
        )
        self._connection.execute(
            tables.tasks.update()
            .where(
                which,
                columns.state == TaskState.WAITING,
                columns.unfinished_before == 0,
                is_running,
            )
            .values(state=TaskState.READY, run_at=self._now)
        )

    # -- stopping ----------------------------------------------------------------------------------

    def stop(self, job_id: str, *, error: str, error_code: str) -> bool:
        """Let nothing new of a job be started any more; what is under way goes on to its end.

        :returns: False when it is in a state that cannot be stopped.
        """
        values = {"error": error, "error_code": error_code, "paused_at": None}
        stopped = self._move(job_id, JobState.STOPPING, **values)
        if stopped:
            self.skip_unsent(job_id)
        return stopped

    def drop(self, job_id: str, *, error: str) -> bool:
        """Cancel a job that waits for another one: it has changed nothing.

        :returns: False when it does not wait any more.
        """
        is_waiting = self._has_job(
            tables.jobs.c.id == job_id, tables.jobs.c.state == JobState.QUEUED
        )
        values = {"error": error, "error_code": CANCELLED_CODE, "finished_at": self._now}
        dropped = is_waiting and self._move(job_id, JobState.CANCELLED, **values)
        if dropped:
            self.skip_unsent(job_id)
        return dropped

    def overdue(self) -> Sequence[str]:
        """Return ids of jobs at work whose deadline has passed."""
        columns = tables.jobs.c
        query = sa.select(columns.id).where(
            columns.state == JobState.RUNNING, columns.deadline_at <= self._now
        )
        return self._connection.scalars(query.order_by(columns.id)).all()

    def give_up(self, job_id: str, *, but_kinds: Collection[str] = ()) -> None:
        """Wait no longer for what a stopping job has under way: keys and operations are kept, so
        that whoever goes on with it begins by finding out; runners that hold one are fenced.

        :param but_kinds: tasks of these kinds go on to their end.
        """
        columns = tables.tasks.c
        under_way = columns.state.in_((TaskState.CLAIMED, TaskState.READY))
        self._connection.execute(
            tables.tasks.update()
            .where(columns.job_id == job_id, under_way, columns.kind.not_in(list(but_kinds)))
            .values(
                state=TaskState.FAILED,
                runner_id=None,
                fence=columns.fence + 1,
                error=_GIVEN_UP,
                error_code=CANCELLED_CODE,
                finished_at=self._now,
            )
        )

    def settle_undecided(self, job: Job, task_ids: Iterable[str]) -> None:
        """Have a job that has ended find out what came of some of its requests, and no more: none
        of them is sent a second time once it is known to have made nothing.

        It ends again as it had ended.
        """
        self._move(job.id, JobState.STOPPING, finished_at=None)
        columns = tables.tasks.c
        self._connection.execute(
            tables.tasks.update()
            .where(columns.id.in_(list(task_ids)))
            .values(
                state=TaskState.READY,
                attempts=columns.max_attempts,
                run_at=self._now,
                started_at=None,
                finished_at=None,
            )
        )

    def skip_unsent(self, job_id: str) -> None:
        """Skip every task of a job that was not started, or whose request made nothing."""
        columns = tables.tasks.c
        self._connection.execute(
            tables.tasks.update()
            .where(columns.job_id == job_id, (columns.state == TaskState.WAITING) | _is_unsent())
            .values(state=TaskState.SKIPPED, finished_at=self._now)
        )

    # -- ending ------------------------------------------------------------------------------------

    def idle(self) -> Sequence[str]:
        """Return ids of active jobs of which nothing is left to do, and that nobody has ended."""
        columns = tables.tasks.c
        has_open = sa.exists().where(
            columns.job_id == tables.jobs.c.id, columns.state.in_(_OPEN_STATES)
        )
        query = sa.select(tables.jobs.c.id).where(
            tables.jobs.c.state.in_(JOB_ACTIVE_STATES), ~has_open
        )
        return self._connection.scalars(query.order_by(tables.jobs.c.id)).all()

    def settle(self, job_id: str) -> JobState | None:
        """End a job of which nothing is left to do.

        Once a task has failed, or the job was stopped, nothing new is started; what was started
        goes on to its end. What a pause has to hold is held.

        :returns: how it ended, if it ended now.
        """
        standing = self._standing(job_id)
        if standing.state not in JOB_ACTIVE_STATES:
            return None
        if standing.has_open:
            standing = self._without_unsent(job_id, standing)
        if standing.has_open:
            return None
        return self._end(job_id, standing)

    def _without_unsent(self, job_id: str, standing: _Standing) -> _Standing:
        if standing.has_failed or standing.state is JobState.STOPPING:
            self.skip_unsent(job_id)
            return self._standing(job_id)
        if standing.state is JobState.PAUSED:
            self._hold_unsent(job_id)
        return standing

    def _end(self, job_id: str, standing: _Standing) -> JobState:
        state = JobState.FAILED if standing.has_failed else JobState.SUCCEEDED
        if standing.state is JobState.STOPPING:
            state = self._end_of_stopped(job_id, standing)
        values = self._why(job_id, state)
        self._move(job_id, state, finished_at=self._now, paused_at=None, **values)
        return state

    def _why(self, job_id: str, state: JobState) -> Mapping[str, object]:
        """Return why a job ended: what it was stopped for, else its first error."""
        if state is JobState.SUCCEEDED:
            return {"error": None, "error_code": None}
        columns = tables.jobs.c
        return {
            name: sa.func.coalesce(columns[name], sa.literal(text, columns[name].type))
            for name, text in self._first_error(job_id).items()
        }

    def _end_of_stopped(self, job_id: str, standing: _Standing) -> JobState:
        """Return how a stopped job ends: it has succeeded if what was under way was all that was
        left, unless it is to be rolled back.
        """
        columns = tables.tasks.c
        is_done = not self._has_task(job_id, columns.state != TaskState.SUCCEEDED)
        is_to_be_undone = self._has_job(
            tables.jobs.c.undoes == job_id, tables.jobs.c.state == JobState.QUEUED
        )
        if is_done and not is_to_be_undone:
            return JobState.SUCCEEDED
        is_cancelled = standing.error_code == CANCELLED_CODE
        return JobState.CANCELLED if is_cancelled else JobState.FAILED

    def _standing(self, job_id: str) -> _Standing:
        jobs, columns = tables.jobs.c, tables.tasks.c
        of_job = columns.job_id == job_id
        query = sa.select(
            jobs.state,
            jobs.error_code,
            sa.exists().where(of_job, columns.state == TaskState.FAILED).label("has_failed"),
            sa.exists().where(of_job, columns.state.in_(_OPEN_STATES)).label("has_open"),
        ).where(jobs.id == job_id)
        row = self._connection.execute(query).one()
        return _Standing(
            state=JobState(row.state),
            error_code=row.error_code,
            has_failed=row.has_failed,
            has_open=row.has_open,
        )

    def _first_error(self, job_id: str) -> dict[str, str | None]:
        columns = tables.tasks.c
        query = (
            sa.select(columns.title, columns.error, columns.error_code)
            .where(columns.job_id == job_id, columns.state == TaskState.FAILED)
            .order_by(columns.finished_at, columns.number)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return {"error": None, "error_code": None}
        return {"error": f"{row.title}: {row.error}", "error_code": row.error_code}

    # -- what all of it is made of -----------------------------------------------------------------

    def _move(self, job_id: str, state: JobState, **values: Any) -> bool:
        """Write a transition.

        :returns: False when the table knows none from the state the job is in.
        """
        before = [one for one, after in JOB_TRANSITIONS.items() if state in after]
        moved = self._connection.execute(
            tables.jobs.update()
            .where(tables.jobs.c.id == job_id, tables.jobs.c.state.in_(before))
            .values(state=state, **values)
        ).rowcount
        return bool(moved)

    def _has_job(self, *which: "sa.ColumnElement[bool]") -> bool:
        query = sa.select(tables.jobs.c.id).where(*which)
        return self._connection.scalar(query.limit(1)) is not None

    def _has_task(self, job_id: str, which: "sa.ColumnElement[bool]") -> bool:
        query = sa.select(tables.tasks.c.id).where(tables.tasks.c.job_id == job_id, which)
        return self._connection.scalar(query.limit(1)) is not None


def _is_unsent() -> "sa.ColumnElement[bool]":
    columns = tables.tasks.c
    return (columns.state == TaskState.READY) & columns.sent_at.is_(None)
