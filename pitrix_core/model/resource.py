"""What providers are asked to make: arguments and answers of the contract's interfaces.

Units are ours (MiB, GiB, seconds); names of states too. Every class here is turned into a JSON
Schema, by which a plan's task inputs are checked before any cloud is called.
"""

import enum
from collections.abc import Mapping

import attrs

from pitrix_core.model.image import ImageQuery
from pitrix_core.model.json import JsonObject


@attrs.frozen(kw_only=True)
class Tags:
    """What every resource carries in the cloud, so that it can be found again."""

    #: Which pitrix made it; two installations in one account never touch each other's.
    installation_id: str
    cluster_id: str
    #: Key of the request that made it.
    request_key: str


@attrs.frozen(kw_only=True)
class ResourceRef:
    """A resource that is there already."""

    id: str
    #: Whose it is; its tags are not needed to name it, but to write about it.
    cluster_id: str = ""


@attrs.frozen(kw_only=True)
class NetworkSpec:
    """A network for machines that talk to one another."""

    name: str
    #: Which cluster asked first; a network may be shared by several.
    cluster_id: str
    #: The cloud's id of an existing network to use; empty for the runtime's default network.
    existing_id: str = ""


@attrs.frozen(kw_only=True)
class VolumeSpec:
    """A block device, or what stands for one."""

    name: str
    cluster_id: str
    size_gib: int = attrs.field(validator=attrs.validators.gt(0))
    #: The package's word for a storage class; a provider maps it, and takes its default for an
    #: unknown one.
    volume_class: str = ""


@attrs.frozen(kw_only=True)
class VolumeAttachment:
    """A volume given to a machine at its creation."""

    volume_id: str
    #: Where the guest sees it; several share the volume evenly.
    mount_points: tuple[str, ...] = ("/data",)
    filesystem: str = "ext4"
    mount_options: str = ""


@attrs.frozen(kw_only=True)
class InstanceSpec:
    """One machine."""

    name: str
    cluster_id: str
    #: A plain one: what :meth:`ImageQuery.at` answers for the runtime.
    image: ImageQuery = attrs.field()
    cpu: int = attrs.field(default=1, validator=attrs.validators.gt(0))
    memory_mib: int = attrs.field(default=1024, validator=attrs.validators.gt(0))
    #: The package's word for a machine class; a provider maps it, and takes its default for an
    #: unknown one.
    instance_class: str = ""
    network_id: str = ""
    volumes: tuple[VolumeAttachment, ...] = ()
    #: Given to the machine at its first start, unchanged; starts with ``#!`` or ``#cloud-config``.
    user_data: str = attrs.field(default="", repr=False)
    #: Shown to the guest as its host name; at most 63 characters of ``[a-z0-9-]``.
    hostname: str = ""
    #: The address inside its network that it is to have, as that of the machine whose place it
    #: takes; another one where this one is taken, or where the cloud lets nobody choose.
    address: str = ""

    @image.validator
    def _require_plain(self, _attribute: object, image: ImageQuery) -> None:
        if image.choices:
            raise ValueError("the image of a machine must be a plain query, without choices")


class InstanceState(enum.StrEnum):
    """What a machine does, in our words."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    GONE = "gone"


@attrs.frozen(kw_only=True)
class Instance:
    """A machine as the cloud sees it now."""

    id: str
    state: InstanceState
    #: Address inside its network; empty until there is one.
    ip: str = ""
    public_ip: str = ""
    #: Facts that only this provider has, for display.
    details: JsonObject = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class TaggedResource:
    """Something in the account that carries this installation's tag."""

    #: Interface that made it, such as ``compute``.
    interface: str
    id: str
    tags: Tags
    #: Seconds since it was made, as far as the cloud tells.
    age_s: float | None = None
    labels: Mapping[str, str] = attrs.field(factory=dict)
