"""Decides what an error, or a call that never comes back, means for a task."""

import enum
import random
from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.errors import (
    PitrixError,
    ProviderAnswerLostError,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderTemporaryError,
    ProviderThrottledError,
)
from pitrix_core.jobs.deadline import left_s, timed_out
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry
from pitrix_core.store.queue import Claim

#: Seconds before the second attempt; doubled for each further one.
_FIRST_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 60.0
#: Seconds until a task is looked at again whose step hung.
_AFTER_HANG_S: Final = 1.0
#: Errors that may carry the cloud's own delay.
_NAMES_A_DELAY: Final = (ProviderTemporaryError, ProviderQuotaError)
#: Doublings after which every delay is the longest one.
_MOST_DOUBLINGS: Final = 10


class Repeats(enum.Enum):
    """When a task is tried again after an error."""

    ALWAYS = "always"  #: as often as the plan allows, while the task has time
    WHEN_TOLD = "when told"  #: if the error says when, and that is within the task's time
    NEVER = "never"


@attrs.frozen(kw_only=True)
class Policy:
    """What is done about errors of one class."""

    repeats: Repeats
    #: The attempt is one of those the plan allows.
    is_counted: bool = True
    #: What a person can do who reads of the failure.
    next_step: str = ""


#: Class of error → what is done; a class that is not named is treated as its nearest base.
POLICIES: Final[Mapping[type[PitrixError], Policy]] = {
    # Too many requests are no fault of the task: it is tried again until its time is up.
    ProviderThrottledError: Policy(repeats=Repeats.ALWAYS, is_counted=False),
    ProviderTemporaryError: Policy(repeats=Repeats.ALWAYS),
    ProviderQuotaError: Policy(
        repeats=Repeats.WHEN_TOLD,
        next_step="Free something in the account or have its limit raised, then retry the job.",
    ),
    ProviderAuthError: Policy(
        repeats=Repeats.NEVER,
        next_step="Look what the account may do: pitrix runtime check; then retry the job.",
    ),
    PitrixError: Policy(repeats=Repeats.NEVER),
}


def policy_of(error: PitrixError) -> Policy:
    """Return what is done about an error."""
    return next(POLICIES[cls] for cls in type(error).__mro__ if cls in POLICIES)


def backoff_s(attempts: int) -> float:
    """Return seconds to wait after so many attempts: doubling, jittered by half, bounded."""
    doublings = min(max(0, attempts - 1), _MOST_DOUBLINGS)
    delay_s = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0**doublings)
    return delay_s * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load; guards nothing)


def after_error(claim: Claim, error: PitrixError, *, creates: bool) -> Outcome:
    """Return what an error of the provider contract means for a task.

    What may pass is tried again after the cloud's own delay or the backoff, whichever is longer, as
    the error's policy says; with an operation under way it is only polled again. Both end with the
    task's time. An error that says nothing about whether a creating request was carried out decides
    nothing: what became of the request is found out later.

    :param creates: the task's kind makes something.
    """
    task = claim.task
    is_open = creates and task.operation is None
    is_lost = isinstance(error, ProviderAnswerLostError)
    if is_open and (is_lost or claim.maybe_sent):
        return _undecided(claim, error)
    policy = policy_of(error)
    if not _may_repeat(claim, error, policy):
        return _failed(claim, error, creates=creates)
    remaining_s = left_s(claim)
    if remaining_s <= 0:
        return timed_out(claim, task.operation, creates=creates, why=error.message)
    return Retry(
        after_s=min(remaining_s, max(_own_delay_s(error), backoff_s(task.attempts))),
        error=error.message,
        error_code=error.code,
        is_counted=policy.is_counted,
    )


def _may_repeat(claim: Claim, error: PitrixError, policy: Policy) -> bool:
    task = claim.task
    is_spent = policy.is_counted and task.attempts >= task.max_attempts
    if task.operation is None and is_spent:
        return False
    match policy.repeats:
        case Repeats.ALWAYS:
            return True
        case Repeats.WHEN_TOLD:
            return 0 < _own_delay_s(error) < left_s(claim)
        case _:
            return False


def _failed(claim: Claim, error: PitrixError, *, creates: bool) -> Failed:
    next_step = error.next_step or policy_of(error).next_step
    return Failed(
        error=f"{error.message.rstrip('.')}. {next_step}" if next_step else error.message,
        error_code=error.code,
        operation=claim.task.operation,
        creates=creates,
    )


def _own_delay_s(error: PitrixError) -> float:
    """Return the delay the cloud asked for; 0 where it named none."""
    return (error.retry_after_s or 0.0) if isinstance(error, _NAMES_A_DELAY) else 0.0


def _undecided(claim: Claim, error: PitrixError) -> Postponed:
    return Postponed(
        after_s=max(_own_delay_s(error), backoff_s(claim.task.attempts)),
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
