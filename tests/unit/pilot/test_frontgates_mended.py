"""A Frontgate whose machines died, or are shut out, gets them started again, or others."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from frontgate_rows import connect, hidden, jobs_of

from pitrix_core.errors import ConflictError
from pitrix_core.jobs.effects import end_job
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import (
    ClusterState,
    ImageQuery,
    InstanceSpec,
    OperationState,
    OwnedResource,
    ResourceRef,
    Runtime,
)
from pitrix_core.pilot.arrival import FrontgateWait
from pitrix_core.pilot.authority import authority_of
from pitrix_core.pilot.frontgates import FrontgateEnsure, renew_frontgate
from pitrix_core.pilot.tasks import MetadataPut

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def standing(world: Any, ensure: FrontgateEnsure, gates: Any) -> Any:
    """A Frontgate that is connected, with its machine in the cloud; the machine's id."""
    ensure.start(
        world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1"), request_key="k"
    )
    [cluster] = hidden(world)
    [job] = jobs_of(world, cluster.id)
    spec = InstanceSpec(name="fg", cluster_id=cluster.id, image=ImageQuery(image="debian"))
    made = gates.of("rt-1").start("compute.create", spec, request_key="t-fg-1")
    with world.store.begin() as tx:
        node = tx.clusters.nodes(cluster.id)[0].id
        resource = OwnedResource(
            cluster_id=cluster.id,
            kind="compute.create",
            resource_id=made.resource_id,
            node_id=node,
            request_key="t-fg-1",
        )
        tx.clusters.put_resource(resource, owner="system", runtime_id="rt-1")
        for _task in tx.jobs.tasks(job.id):  # each after the one before
            [claim] = tx.queue.claim("run-1", limit=100)
            tx.queue.succeed(claim.task, {}, None)
            tx.queue.release([claim.task.id])
        end_job(tx, job.id)
    connect(world, cluster.id)
    return made.resource_id


def mended(world: Any, ensure: FrontgateEnsure) -> Any:
    """Ask for the Frontgate again; return how that stands, and the newest job's tasks."""
    again = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    operation = ensure.start(again, request_key="k2")
    [cluster] = hidden(world)
    with world.store.read() as tx:
        tasks = tx.jobs.tasks(jobs_of(world, cluster.id)[0].id)
    return operation, tasks


def test_a_frontgate_that_runs_is_left_as_it_is(
    world: Any, ensure: FrontgateEnsure, standing: str
) -> None:
    """Its endpoints are told at once."""
    operation, _ = mended(world, ensure)

    assert operation.state is OperationState.DONE
    assert len(jobs_of(world, hidden(world)[0].id)) == 1


def test_a_stopped_machine_is_started_again(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str
) -> None:
    """Its connection, which nobody closed, is not believed in."""
    gates.of("rt-1").start("compute.stop", ResourceRef(id=standing), request_key="stop")

    operation, tasks = mended(world, ensure)

    assert operation.state is OperationState.PENDING
    assert [task.kind for task in tasks] == ["compute.start", "frontgate.wait"]
    assert tasks[0].input["id"] == standing


def test_a_machine_that_is_gone_is_replaced(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str
) -> None:
    """The new one enrols anew, as the same Frontgate; what the old one had is worth nothing."""
    with world.store.read() as tx:
        before = tx.agents.frontgate_at("rt-1", "net-1")
    gates.of("rt-1").start("compute.delete", ResourceRef(id=standing), request_key="gone")

    operation, tasks = mended(world, ensure)

    assert operation.state is OperationState.PENDING
    assert [task.kind for task in tasks] == ["compute.delete", "compute.create", "frontgate.wait"]
    config = tasks[1].input["user_data"]["$agent"]["config"]
    secret = {"$secret": before.secret_id}
    assert (config["frontgate_id"], config["enrolment"]) == (before.id, secret)


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        pytest.param("https://10.0.0.2:2381", "10.0.0.2", id="address"),
        pytest.param("https://[fd00::2]:2381", "fd00::2", id="ipv6"),
        pytest.param("https://gate.example:2381", "", id="name"),
    ],
)
def test_a_new_machine_asks_for_the_address_of_the_one_before(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str, endpoint: str, address: str
) -> None:
    """The machines behind it know that one."""
    with world.store.begin() as tx:
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
        tx.agents.connect(frontgate.id, pilot_id="pil-1", endpoints=[endpoint], protocol=2)
    gates.of("rt-1").start("compute.delete", ResourceRef(id=standing), request_key="gone")

    _, [_, create, _] = mended(world, ensure)

    assert create.input["address"] == address


def test_a_new_machine_is_given_the_metadata_again(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str, release: Callable[..., Any]
) -> None:
    """Of every cluster whose metadata the one before had; its etcd is gone with it."""
    note = release(metadata={"cluster": {"name": "one"}})
    world.cluster("cl-2", app_version_id=note.version_id)
    world.cluster("cl-3", app_version_id=note.version_id)
    with world.store.begin() as tx:
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
        for cluster_id in ("cl-2", "cl-3"):
            tx.agents.serve(cluster_id, frontgate_id=frontgate.id)
        tx.clusters.next_metadata_revision("cl-2")
    gates.of("rt-1").start("compute.delete", ResourceRef(id=standing), request_key="gone")

    _, [*_, wait, put] = mended(world, ensure)
    handler = MetadataPut(store=world.store, loader=note.loader)
    operation = handler.start(TaskCall(task=put, input=put.input), request_key="again")

    assert (put.kind, put.input["cluster_id"]) == ("metadata.put", "cl-2")
    assert wait.kind == "frontgate.wait"
    assert operation.state is OperationState.PENDING
    [message] = world.outbox(frontgate.id)
    assert (message.type, message.body["cluster_id"]) == ("metadata.put", "cl-2")
    assert message.body["revision"] == 2


def test_a_dead_machine_is_mended_once(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str
) -> None:
    """Deployments at a time wait for the same job."""
    gates.of("rt-1").start("compute.delete", ResourceRef(id=standing), request_key="gone")

    for _ in range(3):
        mended(world, ensure)

    assert len(jobs_of(world, hidden(world)[0].id)) == 2


def test_a_replaced_machine_has_an_enrolment_of_its_own(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str
) -> None:
    """What the one before could show is worth nothing, and its connection does not count."""
    with world.store.read() as tx:
        before = tx.agents.frontgate_at("rt-1", "net-1")
    gates.of("rt-1").start("compute.delete", ResourceRef(id=standing), request_key="gone")

    mended(world, ensure)

    with world.store.read() as tx:
        after = tx.agents.frontgate_at("rt-1", "net-1")
    assert after.generation == before.generation + 1
    assert after.enrolment_sha256 not in (None, before.enrolment_sha256)
    assert (after.pilot_id, after.connected_at) == (None, None)


def test_a_frontgate_is_renewed_by_another_machine(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str
) -> None:
    """Also one whose machine runs: only user-data brings an enrolment."""
    with world.store.begin() as tx:
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
        tx.agents.revoke(frontgate.id)

        job = renew_frontgate(tx, frontgate, pilot=ensure.pilot, provider=gates.of("rt-1"))

        tasks = tx.jobs.tasks(job.id)
        renewed = tx.agents.frontgate(frontgate.id)
    assert [task.kind for task in tasks] == ["compute.delete", "compute.create", "frontgate.wait"]
    assert tasks[0].input["id"] == standing
    assert renewed.enrolment_sha256 is not None


def test_a_frontgate_is_renewed_once_at_a_time(
    world: Any, ensure: FrontgateEnsure, gates: Any, standing: str
) -> None:
    """While a job is at work on it, its machine is that job's."""
    with world.store.begin() as tx:
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
        renew_frontgate(tx, frontgate, pilot=ensure.pilot, provider=gates.of("rt-1"))

        with pytest.raises(ConflictError, match="no machine that no job"):
            renew_frontgate(tx, frontgate, pilot=ensure.pilot, provider=gates.of("rt-1"))


@pytest.fixture
def three(
    world: Any, ensure: FrontgateEnsure, gates: Any, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """A Frontgate of three machines at work; returns their ids, in order."""
    # the settings of a runtime that there is cannot be changed
    monkeypatch.setattr(Runtime, "frontgate_nodes", property(lambda _: 3))
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    ensure.start(call, request_key="k")
    [cluster] = hidden(world)
    with world.store.begin() as tx:
        [job] = tx.jobs.search(cluster_id=cluster.id)
        machines = []
        for task in [each for each in tx.jobs.tasks(job.id) if each.kind == "compute.create"]:
            spec = InstanceSpec(
                name=task.key, cluster_id=cluster.id, image=ImageQuery(image="debian")
            )
            made = gates.of("rt-1").start("compute.create", spec, request_key=task.key)
            resource = OwnedResource(
                cluster_id=cluster.id,
                kind="compute.create",
                resource_id=made.resource_id,
                node_id=task.node_id,
                request_key=task.key,
            )
            tx.clusters.put_resource(resource, owner="system", runtime_id="rt-1")
            machines.append(made.resource_id)
        tx.clusters.set_state(cluster.id, ClusterState.ACTIVE)
        frontgate = tx.agents.frontgate_of(cluster.id)
        endpoints = [f"https://10.0.0.{number}:2381" for number in (2, 3, 4)]
        tx.agents.connect(frontgate.id, pilot_id="pil-1", endpoints=endpoints, protocol=2)
    return machines


def test_one_machine_of_three_is_replaced_by_one_that_the_others_let_in(
    world: Any, ensure: FrontgateEnsure, gates: Any, three: list[str]
) -> None:
    """These go on meanwhile: nothing that they have is revoked."""
    gates.of("rt-1").start("compute.delete", ResourceRef(id=three[1]), request_key="gone")

    _, [remove, create, settle] = mended(world, ensure)

    config = create.input["user_data"]["$agent"]["config"]
    with world.store.read() as tx:
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
    assert remove.input["id"] == three[1]
    assert (config["member"], config["enrolment"]) == (2, {"$secret": f"sec-{frontgate.id}-2"})
    assert config["join_urls"] == [f"https://10.0.0.{number}:2378" for number in (2, 3, 4)]
    assert settle.input["addresses"] == [{"$ref": f"{create.key}#/ip"}]
    assert (frontgate.generation, frontgate.connected_at is not None) == (1, True)


def test_a_frontgate_that_lost_most_of_its_machines_begins_anew(
    world: Any, ensure: FrontgateEnsure, gates: Any, three: list[str]
) -> None:
    """With three others; what the ones before have is worth nothing."""
    for machine in three[:2]:
        gates.of("rt-1").start("compute.delete", ResourceRef(id=machine), request_key=machine)

    _, tasks = mended(world, ensure)

    with world.store.read() as tx:
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
    assert [task.kind for task in tasks] == [
        *["compute.delete"] * 3,
        "compute.create",
        "frontgate.wait",
        *["compute.create"] * 2,
        "frontgate.wait",
    ]
    assert frontgate.generation == 2


def test_machines_that_are_to_join_are_told_of_and_waited_for(world: Any) -> None:
    """The Frontgate knows digests; it has let them in when it says where they are."""
    world.frontgate("fg-1")
    with world.store.begin() as tx:
        tx.secrets.add("what-it-shows", owner="system", secret_id="sec-fg-1-2")
        authority_of(tx, tx.agents.frontgate("fg-1"))
        endpoints = ["https://10.0.0.2:2381"]
        tx.agents.connect("fg-1", pilot_id="pil-1", endpoints=endpoints, protocol=2)
    call = world.task("frontgate.wait", frontgate_id="fg-1", members=[2], addresses=["10.0.0.3"])
    wait = FrontgateWait(store=world.store)

    before = wait.start(call, request_key="k")
    [message] = world.outbox()
    with world.store.begin() as tx:
        endpoints = ["https://10.0.0.3:2381", "https://10.0.0.2:2381"]
        tx.agents.connect("fg-1", pilot_id="pil-1", endpoints=endpoints, protocol=2)
    after = wait.poll(call, before)

    [member] = message.body["members"]
    assert (message.type, member["number"]) == ("etcd.members", 2)
    assert member["enrolment_sha256"] == hashlib.sha256(b"what-it-shows").hexdigest()
    assert (before.state, after.state) == (OperationState.PENDING, OperationState.DONE)
    assert after.outputs["join_urls"] == ["https://10.0.0.3:2378"]
