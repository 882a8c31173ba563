"""Look at jobs; pause, stop and undo them, and let them go on."""

from collections.abc import Callable, Iterator

import attrs

from pitrix_core.errors import ConflictError
from pitrix_core.findings import Finding, Level
from pitrix_core.jobs.compensation import STATE_AFTER_UNDOING, makes, undecided_in
from pitrix_core.jobs.compensation import retry as let_go_on
from pitrix_core.jobs.effects import begin_waiting, end_job
from pitrix_core.jobs.estimate import remaining_s_of
from pitrix_core.jobs.succession import settle, undecided_of
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterState,
    Job,
    JobAction,
    JobReport,
    JobState,
    TaskFailure,
    TaskRecord,
    UndecidedTask,
    access,
)
from pitrix_core.model.access import Actor
from pitrix_core.model.job import CANCELLED_CODE, JOB_FINAL_STATES
from pitrix_core.service.access import require_seen
from pitrix_core.service.inputs import AfterCancel, CancelInput, CancelMode
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.slices import WHOLE, Slice

_STATE_DURING = {
    Action.CREATE: ClusterState.CREATING,
    Action.DELETE: ClusterState.DELETING,
    Action.ROLL_BACK: ClusterState.ROLLING_BACK,
}
#: How it is said what has become of a job.
_WORDS = {
    JobState.SUCCEEDED: "has succeeded",
    JobState.FAILED: "has failed",
    JobState.CANCELLED: "was cancelled",
}
#: What can be done about a job that has not ended.
_ACTIONS_IN = {
    JobState.QUEUED: (JobAction.CANCEL,),
    JobState.RUNNING: (JobAction.PAUSE, JobAction.CANCEL),
    JobState.PAUSED: (JobAction.RESUME, JobAction.CANCEL),
    JobState.STOPPING: (JobAction.CANCEL,),
}


def state_during(action: Action) -> ClusterState:
    """Return what a cluster is while a job of this action is at work on it."""
    return _STATE_DURING[action]


# -- looking ---------------------------------------------------------------------------------------


def search(
    services: Services, actor: Actor, *, cluster_id: str | None = None, part: Slice = WHOLE
) -> list[Job]:
    """Return jobs, newest first.

    :param cluster_id: only this cluster's.
    :param part: which of them.
    :raises NotFoundError: there is no job that the part begins after.
    """
    with services.store.read() as tx:
        return tx.jobs.search(viewer=actor, cluster_id=cluster_id, part=part)


def get(services: Services, actor: Actor, job_id: str) -> Job:
    """Return a job, with how long it is likely to take yet while it is at work.

    :raises NotFoundError: there is none.
    """
    job = _find(services, actor, job_id)
    if job.state is not JobState.RUNNING:
        return job
    with services.store.read() as tx:
        return attrs.evolve(job, remaining_s=remaining_s_of(tx, job.id))


def _find(
    services: Services,
    actor: Actor,
    job_id: str,
    *,
    action: access.Action = access.Action.CLUSTERS_READ,
) -> Job:
    step = "List them: pitrix job list"
    with services.store.read() as tx:
        job = tx.jobs.get(job_id)
        what = f"job {job_id!r}"
        require_seen(tx, actor, action, owner=job.owner, what=what, next_step=step)
    return job


def report(services: Services, actor: Actor, job_id: str) -> JobReport:
    """Return a job with what failed and why, what it made, what is not known, what can be done,
    and, while it is at work, how long it is likely to take yet.

    :raises NotFoundError: there is none.
    """
    _find(services, actor, job_id)
    with services.store.read() as tx:
        job = tx.jobs.get(job_id)
        if job.state is JobState.RUNNING:
            job = attrs.evolve(job, remaining_s=remaining_s_of(tx, job_id))
        failed = tx.jobs.failed_tasks(job_id)
        is_waiting = job.state is JobState.QUEUED
        return JobReport(
            **attrs.asdict(job, recurse=False),
            waits_for=tx.jobs.running_on(job.cluster_id) if is_waiting else None,
            undone_by=tx.jobs.undone_by(job_id),
            failures=tuple(_failure(task) for task in failed),
            made=tuple(tx.clusters.made_by(job_id)),
            undecided=tuple(_undecided(task) for task in failed if task.is_undecided),
            actions=_actions(tx, job),
        )


def tasks(
    services: Services, actor: Actor, job_id: str, *, part: Slice = WHOLE
) -> list[TaskRecord]:
    """Return a job's tasks in the order of its plan.

    :param part: which of them.
    :raises NotFoundError: there is no such job, or no task of it that the part begins after.
    """
    _find(services, actor, job_id)
    with services.store.read() as tx:
        return tx.jobs.tasks(job_id, part=part)


def undecided_remarks(services: Services, cluster: Cluster) -> Iterator[Finding]:
    """Say what has to be found out before a cluster is deleted."""
    with services.store.read() as tx:
        unknown = undecided_of(tx, cluster.id)
    for task in unknown:
        yield Finding(
            level=Level.INFO,
            code="deletion.undecided",
            message=f"{task.title}: what came of request {task.request_key} is not known. That is "
            "found out first, and what it made is removed, too.",
        )


def _failure(task: TaskRecord) -> TaskFailure:
    return TaskFailure(
        key=task.key,
        kind=task.kind,
        title=task.title,
        node_id=task.node_id,
        error=task.error,
        error_code=task.error_code,
        vendor_code=task.vendor_code,
        vendor_request_id=task.vendor_request_id,
    )


def _undecided(task: TaskRecord) -> UndecidedTask:
    return UndecidedTask(
        key=task.key,
        kind=task.kind,
        title=task.title,
        request_key=task.request_key,
        resource_id=None if task.operation is None else task.operation.resource_id,
    )


def _actions(tx: Transaction, job: Job) -> tuple[JobAction, ...]:
    if job.state in _ACTIONS_IN:
        return _ACTIONS_IN[job.state]
    is_over = job.state is JobState.SUCCEEDED or job.started_at is None
    if is_over or tx.jobs.newest_on(job.cluster_id) != job.id:
        return ()
    undo = (JobAction.ROLL_BACK,) if _is_undoable(tx, job) else ()
    is_own = tx.clusters.get(job.cluster_id).hidden  # it goes with its runtime
    return (JobAction.RETRY, *undo, *(() if is_own else (JobAction.DELETE,)))


# -- changing --------------------------------------------------------------------------------------


def pause(services: Services, actor: Actor, job_id: str) -> Job:
    """Let nothing new of a job be started until it is resumed; what is under way goes on.

    :raises NotFoundError: there is no such job.
    :raises ConflictError: it is not at work.
    """

    def act(tx: Transaction, job: Job) -> None:
        if job.state is JobState.PAUSED:
            return
        if not tx.courses.pause(job.id):
            raise _refusal(job, "only a running job can be paused")
        _tell(tx, job, "job.paused")

    return _change(services, actor, job_id, act)


def resume(services: Services, actor: Actor, job_id: str) -> Job:
    """Let a paused job go on.

    :raises NotFoundError: there is no such job.
    :raises ConflictError: it is not paused.
    """

    def act(tx: Transaction, job: Job) -> None:
        if job.state is JobState.RUNNING:
            return
        if not tx.courses.resume(job):
            raise _refusal(job, "only a paused job can be resumed")
        _tell(tx, job, "job.resumed")

    return _change(services, actor, job_id, act)


def cancel(services: Services, actor: Actor, job_id: str, data: CancelInput) -> Job:
    """Stop a job for good: nothing new is started.

    Gracefully, what is under way goes on to its end. By force it is given up, and what it may have
    made is left undecided; where the job is to be rolled back, requests that make something are
    waited for even then, for what is not known cannot be undone.

    :raises NotFoundError: there is no such job.
    :raises ConflictError: it has ended, or cannot be rolled back.
    """

    def act(tx: Transaction, job: Job) -> None:
        if job.state in JOB_FINAL_STATES:
            raise _refusal(job, "it has ended")
        error = f"Cancelled by {actor.owner}."
        if tx.courses.drop(job.id, error=error):
            _tell(tx, job, "job.cancelled")
            return
        if tx.courses.stop(job.id, error=error, error_code=CANCELLED_CODE):
            _tell(tx, job, "job.stopping")
        _undo_after(tx, job, data)
        end_job(tx, job.id)

    return _change(services, actor, job_id, act)


def roll_back(services: Services, actor: Actor, job_id: str) -> Job:
    """Undo what a job did that failed or was cancelled, in reverse order.

    What is undecided is settled first: until then the roll back waits.

    :returns: the job that does it.
    :raises NotFoundError: there is no such job.
    :raises ConflictError: it is at work, has succeeded or cannot be undone, or another job came
        after it.
    """
    _find(services, actor, job_id, action=access.Action.CLUSTERS_WRITE)
    with services.store.begin() as tx:
        tx.queue.lock_jobs([job_id])
        job = tx.jobs.get(job_id)
        known = tx.jobs.undone_by(job_id)
        if known is not None and tx.jobs.get(known).state not in JOB_FINAL_STATES:
            return tx.jobs.get(known)
        _require_undoable(tx, job)
        if job.state not in (JobState.FAILED, JobState.CANCELLED) or job.started_at is None:
            raise _refusal(job, "only a job that failed or was cancelled can be rolled back")
        tx.jobs.require_newest(job)
        undoing = _add_roll_back(tx, job)
        _settle_first(tx, job)
        begin_waiting(tx, job.cluster_id)
        return tx.jobs.get(undoing.id)


def retry(services: Services, actor: Actor, job_id: str) -> Job:
    """Let a failed or cancelled job go on from where it ended.

    :raises NotFoundError: there is no such job.
    :raises ConflictError: it has not failed and was not cancelled, or another job came after it.
    """

    def act(tx: Transaction, job: Job) -> None:
        cluster = tx.clusters.get(job.cluster_id)
        tx.jobs.require_newest(job)
        let_go_on(tx, job.id)
        # A new revision: a plan made of what the cluster was when the job failed is out of date.
        tx.clusters.start_change(
            cluster.id, state=state_during(job.action), expected_revision=cluster.revision
        )
        _tell(tx, job, "job.retried")

    return _change(services, actor, job_id, act)


def _change(
    services: Services, actor: Actor, job_id: str, act: Callable[[Transaction, Job], None]
) -> Job:
    """Do something with a job that is locked, and return what it is then."""
    _find(services, actor, job_id, action=access.Action.CLUSTERS_WRITE)
    with services.store.begin() as tx:
        tx.queue.lock_jobs([job_id])
        before = tx.jobs.get(job_id)
        act(tx, before)
        after = tx.jobs.get(job_id)
        tx.audit.add(job_id, before={"state": before.state}, after={"state": after.state})
        return after


def _undo_after(tx: Transaction, job: Job, data: CancelInput) -> None:
    is_undone = tx.jobs.undone_by(job.id) is not None
    if data.then is AfterCancel.ROLL_BACK and not is_undone:
        _require_undoable(tx, job)
        _add_roll_back(tx, job)
        is_undone = True
    if data.mode is CancelMode.FORCED:
        kinds = {task.kind for task in tx.jobs.tasks(job.id)} if is_undone else set()
        tx.courses.give_up(job.id, but_kinds={kind for kind in kinds if makes(kind)})


def _is_undoable(tx: Transaction, job: Job) -> bool:
    """Say whether what a job did can be undone: its cluster is nothing without it."""
    return job.action in STATE_AFTER_UNDOING and not tx.jobs.follows_another(job)


def _require_undoable(tx: Transaction, job: Job) -> None:
    if not _is_undoable(tx, job):
        raise ConflictError(
            f"What job {job.id} did cannot be undone; only a job that made its cluster can be.",
            next_step=f"Let it go on: pitrix job retry {job.id}",
        )


def _add_roll_back(tx: Transaction, job: Job) -> Job:
    undoing = tx.jobs.add_roll_back(job)
    data = {"job_id": undoing.id, "action": undoing.action, "undoes": job.id}
    tx.events.add("job.submitted", job.cluster_id, owner=job.owner, data=data)
    return undoing


def _settle_first(tx: Transaction, job: Job) -> None:
    """Have the job find out what its undecided requests made; its roll back waits for that."""
    unknown = undecided_in(tx.jobs.failed_tasks(job.id))
    if unknown:
        settle(tx, unknown)
        tx.clusters.set_state(job.cluster_id, ClusterState.ROLLING_BACK)


def _refusal(job: Job, why: str) -> ConflictError:
    return ConflictError(
        f"Job {job.id} {_WORDS.get(job.state, f'is {job.state}')}; {why}.",
        next_step=f"See what can be done: pitrix job show {job.id}",
    )


def _tell(tx: Transaction, job: Job, kind: str) -> None:
    tx.events.add(kind, job.cluster_id, owner=job.owner, data={"job_id": job.id})
