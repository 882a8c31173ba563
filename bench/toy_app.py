"""An app type for measurements: clusters of machines with a volume each, and nothing on them."""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from pitrix_core import AppType, hookimpl
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.model import (
    Action,
    JsonObject,
    OwnedResource,
    PackageIndex,
    PackageSpec,
    PlanDraft,
    PlannedNode,
    PlanRequest,
    Task,
)
from pitrix_core.package import describe

MARKER: Final = "toy.json"
#: Seconds; far below what clouds are given, and far above what the fake one takes.
_TIMEOUT_S: Final = 60.0


class ToyType(AppType[PackageSpec]):
    """Plans what a provider alone can carry out: no agents are needed."""

    name = "toy"

    def claims(self, index: PackageIndex) -> bool:
        """Take what has the marker."""
        return index.has(MARKER)

    def parse(self, reader: PackageReader) -> PackageSpec:
        """Read nothing but name and version."""
        return PackageSpec(info=describe(reader))

    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> JsonObject:
        """Ask for a number of machines."""
        machines = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {"machines": {**machines, "title": "Machines"}},
        }

    def requires(self, spec: PackageSpec) -> frozenset[str]:
        """Need all that the plans consist of."""
        kinds = ("compute.create", "compute.delete", "volume.create", "volume.delete")
        return frozenset({"network.ensure", *kinds})

    def plan(self, request: PlanRequest) -> PlanDraft:
        """Make a network and machines in it; or remove them, volumes after machines."""
        if request.action is Action.DELETE and request.current is not None:
            return PlanDraft(tasks=tuple(_removals(request.current.resources)))
        sids = range(1, request.config["machines"] + 1)
        network = Task(
            key="network.ensure",
            kind="network.ensure",
            title="Have a network",
            input={"name": "toy", "cluster_id": request.cluster_id},
            timeout_s=_TIMEOUT_S,
        )
        nodes = tuple(node_of(request.cluster_id, sid) for sid in sids)
        network_id = {"$ref": "network.ensure#/id"}
        made = [task for node in nodes for task in additions(request.cluster_id, node, network_id)]
        return PlanDraft(tasks=(network, *made), nodes=nodes)


def node_of(cluster_id: str, sid: int) -> PlannedNode:
    """Return a cluster's machine of a number."""
    return PlannedNode(id=f"cln-{cluster_id}-{sid}", role="", sid=sid, gid=sid)


def additions(cluster_id: str, node: PlannedNode, network_id: object) -> Iterator[Task]:
    """Return the tasks that make a machine with its volume.

    :param network_id: or where it comes from; the task of that name comes first.
    """
    volume = f"volume.create/{node.sid}"
    comes_from_task = isinstance(network_id, dict)
    yield Task(
        key=volume,
        kind="volume.create",
        title=f"Create volume {node.sid}",
        node_id=node.id,
        input={"name": f"v-{node.sid}", "cluster_id": cluster_id, "size_gib": 1},
        timeout_s=_TIMEOUT_S,
    )
    yield Task(
        key=f"compute.create/{node.sid}",
        kind="compute.create",
        title=f"Create machine {node.sid}",
        node_id=node.id,
        after=("network.ensure", volume) if comes_from_task else (volume,),
        input={
            "name": f"m-{node.sid}",
            "cluster_id": cluster_id,
            "image": {"image": "any"},
            "network_id": network_id,
            "volumes": [{"volume_id": {"$ref": f"{volume}#/id"}}],
        },
        timeout_s=_TIMEOUT_S,
    )


def _removals(resources: tuple[OwnedResource, ...]) -> Iterator[Task]:
    machines = [r for r in resources if r.kind.startswith("compute.")]
    volumes = [r for r in resources if r.kind.startswith("volume.")]
    machine_tasks = [_removal(r, number) for number, r in enumerate(machines, start=1)]
    yield from machine_tasks
    after = tuple(task.key for task in machine_tasks)
    for number, volume in enumerate(volumes, start=1):
        yield attrs.evolve(_removal(volume, number), after=after)


def _removal(resource: OwnedResource, number: int) -> Task:
    interface = resource.kind.partition(".")[0]
    return Task(
        key=f"{interface}.delete/{number}",
        kind=f"{interface}.delete",
        title=f"Remove {resource.resource_id}",
        node_id=resource.node_id,
        input={"id": resource.resource_id, "cluster_id": resource.cluster_id},
        timeout_s=_TIMEOUT_S,
    )


class ToyTypes:
    """The plugin that adds the app type."""

    @hookimpl
    def pitrix_app_types(self) -> list[AppType[Any]]:
        """Add it."""
        return [ToyType()]
