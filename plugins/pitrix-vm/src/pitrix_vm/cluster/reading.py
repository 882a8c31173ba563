"""Turns a filled ``cluster.json`` into records, or says everything that is wrong with it."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.package import pointer_to, violations
from pitrix_vm.cluster import schema as known
from pitrix_vm.cluster.endpoints import resolved_endpoints
from pitrix_vm.cluster.records import ClusterDocument, Role, Service, Volume

#: How alike two names are when one is taken for a misspelling of the other.
_ALIKE: Final = 0.8
#: Source: AppCenter's specification, volume: mount_options.
_MOUNT_OPTIONS: Final[Mapping[str, str]] = {
    "ext4": "defaults,noatime",
    "xfs": "rw,noatime,inode64,allocsize=16m",
}
#: Services that are run here; each needs a command.
_RUN_SERVICES: Final = frozenset({"init", "start", "stop", "destroy"})


@attrs.frozen(kw_only=True)
class Reading:
    """What became of a document."""

    #: None where a finding of level error says why.
    cluster: ClusterDocument | None
    findings: tuple[Finding, ...]


def read_cluster(document: JsonValue, *, file: str) -> Reading:
    """Read a filled document.

    :param file: the template it is from, for the findings.
    """
    pruned = _pruned(document)
    findings = violations(pruned, known.CLUSTER_SCHEMA, file=file)
    if findings:
        return Reading(cluster=None, findings=tuple(findings))
    findings += _name_findings(pruned, file)
    findings += _role_findings(pruned["nodes"], file)
    if any(finding.level is Level.ERROR for finding in findings):
        return Reading(cluster=None, findings=tuple(findings))
    roles = tuple(_role(node, pruned.get("health_check", {})) for node in pruned["nodes"])
    endpoints, unresolved = resolved_endpoints(
        pruned.get("endpoints", {}), roles=roles, env=pruned.get("env", {}), file=file
    )
    cluster = ClusterDocument(
        name=pruned.get("name", ""),
        description=pruned.get("description", ""),
        network=pruned.get("vxnet") or pruned.get("subnet") or "",
        roles=roles,
        env=pruned.get("env", {}),
        endpoints=endpoints,
        links=pruned.get("links", {}),
        has_metadata_root_access=pruned.get("metadata_root_access", False),
        extra=_extra(pruned, known.CLUSTER_SCHEMA["properties"]),
    )
    return Reading(cluster=cluster, findings=(*findings, *unresolved))


def _pruned(value: JsonValue, *, keep: bool = False) -> JsonValue:
    """Leave out members that are null, as a tag without a value leaves them; not in ``env``."""
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    if not isinstance(value, dict) or keep:
        return value
    return {
        name: _pruned(member, keep=name == "env")
        for name, member in value.items()
        if member is not None
    }


# -- names and what goes together ------------------------------------------------------------------


def _name_findings(document: JsonObject, file: str) -> Iterator[Finding]:
    for at, found, names in _named_parts(document):
        for name in found:
            if name not in names:
                yield _unknown(name, names, at=(*at, name), file=file, found=found)


def _named_parts(
    document: JsonObject,
) -> Iterator[tuple[tuple[object, ...], Iterable[str], frozenset[str]]]:
    """Return each object with known names: where it is, its members' names, the known ones."""
    yield (), document, known.CLUSTER_NAMES
    for number, node in enumerate(document["nodes"]):
        at = ("nodes", number)
        services = node.get("services", {})
        own = {name for name, service in services.items() if service.get("type") != "custom"}
        yield at, node, known.NODE_NAMES
        yield (*at, "container"), node["container"], known.CONTAINER_NAMES
        yield (*at, "volume"), node.get("volume", {}), known.VOLUME_NAMES
        yield (*at, "services"), sorted(own), known.SERVICE_NAMES
        for name, service in services.items():
            yield (*at, "services", name), service, known.SERVICE_ATTRIBUTES


def _unknown(
    name: str,
    names: frozenset[str],
    *,
    at: tuple[object, ...],
    file: str,
    found: Iterable[str],
) -> Finding:
    alike = difflib.get_close_matches(name, sorted(names - set(found)), n=1, cutoff=_ALIKE)
    if not alike and name.rstrip("0123456789") in names:
        alike = [name.rstrip("0123456789")]
    return Finding(
        level=Level.ERROR if alike else Level.WARNING,
        code="cluster.unknown",
        message=f"{name!r} is not known here" + (f"; is it {alike[0]!r}?" if alike else ""),
        pointer=pointer_to(at),
        file=file,
        next_step=f"Write {alike[0]!r}, or remove it." if alike else None,
    )


def _role_findings(nodes: list[JsonObject], file: str) -> Iterator[Finding]:
    names = [node.get("role", "") for node in nodes]
    for number, node in enumerate(nodes):
        for at, message in _node_faults(node, names):
            yield Finding(
                level=Level.ERROR,
                code="cluster.role",
                message=message,
                pointer=pointer_to(("nodes", number, *at)),
                file=file,
            )


def _node_faults(node: JsonObject, names: list[str]) -> Iterator[tuple[tuple[object, ...], str]]:
    name = node.get("role", "")
    if names.count(name) > 1:
        yield ("role",), f"role {name!r} is there {names.count(name)} times"
    if name.endswith("-replica"):
        yield ("role",), "names ending in -replica are reserved"
    if node["count"] > node.get("server_id_upper_bound", node["count"]):
        yield ("count",), "more nodes than server_id_upper_bound allows"
    for service_name in sorted(_RUN_SERVICES & node.get("services", {}).keys()):
        if "cmd" not in node["services"][service_name]:
            yield ("services", service_name), "there is no cmd to run"


# -- records ---------------------------------------------------------------------------------------


def _role(node: JsonObject, health_check: JsonObject) -> Role:
    container = node["container"]
    services = node.get("services", {})
    return Role(
        name=node.get("role", ""),
        container=container.get("type", "kvm"),
        image=container.get("image", ""),
        zone=container.get("zone", ""),
        count=int(node["count"]),
        cpu=int(node.get("cpu", 1)),
        memory_mib=int(node.get("memory", 1024)),
        instance_class=str(node.get("instance_class", "")),
        volume=_volume(node.get("volume")),
        services={name: _service(name, service) for name, service in services.items()},
        env=node.get("env", {}),
        has_agent=node.get("agent_installed", True),
        health_check={**health_check, **node.get("health_check", {})},
        extra={
            name: node[name]
            for name in node
            if name not in known.CLUSTER_SCHEMA["properties"]["nodes"]["items"]["properties"]
            or name == "replica"
        },
    )


def _volume(volume: Any) -> Volume | None:
    if volume is None or not volume["size"]:
        return None
    points = volume.get("mount_point", "/data")
    filesystem = volume.get("filesystem", "ext4")
    return Volume(
        size_gib=int(volume["size"]),
        mount_points=(points,) if isinstance(points, str) else tuple(points),
        filesystem=filesystem,
        mount_options=volume.get("mount_options", _MOUNT_OPTIONS.get(filesystem, "")),
        volume_class=str(volume.get("class", "")),
    )


def _service(name: str, service: JsonObject) -> Service:
    limit = service.get("nodes_to_execute_on")
    return Service(
        name=name,
        cmd=service.get("cmd", ""),
        order=int(service.get("order", 0)),
        timeout_s=int(service.get("timeout", 600)),
        nodes_to_execute_on=None if limit is None else int(limit),
        is_post_start=service.get("post_start_service", False),
        is_post_stop=service.get("post_stop_service", False),
        extra=_extra(
            service,
            {
                *("cmd", "order", "timeout", "nodes_to_execute_on"),
                *("post_start_service", "post_stop_service"),
            },
        ),
    )


def _extra(document: JsonObject, names: Iterable[str]) -> JsonObject:
    taken = set(names)
    return {name: value for name, value in document.items() if name not in taken}
