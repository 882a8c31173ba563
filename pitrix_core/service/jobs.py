"""Look at jobs, and let failed ones go on."""

import attrs

from pitrix_core.jobs.estimate import remaining_s_of
from pitrix_core.model import Action, ClusterState, Job, JobState, TaskRecord
from pitrix_core.service.services import Services, require_owner, visible_owner
from pitrix_core.store.identity import Actor

_STATE_DURING = {Action.CREATE: ClusterState.CREATING, Action.DELETE: ClusterState.DELETING}


def state_during(action: Action) -> ClusterState:
    """Return what a cluster is while a job of this action is at work on it."""
    return _STATE_DURING[action]


def search(services: Services, actor: Actor, *, cluster_id: str | None = None) -> list[Job]:
    """Return jobs, newest first.

    :param cluster_id: only this cluster's.
    """
    with services.store.read() as tx:
        return tx.jobs.search(owner=visible_owner(actor), cluster_id=cluster_id)


def get(services: Services, actor: Actor, job_id: str) -> Job:
    """Return a job, with how long it is likely to take yet while it is at work.

    :raises NotFoundError: there is none.
    """
    job = _find(services, actor, job_id)
    if job.state is not JobState.RUNNING:
        return job
    with services.store.read() as tx:
        return attrs.evolve(job, remaining_s=remaining_s_of(tx, job.id))


def _find(services: Services, actor: Actor, job_id: str) -> Job:
    with services.store.read() as tx:
        job = tx.jobs.get(job_id)
    step = "List them: pitrix job list"
    require_owner(actor, job.owner, f"job {job_id!r}", next_step=step)
    return job


def tasks(services: Services, actor: Actor, job_id: str) -> list[TaskRecord]:
    """Return a job's tasks in the order of its plan.

    :raises NotFoundError: there is no such job.
    """
    _find(services, actor, job_id)
    with services.store.read() as tx:
        return tx.jobs.tasks(job_id)


def retry(services: Services, actor: Actor, job_id: str) -> Job:
    """Let a failed job go on from where it failed.

    :raises NotFoundError: there is no such job.
    :raises ConflictError: it has not failed, or another job is at work on its cluster.
    """
    job = _find(services, actor, job_id)
    with services.store.begin() as tx:
        tx.jobs.require_newest(job)
        tx.jobs.retry(job_id)
        tx.clusters.set_state(job.cluster_id, state_during(job.action))
        tx.events.add("job.retried", job.cluster_id, owner=job.owner, data={"job_id": job_id})
        return tx.jobs.get(job_id)
