"""The interface ``volume``: block storage."""

import abc

from pitrix_core.contracts.interface import Interface, starts
from pitrix_core.model import Operation, ResourceRef, VolumeSpec


class VolumeInterface(Interface):
    """Volumes: make and remove them. A machine gets its volumes at its creation
    (``InstanceSpec.volumes``).
    """

    name = "volume"

    @abc.abstractmethod
    @starts(VolumeSpec, creates=True)
    def create(self, spec: VolumeSpec, *, request_key: str) -> Operation:
        """Make an empty volume.

        :raises ProviderQuotaError: a limit of the account is reached.
        :raises ProviderTemporaryError: try again; nothing was made.
        :raises ProviderError: the cloud refused.
        """

    @abc.abstractmethod
    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove a volume and what is on it. Done at once for one that is not there (clause 8).

        :raises ProviderConflictError: a machine still uses it.
        """
