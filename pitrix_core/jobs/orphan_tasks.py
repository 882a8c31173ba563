"""Task kind ``orphan.delete``: removes one thing that belongs to nobody, if it still does not.

A sweep's plan is made of what was found some time ago. So each thing is looked at again right
before it is deleted: the account has to list it under the same tag still, and nothing here may have
a use for it. What fails this is left alone, and let go of by the sweep.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol

import attrs

from pitrix_core import convert
from pitrix_core.contracts.interface import Start
from pitrix_core.errors import TaskFailedError
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.jobs.orphans import is_orphan
from pitrix_core.jobs.provider_tasks import Gate
from pitrix_core.model import Operation, OperationState, TaggedResource
from pitrix_core.store import Store

log = logging.getLogger(__name__)

#: Deleting makes nothing; it may be asked for any number of times (clause 8 of the contract).
_START: Final = Start(
    verb="delete", spec=object, creates=False, honours_key=True, settle_s=0.0, timeout_s=60.0
)
_NOT_LISTED: Final = "the account does not list it any more"
_IN_USE: Final = "it belongs to something now"


class ListingGate(Gate, Protocol):
    """A gate that also lists what carries this installation's tag."""

    def owned(self, cluster_id: str | None = None) -> tuple[TaggedResource, ...]:
        """List what carries the tag."""


@attrs.frozen(kw_only=True)
class OrphanDelete:
    """``orphan.delete``: looks again, and deletes."""

    store: Store
    #: Runtime's id → its provider.
    gate: Callable[[str], ListingGate]

    def facts(self, call: TaskCall) -> Start:
        """Nothing is made."""
        return _START

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Delete it, unless it is gone or belongs to something."""
        gate = self.gate(call.task.runtime_id)
        found = _listed(gate, call)  # before the database is read: see jobs/orphans.py
        if found is None:
            return self._told(call, _left_alone(call, request_key, _NOT_LISTED))
        with self.store.read() as tx:
            if not is_orphan(tx, found, sweep_id=call.task.cluster_id):
                return _left_alone(call, request_key, _IN_USE)
        kind = f"{found.interface}.delete"
        named = {"id": found.id, "cluster_id": found.tags.cluster_id}
        spec: object = convert.read(named, gate.start_of(kind).spec)
        return self._told(call, gate.start(kind, spec, request_key=request_key))

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look at the removal."""
        return self._told(call, self.gate(call.task.runtime_id).poll(operation))

    def advance(self, call: TaskCall, operation: Operation, *, request_key: str) -> Operation:
        """Start the removal's next stage."""
        return self.gate(call.task.runtime_id).advance(operation, request_key=request_key)

    def find(self, call: TaskCall, request_key: str) -> tuple[Operation, ...]:
        """Nothing is made."""
        return ()

    def discard(self, call: TaskCall, operation: Operation) -> None:
        """Nothing is made."""
        raise TaskFailedError(f"{call.task.kind}: it makes nothing that could be too many")

    def _told(self, call: TaskCall, operation: Operation) -> Operation:
        """Tell the deleted cluster that left it behind, if one did, that it is gone."""
        if operation.state is OperationState.DONE:
            with self.store.begin() as tx:
                tx.ownership.gone(call.input["interface"], call.input["id"])
                tx.metering.end_released(call.input["interface"], call.input["id"])
        return operation


def _listed(gate: ListingGate, call: TaskCall) -> TaggedResource | None:
    """Return the thing as the account lists it now, if under the tag it was found with."""
    wanted = (call.input["interface"], call.input["id"], call.input["tagged_request_key"])
    for found in gate.owned(call.input["tagged_cluster_id"]):
        if (found.interface, found.id, found.tags.request_key) == wanted:
            return found
    return None


def _left_alone(call: TaskCall, request_key: str, why: str) -> Operation:
    extra = {"action": "orphan.kept", "job_id": call.task.job_id, "task_id": call.task.id}
    log.info("%s is left alone: %s", call.input["id"], why, extra=extra)
    return Operation(
        request_key=request_key,
        kind=call.task.kind,
        state=OperationState.DONE,
        resource_id=call.input["id"],
        outputs={"id": call.input["id"], "left_alone": why},
    )
