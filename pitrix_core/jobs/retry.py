"""Decides what an error, or a call that never comes back, means for a task."""

import random
from typing import Final

from pitrix_core.errors import PitrixError, ProviderAnswerLostError, ProviderTemporaryError
from pitrix_core.jobs.deadline import left_s, timed_out
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry
from pitrix_core.store.queue import Claim

#: Seconds before the second attempt; doubled for each further one.
_FIRST_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 60.0
#: Seconds until a task is looked at again whose step hung.
_AFTER_HANG_S: Final = 1.0
#: Doublings after which every delay is the longest one.
_MOST_DOUBLINGS: Final = 10


def backoff_s(attempts: int) -> float:
    """Return seconds to wait after so many attempts: doubling, jittered by half, bounded."""
    doublings = min(max(0, attempts - 1), _MOST_DOUBLINGS)
    delay_s = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0**doublings)
    return delay_s * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load; guards nothing)


def after_error(claim: Claim, error: PitrixError, *, creates: bool) -> Outcome:
    """Return what an error of the provider contract means for a task.

    A temporary one is tried again after the cloud's own delay or the backoff, whichever is longer,
    as often as the plan allows; with an operation under way it is only polled again. Both end with
    the task's time. An error that says nothing about whether a creating request was carried out
    decides nothing: what became of the request is found out later.

    :param creates: the task's kind makes something.
    """
    task = claim.task
    is_open = creates and task.operation is None
    is_lost = isinstance(error, ProviderAnswerLostError)
    if is_open and (is_lost or claim.maybe_sent):
        return _undecided(claim, error)
    if isinstance(error, ProviderTemporaryError):
        may_retry = task.operation is not None or task.attempts < task.max_attempts
        remaining_s = left_s(claim)
        if may_retry and remaining_s > 0:
            after_s = min(remaining_s, max(error.retry_after_s, backoff_s(task.attempts)))
            return Retry(after_s=after_s, error=error.message, error_code=error.code)
        if may_retry:
            return timed_out(claim, task.operation, creates=creates, why=error.message)
    return Failed(
        error=error.message, error_code=error.code, operation=task.operation, creates=creates
    )


def _undecided(claim: Claim, error: PitrixError) -> Postponed:
    own_delay_s = error.retry_after_s if isinstance(error, ProviderTemporaryError) else 0.0
    return Postponed(
        after_s=max(own_delay_s, backoff_s(claim.task.attempts)),
        error=error.message,
        error_code=error.code,
    )


def refused(claim: Claim, error: PitrixError) -> Failed:
    """Return the failure of a task that nobody here can carry out, or whose input is not there."""
    failure = Failed(
        error=error.message,
        error_code=error.code,
        operation=claim.task.operation,
        creates=False,
    )
    is_open = claim.maybe_sent and claim.task.operation is None
    return as_undecided(failure) if is_open else failure


def after_crash(claim: Claim, error: Exception, *, creates: bool) -> Failed:
    """Return what an exception means that no contract knows: nobody can say what was done."""
    is_open = claim.task.operation is None
    return Failed(
        error=f"{type(error).__name__}: {error}",
        error_code="internal",
        operation=claim.task.operation,
        creates=creates,
        undecided=is_open and (creates or claim.maybe_sent),
    )


def after_hang(claim: Claim) -> Outcome:
    """Return what a step means that does not come back: it is taken again while there is time.

    Without an operation, what became of the request has to be found out after the task's time, for
    which it has that time again.
    """
    task = claim.task
    over_s = -left_s(claim)
    if over_s < 0 or (task.operation is None and over_s < task.timeout_s):
        return Postponed(after_s=_AFTER_HANG_S)
    failure = timed_out(claim, task.operation, creates=False, why="the provider's calls hang")
    return failure if task.operation else as_undecided(failure)


def as_undecided(failure: Failed) -> Failed:
    """Return the failure of a task of whose request nobody knows what it made."""
    return Failed(
        error=f"{failure.error}. Whether it made something is not known; retrying the job looks.",
        error_code=failure.error_code,
        operation=failure.operation,
        creates=failure.creates,
        undecided=True,
    )
