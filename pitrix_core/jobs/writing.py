"""Writes what came of steps, many in one transaction, with what that changes beside the tasks."""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from pitrix_core.jobs import effects
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry, Succeeded, Waiting
from pitrix_core.model import TaskRecord
from pitrix_core.store import Transaction
from pitrix_core.store.queue import Claim

log = logging.getLogger(__name__)

#: Characters of a vendor's code or request id; the table's limit.
_LONGEST_VENDOR_FACT: Final = 255
_UNWRITABLE = "Its outcome could not be written; the log says why. Retrying the job looks for it."


@attrs.frozen
class Finished:
    """A step that was taken."""

    claim: Claim
    outcome: Outcome


def write_all(tx: Transaction, batch: Sequence[Finished]) -> None:
    """Write outcomes, and end the jobs that were waiting for them."""
    tx.queue.lock_jobs(finished.claim.task.job_id for finished in batch)
    touched: set[str] = set()
    succeeded: list[str] = []
    for finished in sorted(batch, key=lambda finished: finished.claim.task.id):
        task, outcome = finished.claim.task, finished.outcome
        if not _write_one(tx, task, outcome):
            log.warning("A claim was lost; its outcome is dropped", extra=_extra(task))
            continue
        effects.of_outcome(tx, task, outcome)
        if isinstance(outcome, Retry | Succeeded | Failed):
            touched.add(task.job_id)
        if isinstance(outcome, Succeeded):
            succeeded.append(task.id)
    tx.queue.release(succeeded)
    end_jobs(tx, touched)


def write_alone(tx: Transaction, finished: Finished) -> None:
    """Write one outcome."""
    write_all(tx, [finished])


def write_failure(tx: Transaction, finished: Finished) -> None:
    """Fail a task whose outcome cannot be written, so that its job ends; keep its key, and the id
    of what it made.
    """
    task = finished.claim.task
    tx.queue.lock_jobs([task.job_id])
    if tx.queue.give_up(task, error=_UNWRITABLE, error_code="internal"):
        effects.record_id(tx, task, finished.outcome)
        end_jobs(tx, {task.job_id})


def write_bare_failure(tx: Transaction, finished: Finished) -> None:
    """Fail a task of which nothing else can be written."""
    tx.queue.give_up(finished.claim.task, error=_UNWRITABLE, error_code="internal")


def end_jobs(tx: Transaction, job_ids: Iterable[str]) -> None:
    """End those jobs of which nothing is left to do."""
    for job_id in sorted(job_ids):
        effects.end_job(tx, job_id)


def _write_one(tx: Transaction, task: TaskRecord, outcome: Outcome) -> bool:
    match outcome:
        case Waiting():
            return tx.queue.wait(task, outcome.operation, after_s=outcome.after_s)
        case Retry():
            return tx.queue.retry(
                task,
                after_s=outcome.after_s,
                error=outcome.error,
                error_code=outcome.error_code,
                is_counted=outcome.is_counted,
            )
        case Postponed():
            return tx.queue.postpone(
                task, after_s=outcome.after_s, error=outcome.error, error_code=outcome.error_code
            )
        case Succeeded():
            return tx.queue.succeed(task, outcome.outputs, outcome.operation)
        case Failed():
            return _write_failed(tx, task, outcome)


def _write_failed(tx: Transaction, task: TaskRecord, failed: Failed) -> bool:
    error, code = failed.error, failed.error_code
    facts = {
        "vendor_code": _short(failed.vendor_code),
        "vendor_request_id": _short(failed.vendor_request_id),
    }
    if failed.undecided:
        return tx.queue.give_up(task, error=error, error_code=code, **facts)
    return tx.queue.fail(task, failed.operation, error=error, error_code=code, **facts)


def _short(text: str | None) -> str | None:
    """Cut what a vendor calls something to what the table takes."""
    return None if text is None else text[:_LONGEST_VENDOR_FACT]


def _extra(task: TaskRecord) -> dict[str, object]:
    return {"action": "task.fenced", "job_id": task.job_id, "task_id": task.id}
