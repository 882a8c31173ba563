"""How much of its time a task has left, by the database's clock at the moment of the claim."""

import datetime as dt
from typing import Final

from pitrix_core.jobs.outcome import Failed
from pitrix_core.model import Operation
from pitrix_core.store.queue import Claim

#: Code of a task that was not done in its time; its operation is kept, to be polled on by a retry.
TIMEOUT_CODE: Final = "task_timeout"


def deadline_of(claim: Claim) -> dt.datetime:
    """Return when the task's time is up."""
    started_at = claim.task.started_at or claim.claimed_at
    return started_at + dt.timedelta(seconds=claim.task.timeout_s)


def left_s(claim: Claim) -> float:
    """Return seconds until the task's time is up; none or less when it is."""
    return (deadline_of(claim) - claim.claimed_at).total_seconds()


def timed_out(claim: Claim, operation: Operation | None, *, creates: bool, why: str = "") -> Failed:
    """Return the failure of a task whose time is up.

    :param why: what it was waiting for.
    """
    reason = f": {why}" if why else ""
    return Failed(
        error=f"Not done within {claim.task.timeout_s:g} s{reason}",
        error_code=TIMEOUT_CODE,
        operation=operation,
        creates=creates,
    )
