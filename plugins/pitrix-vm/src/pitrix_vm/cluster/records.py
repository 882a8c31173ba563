"""What a filled ``cluster.json`` says, as records: the cluster, its roles, their services.

The words are the package format's; units are in the names. ``extra`` holds what is not known.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.model import DisplayTab, ImageQuery, JsonObject, JsonValue
from pitrix_vm.cluster.monitoring import HealthCheck, Monitor

#: The role of a package that names none, where a name is needed: in keys and in metadata.
UNNAMED: Final = "_"


@attrs.frozen(kw_only=True)
class Volume:
    """The data disk of each machine of a role."""

    #: In all; the mount points share it evenly.
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
    #: For a shell. Empty where there is nothing to run: ``backup`` may only say on which nodes.
    cmd: str = ""
    #: Roles go in ascending order; equal ones at a time.
    order: int = 0
    timeout_s: int = 600
    #: On the first so many nodes of the role; None for all.
    nodes_to_execute_on: int | None = None
    #: Not one of the platform's: its name is shown to users, who run it when they like.
    is_custom: bool = False
    #: init, upgrade: after start instead of before.
    is_post_start: bool = False
    #: destroy: after stop instead of before.
    is_post_stop: bool = False
    #: destroy: users may delete although it failed.
    allows_force: bool = True
    #: Run first; another exit code than 0 refuses the operation.
    pre_check: str = ""
    #: Parameters that the user fills in when it is run, with their defaults.
    params: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: backup, restore: on the replicas, too.
    is_with_replica: bool = False
    #: get_nodes_order: operations whose sequence of nodes it decides.
    events: tuple[str, ...] = ()
    #: backup: prints the id of the node to run it on.
    selector: str = ""
    #: backup: run after it.
    cleanup: str = ""
    extra: JsonObject = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Role:
    """A group of equal machines.

    Replicas are a role of their own, named after the one of their masters.
    """

    #: Empty for the one role of a package that names none.
    name: str
    #: Which of the document's nodes it is, from 0; for the places of findings.
    index: int = 0
    #: For replicas, the role of their masters (which may be unnamed); None for other roles.
    master: str | None = None
    #: Replicas of each machine; for replicas, of each of their masters.
    replicas_per_node: int = 0
    image: ImageQuery
    #: Where the package says its image is kept; not where machines are made.
    image_zone: str = ""
    has_sriov_nic: bool = False
    preferred_container: str = ""
    count: int
    cpu: int = 1
    cpu_model: str = ""
    memory_mib: int = 1024
    gpu: int = 0
    gpu_class: str = ""
    #: As written, of bare metal ``instance_type``; empty for the provider's choice.
    instance_class: str = ""
    #: None for no data disk.
    volume: Volume | None = None
    services: Mapping[str, Service] = attrs.field(factory=dict)
    #: Values as filled in: texts, numbers, booleans, null or ``$secret`` markers.
    env: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: No agent, so no command and no metadata, where false.
    has_agent: bool = True
    health_check: HealthCheck = attrs.field(factory=HealthCheck)
    monitor: Monitor = attrs.field(factory=Monitor)
    #: Name → address, empty until the platform fills it in; of every node.
    reserved_ips: Mapping[str, str] = attrs.field(factory=dict)
    #: Kind of the nodes' key pairs, such as ``ssh-rsa``; empty for none.
    passphraseless: str = ""
    #: Command whose output the others see as a node's token; empty for none.
    token_cmd: str = ""
    #: As filled in: ``{"listener", "port", "policy"}`` each.
    load_balancers: tuple[JsonValue, ...] = ()
    #: ``parallel`` or ``sequential``.
    vertical_scaling_policy: str = "parallel"
    advanced_actions: frozenset[str] = frozenset()
    unsupported_actions: frozenset[str] = frozenset()
    #: Users may log in.
    has_user_access: bool = False
    #: The class of public addresses; empty for the provider's choice.
    eip_class: str = ""
    #: The highest sid; None for any.
    server_id_upper_bound: int | None = None
    #: As written: what it takes of the user's quotas besides.
    extra_quota: JsonObject = attrs.field(factory=dict)
    #: As written: networks besides the cluster's.
    net: JsonValue = None
    #: Where a shared file system is seen; empty for nowhere.
    nas_mount_point: str = ""
    os_reset: JsonValue = None
    nic_multiqueue: JsonValue = None
    extra: JsonObject = attrs.field(factory=dict)

    @property
    def label(self) -> str:
        """Its name, or what stands for none."""
        return self.name or UNNAMED

    def gid_of(self, sid: int) -> int:
        """Return what a node has in common with its replicas: the sid of their master."""
        return sid if self.master is None else (sid - 1) // self.replicas_per_node + 1


@attrs.frozen(kw_only=True)
class InPlaceCopy:
    """What an in-place upgrade copies to the machines of a role."""

    role: str
    mount_point: str = ""
    mount_options: str = ""
    filesystem: str = ""
    source: str = ""
    destination: str = ""


@attrs.frozen(kw_only=True)
class InPlaceUpgrade:
    """A disk that an in-place upgrade copies from."""

    #: The cloud's id of it.
    snapshot: str
    zone: str = ""
    copies: tuple[InPlaceCopy, ...] = ()


@attrs.frozen(kw_only=True)
class NodeNames:
    """The command that names a cluster's nodes for its users."""

    cmd: str
    timeout_s: int = 5


@attrs.frozen(kw_only=True)
class ClusterDocument:
    """A whole cluster."""

    name: str = ""
    description: str = ""
    #: The cloud's id of the network to use; empty for the runtime's default.
    network: str = ""
    #: In the order of the document, each followed by its replicas.
    roles: tuple[Role, ...]
    env: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: Service name → ``{"port": int, "protocol": str}``, references resolved.
    endpoints: Mapping[str, JsonObject] = attrs.field(factory=dict)
    #: Name → address, empty until the platform fills it in.
    reserved_ips: Mapping[str, str] = attrs.field(factory=dict)
    #: Link name → cluster id; empty for one that is not linked.
    links: Mapping[str, str] = attrs.field(factory=dict)
    #: Templates of the image write ``/self/…`` themselves.
    has_metadata_root_access: bool = False
    display_tabs: tuple[DisplayTab, ...] = ()
    advanced_actions: frozenset[str] = frozenset()
    unsupported_actions: frozenset[str] = frozenset()
    #: ``device``, ``custom``, or empty for no backups.
    backup_policy: str = ""
    supports_incremental_backup: bool = False
    #: Versions that can be upgraded to this one, as the package names them.
    upgrade_policy: tuple[str, ...] = ()
    #: ``parallel``, ``sequential``, ``in-place-parallel`` or ``in-place-sequential``.
    upgrading_policy: str = "parallel"
    in_place_upgrades: tuple[InPlaceUpgrade, ...] = ()
    #: Roles, and links, that an upgrade to this version may bring.
    upgrade_roles: tuple[str, ...] = ()
    added_links: tuple[str, ...] = ()
    needs_tag: bool = False
    needs_api_server: bool = False
    #: Columns not shown in lists of nodes.
    hidden_columns: tuple[str, ...] = ()
    #: None where nodes go by their ids.
    node_names: NodeNames | None = None
    #: As written, such as ``round_robin``; empty for none.
    multi_zone_policy: str = ""
    #: As written.
    custom_tags: JsonValue = None
    nas_id: str = ""
    extra: JsonObject = attrs.field(factory=dict)
