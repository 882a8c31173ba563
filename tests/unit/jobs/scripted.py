"""A handler that answers what a test tells it."""

from typing import Any

import attrs

from pitrix_core.contracts.interface import Start
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import Operation, OperationState


@attrs.define
class Scripted:
    """A handler that answers, or raises, what it is told; knows whom it was asked for."""

    creates: bool = False
    honours_key: bool = True
    answer: Operation | Exception | None = None
    found: tuple[Operation, ...] = ()
    keys: list[str] = attrs.field(factory=list)

    def facts(self, call: TaskCall) -> Start:
        return Start(
            verb="do",
            spec=object,
            creates=self.creates,
            honours_key=self.honours_key,
            settle_s=30.0,
            timeout_s=60.0,
        )

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        return self._answered(request_key)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        return self._answered(operation.request_key)

    def advance(self, call: TaskCall, operation: Operation, *, request_key: str) -> Operation:
        return self._answered(request_key)

    def find(self, call: TaskCall, request_key: str) -> tuple[Operation, ...]:
        return self.found

    def discard(self, call: TaskCall, operation: Operation) -> None:
        raise AssertionError(operation)

    def _answered(self, key: str) -> Operation:
        self.keys.append(key)
        if isinstance(self.answer, Operation):
            return self.answer
        raise self.answer or AssertionError(key)


def operation(state: OperationState = OperationState.PENDING, **values: Any) -> Operation:
    """An operation of a thing."""
    return Operation(request_key="key", kind="thing.do", state=state, **values)
