"""Writes what happened to a task as an event, for whoever watches its cluster.

A task says that it was started once its operation is known, that it is tried again after an error
that may pass, and how it ended. A request that is answered with its result at once only says how it
ended; its start is in that event.
"""

from typing import Any

from pitrix_core.jobs.outcome import Failed, Outcome, Retry, Succeeded, Waiting
from pitrix_core.model import TaskRecord
from pitrix_core.model.output import excerpt_of
from pitrix_core.store import Transaction


def of_outcome(tx: Transaction, task: TaskRecord, outcome: Outcome) -> None:
    """Write the event of an outcome, if it has one.

    :param task: as it was when its step was taken.
    """
    kind = _kind(task, outcome)
    if kind is not None:
        tx.events.add(kind, task.cluster_id, owner=task.owner, data=_data(tx, task, outcome))


def _kind(task: TaskRecord, outcome: Outcome) -> str | None:
    match outcome:
        case Succeeded():
            return "task.succeeded"
        case Failed():
            return "task.failed"
        case Waiting() if task.operation is None:
            return "task.started"
        case Retry() if task.operation is None:
            return "task.retried"
        case _:
            return None


def _data(tx: Transaction, task: TaskRecord, outcome: Outcome) -> dict[str, Any]:
    has_ended = isinstance(outcome, Succeeded | Failed)
    return {
        "job_id": task.job_id,
        "key": task.key,
        "kind": task.kind,
        "title": task.title,
        "node_id": task.node_id,
        "attempts": task.attempts,
        "started_at": task.started_at,
        "finished_at": tx.now if has_ended else None,
        "error": outcome.error if isinstance(outcome, Failed | Retry) else None,
        "output": excerpt_of(outcome.outputs) if isinstance(outcome, Succeeded) else None,
    }
