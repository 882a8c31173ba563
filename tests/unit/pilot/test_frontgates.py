"""A network has one Frontgate: made by whoever needs it first, and gone with its runtime."""

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import core_world
import pytest

from pitrix_core.errors import ConflictError, PluginNotFoundError
from pitrix_core.jobs import compensation
from pitrix_core.jobs.effects import end_job
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import (
    ClusterState,
    ImageQuery,
    InstanceSpec,
    Job,
    OperationState,
    OwnedResource,
    ResourceRef,
    Runtime,
)
from pitrix_core.pilot.arrival import FrontgateWait
from pitrix_core.pilot.authority import authority_of
from pitrix_core.pilot.frontgates import (
    FrontgateEnsure,
    remove_frontgate,
    renew_frontgate,
)
from pitrix_core.pilot.inbox import Desk
from pitrix_core.pilot.tasks import MetadataPut
from pitrix_core.planner.frontgate import PilotPlace

#: Seconds in which a transaction that waits for nobody has long come to the job.
MOMENT_S = 0.3

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def gates(world: Any, tmp_path: Path) -> Any:
    """The providers of a process that has used none yet."""
    services = core_world.make_services(world.store, tmp_path, core_world.registry_of())
    yield services.gates
    services.gates.close()


@pytest.fixture
def ensure(world: Any, gates: Any) -> FrontgateEnsure:
    """The task kind."""
    world.cluster()
    return FrontgateEnsure(
        store=world.store, provider=gates.of, pilot=PilotPlace(urls=("ws://127.0.0.1:1",))
    )


def hidden(world: Any) -> list[Any]:
    """Return the hidden clusters."""
    with world.store.read() as tx:
        return [cluster for cluster in tx.clusters.search() if cluster.hidden]


def jobs_of(world: Any, cluster_id: str) -> list[Job]:
    """Return a cluster's jobs, newest first."""
    with world.store.read() as tx:
        found: list[Job] = tx.jobs.search(cluster_id=cluster_id)
    return found


def connect(world: Any, cluster_id: str, endpoint: str = "https://[2001:db8::1]:2381") -> str:
    """Have a hidden cluster's Frontgate connect, and return its id."""
    with world.store.read() as tx:
        frontgate = tx.agents.frontgate_of(cluster_id)
        secret = tx.secrets.get(frontgate.secret_id)
    said = {
        "protocol": frontgate.protocol,
        "frontgate_id": frontgate.id,
        "token" if frontgate.protocol == 1 else "enrolment": secret,
        "endpoints": [endpoint],
    }
    return Desk(store=world.store, pilot_id="pil-1").welcome(said).held.frontgate_id


def fail(world: Any, cluster_id: str, error: str = "no image") -> None:
    """Let the newest job of a cluster fail at its first task."""
    [job, *_] = jobs_of(world, cluster_id)
    with world.store.begin() as tx:
        tx.queue.claim("run-1", limit=100)
        first = tx.jobs.tasks(job.id)[0]
        tx.queue.fail(first, None, error=error, error_code="provider")
        end_job(tx, job.id)


def test_the_first_deployment_submits_the_hidden_clusters_job(
    world: Any, ensure: FrontgateEnsure
) -> None:
    """Its machine's task holds only the id of its enrolment."""
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    operation = ensure.start(call, request_key="k")

    [cluster] = hidden(world)
    [job] = jobs_of(world, cluster.id)
    assert operation.state is OperationState.PENDING
    assert cluster.state is ClusterState.CREATING
    assert cluster.owner == "system"
    with world.store.read() as tx:
        [machine, wait] = tx.jobs.tasks(job.id)
        frontgate = tx.agents.frontgate_at("rt-1", "net-1")
        enrolment = tx.secrets.get(frontgate.secret_id)
    config = machine.input["user_data"]["$agent"]["config"]
    assert config["enrolment"] == {"$secret": frontgate.secret_id}
    assert enrolment not in str(machine.input)
    assert config["throw_away"] is True
    assert wait.kind == "frontgate.wait"


def test_starting_again_makes_no_second_one(world: Any, ensure: FrontgateEnsure) -> None:
    """A runner may have died between the two."""
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    for _ in range(2):
        ensure.start(call, request_key="k")

    assert len(hidden(world)) == 1
    assert len(jobs_of(world, hidden(world)[0].id)) == 1


def test_deployments_at_a_time_share_one(world: Any, ensure: FrontgateEnsure) -> None:
    """Whoever comes second waits for the first one's."""
    calls = [
        world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1") for _ in range(4)
    ]
    together = threading.Barrier(len(calls), timeout=10)
    failures: list[BaseException] = []

    def start(call: Any) -> None:
        try:
            together.wait()
            ensure.start(call, request_key=call.task.request_key)
        except BaseException as ex:  # noqa: BLE001  # shown by the assertion below
            failures.append(ex)

    threads = [threading.Thread(target=start, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert failures == []
    assert len(hidden(world)) == 1


def test_another_network_has_one_of_its_own(world: Any, ensure: FrontgateEnsure) -> None:
    """A Frontgate is of one runtime and one network."""
    for network in ("net-1", "net-2"):
        call = world.task("frontgate.ensure", cluster_id="cl-1", network_id=network)
        ensure.start(call, request_key=network)

    assert len(hidden(world)) == 2


def test_it_is_done_once_the_frontgate_has_connected(world: Any, ensure: FrontgateEnsure) -> None:
    """The cluster is served by it from then on."""
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    before = ensure.start(call, request_key="k")
    frontgate_id = connect(world, hidden(world)[0].id)

    after = ensure.poll(call, before)

    assert "is creating" in (before.error or "")
    assert after.state is OperationState.DONE
    assert "-----BEGIN CERTIFICATE-----" in after.outputs.pop("ca")
    assert after.outputs == {
        "id": frontgate_id,
        "protocol": 2,
        "endpoints": ["https://[2001:db8::1]:2381"],
        "enrol_url": "https://[2001:db8::1]:2378",
    }
    with world.store.read() as tx:
        assert tx.agents.frontgate_serving("cl-1").id == frontgate_id
    assert protocols(world, "cl-1") == [2]


@pytest.mark.parametrize(
    ("endpoint", "enrol_url"),
    [
        pytest.param("https://192.0.2.7", "https://192.0.2.7:2378", id="address"),
        pytest.param("https://[2001:db8::1]/", "https://[2001:db8::1]:2378", id="address-of-ipv6"),
        pytest.param("https://gate.example/", "https://gate.example:2378", id="name"),
    ],
)
def test_nodes_enrol_at_the_host_of_the_endpoint(
    world: Any, ensure: FrontgateEnsure, endpoint: str, enrol_url: str
) -> None:
    """Also where that names no port."""
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    before = ensure.start(call, request_key="k")
    connect(world, hidden(world)[0].id, endpoint)

    after = ensure.poll(call, before)

    assert after.outputs["enrol_url"] == enrol_url


def test_machines_are_told_the_version_of_their_frontgate(
    world: Any, ensure: FrontgateEnsure
) -> None:
    """Those that are made already go on as they were told."""
    world.frontgate(network="net-1")
    connected = Desk(store=world.store, pilot_id="pil-1")
    hello = {"protocol": 1, "token": "token-of-fg-1", "endpoints": ["http://192.0.2.1:2379"]}
    connected.welcome({**hello, "frontgate_id": "fg-1"})
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    outputs = ensure.start(call, request_key="k").outputs

    told = {"protocol": 1, "ca": "", "enrol_url": ""}
    assert {name: outputs[name] for name in told} == told
    assert protocols(world, "cl-1") == [1]


def protocols(world: Any, cluster_id: str) -> list[int]:
    """Return which version each node's agent speaks."""
    with world.store.read() as tx:
        return [login.protocol for login in tx.clusters.node_logins(cluster_id).values()]


def test_a_failed_one_fails_those_who_wait(world: Any, ensure: FrontgateEnsure) -> None:
    """With its job and why."""
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    operation = ensure.start(call, request_key="k")
    fail(world, hidden(world)[0].id)

    failed = ensure.poll(call, operation)

    assert failed.state is OperationState.FAILED
    assert "no image" in (failed.error or "")
    assert jobs_of(world, hidden(world)[0].id)[0].id in (failed.error or "")


def test_a_failed_one_is_revived_by_the_next_deployment(
    world: Any, ensure: FrontgateEnsure
) -> None:
    """Whoever asks for it again wants it tried again; there is still only one."""
    first = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    ensure.start(first, request_key="k")
    fail(world, hidden(world)[0].id)
    second = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    operation = ensure.start(second, request_key="k2")

    [cluster] = hidden(world)
    [job] = jobs_of(world, cluster.id)
    assert operation.state is OperationState.PENDING
    assert (cluster.state, job.state) == (ClusterState.CREATING, "running")


def test_one_that_is_tried_again_by_hand_meanwhile_is_waited_for(
    world: Any, ensure: FrontgateEnsure
) -> None:
    """Whoever was first has let its job go on; the deployment does not fail for it."""
    first = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    ensure.start(first, request_key="k")
    [cluster] = hidden(world)
    fail(world, cluster.id)
    [job] = jobs_of(world, cluster.id)
    by_hand = threading.Event()

    def retry_by_hand() -> None:
        with world.store.begin() as tx:
            tx.queue.lock_jobs([job.id])
            by_hand.set()
            time.sleep(MOMENT_S)  # what begins meanwhile sees the job as it was
            compensation.retry(tx, job.id)
            tx.clusters.set_state(cluster.id, ClusterState.CREATING)

    other = threading.Thread(target=retry_by_hand)
    other.start()
    by_hand.wait(timeout=20)
    second = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    operation = ensure.start(second, request_key="k2")

    other.join(timeout=20)
    assert operation.state is OperationState.PENDING
    assert jobs_of(world, cluster.id)[0].state == "running"


def test_one_whose_removal_failed_is_not_revived(
    world: Any, ensure: FrontgateEnsure, gates: Any
) -> None:
    """What is to go is not to be used again."""
    first = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    ensure.start(first, request_key="k")
    [cluster] = hidden(world)
    with world.store.begin() as tx:
        tx.clusters.put_resource(
            core_world.machine_of(cluster.id), owner="system", runtime_id="rt-1"
        )
        remove_frontgate(tx, cluster, provider=gates.of("rt-1"))
    fail(world, cluster.id, "still in use")
    second = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    operation = ensure.start(second, request_key="k2")

    assert operation.state is OperationState.FAILED
    assert "still in use" in (operation.error or "")


def test_one_that_was_removed_meanwhile_fails_those_who_wait(
    world: Any, ensure: FrontgateEnsure
) -> None:
    """Its runtime was taken away."""
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")
    operation = ensure.start(call, request_key="k")
    with world.store.begin() as tx:
        tx.agents.remove_frontgate(hidden(world)[0].id)

    assert ensure.poll(call, operation).state is OperationState.FAILED


def test_a_provider_that_is_gone_leaves_nothing_behind(world: Any) -> None:
    """It is asked for before anything is written."""
    world.cluster()

    def gone(runtime_id: str) -> Any:
        raise PluginNotFoundError("no provider")

    ensure = FrontgateEnsure(store=world.store, provider=gone, pilot=PilotPlace(urls=()))
    call = world.task("frontgate.ensure", cluster_id="cl-1", network_id="net-1")

    with pytest.raises(PluginNotFoundError):
        ensure.start(call, request_key="k")

    assert hidden(world) == []


def test_the_first_connection_is_waited_for(world: Any) -> None:
    """Then the Frontgate's own job is done."""
    world.cluster()
    world.frontgate()
    wait = FrontgateWait(store=world.store)
    call = world.task("frontgate.wait", frontgate_id="fg-1")
    before = wait.start(call, request_key="k")
    connect(world, "cl-fg-1")

    after = wait.poll(call, before)

    assert (before.state, before.error) == (
        OperationState.PENDING,
        "the Frontgate has not connected to the Pilot",
    )
    assert (after.state, after.outputs) == (OperationState.DONE, {"id": "fg-1"})


def test_a_frontgate_that_is_gone_is_not_waited_for(world: Any) -> None:
    """It was removed while it started."""
    world.cluster()
    call = world.task("frontgate.wait", frontgate_id="fg-gone")

    operation = FrontgateWait(store=world.store).start(call, request_key="k")

    assert operation.state is OperationState.FAILED


def test_a_removal_takes_the_machine(world: Any, gates: Any) -> None:
    """As a job of the hidden cluster."""
    world.frontgate()
    provider = gates.of("rt-1")
    with world.store.begin() as tx:
        tx.clusters.put_resource(
            core_world.machine_of("cl-fg-1"), owner="system", runtime_id="rt-1"
        )
        job = remove_frontgate(tx, tx.clusters.get("cl-fg-1"), provider=provider)
        [task] = tx.jobs.tasks(job.id)
        state = tx.clusters.get("cl-fg-1").state

    assert (task.kind, task.input["id"]) == ("compute.delete", "i-1")
    assert state is ClusterState.DELETING


# -- machines that died ----------------------------------------------------------------------------


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
