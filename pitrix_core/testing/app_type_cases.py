"""Requests and snapshots for trying an application type: what the core would hand it."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from pitrix_core.contracts.apptype import LinkedCluster
from pitrix_core.contracts.interface import Interface
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterSnapshot,
    ClusterState,
    JsonObject,
    Link,
    Metadata,
    Node,
    NodeState,
    OwnedResource,
    PackageSpec,
    PlanDraft,
    PlanRequest,
    Runtime,
    Task,
)
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.validation import pointer_parts, pointer_to, resolve_pointer

#: Any moment will do: an app type has no clock.
_THEN: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CLUSTER_ID: Final = "cl-suite"
LINKED_ID: Final = "cl-linked"


def default_config(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a user gets who fills in nothing: defaults, and a marker for each secret."""
    config: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        if part.get("writeOnly"):
            config[name] = {"$secret": f"sec-{name}"}
        elif "default" in part:
            config[name] = part["default"]
        elif part.get("type") == "object":
            config[name] = default_config(part)
    return config


def linked_config(config: JsonObject, links: Mapping[str, Link]) -> JsonObject:
    """Return a configuration in which every link that a user can set is set."""
    filled: JsonObject = json.loads(json.dumps(config))
    for link in links.values():
        if link.pointer:
            *groups, key = pointer_parts(link.pointer)
            resolve_pointer(filled, pointer_to(groups))[key] = LINKED_ID
    return filled


def linked_to(snapshot: ClusterSnapshot) -> LinkedCluster:
    """Return what a cluster sees of one that it is linked to."""
    metadata = Metadata(
        shared={"cluster/cluster_id": LINKED_ID, "password": {"$secret": "sec-linked"}},
        roles={"main": {"env/port": "2181"}},
    )
    cluster = attrs.evolve(snapshot.cluster, id=LINKED_ID)
    return LinkedCluster(snapshot=attrs.evolve(snapshot, cluster=cluster), metadata=metadata)


def plan_request(
    *,
    action: Action,
    spec: PackageSpec,
    config: JsonObject,
    runtime: Runtime,
    offers: frozenset[str],
    current: ClusterSnapshot | None = None,
) -> PlanRequest:
    """Return what the planner would ask."""
    return PlanRequest(
        action=action,
        cluster_id=CLUSTER_ID,
        name="suite",
        spec=spec,
        config=config,
        runtime=runtime,
        current=current,
        offers=offers,
    )


def snapshot_of(draft: PlanDraft, *, config: JsonObject, runtime: Runtime) -> ClusterSnapshot:
    """Return the cluster as it is once a plan has been carried out."""
    makers = [task for task in draft.tasks if task.kind.endswith((".create", ".ensure"))]
    resources = tuple(
        OwnedResource(
            cluster_id=CLUSTER_ID,
            kind=task.kind,
            resource_id=f"res-{number}",
            node_id=task.node_id,
            request_key=f"key-{number}",
            outputs={"id": f"res-{number}", "ip": f"198.18.0.{number}"},
        )
        for number, task in enumerate(makers, start=1)
        if task.kind not in CORE_KINDS
    )
    machines = {found.node_id: found for found in resources if found.kind == "compute.create"}
    nodes = tuple(
        Node(
            id=planned.id,
            cluster_id=CLUSTER_ID,
            role=planned.role,
            sid=planned.sid,
            gid=planned.gid,
            gsid=number,
            state=NodeState.RUNNING,
            facts=machines[planned.id].outputs if planned.id in machines else {},
            planned=planned.planned,
        )
        for number, planned in enumerate(draft.nodes, start=1)
    )
    cluster = Cluster(
        id=CLUSTER_ID,
        name="suite",
        owner="admin",
        state=ClusterState.ACTIVE,
        runtime_id=runtime.id,
        app_version_id="ver-suite",
        config=config,
        revision=1,
        endpoints=draft.endpoints,
        created_at=_THEN,
        updated_at=_THEN,
    )
    return ClusterSnapshot(cluster=cluster, nodes=nodes, resources=resources, metadata_revision=1)


def predecessors(tasks: tuple[Task, ...]) -> dict[str, frozenset[str]]:
    """Return, for each task, all that come before it.

    :raises ValueError: the graph has a cycle, or names a task that is not there.
    """
    after = {task.key: task.after for task in tasks}
    found: dict[str, frozenset[str]] = {}
    while len(found) < len(after):
        ready = [key for key in after if key not in found and set(after[key]) <= found.keys()]
        if not ready:
            raise ValueError(f"a cycle or an unknown task: {sorted(after.keys() - found.keys())}")
        for key in ready:
            found[key] = frozenset(after[key]).union(*(found[name] for name in after[key]))
    return found


def argument_class(kind: str, interfaces: tuple[type[Interface], ...]) -> type | None:
    """Return the class that a kind's input is checked with; None for kinds nobody declares."""
    name, _, verb = kind.partition(".")
    for interface in interfaces:
        if interface.name == name:
            return interface.start_of(verb).spec
    return None
