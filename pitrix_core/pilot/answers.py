"""Operations of the core's own kinds: a message is out, and its answer wakes the task."""

from collections.abc import Mapping
from typing import Any, Final

from pitrix_core.contracts.interface import Start
from pitrix_core.errors import TaskFailedError
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import Operation, OperationState
from pitrix_core.store.agents import Frontgate

#: Seconds between looks at what should have woken the task: a net below, not the way it works.
_LOOK_S: Final = 5.0

#: What starting any of the core's own kinds means: writing to our own database, under the key.
CORE_START: Final = Start(
    verb="start", spec=object, creates=False, honours_key=True, settle_s=0.0, timeout_s=30.0
)


class CoreTasks:
    """What the handlers of the core's own kinds have in common: one stage, nothing to find."""

    def facts(self, call: TaskCall) -> Start:
        """Nothing is made in a cloud."""
        return CORE_START

    def advance(self, call: TaskCall, operation: Operation, *, request_key: str) -> Operation:
        """There is one stage only."""
        raise TaskFailedError(f"{operation.kind}: there is no stage to advance to")

    def find(self, call: TaskCall, request_key: str) -> tuple[Operation, ...]:
        """Nothing is made in a cloud."""
        return ()

    def discard(self, call: TaskCall, operation: Operation) -> None:
        """Nothing is made in a cloud."""


def pending(call: TaskCall, *, note: str | None = None) -> Operation:
    """Return an operation that waits to be woken.

    :param note: how it stands, for the message if its time runs out.
    """
    return Operation(
        request_key=call.task.request_key or "",
        kind=call.task.kind,
        state=OperationState.PENDING,
        error=note,
        retry_after_s=_LOOK_S,
    )


def done(call: TaskCall, outputs: Mapping[str, Any]) -> Operation:
    """Return an operation that succeeded."""
    return Operation(
        request_key=call.task.request_key or "",
        kind=call.task.kind,
        state=OperationState.DONE,
        outputs=outputs,
    )


def failed(call: TaskCall, error: str, *, code: str = "task_failed") -> Operation:
    """Return an operation that failed."""
    return Operation(
        request_key=call.task.request_key or "",
        kind=call.task.kind,
        state=OperationState.FAILED,
        error=error,
        error_code=code,
    )


def absence_of(frontgate: Frontgate) -> str:
    """Return what to put behind a message about what a Frontgate has not done.

    :returns: empty when it is connected.
    """
    if frontgate.connected_at is not None:
        return ""
    return (
        f": Frontgate {frontgate.id} is not connected to the Pilot; look why: "
        f"pitrix frontgate show {frontgate.id}, and at its machine: "
        f"pitrix cluster show {frontgate.cluster_id}"
    )
