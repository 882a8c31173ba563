"""Plans the hidden clusters that Frontgates are."""

from collections.abc import Iterable
from typing import Final

import attrs

from pitrix_core.model import (
    ClusterSnapshot,
    OwnedResource,
    PlanDraft,
    PlannedNode,
    Runtime,
    Task,
)
from pitrix_core.model.frontgate import PROTOCOLS
from pitrix_core.planner.agents import frontgate_secret
from pitrix_core.planner.kinds import FRONTGATE_WAIT, METADATA_PUT

#: Written where a cluster names its app version: a Frontgate is of no app.
NO_APP_VERSION: Final = "frontgate"

#: Size of its machine: etcd and one small process.
_CPU: Final = 1
_MEMORY_MIB: Final = 1024

_MACHINE: Final = "compute.create/frontgate"


@attrs.frozen(kw_only=True)
class PilotPlace:
    """Where Frontgates find the Pilots and agents for their nodes, and by what they know them."""

    urls: tuple[str, ...] = ()
    #: Certificates, PEM, of the only authorities they trust for it; empty: those of their machine.
    ca: str = ""
    #: Where agents are handed out; ``/NAME/SHA256`` is added to it.
    agents_url: str = ""
    #: As ``ca``, for ``agents_url``.
    agents_ca: str = ""


def draft_frontgate(
    *,
    cluster_id: str,
    frontgate_id: str,
    network_id: str,
    pilot: PilotPlace,
    runtime: Runtime,
) -> PlanDraft:
    """Plan a Frontgate: a machine that starts from user-data alone, and is ready when it has
    connected.

    :param runtime: where it is to be.
    """
    node = PlannedNode(
        id=f"cln-{frontgate_id}",
        role="frontgate",
        sid=1,
        gid=1,
        planned={"cpu": _CPU, "memory_mib": _MEMORY_MIB},
    )
    config = {
        "protocol": PROTOCOLS[-1],
        "frontgate_id": frontgate_id,
        "enrolment": frontgate_secret(frontgate_id).to_json(),
        "pilot_urls": list(pilot.urls),
        **({"pilot_ca": pilot.ca} if pilot.ca else {}),
        **({"agents_url": pilot.agents_url} if pilot.agents_url else {}),
        **({"agents_ca": pilot.agents_ca} if pilot.agents_ca else {}),
        **({"proxy": runtime.frontgate_proxy} if runtime.frontgate_proxy else {}),
        "throw_away": runtime.throw_away,
        **({"image_mirror": runtime.image_mirror} if runtime.image_mirror else {}),
    }
    machine = Task(
        key=_MACHINE,
        kind="compute.create",
        title="Create the Frontgate's machine",
        node_id=node.id,
        input={
            "name": f"pitrix-{frontgate_id}",
            "cluster_id": cluster_id,
            "image": {"image": ""},
            "cpu": _CPU,
            "memory_mib": _MEMORY_MIB,
            "network_id": network_id,
            "hostname": frontgate_id,
            "user_data": {"$agent": {"agent": "frontgate", "config": config}},
        },
    )
    wait = Task(
        key=FRONTGATE_WAIT,
        kind=FRONTGATE_WAIT,
        title="Wait for the Frontgate to connect",
        input={"frontgate_id": frontgate_id},
        after=(_MACHINE,),
        timeout_s=300.0,
    )
    return PlanDraft(tasks=(machine, wait), nodes=(node,))


def draft_restart(frontgate: PlanDraft, machine: OwnedResource) -> PlanDraft:
    """Plan that a Frontgate's machine, which was stopped, is started again.

    :param frontgate: what :func:`draft_frontgate` planned for it.
    """
    start = Task(
        key="compute.start/frontgate",
        kind="compute.start",
        title="Start the Frontgate's machine again",
        node_id=machine.node_id,
        input={"id": machine.resource_id, "cluster_id": machine.cluster_id},
    )
    [_create, wait] = frontgate.tasks
    return PlanDraft(tasks=(start, attrs.evolve(wait, after=(start.key,))))


def draft_replacement(
    frontgate: PlanDraft, machine: OwnedResource, *, address: str, configured: Iterable[str]
) -> PlanDraft:
    """Plan that a Frontgate gets another machine in the place of one that is gone or broken, and
    what was in the etcd of that one.

    One cluster whose metadata cannot be made must not keep the Frontgate from the others.

    :param frontgate: what :func:`draft_frontgate` planned for it.
    :param address: of the machine before: drones know no other; empty where it is not known.
    :param configured: ids of the clusters whose metadata it was given.
    """
    remove = Task(
        key="compute.delete/frontgate",
        kind="compute.delete",
        title="Remove what is left of the Frontgate's machine",
        node_id=machine.node_id,
        input={"id": machine.resource_id, "cluster_id": machine.cluster_id},
    )
    [create, wait] = frontgate.tasks
    create = attrs.evolve(create, input={**create.input, "address": address}, after=(remove.key,))
    restored = [
        Task(
            key=f"{METADATA_PUT}/{cluster_id}",
            kind=METADATA_PUT,
            title=f"Write the metadata of {cluster_id} again",
            input={"cluster_id": cluster_id, "may_fail": True},
            after=(wait.key,),
        )
        for cluster_id in configured
    ]
    return PlanDraft(tasks=(remove, create, wait, *restored))


def draft_removal(current: ClusterSnapshot) -> PlanDraft:
    """Plan the removal of a Frontgate's machines."""
    machines = [r for r in current.resources if r.kind == "compute.create"]
    return PlanDraft(
        tasks=tuple(
            Task(
                key=f"compute.delete/{number}",
                kind="compute.delete",
                title="Remove the Frontgate's machine",
                node_id=machine.node_id,
                input={"id": machine.resource_id, "cluster_id": current.cluster.id},
            )
            for number, machine in enumerate(machines, start=1)
        )
    )
