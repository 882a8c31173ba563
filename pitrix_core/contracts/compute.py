"""The interface ``compute``: machines."""

import abc
from typing import ClassVar

from pitrix_core.contracts.interface import Interface, starts
from pitrix_core.model import Instance, InstanceSpec, Operation, ResourceRef


class ComputeInterface(Interface):
    """Machines: make, start, stop, remove and look at them.

    Outputs of ``create`` and ``start``: ``id``, ``ip`` (inside its network), ``public_ip`` where
    there is one,
    ``hostname``, and whatever else the provider knows that a package's metadata may want (``zone``,
    ``mac``, …), all strings.
    """

    name = "compute"
    #: Most bytes of :attr:`InstanceSpec.user_data` that the cloud takes, before any encoding that
    #: it asks for; at least 12 KiB. What starts a machine's agent carries the agent in it where it
    #: fits, so that the machine need not reach the API. The default is what AWS takes.
    #: Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html, read 2026-11.
    user_data_limit_bytes: ClassVar[int] = 16 * 1024

    @abc.abstractmethod
    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        """Make a machine, attach its volumes, and start it.

        Done once the machine runs and has its address; that its guest is up is none of this
        contract's business.

        :raises ProviderQuotaError: a limit of the account is reached.
        :raises ProviderNotFoundError: image, network or volume is not there.
        :raises ProviderTemporaryError: try again; nothing was made.
        :raises ProviderError: the cloud refused.
        """

    @abc.abstractmethod
    @starts(ResourceRef)
    def start(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Bring a stopped machine up again with its volumes and its address; done at once for a
        running one.

        :raises ProviderNotFoundError: there is no such machine.
        """

    @abc.abstractmethod
    @starts(ResourceRef)
    def stop(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Shut a machine down, keeping its volumes and its address; done at once for a stopped one.

        :raises ProviderNotFoundError: there is no such machine.
        """

    @abc.abstractmethod
    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove a machine; its volumes stay. Done at once for one that is not there (clause 8)."""

    @abc.abstractmethod
    def get(self, instance_id: str) -> Instance:
        """Look at one machine; one request.

        :raises ProviderNotFoundError: there is no such machine, and the cloud would not list it as
            gone either.
        """
