"""What undoes a job: the tasks of a roll back, made from what the job has left behind.

A roll back is a job of its own, so that it is claimed, retried, resumed and shown like any other.
Its tasks are not planned by an app type: they are made at the moment it begins from the resources
that the undone job has on record. That is all of them, for requests of which it is not known what
they made are settled before. How each kind of task is undone is said here; it is undone after
everything that was built upon it.

A job that is retried undoes what has failed in it by tasks of its own: a cloud may make something,
say that it is broken, and have it hold what the next one needs.
"""

import graphlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from pitrix_core.model import (
    Action,
    ClusterState,
    MadeResource,
    OwnedResource,
    Task,
    TaskRecord,
    TaskState,
)
from pitrix_core.planner.kinds import CORE_KINDS, METADATA_DELETE, METADATA_PUT
from pitrix_core.store import Transaction

#: What a cluster is after a job was undone. A deletion cannot be: what is gone is gone.
STATE_AFTER_UNDOING: Final[Mapping[Action, ClusterState]] = {
    Action.CREATE: ClusterState.DELETED,
}
#: Verbs of providers' interfaces that make something.
_MAKING_VERBS: Final = frozenset({"create", "ensure"})
#: Machines wait for their cloud longer than most.
_TIMEOUT_S: Final = 1800.0


def makes(kind: str) -> bool:
    """Say whether tasks of a kind make something in a cloud."""
    return kind not in CORE_KINDS and kind.partition(".")[2] in _MAKING_VERBS


def undo_of(kind: str) -> str | None:
    """Return the kind that undoes what a kind has made; None where it is kept.

    What was *ensured* is shared with other clusters, and goes with its runtime.
    """
    interface, _, verb = kind.partition(".")
    return f"{interface}.delete" if verb == "create" else None


def undecided_in(tasks: Iterable[TaskRecord]) -> list[TaskRecord]:
    """Return the tasks that may have made something of which nobody knows."""
    return [task for task in tasks if task.is_undecided and makes(task.kind)]


def removed_by(tasks: Iterable[TaskRecord]) -> set[tuple[str, str]]:
    """Return what tasks remove, each as kind and id: clouds may call two things by one id."""
    named = ((task.kind, task.input.get("id")) for task in tasks)
    return {(kind, found) for kind, found in named if isinstance(found, str)}  # a $ref is no id


def retry(tx: Transaction, job_id: str) -> None:
    """Let a failed or cancelled job go on; what its failed attempts have made is removed before it
    is made anew.

    The transaction has locked the job.

    :raises ConflictError: the job has not ended, has succeeded, or never began.
    """
    tx.jobs.retry(job_id)
    job, tasks = tx.jobs.get(job_id), tx.jobs.tasks(job_id)
    runtime_id = tx.clusters.get(job.cluster_id).runtime_id
    left = _left_behind(tasks, tx.clusters.made_by(job_id))
    for number, (resource, anew) in enumerate(left, start=len(tasks) + 1):
        removal = _removal(resource, anew, key=f"remove/{number}", title="Remove what failed")
        tx.jobs.add_before(job, [anew.key], (removal,), runtime_id=runtime_id)


def _left_behind(
    tasks: Sequence[TaskRecord], made: Iterable[MadeResource]
) -> Iterator[tuple[MadeResource, TaskRecord]]:
    """Return what is there of tasks that begin anew, and that no task is to remove already."""
    # what a task has removed, and is there, is something new under the same id
    removed = removed_by(task for task in tasks if task.state is not TaskState.SUCCEEDED)
    anew = {task.key: task for task in tasks if task.sent_at is None}
    for resource in made:
        kind = undo_of(resource.kind)
        is_removed = kind is None or (kind, resource.resource_id) in removed
        if resource.task in anew and not is_removed:
            yield resource, anew[resource.task]


def compensation_tasks(
    tasks: Sequence[TaskRecord], made: Iterable[MadeResource]
) -> tuple[Task, ...]:
    """Return the tasks that undo what a job did, in reverse order.

    :param tasks: the job's.
    :param made: what they made and is still there.
    """
    undoing: dict[str, list[Task]] = {}
    by_key = {task.key: task for task in tasks}
    for number, resource in enumerate(made, start=1):
        kind = undo_of(resource.kind)
        if kind is not None and resource.task in by_key:
            undone = by_key[resource.task]
            task = _removal(resource, undone, key=f"{kind}/{number}", title="Undo")
            undoing.setdefault(undone.key, []).append(task)
    sent = [task for task in tasks if task.kind == METADATA_PUT and task.sent_at is not None]
    for number, put in enumerate(sent, start=1):
        key = f"{METADATA_DELETE}/{number}"
        undoing[put.key] = [_undoing(put, METADATA_DELETE, key=key, title="Undo")]
    return _in_reverse(tasks, undoing)


def removal_of(resource: OwnedResource, *, number: int) -> Task:
    """Return the task that removes what was found late of a cluster that goes.

    :param number: place in its job.
    """
    return Task(
        key=f"remove/{number}",
        kind=undo_of(resource.kind) or "",
        title=f"Remove {resource.resource_id}, which was found only now",
        input={"cluster_id": resource.cluster_id, "id": resource.resource_id},
        node_id=resource.node_id,
        timeout_s=_TIMEOUT_S,
    )


def _removal(resource: MadeResource, undone: TaskRecord, *, key: str, title: str) -> Task:
    kind = undo_of(resource.kind) or ""
    return _undoing(undone, kind, key=key, title=title, id=resource.resource_id)


def _undoing(undone: TaskRecord, kind: str, *, key: str, title: str, **arguments: str) -> Task:
    return Task(
        key=key,
        kind=kind,
        title=f"{title}: {undone.title}",
        input={"cluster_id": undone.cluster_id, **arguments},
        node_id=undone.node_id,
        timeout_s=_TIMEOUT_S,
    )


def _in_reverse(
    tasks: Sequence[TaskRecord], undoing: Mapping[str, Sequence[Task]]
) -> tuple[Task, ...]:
    """Let each task come after all that undo what was built upon the one it undoes."""
    order = graphlib.TopologicalSorter({task.key: task.after for task in tasks}).static_order()
    dependents: dict[str, set[str]] = {task.key: set() for task in tasks}
    for task in tasks:
        for before in task.after:
            dependents[before].add(task.key)
    first: dict[str, frozenset[str]] = {}
    ordered: list[Task] = []
    for key in reversed(list(order)):
        after = frozenset().union(*(first[one] for one in dependents[key]))
        own = [attrs.evolve(task, after=tuple(sorted(after))) for task in undoing.get(key, ())]
        first[key] = frozenset(task.key for task in own) or after
        ordered += own
    return tuple(ordered)
