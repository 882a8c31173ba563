"""Makes the records of a document that fits its schema."""

from collections.abc import Iterable, Mapping
from typing import Final

from pitrix_core.model import JsonObject, JsonValue
from pitrix_vm.cluster.images import read_image
from pitrix_vm.cluster.monitoring import read_display_tabs, read_health_check, read_monitor
from pitrix_vm.cluster.records import (
    ClusterDocument,
    InPlaceCopy,
    InPlaceUpgrade,
    NodeNames,
    Role,
    Service,
    Volume,
)
from pitrix_vm.cluster.replicas import with_replicas
from pitrix_vm.cluster.schema import CLUSTER_SCHEMA, NODE, SERVICE, Schema

#: Source: AppCenter's specification, volume: mount_options.
_MOUNT_OPTIONS: Final[Mapping[str, str]] = {
    "ext4": "defaults,noatime",
    "xfs": "rw,noatime,inode64,allocsize=16m",
}
#: Members of a copy of an in-place upgrade that are called here as there.
_COPY_MEMBERS: Final = ("mount_point", "mount_options", "filesystem", "source", "destination")


def built_roles(document: JsonObject) -> tuple[Role, ...]:
    """Return the roles of a document, replicas included."""
    return tuple(
        role
        for index, node in enumerate(document["nodes"])
        for role in with_replicas(_role(node, index, document))
    )


def built_cluster(
    document: JsonObject, roles: tuple[Role, ...], endpoints: Mapping[str, JsonObject]
) -> ClusterDocument:
    """Return the cluster that a document describes.

    :param endpoints: with their ports.
    """
    upgrades = document.get("in-place-upgrade-nodes", ())
    return ClusterDocument(
        name=document.get("name", ""),
        description=document.get("description", ""),
        network=document.get("vxnet") or document.get("subnet") or "",
        roles=roles,
        env=document.get("env", {}),
        endpoints=endpoints,
        reserved_ips=_reserved_ips(document.get("endpoints", {})),
        links={name: cluster_id or "" for name, cluster_id in document.get("links", {}).items()},
        has_metadata_root_access=document.get("metadata_root_access", False),
        display_tabs=read_display_tabs(document.get("display_tabs", {})),
        advanced_actions=frozenset(document.get("advanced_actions", ())),
        unsupported_actions=frozenset(document.get("unsupported_actions", ())),
        backup_policy=document.get("backup_policy", ""),
        supports_incremental_backup=document.get("incremental_backup_supported", False),
        upgrade_policy=tuple(document.get("upgrade_policy", ())),
        upgrading_policy=document.get("upgrading_policy") or "parallel",
        in_place_upgrades=tuple(_in_place_upgrade(upgrade) for upgrade in upgrades),
        upgrade_roles=tuple(document.get("upgrade_roles", {}).get("add", ())),
        added_links=tuple(document.get("add_links", ())),
        needs_tag=document.get("need_tag", False),
        needs_api_server=document.get("need_intranet_api_server", False),
        hidden_columns=tuple(document.get("exclude_node_columns", ())),
        node_names=_node_names(document.get("advanced_services", {})),
        multi_zone_policy=document.get("multi_zone_policy", ""),
        custom_tags=document.get("custom_tags"),
        nas_id=document.get("nas_id", ""),
        extra=_unknown(document, CLUSTER_SCHEMA),
    )


def _role(node: JsonObject, index: int, document: JsonObject) -> Role:
    container = node["container"]
    services = node.get("services", {})
    return Role(
        name=node.get("role", ""),
        index=index,
        replicas_per_node=node.get("replica", 0),
        image=read_image(container),
        image_zone=container.get("zone", ""),
        has_sriov_nic=container.get("sriov_nic", False),
        preferred_container=container.get("prefer_type", ""),
        count=node["count"],
        cpu=node.get("cpu", 1),
        cpu_model=node.get("cpu_model", ""),
        memory_mib=node.get("memory", 1024),
        gpu=node.get("gpu", 0),
        gpu_class=_class(node.get("gpu_class")),
        instance_class=_class(node.get("instance_class", node.get("instance_type"))),
        volume=_volume(node.get("volume")),
        services={name: _service(name, service) for name, service in services.items()},
        env=node.get("env", {}),
        has_agent=node.get("agent_installed", True),
        health_check=read_health_check(
            node.get("health_check", {}), document.get("health_check", {})
        ),
        monitor=read_monitor(node.get("monitor", {}), document.get("monitor", {})),
        reserved_ips=_reserved_ips(node),
        passphraseless=node.get("passphraseless", ""),
        token_cmd=node.get("custom_metadata", {}).get("cmd", ""),
        load_balancers=tuple(node.get("loadbalancer", ())),
        vertical_scaling_policy=node.get("vertical_scaling_policy") or "parallel",
        advanced_actions=frozenset(node.get("advanced_actions", ())),
        unsupported_actions=frozenset(node.get("unsupported_actions", ())),
        has_user_access=node.get("user_access", False),
        eip_class=_class(node.get("eip_class")),
        server_id_upper_bound=node.get("server_id_upper_bound"),
        extra_quota=node.get("extra_quota", {}),
        net=node.get("net"),
        nas_mount_point=node.get("nas_mount_point", ""),
        os_reset=node.get("os_reset"),
        nic_multiqueue=node.get("nic_multiqueue"),
        extra=_unknown(node, NODE),
    )


def _volume(volume: JsonObject | None) -> Volume | None:
    if volume is None or not volume["size"]:
        return None
    usual = "d:" if volume.get("filesystem") == "ntfs" else "/data"
    named = volume.get("mount_point") or usual
    points = (named,) if isinstance(named, str) else tuple(named)
    is_windows = points[0].endswith(":")  # a drive
    filesystem = volume.get("filesystem", "ntfs" if is_windows else "ext4")
    return Volume(
        size_gib=volume["size"],
        mount_points=points,
        filesystem=filesystem,
        mount_options=volume.get("mount_options", _MOUNT_OPTIONS.get(filesystem, "")),
        volume_class=_class(volume.get("class")),
    )


def _class(value: float | str | None) -> str:
    """Return a class as a text; one that was calculated is a whole number all the same."""
    if value is None:
        return ""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value)


def _service(name: str, service: JsonObject) -> Service:
    events = service.get("event", ())
    return Service(
        name=name,
        cmd=service.get("cmd", "").strip(),
        order=service.get("order", 0),
        timeout_s=service.get("timeout", 600),
        nodes_to_execute_on=service.get("nodes_to_execute_on"),
        is_custom=service.get("type") == "custom",
        is_post_start=service.get("post_start_service", False),
        is_post_stop=service.get("post_stop_service", False),
        allows_force=service.get("allow_force", True),
        pre_check=service.get("pre_check", ""),
        params=service.get("service_params", {}),
        is_with_replica=service.get("with_replica", False),
        events=(events,) if isinstance(events, str) else tuple(events),
        selector=service.get("selector", ""),
        cleanup=service.get("cleanup", ""),
        extra=_unknown(service, SERVICE),
    )


def _reserved_ips(document: JsonObject) -> dict[str, str]:
    found: Mapping[str, JsonObject] = document.get("reserved_ips", {})
    return {name: address.get("value", "") for name, address in found.items()}


def _in_place_upgrade(upgrade: JsonObject) -> InPlaceUpgrade:
    container = upgrade.get("container", {})
    copies: Iterable[JsonObject] = upgrade.get("copy", ())
    return InPlaceUpgrade(
        snapshot=container.get("snapshot", ""),
        zone=container.get("zone", ""),
        copies=tuple(
            InPlaceCopy(
                role=copy.get("mount_role", ""),
                **{name: value for name, value in copy.items() if name in _COPY_MEMBERS},
            )
            for copy in copies
        ),
    )


def _node_names(services: JsonObject) -> NodeNames | None:
    named = services.get("update_nodes_names")
    return None if named is None else NodeNames(cmd=named["cmd"], timeout_s=named.get("timeout", 5))


def _unknown(document: JsonObject, schema: Schema) -> dict[str, JsonValue]:
    known = schema["properties"]
    return {name: value for name, value in document.items() if name not in known}
