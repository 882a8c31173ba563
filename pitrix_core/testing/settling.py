"""Polls operations until they end, as the core does, only impatiently."""

import json
import time
from collections.abc import Callable
from typing import Final, TypeVar

from pitrix_core.contracts import Interface
from pitrix_core.convert import from_json, to_json
from pitrix_core.model import Operation, OperationState

T = TypeVar("T")

#: A provider may ask for longer pauses; a test looks at least this often, in seconds.
_LONGEST_PAUSE_S: Final = 2.0
_SHORTEST_PAUSE_S: Final = 0.005


class DeadlineError(AssertionError):
    """Something did not come about in time."""


def settle(interface: Interface, operation: Operation, *, deadline_s: float = 60.0) -> Operation:
    """Poll and advance until an operation is done or has failed.

    :param deadline_s: seconds from now.
    :raises DeadlineError: it still goes on.
    """
    ends = time.monotonic() + deadline_s
    operation = halted(interface, operation, deadline_s=deadline_s)
    stage = 1
    while operation.state is OperationState.NEXT_STAGE:
        stage += 1
        key = f"{operation.request_key[:58]}-s{stage}"
        operation = interface.advance(operation, request_key=key)
        operation = halted(interface, operation, deadline_s=ends - time.monotonic())
    return operation


def halted(interface: Interface, operation: Operation, *, deadline_s: float = 60.0) -> Operation:
    """Poll until a stage is done, or the whole operation.

    :param deadline_s: seconds from now.
    :raises DeadlineError: it still goes on.
    :raises AssertionError: its state is none of :class:`~pitrix_core.model.OperationState`.
    """
    ends = time.monotonic() + deadline_s
    _require_state(operation)
    while operation.state is OperationState.PENDING:
        if time.monotonic() > ends:
            raise DeadlineError(f"{operation.kind} is pending after {deadline_s:.1f} s")
        time.sleep(min(max(operation.retry_after_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S))
        operation = interface.poll(operation)
        _require_state(operation)
    return operation


def done(interface: Interface, operation: Operation, *, deadline_s: float = 60.0) -> Operation:
    """Settle an operation that has to succeed.

    :raises AssertionError: it failed, or did not end in time.
    """
    ended = settle(interface, operation, deadline_s=deadline_s)
    if ended.state is not OperationState.DONE:
        raise AssertionError(f"{ended.kind} failed: {ended.error}")
    return ended


def saved(operation: Operation) -> Operation:
    """Return an operation as the database gives it back: written as JSON and read again."""
    return from_json(json.loads(json.dumps(to_json(operation))), Operation)


def eventually(look: Callable[[], T], *, within_s: float) -> T:
    """Look until something true is seen.

    :returns: what was seen last, true or not.
    """
    ends = time.monotonic() + within_s
    while not (seen := look()) and time.monotonic() < ends:
        time.sleep(min(0.05, within_s))
    return seen


def _require_state(operation: Operation) -> None:
    if not isinstance(operation.state, OperationState):
        raise AssertionError(  # noqa: TRY004  # a test fails by it
            f"{operation.kind}: its state is the text {operation.state!r}; an Operation holds a "
            "member of OperationState, such as OperationState.DONE"
        )
