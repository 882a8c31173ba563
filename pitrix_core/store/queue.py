"""The queue of tasks, as runners use it: claims under a fence, leases, take-over.

A task may be written by the runner that claimed it, and only under the number (*fence*) of that
claim. Who was taken for dead, and comes back, finds the number changed and is refused.
"""

import datetime as dt
from collections.abc import Iterable, Sequence

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import JobState, JsonObject, Operation, TaskRecord, TaskState
from pitrix_core.store import tables
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class Claim:
    """A task in the hands of one runner."""

    task: TaskRecord
    #: Under an earlier claim the request was about to be sent, and no answer was saved.
    maybe_sent: bool
    #: The database's time of the claim.
    claimed_at: dt.datetime


class QueueRepository:
    """Tasks that wait for a runner, and runners that live."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- claims ------------------------------------------------------------------------------------

    def claim(self, runner_id: str, *, limit: int) -> list[Claim]:
        """Take up to ``limit`` tasks whose time has come, those that waited longest first.

        A task without an operation gets its request key, and the moment it may be sent, in this
        same write: what was committed before a request leaves is all that a successor has to go by.
        """
        columns = tables.tasks.c
        due = (
            sa.select(columns.id)
            .where(columns.state == TaskState.READY, columns.run_at <= self._now)
            .order_by(columns.run_at, columns.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # ignored by SQLite, where one writes at a time
        )
        unsent = columns.operation.is_(None) & columns.sent_at.is_(None)
        key = columns.id + "-" + sa.cast(columns.fence + 1, sa.String)
        rows = self._connection.execute(
            tables.tasks.update()
            .where(columns.id.in_(due))
            .values(
                state=TaskState.CLAIMED,
                runner_id=runner_id,
                fence=columns.fence + 1,
                woken=False,
                started_at=sa.func.coalesce(
                    columns.started_at, sa.literal(self._now, columns.started_at.type)
                ),
                request_key=sa.func.coalesce(columns.request_key, key),
                attempts=sa.case((unsent, columns.attempts + 1), else_=columns.attempts),
                sent_at=sa.case(
                    (unsent, sa.literal(self._now, columns.sent_at.type)), else_=columns.sent_at
                ),
                sent_fence=sa.case((unsent, columns.fence + 1), else_=columns.sent_fence),
            )
            .returning(tables.tasks)
        ).all()
        return [
            Claim(
                task=record(row, TaskRecord),
                maybe_sent=row.operation is None and row.sent_fence != row.fence,
                claimed_at=self._now,
            )
            for row in rows
        ]

    def has_due(self) -> bool:
        """Say whether a claim would find anything; takes no lock."""
        columns = tables.tasks.c
        query = sa.select(columns.id).where(
            columns.state == TaskState.READY, columns.run_at <= self._now
        )
        return self._connection.scalar(query.limit(1)) is not None

    def outputs(self, job_id: str, keys: Iterable[str]) -> dict[str, JsonObject]:
        """Return the outputs of a job's finished tasks, by their keys."""
        columns = tables.tasks.c
        query = sa.select(columns.key, columns.outputs).where(
            columns.job_id == job_id, columns.key.in_(list(keys))
        )
        return {row.key: row.outputs for row in self._connection.execute(query)}

    # -- what became of a claim --------------------------------------------------------------------

    def wait(self, task: TaskRecord, operation: Operation, *, after_s: float) -> bool:
        """Save the operation and let any runner poll it later, or at once if it was woken.

        :returns: False when the claim was lost; nothing was written.
        """
        later = sa.literal(self._now + dt.timedelta(seconds=after_s), tables.tasks.c.run_at.type)
        now = sa.literal(self._now, tables.tasks.c.run_at.type)
        return self._write(
            task,
            state=TaskState.READY,
            operation=convert.to_json(operation),
            run_at=sa.case((tables.tasks.c.woken, now), else_=later),
            error=None,
            error_code=None,
        )

    def retry(self, task: TaskRecord, *, after_s: float, error: str, error_code: str) -> bool:
        """Let the task be started again under the same key: its request is known to have made
        nothing.

        With an operation under way, only the poll is repeated.
        """
        forget = {} if task.operation else {"sent_at": None, "sent_fence": None}
        return self._write(
            task,
            state=TaskState.READY,
            run_at=self._now + dt.timedelta(seconds=after_s),
            error=error,
            error_code=error_code,
            **forget,
        )

    def postpone(self, task: TaskRecord, *, after_s: float) -> bool:
        """Give the claim back with nothing decided: whether its request was sent stays unknown."""
        return self._write(
            task, state=TaskState.READY, run_at=self._now + dt.timedelta(seconds=after_s)
        )

    def succeed(self, task: TaskRecord, outputs: JsonObject, operation: Operation | None) -> bool:
        """Store a result, and make ready what waited for nothing else."""
        written = self._write(
            task,
            state=TaskState.SUCCEEDED,
            outputs=convert.to_json(outputs),
            operation=None if operation is None else convert.to_json(operation),
            finished_at=self._now,
            error=None,
            error_code=None,
        )
        if written:
            self._release_dependents(task.id)
        return written

    def fail(
        self, task: TaskRecord, operation: Operation | None, *, error: str, error_code: str
    ) -> bool:
        """Store a failure, and skip what has not been started yet of its job."""
        written = self._write(
            task,
            state=TaskState.FAILED,
            operation=None if operation is None else convert.to_json(operation),
            finished_at=self._now,
            error=error,
            error_code=error_code,
        )
        if written:
            self._skip_unsent(task.job_id)
        return written

    def _write(self, task: TaskRecord, **values: object) -> bool:
        columns = tables.tasks.c
        result = self._connection.execute(
            tables.tasks.update()
            .where(
                columns.id == task.id,
                columns.fence == task.fence,
                columns.state == TaskState.CLAIMED,
            )
            .values(runner_id=None, **values)
        )
        return result.rowcount == 1

    def _release_dependents(self, task_id: str) -> None:
        columns = tables.tasks.c
        dependents = sa.select(tables.task_edges.c.task_id).where(
            tables.task_edges.c.before_id == task_id
        )
        self._connection.execute(
            tables.tasks.update()
            .where(columns.id.in_(dependents))
            .values(unfinished_before=columns.unfinished_before - 1)
        )
        self._connection.execute(
            tables.tasks.update()
            .where(
                columns.id.in_(dependents),
                columns.state == TaskState.WAITING,
                columns.unfinished_before == 0,
            )
            .values(state=TaskState.READY, run_at=self._now)
        )

    def _skip_unsent(self, job_id: str) -> None:
        columns = tables.tasks.c
        unsent = (columns.state == TaskState.READY) & columns.sent_at.is_(None)
        self._connection.execute(
            tables.tasks.update()
            .where(columns.job_id == job_id, (columns.state == TaskState.WAITING) | unsent)
            .values(state=TaskState.SKIPPED, finished_at=self._now)
        )

    def settle_job(self, job_id: str) -> JobState | None:
        """End a job of which nothing is left to do.

        :returns: how it ended, if it ended now.
        """
        columns = tables.tasks.c
        rows = self._connection.execute(
            sa.select(columns.state, sa.func.count())
            .where(columns.job_id == job_id)
            .group_by(columns.state)
        )
        counts: dict[str, int] = {state: count for state, count in rows}  # noqa: C416 (rows are no tuples)
        failed = counts.get(TaskState.FAILED, 0)
        if failed:
            self._skip_unsent(job_id)
        open_states = {TaskState.CLAIMED, TaskState.READY, TaskState.WAITING}
        if any(counts.get(state) for state in open_states):
            return None
        state = JobState.FAILED if failed else JobState.SUCCEEDED
        ended = self._connection.execute(
            tables.jobs.update()
            .where(tables.jobs.c.id == job_id, tables.jobs.c.state == JobState.RUNNING)
            .values(state=state, error=self._first_error(job_id), finished_at=self._now)
        ).rowcount
        return state if ended else None

    def _first_error(self, job_id: str) -> str | None:
        columns = tables.tasks.c
        query = (
            sa.select(columns.title, columns.error)
            .where(columns.job_id == job_id, columns.state == TaskState.FAILED)
            .order_by(columns.finished_at, columns.number)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else f"{row.title}: {row.error}"

    # -- waking ------------------------------------------------------------------------------------

    def wake_request(self, request_key: str) -> None:
        """Have the task of a request polled at once: its answer is there."""
        self._wake(tables.tasks.c.request_key == request_key)

    def wake_kind(self, kind: str, *, node_id: str | None = None) -> None:
        """Have tasks of a kind polled at once.

        :param node_id: only those about this node.
        """
        which = tables.tasks.c.kind == kind
        if node_id is not None:
            which &= tables.tasks.c.node_id == node_id
        self._wake(which)

    def _wake(self, which: "sa.ColumnElement[bool]") -> None:
        columns = tables.tasks.c
        self._connection.execute(
            tables.tasks.update()
            .where(which, columns.state == TaskState.CLAIMED)
            .values(woken=True)
        )
        self._connection.execute(
            tables.tasks.update()
            .where(which, columns.state == TaskState.READY, columns.operation.is_not(None))
            .values(run_at=self._now)
        )

    # -- runners -----------------------------------------------------------------------------------

    def beat(self, runner_id: str) -> bool:
        """Say that a runner lives.

        :returns: False when it was taken for dead meanwhile.
        """
        result = self._connection.execute(
            tables.runners.update()
            .where(tables.runners.c.id == runner_id)
            .values(seen_at=self._now)
        )
        return result.rowcount == 1

    def add_runner(self, runner_id: str, *, name: str) -> None:
        """Register a runner."""
        self._connection.execute(
            tables.runners.insert().values(id=runner_id, name=name, seen_at=self._now)
        )

    def remove_runner(self, runner_id: str) -> None:
        """Take a runner that ends off the list; what it still holds is taken over at once."""
        self._connection.execute(tables.runners.delete().where(tables.runners.c.id == runner_id))

    def take_over(self, *, lease_s: float) -> Sequence[str]:
        """Free the tasks of runners that are not heard of any more.

        An orphan is a claimed task whose runner has no row: that also covers a claim made by a
        runner at the very moment it was taken for dead.

        :param lease_s: seconds after its last sign of life that a runner is taken for dead.
        :returns: ids of the freed tasks.
        """
        columns = tables.tasks.c
        lost = self._now - dt.timedelta(seconds=lease_s)
        self._connection.execute(tables.runners.delete().where(tables.runners.c.seen_at < lost))
        orphans = (
            sa.select(columns.id)
            .where(
                columns.state == TaskState.CLAIMED,
                columns.runner_id.not_in(sa.select(tables.runners.c.id)),
            )
            .order_by(columns.id)
            .with_for_update(skip_locked=True)
        )
        return self._connection.scalars(
            tables.tasks.update()
            .where(columns.id.in_(orphans))
            .values(state=TaskState.READY, runner_id=None, run_at=self._now)
            .returning(columns.id)
        ).all()
