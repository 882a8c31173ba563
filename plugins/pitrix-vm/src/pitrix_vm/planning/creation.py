"""Plans the creation of a cluster.

Machines and volumes are made at a time, as far as one does not need the other; then the metadata
are written, every agent renders its configuration from them, and only then does the first command
run. Describing an agent's way to its Frontgate is the core's part.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pitrix_core.model import JsonObject, PlannedNode, PlanRequest, Ref, Task
from pitrix_vm.cluster import ClusterDocument, Role, Volume
from pitrix_vm.planning.nodes import host_name, node_path, node_title
from pitrix_vm.planning.stages import Phase, Target, service_tasks
from pitrix_vm.spec import VmSpec, agent_prefix, image_dialect

_NETWORK: Final = "network.ensure"
_METADATA: Final = "metadata.put"
#: Clouds take minutes for a machine, and longer for the first of an image.
_MACHINE_TIMEOUT_S: Final = 1800.0
_PHASES: Final = (
    Phase(service="init", applies=lambda service: not service.is_post_start),
    Phase(service="start"),
    Phase(service="init", applies=lambda service: service.is_post_start),
)


def creation_tasks(
    request: PlanRequest, spec: VmSpec, cluster: ClusterDocument, nodes: Sequence[PlannedNode]
) -> tuple[Task, ...]:
    """Return the tasks that make a cluster and start it.

    :param cluster: with images for the runtime.
    """
    roles = {role.name: role for role in cluster.roles}
    tasks = [_network_task(request, cluster)]
    tasks += [_volume_task(request, n, v) for n in nodes if (v := roles[n.role].volume)]
    machines = [_machine_task(request, spec, cluster, node, roles[node.role]) for node in nodes]
    tasks += machines
    tasks.append(
        Task(
            key=_METADATA,
            kind="metadata.put",
            title="Write the metadata",
            input={"cluster_id": request.cluster_id},
            after=tuple(task.key for task in machines),
        )
    )
    reached = [node for node in nodes if roles[node.role].has_agent]
    waits = [_wait_task(request, node) for node in reached]
    targets = [Target(id=node.id, role=node.role, sid=node.sid) for node in reached]
    services = service_tasks(
        _PHASES,
        cluster.roles,
        targets,
        cluster_id=request.cluster_id,
        after=tuple(task.key for task in waits),
    )
    return (*tasks, *waits, *services)


def _network_task(request: PlanRequest, cluster: ClusterDocument) -> Task:
    return Task(
        key=_NETWORK,
        kind="network.ensure",
        title="Have a network",
        input={
            "name": request.name,
            "cluster_id": request.cluster_id,
            "existing_id": cluster.network,
        },
    )


def _volume_task(request: PlanRequest, node: PlannedNode, volume: Volume) -> Task:
    return Task(
        key=_volume_key(node),
        kind="volume.create",
        title=f"Create the volume of {node_title(node.role, node.sid)}",
        input={
            "name": host_name(request.name, node.role, node.sid),
            "cluster_id": request.cluster_id,
            "size_gib": volume.size_gib,
            "volume_class": volume.volume_class,
        },
        node_id=node.id,
    )


def _machine_task(
    request: PlanRequest, spec: VmSpec, cluster: ClusterDocument, node: PlannedNode, role: Role
) -> Task:
    name = host_name(request.name, node.role, node.sid)
    return Task(
        key=_machine_key(node),
        kind="compute.create",
        title=f"Create machine {node_title(node.role, node.sid)}",
        input={
            "name": name,
            "cluster_id": request.cluster_id,
            "image": {"image": role.image.image, "container": role.image.container},
            "cpu": role.cpu,
            "memory_mib": role.memory_mib,
            "instance_class": role.instance_class,
            "network_id": Ref(_NETWORK, "/id").to_json(),
            "volumes": [_attachment(node, role.volume)] if role.volume else [],
            "hostname": name,
            "user_data": _user_data(request, spec, cluster, node) if role.has_agent else "",
        },
        after=(_NETWORK, _volume_key(node)) if role.volume else (_NETWORK,),
        node_id=node.id,
        timeout_s=_MACHINE_TIMEOUT_S,
    )


def _attachment(node: PlannedNode, volume: Volume) -> JsonObject:
    return {
        "volume_id": Ref(_volume_key(node), "/id").to_json(),
        "mount_points": list(volume.mount_points),
        "filesystem": volume.filesystem,
        "mount_options": volume.mount_options,
    }


def _user_data(
    request: PlanRequest, spec: VmSpec, cluster: ClusterDocument, node: PlannedNode
) -> Mapping[str, JsonObject]:
    config = {
        "cluster_id": request.cluster_id,
        "node_id": node.id,
        "role": node.role,
        "dialect": image_dialect(spec),
        "prefix": agent_prefix(spec, cluster),
    }
    return {"$agent": {"agent": "drone", "config": config}}


def _wait_task(request: PlanRequest, node: PlannedNode) -> Task:
    return Task(
        key=f"agent.wait/{node_path(node.role, node.sid)}",
        kind="agent.wait",
        title=f"Wait until {node_title(node.role, node.sid)} is configured",
        input={"cluster_id": request.cluster_id, "node_id": node.id},
        after=(_METADATA, _machine_key(node)),
        node_id=node.id,
    )


def _volume_key(node: PlannedNode) -> str:
    return f"volume.create/{node_path(node.role, node.sid)}"


def _machine_key(node: PlannedNode) -> str:
    return f"compute.create/{node_path(node.role, node.sid)}"
