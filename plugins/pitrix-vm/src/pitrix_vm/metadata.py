"""Makes the metadata tree of a cluster, as the images' templates read it.

The shape is AppCenter's and OpenPitrix's; where they differ, the package's dialect decides:
endpoints stand at ``cluster/endpoints`` or at ``endpoints``, and the network is called ``vxnet``
or ``subnet``. In OpenPitrix a role's own parameters hide the cluster's; in AppCenter they are laid
over them, since its packages keep most parameters at the cluster and read them in every role.
Replicas are among ``hosts`` under their own role's name, in OpenPitrix under their masters'.

There is no leaf for what is not known: templates ask whether it exists.

A password is given to the roles that use it, and to no others: to those in whose parameters the
package has put it (of the cluster's parameters, to every role that reads them); one of a linked
cluster to the roles whose parameters name that cluster, or to all where none does, for then the
package links the cluster as a whole.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from pitrix_core.contracts.apptype import LinkedCluster, MetadataRequest
from pitrix_core.model import JsonObject, JsonValue, Metadata, Node, Runtime
from pitrix_core.model.json import marker_of
from pitrix_vm.cluster import UNNAMED, ClusterDocument, Role
from pitrix_vm.containers import container_metadata
from pitrix_vm.spec import VmSpec, configured_cluster, image_dialect
from pitrix_vm.supervision import supervision_metadata
from pitrix_vm.template import APPCENTER


def cluster_metadata(spec: VmSpec, request: MetadataRequest) -> Metadata:
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
        folder = _folder(spec, nodes[node_id].role, roles)
        at = "/".join(filter(None, ("hosts", folder, host["instance_id"])))
        shared.update(_under(at, host))
    shared.update(_under("cluster", _cluster(spec, document, request)))
    shared.update(_endpoints(spec, document))
    own = {
        role.label: _under("env", dict(_leaves(_env(spec, document, role))))
        for role in document.roles
    }
    for name, linked in request.links.items():
        leaves = _under(f"links/{name}", _linked(linked))
        secrets = {path: value for path, value in leaves.items() if marker_of(value)}
        shared.update((path, leaves[path]) for path in leaves.keys() - secrets.keys())
        for label in _users_of(document.links.get(name, ""), own):
            own[label] |= secrets
    return Metadata(
        shared=shared,
        roles=own,
        nodes={
            node_id: {
                **_under("host", host),
                **_for_drone(nodes[node_id], roles, request.runtime),
            }
            for node_id, host in hosts.items()
        },
    )


# -- machines --------------------------------------------------------------------------------------


def _folder(spec: VmSpec, role_name: str, roles: Mapping[str, Role]) -> str:
    """Return the folder among ``hosts`` that a role's machines stand in."""
    role = roles.get(role_name)
    if role is None or role.master is None or image_dialect(spec) == APPCENTER:
        return role_name
    return role.master


def _host(node: Node, role: Role | None, request: MetadataRequest) -> dict[str, str]:
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
        **(_described(role) if role else {}),
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _described(role: Role) -> dict[str, JsonValue]:
    """Return what the package itself says of a role's machines."""
    return {
        "instance_class": role.instance_class or None,
        "volume_class": (role.volume.volume_class or None) if role.volume else None,
        "gpu": role.gpu or None,
        "gpu_class": role.gpu_class or None,
        **{f"reserved_ips/{name}/value": value for name, value in role.reserved_ips.items()},
    }


def _for_drone(node: Node, roles: Mapping[str, Role], runtime: Runtime) -> dict[str, str]:
    role = roles.get(node.role)
    if role is None or not role.has_agent:
        return {}
    return {**supervision_metadata(role, node), **container_metadata(role, runtime)}


# -- the cluster -----------------------------------------------------------------------------------


def _cluster(spec: VmSpec, document: ClusterDocument, request: MetadataRequest) -> JsonObject:
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
    if image_dialect(spec) == APPCENTER:
        return {**values, "vxnet": network}
    return {**values, "subnet": network, "provider": request.runtime.provider}


def _network_id(document: ClusterDocument, request: MetadataRequest) -> str:
    made = (r.resource_id for r in request.snapshot.resources if r.kind == "network.ensure")
    return document.network or next(made, "")


def _endpoints(spec: VmSpec, document: ClusterDocument) -> Iterator[tuple[str, str]]:
    root = "cluster/endpoints" if image_dialect(spec) == APPCENTER else "endpoints"
    for name, endpoint in document.endpoints.items():
        yield f"{root}/{name}/port", str(endpoint["port"])
        yield f"{root}/{name}/protocol", str(endpoint["protocol"])
    for name, address in document.reserved_ips.items():
        yield f"{root}/reserved_ips/{name}/value", address


# -- parameters ------------------------------------------------------------------------------------


def _env(spec: VmSpec, document: ClusterDocument, role: Role) -> Mapping[str, JsonValue]:
    if image_dialect(spec) == APPCENTER:
        return {**document.env, **role.env}
    return role.env or document.env


def _leaves(values: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Return texts, and markers that stand for texts; of a cloud's access key, both its parts."""
    for name, value in values.items():
        if _is_access_key(value):
            yield name, _text(value["access_key_id"])
            yield from ((f"{name}/{part}", _text(content)) for part, content in value.items())
        else:
            yield name, _text(value)


def _is_access_key(value: JsonValue) -> bool:
    names = value.keys() if isinstance(value, Mapping) else frozenset()
    return "access_key_id" in names and names <= {"access_key_id", "secret_access_key"}


def _text(value: JsonValue) -> JsonValue:
    if value is None:
        return ""
    if isinstance(value, str) or marker_of(value):
        return value
    return json.dumps(value, ensure_ascii=False)


# -- linked clusters -------------------------------------------------------------------------------


def _linked(linked: LinkedCluster) -> dict[str, JsonValue]:
    """Return what is seen of a linked cluster: all it shares, and its parameters, role by role.

    Parameters that are the same in all of its roles are also there without a role: the cluster's
    own, which the templates of others know by that path.
    """
    roles = linked.metadata.roles
    return {
        **linked.metadata.shared,
        **dict(_common(list(roles.values()))),
        **{
            path if role == UNNAMED else _in_role(path, role): value
            for role, leaves in roles.items()
            for path, value in leaves.items()
        },
    }


def _users_of(cluster_id: str, roles: Mapping[str, Mapping[str, JsonValue]]) -> list[str]:
    """Return the roles that name a linked cluster in their parameters; all where none does."""
    named = [
        label for label, leaves in roles.items() if cluster_id and cluster_id in leaves.values()
    ]
    return named or list(roles)


def _common(roles: list[Mapping[str, JsonValue]]) -> Iterable[tuple[str, JsonValue]]:
    first, others = (roles[0], roles[1:]) if roles else ({}, [])
    return (
        (path, value)
        for path, value in first.items()
        if all(path in leaves and leaves[path] == value for leaves in others)
    )


def _in_role(path: str, role: str) -> str:
    """Return ``env/ROLE/PARAM`` for ``env/PARAM``."""
    root, _, rest = path.partition("/")
    return f"{root}/{role}/{rest}"


def _under(at: str, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {f"{at}/{name}": value for name, value in values.items()}
