"""The queue of tasks, as runners use it: claims under a fence, leases, take-over.

A task may be written by the runner that claimed it, and only under the number (*fence*) of that
claim. Who was taken for dead, and comes back, finds the number changed and is refused.
"""

import datetime as dt
import functools
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import JsonObject, Operation, TaskRecord, TaskState
from pitrix_core.store import tables
from pitrix_core.store.claims import Claim, ClaimRepository, Group
from pitrix_core.store.courses import UNSENT, CourseRepository

__all__ = ["Claim", "QueueRepository"]


class QueueRepository:
    """Tasks that wait for a runner, and runners that live."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now
        self._claims = ClaimRepository(connection, now=now)
        self._courses = CourseRepository(connection, now=now)

    # -- claims ------------------------------------------------------------------------------------

    def claim(
        self, runner_id: str, *, limit: int, batches: Mapping[Group, int] | None = None
    ) -> list[Claim]:
        """Take tasks whose time has come; see :meth:`ClaimRepository.claim`."""
        return self._claims.claim(runner_id, limit=limit, batches=batches)

    def has_due(self) -> bool:
        """Say whether a claim would find anything; takes no lock."""
        return self._claims.can_claim()

    def outputs(self, job_id: str, keys: Iterable[str]) -> dict[str, JsonObject]:
        """Return the outputs of a job's finished tasks, by their keys."""
        columns = tables.tasks.c
        query = sa.select(columns.key, columns.outputs).where(
            columns.job_id == job_id, columns.key.in_(list(keys))
        )
        return {row.key: row.outputs for row in self._connection.execute(query)}

    def next_due_s(self) -> float | None:
        """Return seconds until the next task's time comes; 0 when it has come, None for never."""
        run_at = self._claims.next_run_at()
        return None if run_at is None else max(0.0, (run_at - self._now).total_seconds())

    # -- what became of a claim --------------------------------------------------------------------

    def wait(self, task: TaskRecord, operation: Operation, *, after_s: float) -> bool:
        """Save the operation and let any runner poll it later, or at once if it was woken.

        :returns: False when the claim was lost; nothing was written.
        """
        return self._write(
            task,
            state=TaskState.READY,
            operation=convert.to_json(operation),
            run_at=self._unless_woken(after_s),
            error=operation.error,
            error_code=None,
        )

    def retry(
        self,
        task: TaskRecord,
        *,
        after_s: float,
        error: str,
        error_code: str,
        is_counted: bool = True,
    ) -> bool:
        """Let the task be started again under the same key: its request is known to have made
        nothing.

        With an operation under way, only the poll is repeated, at once if it was woken.

        :param is_counted: the attempt is one of those the plan allows.
        """
        forget: dict[str, object] = {} if task.operation else dict(UNSENT)
        if forget and not is_counted:
            forget["attempts"] = tables.tasks.c.attempts - 1
        return self._write(
            task,
            state=TaskState.READY,
            run_at=self._unless_woken(after_s),
            error=error,
            error_code=error_code,
            **forget,
        )

    def postpone(
        self,
        task: TaskRecord,
        *,
        after_s: float,
        error: str | None = None,
        error_code: str | None = None,
    ) -> bool:
        """Give the claim back with nothing decided: whether its request was sent stays unknown.

        :param error: what keeps it from being known; what was known before stays where it is None.
        """
        known = {} if error is None else {"error": error, "error_code": error_code}
        return self._write(task, state=TaskState.READY, run_at=self._unless_woken(after_s), **known)

    def succeed(self, task: TaskRecord, outputs: JsonObject, operation: Operation | None) -> bool:
        """Store a result; :meth:`release` then makes ready what waited for it."""
        return self._write(
            task,
            state=TaskState.SUCCEEDED,
            outputs=convert.to_json(outputs),
            operation=None if operation is None else convert.to_json(operation),
            finished_at=self._now,
            error=None,
            error_code=None,
        )

    def release(self, task_ids: Collection[str]) -> None:
        """Make ready what waited for nothing but these tasks, which have succeeded.

        :param task_ids: each is named once in its life.
        """
        if not task_ids:
            return
        edges, columns = tables.task_edges.c, tables.tasks.c
        is_before = edges.before_id.in_(sorted(task_ids))
        dependents = sa.select(edges.task_id).where(is_before)
        finished = (
            sa.select(sa.func.count())
            .where(edges.task_id == columns.id, is_before)
            .scalar_subquery()
        )
        self._connection.execute(
            tables.tasks.update()
            .where(columns.id.in_(dependents))
            .values(unfinished_before=columns.unfinished_before - finished)
        )
        self._courses.make_ready(columns.id.in_(dependents))

    def fail(
        self,
        task: TaskRecord,
        operation: Operation | None,
        *,
        error: str,
        error_code: str,
        **vendor: str | None,
    ) -> bool:
        """Store a failure, and skip what has not been started yet of its job.

        Without an operation, its request is known to have made nothing.

        :param vendor: ``vendor_code`` and ``vendor_request_id``, where the vendor named them.
        """
        forget = {} if operation is not None else UNSENT
        return self._fail(task, operation, error=error, error_code=error_code, **vendor, **forget)

    def give_up(
        self, task: TaskRecord, *, error: str, error_code: str, **vendor: str | None
    ) -> bool:
        """Store a failure that leaves open what the request made: key and operation are kept, so
        that a retry begins by finding out.

        :param vendor: ``vendor_code`` and ``vendor_request_id``, where the vendor named them.
        """
        return self._fail(task, task.operation, error=error, error_code=error_code, **vendor)

    def _fail(self, task: TaskRecord, operation: Operation | None, **values: object) -> bool:
        written = self._write(
            task,
            state=TaskState.FAILED,
            operation=None if operation is None else convert.to_json(operation),
            finished_at=self._now,
            **values,
        )
        if written:
            self._courses.skip_unsent(task.job_id)
        return written

    def _unless_woken(self, after_s: float) -> "sa.ColumnElement[dt.datetime]":
        columns = tables.tasks.c
        later = sa.literal(self._now + dt.timedelta(seconds=after_s), columns.run_at.type)
        now = sa.literal(self._now, columns.run_at.type)
        return sa.case((columns.woken, now), else_=later)

    def _write(self, task: TaskRecord, **values: object) -> bool:
        worked_out = {
            name: value for name, value in values.items() if isinstance(value, sa.ClauseElement)
        }
        plain = {name: value for name, value in values.items() if name not in worked_out}
        statement = _fenced_write(frozenset(plain))
        if worked_out:
            statement = statement.values(**worked_out)
        bound = {"of_task": task.id, "of_fence": task.fence, **_bound(plain)}
        return self._connection.execute(statement, bound).rowcount == 1

    def lock_jobs(self, job_ids: Iterable[str]) -> None:
        """Be the only one to write outcomes of these jobs until the transaction ends.

        Two runners that end the last two tasks of a job at the same time would otherwise each see
        the other's as unfinished, and nobody would end the job.
        """
        columns = tables.jobs.c
        self._connection.execute(
            sa.select(columns.id)
            .where(columns.id.in_(sorted(set(job_ids))))
            .order_by(columns.id)
            .with_for_update()  # ignored by SQLite, where one writes at a time
        ).all()

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
        """Mark what is claimed, and what is about to be, in one statement: between two, a task
        could be claimed, and miss both.
        """
        columns = tables.tasks.c
        pollable = (columns.state == TaskState.READY) & columns.operation.is_not(None)
        now = sa.literal(self._now, columns.run_at.type)
        affected = (
            sa.select(columns.id)
            .where(which, (columns.state == TaskState.CLAIMED) | pollable)
            .order_by(columns.id)  # one lock order for all
            .with_for_update()
        )
        self._connection.execute(
            tables.tasks.update()
            .where(columns.id.in_(affected))
            .values(woken=True, run_at=sa.case((pollable, now), else_=columns.run_at))
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

    def give_back(self, runner_id: str, *, held: Collection[str]) -> Sequence[str]:
        """Free tasks that a runner has claimed and does not know of: the claim was committed, and
        the connection lost before it heard of that. What was not begun was not sent.

        :param held: ids of the tasks it does know of.
        :returns: ids of the freed tasks.
        """
        columns = tables.tasks.c
        is_new = columns.operation.is_(None) & (columns.sent_fence == columns.fence)
        unknown = (
            sa.select(columns.id)
            .where(
                columns.runner_id == runner_id,
                columns.state == TaskState.CLAIMED,
                columns.id.not_in(list(held)),
            )
            .order_by(columns.id)
            .with_for_update()
        )
        return self._connection.scalars(
            tables.tasks.update()
            .where(columns.id.in_(unknown))
            .values(
                state=TaskState.READY,
                runner_id=None,
                run_at=self._now,
                attempts=sa.case((is_new, columns.attempts - 1), else_=columns.attempts),
                sent_at=sa.case((is_new, None), else_=columns.sent_at),
                sent_fence=sa.case((is_new, None), else_=columns.sent_fence),
            )
            .returning(columns.id)
        ).all()

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


@functools.cache
def _fenced_write(names: frozenset[str]) -> sa.Update:
    """Return the statement that writes some columns of a claimed task; made once, for making it
    takes longer than carrying it out.
    """
    columns = tables.tasks.c
    is_ours = (
        columns.id == sa.bindparam("of_task"),
        columns.fence == sa.bindparam("of_fence"),
        columns.state == TaskState.CLAIMED,
    )
    values = {name: sa.bindparam(f"new_{name}", type_=columns[name].type) for name in names}
    return tables.tasks.update().where(*is_ours).values(runner_id=None, **values)


def _bound(values: Mapping[str, object]) -> dict[str, object]:
    return {f"new_{name}": value for name, value in values.items()}
