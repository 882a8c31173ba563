"""What a kind of task has to be able to do."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import attrs

from pitrix_core.contracts.interface import Start
from pitrix_core.errors import PitrixError
from pitrix_core.model import JsonObject, Operation, TaskRecord


@attrs.frozen(kw_only=True)
class TaskCall:
    """A claimed task with its input, in which references are resolved and secrets are not."""

    task: TaskRecord
    input: JsonObject


class TaskHandler(Protocol):
    """Carries out tasks of one or several kinds; called by many threads at a time.

    Errors are those of the provider contract: temporary ones are tried again, all others fail the
    task.
    """

    def facts(self, call: TaskCall) -> Start:
        """Say what starting it means: whether it creates, how a lost answer is settled."""

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Send the request and return."""

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Only read, and say how it stands."""

    def advance(self, call: TaskCall, operation: Operation, *, request_key: str) -> Operation:
        """Start the next stage."""

    def find(self, call: TaskCall, request_key: str) -> tuple[Operation, ...]:
        """Answer everything that was made under a key."""

    def discard(self, call: TaskCall, operation: Operation) -> None:
        """Start the removal of one that was made too many."""


@runtime_checkable
class PollsMany(Protocol):
    """A handler that looks at several operations of one kind and runtime with one request, where
    its :meth:`TaskHandler.facts` say so.
    """

    def poll_many(
        self, calls: Sequence[TaskCall], operations: Sequence[Operation]
    ) -> "Sequence[Operation | PitrixError]":
        """Only read, and say of each how it stands, or what is wrong with it.

        :param calls: their inputs are as they were planned: nothing in them is resolved, for all
            that polling needs is in the operations.
        """


class TaskKinds(Protocol):
    """Finds the handler of a kind."""

    def handler_of(self, kind: str) -> TaskHandler:
        """Return the handler.

        :raises UnsupportedOperationError: nobody carries out this kind.
        """
