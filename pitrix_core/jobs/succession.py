"""Jobs that come after one another on a cluster: how one is submitted, what it waits for, how it
begins.

A job that takes away what is there has to know what is there. So a roll back, or the deletion of a
cluster, waits while jobs that have ended find out what came of requests that were given up. What is
found then is removed, too.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pitrix_core.jobs.compensation import (
    compensation_tasks,
    removal_of,
    removed_by,
    undecided_in,
    undo_of,
)
from pitrix_core.model import ClusterState, Job, JobState, Plan, TaskRecord
from pitrix_core.store import Transaction

#: Code of a job that could not begin.
UNDECIDED_CODE: Final = "undecided"


def submit(tx: Transaction, plan: Plan, *, deadline_s: float | None = None) -> Job:
    """Store a plan's job. It begins at once, unless it deletes a cluster of which it has to be
    found out first what is there.

    No other job is at work on the cluster; :func:`lock_undecided` was called before anything of the
    cluster was written.

    :param deadline_s: seconds it may be at work; None for no limit.
    """
    is_deletion = plan.action.frees and not plan.forgets
    unknown = undecided_of(tx, plan.cluster_id) if is_deletion else []
    if not unknown:
        return tx.jobs.add(plan, deadline_s=deadline_s)
    job = tx.jobs.add_waiting(plan, deadline_s=deadline_s)
    settle(tx, unknown)
    return job


def undecided_of(tx: Transaction, cluster_id: str) -> list[TaskRecord]:
    """Return the tasks of a cluster's jobs that may have made something of which nobody knows."""
    return undecided_in(tx.jobs.failed_on(cluster_id))


def lock_undecided(tx: Transaction, cluster_id: str) -> None:
    """Keep others from retrying, or undoing, jobs of a cluster that have left anything open."""
    tx.queue.lock_jobs(task.job_id for task in undecided_of(tx, cluster_id))


def settle(tx: Transaction, unknown: Iterable[TaskRecord]) -> None:
    """Have the jobs of undecided tasks find out what these have made, and no more.

    The transaction has locked the jobs, which have ended.
    """
    by_job: dict[str, list[str]] = {}
    for task in unknown:
        by_job.setdefault(task.job_id, []).append(task.id)
    for job_id, task_ids in sorted(by_job.items()):
        tx.courses.settle_undecided(tx.jobs.get(job_id), task_ids)


def begin_next(tx: Transaction, cluster_id: str) -> str | None:
    """Let the job begin that waits for a cluster, if none is at work on it.

    :returns: the job, if one began; it may have nothing to do.
    """
    job_id = tx.courses.next_on(cluster_id)
    if job_id is None:
        return None
    tx.queue.lock_jobs([job_id])
    job = tx.jobs.get(job_id)
    if job.state is not JobState.QUEUED:  # it was cancelled, or begun, before it was locked
        return begin_next(tx, cluster_id)
    unknown = undecided_of(tx, cluster_id)
    if unknown:
        _refuse(tx, job, unknown)
        return begin_next(tx, cluster_id)  # another one may wait, too
    tx.courses.begin(job)
    job = tx.jobs.get(job_id)
    if job.undoes is None:
        _begin_deletion(tx, job)
    else:
        _begin_roll_back(tx, job, job.undoes)
    tx.events.add("job.started", cluster_id, owner=job.owner, data={"job_id": job_id})
    return job_id


def _begin_roll_back(tx: Transaction, job: Job, undone_id: str) -> None:
    runtime_id = _change(tx, job, ClusterState.ROLLING_BACK)
    undoing = compensation_tasks(tx.jobs.tasks(undone_id), tx.clusters.made_by(undone_id))
    tx.jobs.add_tasks(job, undoing, runtime_id=runtime_id)


def _begin_deletion(tx: Transaction, job: Job) -> None:
    """Remove before all else what was found since the deletion was planned: nothing was built upon
    it, and it may hold what was known.
    """
    runtime_id = _change(tx, job, ClusterState.DELETING)
    tasks = tx.jobs.tasks(job.id)
    planned = removed_by(tasks)
    found = [
        resource
        for resource in tx.clusters.recorded_since(job.cluster_id, job.created_at)
        if (kind := undo_of(resource.kind)) and (kind, resource.resource_id) not in planned
    ]
    if found:
        numbered = enumerate(found, start=len(tasks) + 1)
        removals = tuple(removal_of(resource, number=number) for number, resource in numbered)
        first = [task.key for task in tasks if not task.after]
        tx.jobs.add_before(job, first, removals, runtime_id=runtime_id)


def _change(tx: Transaction, job: Job, state: ClusterState) -> str:
    """Put the job's cluster into a transition state; return its runtime."""
    cluster = tx.clusters.get(job.cluster_id)
    tx.clusters.start_change(cluster.id, state=state, expected_revision=cluster.revision)
    return cluster.runtime_id


def _refuse(tx: Transaction, job: Job, unknown: Sequence[TaskRecord]) -> None:
    titles = "; ".join(task.title for task in unknown)
    error = (
        f"What came of these is still not known, so that nothing was removed: {titles}. "
        "Try again once the cloud can be asked."
    )
    tx.courses.refuse(job.id, error=error, error_code=UNDECIDED_CODE)
    data = {"job_id": job.id, "error": error}
    tx.events.add("job.failed", job.cluster_id, owner=job.owner, data=data)
