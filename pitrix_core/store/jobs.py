"""Jobs and their tasks, as the API writes and everyone reads them."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model import Action, Job, JobState, Plan, Task, TaskRecord, TaskState
from pitrix_core.model.access import Actor
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.ids import new_id
from pitrix_core.store.lanes import LaneRepository, lane_of
from pitrix_core.store.records import record
from pitrix_core.store.slices import WHOLE, Slice, newest_first, place_of

#: What a task is whose request was never sent.
_NEVER_SENT: Final[Mapping[str, None]] = {
    "request_key": None,
    "sent_at": None,
    "sent_fence": None,
    "operation": None,
}
#: A job that ended in one of these can go on.
_UNFINISHED_STATES: Final = (JobState.FAILED, JobState.CANCELLED)


class JobRepository:
    """Plans being carried out."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def add(self, plan: Plan, *, deadline_s: float | None = None) -> Job:
        """Store a plan's job with all its tasks; those that come after nothing are ready.

        :param deadline_s: seconds it may be at work; None for no limit.
        """
        deadline_at = None if deadline_s is None else self._now + dt.timedelta(seconds=deadline_s)
        begun = {"state": JobState.RUNNING, "started_at": self._now, "deadline_at": deadline_at}
        return self._add(plan, deadline_s=deadline_s, **begun)

    def add_waiting(self, plan: Plan, *, deadline_s: float | None = None) -> Job:
        """Store a plan's job with all its tasks; it waits until what is at work on its cluster has
        ended.

        :param deadline_s: seconds it may be at work; None for no limit.
        """
        return self._add(plan, deadline_s=deadline_s, state=JobState.QUEUED)

    def _add(self, plan: Plan, **values: Any) -> Job:
        job = Job(
            id=new_id("job"),
            action=plan.action,
            plan_id=plan.id,
            cluster_id=plan.cluster_id,
            owner=plan.owner,
            created_at=self._now,
            **values,
        )
        self._insert(job)
        self.add_tasks(job, plan.tasks, runtime_id=plan.runtime_id)
        return job

    def add_roll_back(self, undone: Job) -> Job:
        """Store the job that undoes another one; it waits, and its tasks are not known before it
        begins.
        """
        job = Job(
            id=new_id("job"),
            action=Action.ROLL_BACK,
            plan_id=undone.plan_id,
            cluster_id=undone.cluster_id,
            owner=undone.owner,
            state=JobState.QUEUED,
            undoes=undone.id,
            created_at=self._now,
        )
        self._insert(job)
        return job

    def _insert(self, job: Job) -> None:
        names = (field.name for field in attrs.fields(Job) if field.name in tables.jobs.c)
        values = {name: getattr(job, name) for name in names}
        self._connection.execute(tables.jobs.insert().values(**values))

    def add_tasks(self, job: Job, tasks: tuple[Task, ...], *, runtime_id: str) -> None:
        """Store tasks of a job, after those it has; what comes after nothing is ready, unless the
        job itself waits.
        """
        if not tasks:
            return
        ids = {task.key: new_id("t") for task in tasks}
        known = sa.select(sa.func.count()).where(tables.tasks.c.job_id == job.id)
        first = self._connection.execute(known).scalar_one() + 1
        is_waiting = job.state is JobState.QUEUED
        rows = [
            {
                **convert.to_json(task),
                "id": ids[task.key],
                "job_id": job.id,
                "owner": job.owner,
                "cluster_id": job.cluster_id,
                "runtime_id": runtime_id,
                "number": number,
                "state": TaskState.WAITING if task.after or is_waiting else TaskState.READY,
                "unfinished_before": len(set(task.after)),
                "attempts": 0,
                "fence": 0,
                "lane": lane_of(task.kind, runtime_id=runtime_id),
                "rides": False,
                "woken": False,
                "outputs": {},
                "run_at": self._now,
            }
            for number, task in enumerate(tasks, start=first)
        ]
        LaneRepository(self._connection, now=self._now).ensure({row["lane"] for row in rows})
        self._connection.execute(tables.tasks.insert(), rows)
        edges = [
            {"task_id": ids[task.key], "before_id": ids[before]}
            for task in tasks
            for before in set(task.after)
        ]
        if edges:
            self._connection.execute(tables.task_edges.insert(), edges)

    def add_before(
        self, job: Job, keys: Collection[str], tasks: tuple[Task, ...], *, runtime_id: str
    ) -> None:
        """Store more tasks of a job, and have some of those it has come after all of them.

        :param keys: of the tasks that are to wait; none of them was begun.
        """
        self.add_tasks(job, tasks, runtime_id=runtime_id)
        columns, added = tables.tasks.c, [task.key for task in tasks]
        rows = self._connection.execute(
            sa.select(columns.id, columns.key, columns.after).where(
                columns.job_id == job.id, columns.key.in_([*keys, *added])
            )
        ).all()
        ids = {row.key: row.id for row in rows}
        for row in rows:
            if row.key in added:
                continue
            self._connection.execute(
                tables.tasks.update()
                .where(columns.id == row.id)
                .values(
                    state=TaskState.WAITING,
                    after=[*row.after, *added],
                    unfinished_before=columns.unfinished_before + len(added),
                )
            )
            edges = [{"task_id": row.id, "before_id": ids[key]} for key in added]
            self._connection.execute(tables.task_edges.insert(), edges)

    def makes_node(self, job_id: str, node_id: str) -> bool:
        """Say whether a job makes the machine of a node."""
        columns = tables.tasks.c
        query = sa.select(columns.id).where(
            columns.job_id == job_id,
            columns.node_id == node_id,
            columns.kind == "compute.create",
        )
        return self._connection.scalar(query.limit(1)) is not None

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
        self, *, viewer: Actor | None = None, cluster_id: str | None = None, part: Slice = WHOLE
    ) -> list[Job]:
        """Return jobs, newest first.

        :param viewer: only those that they see; None for all.
        :param cluster_id: only this cluster's.
        :param part: which of them.
        :raises NotFoundError: there is no job that the part begins after.
        """
        query = newest_first(self._connection, tables.jobs, part)
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.jobs))
        if cluster_id is not None:
            query = query.where(tables.jobs.c.cluster_id == cluster_id)
        rows = self._connection.execute(query).all()
        progress = self._progress(row.id for row in rows)
        return [record(row, Job, progress=progress[row.id]) for row in rows]

    def tasks(self, job_id: str, *, part: Slice = WHOLE) -> list[TaskRecord]:
        """Return a job's tasks in the order of its plan.

        :param part: which of them.
        :raises NotFoundError: there is no task that the part begins after.
        """
        columns = tables.tasks.c
        query = sa.select(tables.tasks).where(columns.job_id == job_id).order_by(columns.number)
        if part.after is not None:
            query = query.where(columns.number > place_of(self._connection, columns.number, part))
        query = query.limit(part.limit)
        return [record(row, TaskRecord) for row in self._connection.execute(query)]

    def failed_tasks(self, job_id: str) -> list[TaskRecord]:
        """Return a job's failed tasks, in the order in which they failed."""
        columns = tables.tasks.c
        query = (
            sa.select(tables.tasks)
            .where(columns.job_id == job_id, columns.state == TaskState.FAILED)
            .order_by(columns.finished_at, columns.number)
        )
        return [record(row, TaskRecord) for row in self._connection.execute(query)]

    def failed_on(self, cluster_id: str) -> list[TaskRecord]:
        """Return the failed tasks of all of a cluster's jobs."""
        columns, jobs = tables.tasks.c, tables.jobs.c
        query = (
            sa.select(tables.tasks)
            .where(
                columns.job_id.in_(sa.select(jobs.id).where(jobs.cluster_id == cluster_id)),
                columns.state == TaskState.FAILED,
            )
            .order_by(columns.job_id, columns.number)
        )
        return [record(row, TaskRecord) for row in self._connection.execute(query)]

    def running_on(self, cluster_id: str) -> str | None:
        """Return the job that changes a cluster now, or is the next to, if one does."""
        columns = tables.jobs.c
        query = (
            sa.select(columns.id)
            .where(columns.cluster_id == cluster_id, columns.state.not_in(JOB_FINAL_STATES))
            .order_by(columns.state == JobState.QUEUED, columns.created_at, columns.id)
        )
        found: str | None = self._connection.scalar(query.limit(1))
        return found

    def undone_by(self, job_id: str) -> str | None:
        """Return the job that undoes another one, or waits to; not one that never began."""
        columns = tables.jobs.c
        query = sa.select(columns.id).where(columns.undoes == job_id, _counts())
        found: str | None = self._connection.scalar(query.limit(1))
        return found

    def newest_on(self, cluster_id: str) -> str | None:
        """Return the job that changed a cluster last, or is about to; those that never began have
        not.
        """
        columns = tables.jobs.c
        query = (
            sa.select(columns.id)
            .where(columns.cluster_id == cluster_id, _counts())
            .order_by(columns.created_at.desc(), columns.undoes.is_(None), columns.id)
        )
        found: str | None = self._connection.scalar(query.limit(1))
        return found

    def follows_another(self, job: Job) -> bool:
        """Say whether a job changed a cluster that another one had made."""
        columns = tables.jobs.c
        query = sa.select(columns.id).where(
            columns.cluster_id == job.cluster_id,
            columns.id != job.id,
            columns.created_at <= job.created_at,
            columns.started_at.is_not(None),
        )
        return self._connection.scalar(query.limit(1)) is not None

    def require_newest(self, job: Job) -> None:
        """Make sure that no later job has changed the job's cluster.

        :raises ConflictError: one has, or is about to.
        """
        newest = self.newest_on(job.cluster_id)
        if newest not in (None, job.id):
            raise ConflictError(
                f"Job {newest} came after job {job.id} on the same cluster.",
                next_step=f"Look at the newer one: pitrix job show {newest}",
            )

    def retry(self, job_id: str) -> None:
        """Let a failed or cancelled job go on from where it ended; finished tasks are not done
        again.

        An operation that has not ended, as far as is known, is polled on. A request of which it is
        not known what it made is settled under its key. Everything else is sent again under a new
        key, once what its failed operation made is removed (:mod:`pitrix_core.jobs.compensation`).
        The job has its deadline's time again.

        :raises ConflictError: the job has not ended, has succeeded, or never began.
        """
        job = self.get(job_id)
        limit = job.deadline_s
        deadline_at = None if limit is None else self._now + dt.timedelta(seconds=limit)
        changed = self._connection.execute(
            tables.jobs.update()
            .where(
                tables.jobs.c.id == job_id,
                tables.jobs.c.state.in_(_UNFINISHED_STATES),
                tables.jobs.c.started_at.is_not(None),
            )
            .values(
                state=JobState.RUNNING,
                error=None,
                error_code=None,
                finished_at=None,
                deadline_at=deadline_at,
            )
        ).rowcount
        if not changed:
            raise ConflictError(
                f"Job {job_id} has not failed, nor was cancelled at work: nothing can be retried.",
                next_step=f"See what can be done: pitrix job show {job_id}",
            )
        self._reopen_failed(job_id)
        self._reopen_skipped(job_id)

    def _reopen_failed(self, job_id: str) -> None:
        columns = tables.tasks.c
        again = {
            "state": TaskState.READY,
            "attempts": 0,
            "error": None,
            "error_code": None,
            "vendor_code": None,
            "vendor_request_id": None,
            "run_at": self._now,
            "started_at": None,
            "finished_at": None,
        }
        failed = sa.select(tables.tasks).where(
            columns.job_id == job_id, columns.state == TaskState.FAILED
        )
        for row in self._connection.execute(failed.order_by(columns.id)).all():
            kept = {} if record(row, TaskRecord).is_undecided else _NEVER_SENT
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


def _counts() -> "sa.ColumnElement[bool]":
    """Say of a job that it has changed its cluster, or still may."""
    columns = tables.jobs.c
    return columns.started_at.is_not(None) | columns.state.not_in(JOB_FINAL_STATES)
