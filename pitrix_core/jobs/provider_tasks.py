"""Carries out task kinds ``<interface>.<verb>`` by a runtime's provider."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from pitrix_core import convert
from pitrix_core.contracts.interface import Start
from pitrix_core.errors import ProviderError
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.jobs.resolve import resolve_for_driver
from pitrix_core.model import AgentStart, Operation, ResourceRef


class Gate(Protocol):
    """Where every call of one runtime's provider passes (``pitrix_core.plugins.calls``)."""

    def start_of(self, kind: str) -> Start:
        """Return what the provider declares of a kind."""

    def user_data_limit_bytes(self) -> int:
        """Return how much user-data the cloud takes."""

    def start(self, kind: str, spec: object, *, request_key: str) -> Operation:
        """Start an operation."""

    def poll(self, operation: Operation) -> Operation:
        """Look at an operation."""

    def poll_many(self, operations: Sequence[Operation]) -> list[Operation | ProviderError]:
        """Look at several operations of one kind."""

    def advance(self, operation: Operation, *, request_key: str) -> Operation:
        """Start an operation's next stage."""

    def find(self, kind: str, request_key: str) -> tuple[Operation, ...]:
        """Look for what was made under a key."""


@attrs.frozen(kw_only=True)
class ProviderTasks:
    """Hands tasks to the gate of their runtime's provider."""

    #: Runtime's id → gate.
    gate: Callable[[str], Gate]
    #: Ids of a secret and of the owner who has to have it → text.
    secret: Callable[[str, str], str]
    #: Agent, and how many bytes the cloud takes → user-data of a machine that starts it.
    user_data: Callable[[AgentStart, int], str]

    def facts(self, call: TaskCall) -> Start:
        """Ask the provider's own declaration."""
        return self._gate(call).start_of(call.task.kind)

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Put secrets and user-data into the input, and start."""
        gate = self._gate(call)
        resolved = resolve_for_driver(
            call.input,
            secret=lambda secret_id: self.secret(secret_id, call.task.owner),
            user_data=lambda start: self.user_data(start, gate.user_data_limit_bytes()),
        )
        spec: object = convert.read(resolved, gate.start_of(call.task.kind).spec)
        return gate.start(call.task.kind, spec, request_key=request_key)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look at the operation."""
        return self._gate(call).poll(operation)

    def poll_many(
        self, calls: Sequence[TaskCall], operations: Sequence[Operation]
    ) -> list[Operation | ProviderError]:
        """Look at several operations of one kind and runtime."""
        return self._gate(calls[0]).poll_many(operations)

    def advance(self, call: TaskCall, operation: Operation, *, request_key: str) -> Operation:
        """Start the next stage."""
        return self._gate(call).advance(operation, request_key=request_key)

    def find(self, call: TaskCall, request_key: str) -> tuple[Operation, ...]:
        """Look for what was made under a key."""
        return self._gate(call).find(call.task.kind, request_key)

    def discard(self, call: TaskCall, operation: Operation) -> None:
        """Start the removal of a surplus resource."""
        interface = call.task.kind.partition(".")[0]
        surplus_id = operation.resource_id or ""
        surplus = ResourceRef(id=surplus_id, cluster_id=call.task.cluster_id)
        mark = hashlib.sha256(surplus_id.encode()).hexdigest()[:12]  # a key for each of several
        request_key = f"{operation.request_key}-surplus-{mark}"
        self._gate(call).start(f"{interface}.delete", surplus, request_key=request_key)

    def _gate(self, call: TaskCall) -> Gate:
        return self.gate(call.task.runtime_id)
