"""Decides whether and when a failed attempt is tried again."""

import random
from typing import Final

from pitrix_core.errors import PitrixError, ProviderTemporaryError
from pitrix_core.jobs.outcome import Failed, Outcome, Retry
from pitrix_core.model import TaskRecord

#: Seconds before the second attempt; doubled for each further one.
_FIRST_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 60.0


def backoff_s(attempts: int) -> float:
    """Return seconds to wait after so many attempts: doubling, jittered by half, bounded."""
    delay_s: float = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** max(0, attempts - 1))
    return delay_s * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load; guards nothing)


def after_error(task: TaskRecord, error: PitrixError, *, creates: bool) -> Outcome:
    """Return what an error of the provider contract means for a task.

    A temporary one is tried again after the cloud's own delay or the backoff, whichever is longer,
    as often as the plan allows; with an operation under way it is only polled again, until the
    task's time is up.
    """
    if isinstance(error, ProviderTemporaryError):
        may_retry = task.operation is not None or task.attempts < task.max_attempts
        if may_retry:
            after_s = max(error.retry_after_s, backoff_s(task.attempts))
            return Retry(after_s=after_s, error=error.message, error_code=error.code)
    return Failed(
        error=error.message, error_code=error.code, operation=task.operation, creates=creates
    )
