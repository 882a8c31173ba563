"""Checks what a provider answers against the clauses of its contract."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pitrix_core.errors import ProviderError
from pitrix_core.model import Operation, OperationState
from pitrix_core.model.operation import HANDLE_LIMIT_BYTES

T = TypeVar("T")


def checked_operation(found: object, *, called: str, kind: str, key: str) -> Operation:
    """Return an operation that keeps the contract.

    :param called: the method that answered, for the message.
    :param key: request key it has to answer for.
    :raises ProviderError: naming the clause it breaks.
    """
    operation = instance(found, Operation, called=called, clause=1)
    if operation.request_key != key:
        raise broken(called, 2, f"it answers for the key {operation.request_key!r}")
    if operation.kind != kind:
        raise broken(called, 1, f"it answers for {operation.kind!r} instead of {kind!r}")
    if not isinstance(operation.state, OperationState):
        raise broken(called, 3, f"{operation.state!r} is no state")
    if not math.isfinite(operation.retry_after_s):
        raise broken(called, 3, "retry_after_s is not finite")
    size = len(_json(operation.handle, "handle", called=called, clause=5))
    if size > HANDLE_LIMIT_BYTES:
        raise broken(called, 5, f"the handle has {size} bytes; {HANDLE_LIMIT_BYTES} are allowed")
    _json(operation.outputs, "outputs", called=called, clause=7)
    if operation.state is OperationState.DONE and not _has_id(operation.outputs):
        raise broken(called, 7, "it is done, and its outputs hold no id")
    return operation


def instance(found: object, cls: type[T], *, called: str, clause: int) -> T:
    """Return an answer that is of the class it has to be of.

    :raises ProviderError: it is not.
    """
    if not isinstance(found, cls):
        kind = type(found).__name__
        raise broken(called, clause, f"it answers an object of {kind}, no {cls.__name__}")
    return found


def instances(found: object, cls: type[T], *, called: str, clause: int) -> tuple[T, ...]:
    """Return an answer whose parts are of the class they have to be of.

    :raises ProviderError: one is not, or it has no parts.
    """
    if not isinstance(found, Iterable):
        raise broken(called, clause, f"it answers an object of {type(found).__name__}, no list")
    return tuple(instance(each, cls, called=called, clause=clause) for each in found)


def broken(called: str, clause: int, what: str) -> ProviderError:
    """Return the error that names the clause an answer breaks."""
    return ProviderError(f"{called}: the provider breaks clause {clause} of its contract: {what}")


def _has_id(outputs: Mapping[str, Any]) -> bool:
    found = outputs.get("id")
    return isinstance(found, str) and bool(found)


def _json(value: object, member: str, *, called: str, clause: int) -> bytes:
    if not isinstance(value, Mapping):
        raise broken(called, clause, f"its {member} are an object of {type(value).__name__}")
    try:
        return json.dumps(dict(value), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as ex:
        raise broken(called, clause, f"its {member} are no JSON: {type(ex).__name__}") from None
