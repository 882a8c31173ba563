"""The interface ``network``: the host's loopback, which is there already."""

from typing import Final

from pitrix_core.contracts import NetworkInterface, starts
from pitrix_core.errors import ProviderNotFoundError
from pitrix_core.model import NetworkSpec, Operation, OperationState, ResourceRef

#: Id of the one network.
LOOPBACK: Final = "local"
#: Source: RFC 1122, section 3.2.1.3 (g).
CIDR: Final = "127.0.0.0/8"


class LocalNetwork(NetworkInterface):
    """The one network of every runtime; never made and never removed."""

    @starts(NetworkSpec, creates=True, honours_key=True)
    def ensure(self, spec: NetworkSpec, *, request_key: str) -> Operation:
        """Answer the loopback."""
        check_network(spec.existing_id, operation="network.ensure")
        return Operation(
            request_key=request_key,
            kind="network.ensure",
            state=OperationState.DONE,
            resource_id=LOOPBACK,
            outputs={"id": LOOPBACK, "cidr": CIDR},
        )

    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Do nothing: pitrix did not make it."""
        return Operation(
            request_key=request_key,
            kind="network.delete",
            state=OperationState.DONE,
            resource_id=spec.id,
            outputs={"id": spec.id},
        )

    def poll(self, operation: Operation) -> Operation:
        """Return the operation: everything here is done at once."""
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer nothing: nothing here is ever made."""
        return ()


def check_network(network_id: str, *, operation: str) -> None:
    """Refuse what is not the loopback.

    :param network_id: empty for the default.
    :raises ProviderNotFoundError: there is no such network.
    """
    if network_id not in ("", LOOPBACK):
        raise ProviderNotFoundError(
            f"{operation}: there is no network {network_id!r}; the only one is {LOOPBACK!r}",
            next_step="Leave the network out.",
        )
