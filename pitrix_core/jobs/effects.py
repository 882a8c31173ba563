"""What the outcome of a task changes beside the task: resources, nodes, the cluster, events.

Runs inside the transaction that writes the outcome, so that a machine is never in the cloud without
being in the database under its cluster.
"""

import logging

import attrs

from pitrix_core.jobs import task_events
from pitrix_core.jobs.compensation import STATE_AFTER_UNDOING
from pitrix_core.jobs.outcome import Failed, Outcome, Succeeded, Waiting
from pitrix_core.jobs.succession import begin_next
from pitrix_core.model import (
    Action,
    ClusterState,
    Job,
    JobState,
    JsonObject,
    Operation,
    OwnedResource,
    TaskRecord,
)
from pitrix_core.model.job import DEADLINE_CODE
from pitrix_core.planner.totals import size_of
from pitrix_core.store import Transaction

log = logging.getLogger(__name__)

#: What a cluster is after a job on it, if the job succeeds.
_STATE_AFTER = {Action.CREATE: ClusterState.ACTIVE, Action.DELETE: ClusterState.DELETED}
#: What a cluster is after a job on it that did not.
_STATE_WITHOUT = {
    JobState.FAILED: ClusterState.FAILED,
    JobState.CANCELLED: ClusterState.CANCELLED,
}

#: Kinds of the core that wait for a Frontgate, woken when one is ready or has failed.
_FRONTGATE_WAITERS = ("frontgate.ensure", "frontgate.wait")


def of_outcome(tx: Transaction, task: TaskRecord, outcome: Outcome) -> None:
    """Write what an outcome changes beside its task."""
    if isinstance(outcome, Waiting | Failed | Succeeded) and outcome.creates:
        _record_resource(tx, task, outcome.operation)
    if isinstance(outcome, Succeeded):
        _record_success(tx, task, outcome.outputs)
    task_events.of_outcome(tx, task, outcome)


def record_id(tx: Transaction, task: TaskRecord, outcome: Outcome) -> None:
    """Write down the id of what a task made, where nothing else of its outcome can be written."""
    if isinstance(outcome, Waiting | Failed | Succeeded) and outcome.creates and outcome.operation:
        _record_resource(tx, task, attrs.evolve(outcome.operation, outputs={}))


def end_job(tx: Transaction, job_id: str) -> None:
    """End a job of which nothing is left to do, with what that changes; what waits for it begins.

    The transaction has locked the job.
    """
    state = tx.courses.settle(job_id)
    if state is None:
        return
    job = tx.jobs.get(job_id)
    _of_job_end(tx, job, state)
    begin_waiting(tx, job.cluster_id)


def begin_waiting(tx: Transaction, cluster_id: str) -> None:
    """Let the job begin that waits for a cluster, if none is at work on it."""
    begun = begin_next(tx, cluster_id)
    if begun is not None:
        end_job(tx, begun)  # it may have nothing to do


def stop_overdue(tx: Transaction) -> None:
    """Stop the jobs whose deadline has passed: nothing new is started, and they fail."""
    overdue = tx.courses.overdue()
    tx.queue.lock_jobs(overdue)
    for job_id in overdue:
        job = tx.jobs.get(job_id)
        error = f"Not done within its deadline of {job.deadline_s:g} s."
        if tx.courses.stop(job_id, error=error, error_code=DEADLINE_CODE):
            data = {"job_id": job_id, "error": error}
            tx.events.add("job.stopping", job.cluster_id, owner=job.owner, data=data)
            end_job(tx, job_id)


def _state_after(tx: Transaction, job: Job, state: JobState) -> ClusterState:
    if state is not JobState.SUCCEEDED:
        return _STATE_WITHOUT[state]
    if job.undoes is not None:
        return STATE_AFTER_UNDOING[tx.jobs.get(job.undoes).action]
    return _STATE_AFTER[job.action]


def _of_job_end(tx: Transaction, job: Job, state: JobState) -> None:
    """Write what the end of a job changes: its cluster leaves the transition state."""
    after = _state_after(tx, job, state)
    tx.clusters.set_state(job.cluster_id, after)
    cluster = tx.clusters.get(job.cluster_id)
    data = {"job_id": job.id, "error": job.error}
    tx.events.add(f"job.{state}", cluster.id, owner=job.owner, data=data)
    tx.events.add(f"cluster.{after}", cluster.id, owner=job.owner, data=data)
    if cluster.hidden:
        _after_frontgate(tx, cluster.id, cluster.runtime_id, after)
    log.info(
        "A job ended: %s", state, extra={"action": "job.ended", "job_id": job.id, "state": state}
    )


def _after_frontgate(
    tx: Transaction, cluster_id: str, runtime_id: str, state: ClusterState
) -> None:
    if state is ClusterState.DELETED:
        tx.agents.remove_frontgate(cluster_id)
        state_of_runtime = tx.runtimes.lock(runtime_id)  # of the last two, one sees that it is
        is_last = not tx.clusters.search(runtime_id=runtime_id)
        if is_last and state_of_runtime == "deleting":
            tx.runtimes.delete(runtime_id)
    for kind in _FRONTGATE_WAITERS:
        tx.queue.wake_kind(kind)


def _record_resource(tx: Transaction, task: TaskRecord, operation: Operation | None) -> None:
    if operation is None or operation.resource_id is None:
        return
    made = OwnedResource(
        cluster_id=task.cluster_id,
        kind=task.kind,
        resource_id=operation.resource_id,
        node_id=task.node_id,
        request_key=task.request_key or operation.request_key,  # not the key of a stage
        outputs=operation.outputs,
    )
    is_new = tx.clusters.put_resource(
        made, owner=task.owner, runtime_id=task.runtime_id, task_id=task.id
    )
    if is_new and task.kind.endswith(".create"):  # what was ensured is shared
        size = size_of(task.kind, task.input)
        runtime_id = task.runtime_id
        tx.metering.begin(
            made, owner=task.owner, runtime_id=runtime_id, size=size, price=task.price
        )


def _record_success(tx: Transaction, task: TaskRecord, outputs: JsonObject) -> None:
    interface, _, verb = task.kind.partition(".")
    if task.kind == "compute.create" and task.node_id:
        tx.clusters.set_node_facts(task.node_id, outputs)
    if "id" not in task.input:
        return
    named = task.input["id"]  # may be a reference, which was resolved for the step alone
    resource_id = named if isinstance(named, str) else str(outputs.get("id"))
    if verb == "delete":
        _record_removal(tx, task, resource_id)
    else:
        _meter_change(tx, task, verb=verb, interface=interface, resource_id=resource_id)


def _meter_change(
    tx: Transaction, task: TaskRecord, *, verb: str, interface: str, resource_id: str
) -> None:
    """Count what was stopped, started or resized as what it is now."""
    which = {"interface": interface, "resource_id": resource_id}
    match verb:
        case "stop":
            tx.metering.stop(task.cluster_id, **which)
        case "start":
            tx.metering.resume(task.cluster_id, **which)
        case "resize":
            size = size_of(task.kind, task.input)
            tx.metering.resize(task.cluster_id, **which, size=size, price=task.price)


def _record_removal(tx: Transaction, task: TaskRecord, resource_id: str) -> None:
    interface = task.kind.partition(".")[0]
    node_id = tx.clusters.release_resource(
        task.cluster_id, interface=interface, resource_id=resource_id
    )
    tx.metering.end_released(interface, resource_id)
    # A job that removes a machine and makes another one keeps the node.
    if interface == "compute" and node_id and not tx.jobs.makes_node(task.job_id, node_id):
        tx.clusters.set_node_deleted(node_id)
