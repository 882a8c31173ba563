"""Jobs and their tasks, as the API writes and everyone reads them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError, ProviderNotFoundError
from pitrix_core.model import (
    Job,
    JobState,
    OperationState,
    Plan,
    Task,
    TaskRecord,
    TaskState,
)
from pitrix_core.store import tables
from pitrix_core.store.ids import new_id
from pitrix_core.store.records import record

#: What a task is whose request was never sent.
_NEVER_SENT: Final[Mapping[str, None]] = {
    "request_key": None,
    "sent_at": None,
    "sent_fence": None,
    "operation": None,
}


class JobRepository:
    """Plans being carried out."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def add(self, plan: Plan) -> Job:
        """Store a plan's job with all its tasks; those that come after nothing are ready."""
        job = Job(
            id=new_id("job"),
            action=plan.action,
            plan_id=plan.id,
            cluster_id=plan.cluster_id,
            owner=plan.owner,
            state=JobState.RUNNING,
            created_at=self._now,
        )
        self._connection.execute(
            tables.jobs.insert().values(
                id=job.id,
                owner=job.owner,
                action=job.action,
                plan_id=job.plan_id,
                cluster_id=job.cluster_id,
                state=job.state,
                created_at=self._now,
            )
        )
        self._add_tasks(job, plan.tasks, runtime_id=plan.runtime_id)
        return job

    def _add_tasks(self, job: Job, tasks: tuple[Task, ...], *, runtime_id: str) -> None:
        if not tasks:
            return
        ids = {task.key: new_id("t") for task in tasks}
        rows = [
            {
                **convert.to_json(task),
                "id": ids[task.key],
                "job_id": job.id,
                "owner": job.owner,
                "cluster_id": job.cluster_id,
                "runtime_id": runtime_id,
                "number": number,
                "state": TaskState.WAITING if task.after else TaskState.READY,
                "unfinished_before": len(set(task.after)),
                "attempts": 0,
                "fence": 0,
                "woken": False,
                "outputs": {},
                "run_at": self._now,
            }
            for number, task in enumerate(tasks, start=1)
        ]
        self._connection.execute(tables.tasks.insert(), rows)
        edges = [
            {"task_id": ids[task.key], "before_id": ids[before]}
            for task in tasks
            for before in set(task.after)
        ]
        if edges:
            self._connection.execute(tables.task_edges.insert(), edges)

    def get(self, job_id: str) -> Job:
        """Return a job.

        :raises NotFoundError: there is no such job.
        """
        query = sa.select(tables.jobs).where(tables.jobs.c.id == job_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no job {job_id!r}.", next_step="List them: pitrix job list"
            )
        return record(row, Job, progress=self._progress([job_id])[job_id])

    def search(
        self, *, owner: str | None = None, cluster_id: str | None = None, limit: int = 100
    ) -> list[Job]:
        """Return jobs, newest first.

        :param owner: only this owner's; None for everybody's.
        :param cluster_id: only this cluster's.
        """
        columns = tables.jobs.c
        query = sa.select(tables.jobs).order_by(columns.created_at.desc(), columns.id).limit(limit)
        if owner is not None:
            query = query.where(columns.owner == owner)
        if cluster_id is not None:
            query = query.where(columns.cluster_id == cluster_id)
        rows = self._connection.execute(query).all()
        progress = self._progress(row.id for row in rows)
        return [record(row, Job, progress=progress[row.id]) for row in rows]

    def tasks(self, job_id: str) -> list[TaskRecord]:
        """Return a job's tasks in the order of its plan."""
        query = (
            sa.select(tables.tasks)
            .where(tables.tasks.c.job_id == job_id)
            .order_by(tables.tasks.c.number)
        )
        return [record(row, TaskRecord) for row in self._connection.execute(query)]

    def running_on(self, cluster_id: str) -> str | None:
        """Return the job that changes a cluster now, if one does."""
        columns = tables.jobs.c
        query = sa.select(columns.id).where(
            columns.cluster_id == cluster_id, columns.state == JobState.RUNNING
        )
        found: str | None = self._connection.scalar(query.limit(1))
        return found

    def require_newest(self, job: Job) -> None:
        """Make sure that no later job has changed the job's cluster.

        :raises ConflictError: one has, or is about to.
        """
        [newest, *_] = self.search(cluster_id=job.cluster_id, limit=1)
        if newest.id != job.id:
            raise ConflictError(
                f"Job {newest.id} came after job {job.id} on the same cluster.",
                next_step=f"Look at the newer one: pitrix job show {newest.id}",
            )

    def retry(self, job_id: str) -> None:
        """Let a failed job go on from where it failed; finished tasks are not done again.

        An operation that has not ended, as far as is known, is polled on. A request of which it is
        not known what it made is settled under its key. Everything else is sent again under a new
        key; what a failed operation made stays written down with its cluster.

        :raises ConflictError: the job has not failed.
        """
        changed = self._connection.execute(
            tables.jobs.update()
            .where(tables.jobs.c.id == job_id, tables.jobs.c.state == JobState.FAILED)
            .values(state=JobState.RUNNING, error=None, finished_at=None)
        ).rowcount
        if not changed:
            raise ConflictError(f"Job {job_id} has not failed; only failed jobs can be retried.")
        self._reopen_failed(job_id)
        self._reopen_skipped(job_id)

    def _reopen_failed(self, job_id: str) -> None:
        columns = tables.tasks.c
        again = {
            "state": TaskState.READY,
            "attempts": 0,
            "error": None,
            "error_code": None,
            "run_at": self._now,
            "started_at": None,
            "finished_at": None,
        }
        failed = sa.select(tables.tasks).where(
            columns.job_id == job_id, columns.state == TaskState.FAILED
        )
        for row in self._connection.execute(failed.order_by(columns.id)).all():
            kept = {} if _goes_on(row) else _NEVER_SENT
            self._connection.execute(
                tables.tasks.update().where(columns.id == row.id).values(**again, **kept)
            )

    def _reopen_skipped(self, job_id: str) -> None:
        columns = tables.tasks.c
        skipped = (columns.job_id == job_id, columns.state == TaskState.SKIPPED)
        before = tables.tasks.alias("before")
        unfinished = (
            sa.select(sa.func.count())
            .select_from(
                tables.task_edges.join(before, tables.task_edges.c.before_id == before.c.id)
            )
            .where(tables.task_edges.c.task_id == columns.id, before.c.state != TaskState.SUCCEEDED)
            .scalar_subquery()
        )
        self._connection.execute(
            tables.tasks.update()
            .where(*skipped)
            .values(unfinished_before=unfinished, state=TaskState.WAITING, finished_at=None)
        )
        self._connection.execute(
            tables.tasks.update()
            .where(
                columns.job_id == job_id,
                columns.state == TaskState.WAITING,
                columns.unfinished_before == 0,
            )
            .values(state=TaskState.READY, run_at=self._now)
        )

    def _progress(self, job_ids: Iterable[str]) -> Mapping[str, dict[str, int]]:
        ids = list(job_ids)
        columns = tables.tasks.c
        query = (
            sa.select(columns.job_id, columns.state, sa.func.count())
            .where(columns.job_id.in_(ids))
            .group_by(columns.job_id, columns.state)
        )
        progress: dict[str, dict[str, int]] = {job_id: {} for job_id in ids}
        for job_id, state, count in self._connection.execute(query):
            progress[job_id][state] = count
        return progress


def _goes_on(row: "sa.Row[Any]") -> bool:
    """Say whether a failed task's request is still to be heard of: it may have made something."""
    if row.operation is None:
        return row.sent_at is not None
    is_gone = row.error_code == ProviderNotFoundError.code
    return row.operation["state"] != OperationState.FAILED and not is_gone
