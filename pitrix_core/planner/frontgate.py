"""Plans the hidden clusters that Frontgates are."""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from pitrix_core.model import (
    ClusterSnapshot,
    JsonValue,
    OwnedResource,
    PlanDraft,
    PlannedNode,
    Ref,
    Runtime,
    Task,
)
from pitrix_core.model.frontgate import PROTOCOLS
from pitrix_core.planner.agents import frontgate_secret, member_secret
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


@attrs.frozen(kw_only=True)
class FrontgatePlan:
    """What a Frontgate is planned from."""

    cluster_id: str
    frontgate_id: str
    network_id: str
    pilot: PilotPlace
    #: Where it is to be; says how many machines it is.
    runtime: Runtime

    @property
    def numbers(self) -> range:
        """The numbers of its machines."""
        return range(1, self.runtime.frontgate_nodes + 1)

    def node_id(self, number: int) -> str:
        """Return the id of one of its machines."""
        return f"cln-{self.frontgate_id}" + (f"-{number}" if number > 1 else "")


def draft_frontgate(frontgate: FrontgatePlan) -> PlanDraft:
    """Plan a Frontgate: a machine that starts from user-data alone, and is ready when it has
    connected; then the others, where it is several, which the first one lets in.
    """
    first, *others = frontgate.numbers
    wait = _wait(frontgate)
    join = {
        "join_urls": Ref(wait.key, "/join_urls").to_json(),
        "join_ca": Ref(wait.key, "/ca").to_json(),
    }
    joining = [_create(frontgate, number, join=join, after=(wait.key,)) for number in others]
    settle = [_settle(frontgate, joining)] if joining else []
    return PlanDraft(
        tasks=(_create(frontgate, first), wait, *joining, *settle),
        nodes=tuple(_node(frontgate, number) for number in frontgate.numbers),
    )


def draft_restart(frontgate: FrontgatePlan, machines: Iterable[OwnedResource]) -> PlanDraft:
    """Plan that machines of a Frontgate, which were stopped, are started again."""
    starts = [
        Task(
            key=f"compute.start/{machine.node_id}",
            kind="compute.start",
            title="Start the Frontgate's machine again",
            node_id=machine.node_id,
            input={"id": machine.resource_id, "cluster_id": machine.cluster_id},
        )
        for machine in machines
    ]
    wait = attrs.evolve(_wait(frontgate), after=tuple(start.key for start in starts))
    return PlanDraft(tasks=(*starts, wait))


def draft_replacement(
    frontgate: FrontgatePlan,
    machines: Iterable[OwnedResource],
    *,
    address: str,
    configured: Iterable[str],
) -> PlanDraft:
    """Plan that a Frontgate gets other machines in the place of those that are gone or broken, and
    what was in the etcd of those.

    :param address: of the machine before: drones know no other; empty where it is not known.
    :param configured: ids of the clusters whose metadata it was given.
    """
    removes = _removes(machines)
    create, *rest = draft_frontgate(frontgate).tasks
    after = tuple(remove.key for remove in removes)
    create = attrs.evolve(create, input={**create.input, "address": address}, after=after)
    restored = _restored(configured, after=FRONTGATE_WAIT)
    return PlanDraft(tasks=(*removes, create, *rest, *restored))


def draft_members(
    frontgate: FrontgatePlan,
    machines: Iterable[OwnedResource],
    *,
    join: Mapping[str, JsonValue],
    configured: Iterable[str],
) -> PlanDraft:
    """Plan that others take the place of some of a Frontgate's machines, while most of them live.

    :param join: where those let them in, and by what they are known.
    :param configured: ids of the clusters whose machines are to be told where it is now.
    """
    removes = _removes(machines)
    numbers = {frontgate.node_id(number): number for number in frontgate.numbers}
    creates = [
        _create(frontgate, numbers[remove.node_id or ""], join=join, after=(remove.key,))
        for remove in removes
    ]
    settle = _settle(frontgate, creates)
    restored = _restored(configured, after=settle.key)
    return PlanDraft(tasks=(*removes, *creates, settle, *restored))


def _node(frontgate: FrontgatePlan, number: int) -> PlannedNode:
    return PlannedNode(
        id=frontgate.node_id(number),
        role="frontgate",
        sid=number,
        gid=number,
        planned={"cpu": _CPU, "memory_mib": _MEMORY_MIB},
    )


def _create(
    frontgate: FrontgatePlan,
    number: int,
    *,
    join: Mapping[str, JsonValue] | None = None,
    after: tuple[str, ...] = (),
) -> Task:
    """Plan one machine.

    :param join: for one that others let in: where, and by what they are known.
    """
    name = frontgate.frontgate_id + (f"-{number}" if number > 1 else "")
    return Task(
        key=_MACHINE + (f"-{number}" if number > 1 else ""),
        kind="compute.create",
        title="Create the Frontgate's machine" + (f" {number}" if number > 1 else ""),
        node_id=frontgate.node_id(number),
        input={
            "name": f"pitrix-{name}",
            "cluster_id": frontgate.cluster_id,
            "image": {"image": ""},
            "cpu": _CPU,
            "memory_mib": _MEMORY_MIB,
            "network_id": frontgate.network_id,
            "hostname": name,
            "user_data": {
                "$agent": {"agent": "frontgate", "config": _config(frontgate, number, join)}
            },
        },
        after=after,
    )


def _config(
    frontgate: FrontgatePlan, number: int, join: Mapping[str, JsonValue] | None
) -> dict[str, JsonValue]:
    pilot, runtime, frontgate_id = frontgate.pilot, frontgate.runtime, frontgate.frontgate_id
    secret = frontgate_secret(frontgate_id) if join is None else member_secret(frontgate_id, number)
    return {
        "protocol": PROTOCOLS[-1],
        "frontgate_id": frontgate_id,
        "enrolment": secret.to_json(),
        "pilot_urls": list(pilot.urls),
        **({"pilot_ca": pilot.ca} if pilot.ca else {}),
        **({"agents_url": pilot.agents_url} if pilot.agents_url else {}),
        **({"agents_ca": pilot.agents_ca} if pilot.agents_ca else {}),
        **({"proxy": runtime.frontgate_proxy} if runtime.frontgate_proxy else {}),
        "throw_away": runtime.throw_away,
        **({"image_mirror": runtime.image_mirror} if runtime.image_mirror else {}),
        **({"member": number} if runtime.frontgate_nodes > 1 else {}),
        **(join or {}),
    }


def _wait(frontgate: FrontgatePlan) -> Task:
    return Task(
        key=FRONTGATE_WAIT,
        kind=FRONTGATE_WAIT,
        title="Wait for the Frontgate to connect",
        input={"frontgate_id": frontgate.frontgate_id},
        after=(_MACHINE,),
        timeout_s=300.0,
    )


def _settle(frontgate: FrontgatePlan, creates: Iterable[Task]) -> Task:
    """Plan that machines are let in, and waited for."""
    keys = tuple(create.key for create in creates)
    return Task(
        key=f"{FRONTGATE_WAIT}/members",
        kind=FRONTGATE_WAIT,
        title="Wait for the Frontgate's machines to join",
        input={
            "frontgate_id": frontgate.frontgate_id,
            "members": list(frontgate.numbers),
            "addresses": [Ref(key, "/ip").to_json() for key in keys],
        },
        after=keys,
        timeout_s=600.0,
    )


def _removes(machines: Iterable[OwnedResource]) -> list[Task]:
    return [
        Task(
            key=f"compute.delete/{machine.node_id}",
            kind="compute.delete",
            title="Remove what is left of the Frontgate's machine",
            node_id=machine.node_id,
            input={"id": machine.resource_id, "cluster_id": machine.cluster_id},
        )
        for machine in machines
    ]


def _restored(configured: Iterable[str], *, after: str) -> list[Task]:
    """Plan that metadata are written again.

    One cluster whose metadata cannot be made must not keep the Frontgate from the others.
    """
    return [
        Task(
            key=f"{METADATA_PUT}/{cluster_id}",
            kind=METADATA_PUT,
            title=f"Write the metadata of {cluster_id} again",
            input={"cluster_id": cluster_id, "may_fail": True},
            after=(after,),
        )
        for cluster_id in configured
    ]


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
