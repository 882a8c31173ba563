"""What a filled ``cluster.json`` says, as records: the cluster, its roles, their services."""

from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.model import JsonObject, JsonValue

#: The role of a package that names none, where a name is needed: in keys and in metadata.
UNNAMED: Final = "_"


@attrs.frozen(kw_only=True)
class Volume:
    """The data disk of each machine of a role."""

    size_gib: int
    mount_points: tuple[str, ...]
    filesystem: str
    mount_options: str
    #: As written; empty for the provider's choice.
    volume_class: str = ""


@attrs.frozen(kw_only=True)
class Service:
    """A command the package brings, run on a role's machines."""

    name: str
    cmd: str
    #: Roles go in ascending order; equal ones at a time.
    order: int = 0
    timeout_s: int = 600
    #: On the first so many nodes of the role; None for all.
    nodes_to_execute_on: int | None = None
    #: init, upgrade: after start instead of before.
    is_post_start: bool = False
    #: destroy: after stop instead of before.
    is_post_stop: bool = False
    #: Members not understood here.
    extra: JsonObject = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Role:
    """A group of equal machines."""

    #: Empty for the one role of a package that names none.
    name: str
    container: str
    image: str
    zone: str = ""
    count: int
    cpu: int = 1
    memory_mib: int = 1024
    instance_class: str = ""
    #: None for no data disk.
    volume: Volume | None = None
    services: Mapping[str, Service] = attrs.field(factory=dict)
    #: Values as filled in: texts, numbers, booleans, null or ``$secret`` markers.
    env: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: No agent, so no command and no metadata, where false.
    has_agent: bool = True
    #: As written, the cluster's own below it.
    health_check: JsonObject = attrs.field(factory=dict)
    #: Members not understood here.
    extra: JsonObject = attrs.field(factory=dict)

    @property
    def label(self) -> str:
        """Its name, or what stands for none."""
        return self.name or UNNAMED


@attrs.frozen(kw_only=True)
class ClusterDocument:
    """A whole cluster."""

    name: str = ""
    description: str = ""
    #: The cloud's id of the network to use; empty for the runtime's default.
    network: str = ""
    roles: tuple[Role, ...]
    env: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: Service name → ``{"port": int, "protocol": str}``, references resolved.
    endpoints: Mapping[str, JsonObject] = attrs.field(factory=dict)
    #: Link name → cluster id; empty for one that is not linked.
    links: Mapping[str, str] = attrs.field(factory=dict)
    #: Templates of the image write ``/self/…`` themselves.
    has_metadata_root_access: bool = False
    #: Members not understood here.
    extra: JsonObject = attrs.field(factory=dict)
