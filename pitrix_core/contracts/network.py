"""The interface ``network``: where machines of a runtime meet."""

import abc

from pitrix_core.contracts.interface import Interface, starts
from pitrix_core.model import NetworkSpec, Operation, ResourceRef


class NetworkInterface(Interface):
    """Networks: have one, remove one.

    Outputs of ``ensure``: ``id``, ``cidr``. A Frontgate serves all clusters of one runtime and
    network. Where it gets out by an HTTP proxy only, an operator names that by convention in the
    provider's setting ``frontgate_proxy``, such as ``http://proxy.example.com:3128``.
    """

    name = "network"

    @abc.abstractmethod
    @starts(NetworkSpec, creates=True)
    def ensure(self, spec: NetworkSpec, *, request_key: str) -> Operation:
        """Have a network to put machines in: the one named, or the runtime's default, made if there
        is none.

        A desired state: two requests with different keys answer the same network.

        :raises ProviderNotFoundError: ``existing_id`` is not there.
        :raises ProviderQuotaError: a limit of the account is reached.
        :raises ProviderError: the cloud refused.
        """

    @abc.abstractmethod
    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove a network that pitrix made; done at once for one it did not make, or that is not
        there.

        :raises ProviderConflictError: machines are still in it.
        """
