"""Makes the metadata tree of a cluster, as the images' templates read it.

The shape is AppCenter's and OpenPitrix's; where they differ, the package's dialect decides:
endpoints stand at ``cluster/endpoints`` or at ``endpoints``, and the network is called ``vxnet``
or ``subnet``. In OpenPitrix a role's own parameters hide the cluster's; in AppCenter they are laid
over them, since its packages keep most parameters at the cluster and read them in every role.
"""

import json
from collections.abc import Iterator, Mapping

from pitrix_core.contracts.apptype import RenderRequest
from pitrix_core.model import JsonObject, JsonValue, Metadata, Node
from pitrix_core.model.json import marker_of
from pitrix_vm.cluster import ClusterDocument, Role
from pitrix_vm.spec import VmSpec, configured_cluster
from pitrix_vm.template import APPCENTER


def cluster_metadata(spec: VmSpec, request: RenderRequest) -> Metadata:
    """Return what the cluster's machines can read, with the facts there are now.

    :raises TemplateRenderError: the template gives no cluster with this configuration.
    """
    document = configured_cluster(spec, request.config)
    roles = {role.name: role for role in document.roles}
    hosts = {
        node.id: _host(node, roles.get(node.role), request)
        for node in request.snapshot.nodes
        if node.facts.get("id")  # NOTE(facts): empty until its machine is made
    }
    nodes = {node.id: node for node in request.snapshot.nodes}
    shared: dict[str, JsonValue] = {}
    for node_id, host in hosts.items():
        at = "/".join(filter(None, ("hosts", nodes[node_id].role, host["instance_id"])))
        shared.update(_under(at, host))
    shared.update(_under("cluster", _cluster(spec, document, request)))
    shared.update(_endpoints(spec, document))
    return Metadata(
        shared=shared,
        roles={
            role.label: _under("env", _texts(_env(spec, document, role))) for role in document.roles
        },
        nodes={node_id: _under("host", host) for node_id, host in hosts.items()},
    )


def _host(node: Node, role: Role | None, request: RenderRequest) -> dict[str, str]:
    values = {
        "ip": node.facts.get("ip", ""),
        "mac": node.facts.get("mac"),
        "eip": node.facts.get("public_ip") or None,
        "sid": node.sid,
        "gid": node.gid,
        "gsid": node.gsid,
        "node_id": node.id,
        "instance_id": node.facts["id"],
        "role": node.role or None,
        "zone": request.runtime.zone or None,
        "cpu": node.planned.get("cpu"),
        "memory": node.planned.get("memory_mib"),
        "volume_size": node.planned.get("volume_gib", 0),
    }
    if role is not None:
        values["instance_class"] = role.instance_class or None
        values["volume_class"] = (role.volume.volume_class or None) if role.volume else None
    return {name: str(value) for name, value in values.items() if value is not None}


def _cluster(spec: VmSpec, document: ClusterDocument, request: RenderRequest) -> JsonObject:
    cluster = request.snapshot.cluster
    network = _network_id(document, request)
    values = {
        "app_id": spec.info.name,
        "app_version": spec.info.version,
        "cluster_id": cluster.id,
        "user_id": cluster.owner,
        "global_uuid": cluster.id,
        "zone": request.runtime.zone,
    }
    if spec.dialect == APPCENTER:
        return {**values, "vxnet": network}
    return {**values, "subnet": network, "provider": request.runtime.provider}


def _network_id(document: ClusterDocument, request: RenderRequest) -> str:
    made = (r.resource_id for r in request.snapshot.resources if r.kind == "network.ensure")
    return document.network or next(made, "")


def _endpoints(spec: VmSpec, document: ClusterDocument) -> Iterator[tuple[str, str]]:
    root = "cluster/endpoints" if spec.dialect == APPCENTER else "endpoints"
    for name, endpoint in document.endpoints.items():
        yield f"{root}/{name}/port", str(endpoint["port"])
        yield f"{root}/{name}/protocol", str(endpoint["protocol"])


def _env(spec: VmSpec, document: ClusterDocument, role: Role) -> Mapping[str, JsonValue]:
    if spec.dialect == APPCENTER:
        return {**document.env, **role.env}
    return role.env or document.env


def _texts(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the leaves: texts, and markers that stand for texts."""
    return {name: value if marker_of(value) else _text(value) for name, value in values.items()}


def _text(value: JsonValue) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _under(at: str, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {f"{at}/{name}": value for name, value in values.items()}
