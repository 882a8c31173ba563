"""Decides what the standing of an operation means for its task."""

from typing import Final

from pitrix_core.jobs.deadline import left_s, timed_out
from pitrix_core.jobs.outcome import Failed, Outcome, Succeeded, Waiting
from pitrix_core.model import Operation, OperationState
from pitrix_core.store.queue import Claim

#: Part of the time waited so far after which the next look is worth its request: an operation's end
#: is then seen at most a tenth later than it might have been.
_GROWTH: Final = 0.1
#: Longest pause that only the growth makes, in seconds; a provider may ask for a longer one.
_LONGEST_GROWN_S: Final = 30.0


def after_operation(claim: Claim, operation: Operation, *, creates: bool) -> Outcome:
    """Return what becomes of a task whose operation was just looked at."""
    match operation.state:
        case OperationState.DONE:
            return Succeeded(outputs=operation.outputs, operation=operation, creates=creates)
        case OperationState.FAILED:
            return Failed(
                error=operation.error or f"{operation.kind} failed",
                error_code=operation.error_code or "provider",
                vendor_code=operation.vendor_code,
                vendor_request_id=operation.vendor_request_id,
                operation=operation,
                creates=creates,
            )
        case _:
            return _while_under_way(claim, operation, creates=creates)


def _while_under_way(claim: Claim, operation: Operation, *, creates: bool) -> Outcome:
    remaining_s = left_s(claim)
    if remaining_s <= 0:
        return timed_out(claim, operation, creates=creates, why=operation.error or "")
    is_next = operation.state is OperationState.NEXT_STAGE
    after_s = 0.0 if is_next else min(_pause_s(claim, operation), remaining_s)
    return Waiting(operation=operation, after_s=after_s, creates=creates)


def _pause_s(claim: Claim, operation: Operation) -> float:
    waited_s = claim.task.timeout_s - left_s(claim)
    return max(operation.retry_after_s, min(_LONGEST_GROWN_S, waited_s * _GROWTH))
