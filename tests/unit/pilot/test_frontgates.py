"""A network has one Frontgate: made by whoever needs it first, and gone with its runtime."""

import threading
import time
from typing import Any

import core_world
import pytest
from frontgate_rows import connect, fail, hidden, jobs_of

from pitrix_core.errors import PluginNotFoundError
from pitrix_core.jobs import compensation
from pitrix_core.model import ClusterState, OperationState
from pitrix_core.pilot.arrival import FrontgateWait
from pitrix_core.pilot.frontgates import FrontgateEnsure, remove_frontgate
from pitrix_core.pilot.inbox import Desk
from pitrix_core.planner.frontgate import PilotPlace

#: Seconds in which a transaction that waits for nobody has long come to the job.
MOMENT_S = 0.3

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


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
