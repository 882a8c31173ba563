"""Tasks that talk to agents: one key is one message, and each answer has its meaning."""

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from pitrix_core.errors import PackageError, TaskFailedError
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import Instance, InstanceState, OperationState
from pitrix_core.pilot.answers import CORE_START, done, pending
from pitrix_core.pilot.inbox import Desk, Frame
from pitrix_core.pilot.tasks import AgentWait, MetadataDelete, MetadataPut, ServiceRun
from pitrix_core.store import tables

SERVICE = {
    "cluster_id": "cl-1",
    "node_id": "cln-cl-1",
    "service": "init",
    "cmd": "do it",
    "timeout_s": 5,
}


@pytest.fixture
def desk(world: Any) -> Desk:
    """The desk the Frontgate talks to."""
    return Desk(store=world.store, pilot_id="pil-1")


@pytest.fixture
def put(world: Any, release: Callable[..., Any]) -> MetadataPut:
    """The task kind, with a cluster and its Frontgate."""
    note = release(agents=True)
    world.cluster(version=note.version_id)
    world.frontgate("fg-1", "cl-1")
    return MetadataPut(store=world.store, loader=note.loader)


def answer(world: Any, desk: Desk, call: Any, kind: str = "metadata.stored", **body: Any) -> None:
    """Answer a task's message; who answers is named as a Frontgate does."""
    key = call.task.request_key
    who = ("cluster_id", "node_id")
    body = {**{name: call.input[name] for name in who if name in call.input}, **body}
    world.receive(desk, "fg-1", Frame(id=f"f-{key}", type=kind, body=body, reply_to=key))


def connect(desk: Desk) -> None:
    """Let the Frontgate in."""
    hello = {"frontgate_id": "fg-1", "token": "token-of-fg-1", "endpoints": ["http://127.0.0.1:1"]}
    desk.welcome(hello)


def after(call: Any, waited_s: float) -> Any:
    """Return a task's call as if it had been started so long ago."""
    started_at = call.task.started_at - dt.timedelta(seconds=waited_s)
    return attrs.evolve(call, task=attrs.evolve(call.task, started_at=started_at))


def test_metadata_are_made_and_handed_over(world: Any, put: MetadataPut) -> None:
    """With the users that may read them; their passwords are secrets."""
    call = world.task("metadata.put", cluster_id="cl-1")

    operation = put.start(call, request_key=call.task.request_key)

    [message] = world.outbox()
    assert operation.state is OperationState.PENDING
    assert (message.id, message.type) == (call.task.request_key, "metadata.put")
    assert message.body["revision"] == 1
    assert message.body["shared"]["name"] == "cl-1"
    [user] = message.body["users"]
    assert (user["node_id"], user["role"]) == ("cln-cl-1", "_")
    assert set(user["password"]) == {"$secret"}


def test_nodes_that_are_to_enrol_have_no_password(world: Any, put: MetadataPut) -> None:
    """The Frontgate gets the digest of the one-time token, and until when it may be shown."""
    enrol(world)

    user = user_of(world, put)

    with world.store.read() as tx:
        now = tx.now
    assert user["enrolment_sha256"] == hashlib.sha256(b"the-node's-password").hexdigest()
    assert dt.datetime.fromisoformat(user["expires_at"]) - now <= dt.timedelta(hours=24)
    assert not {"password", "credential_sha256"} & user.keys()


def test_nodes_that_have_enrolled_are_known_by_their_login(world: Any, put: MetadataPut) -> None:
    """A Frontgate with a new store lets them in again."""
    enrol(world)
    with world.store.begin() as tx:
        tx.clusters.set_node_credential("cln-cl-1", "ab" * 32, reported_by="fg-1")

    user = user_of(world, put)

    assert user["credential_sha256"] == "ab" * 32


@pytest.mark.parametrize(
    ("frontgate", "node"), [(1, 2), (2, 1)], ids=["old-frontgate", "old-drone"]
)
def test_where_one_side_speaks_version_1_nodes_have_passwords(
    world: Any, put: MetadataPut, frontgate: int, node: int
) -> None:
    """A drone goes by what its machine was told when it was made."""
    enrol(world, frontgate=frontgate, node=node)

    user = user_of(world, put)

    assert set(user) == {"node_id", "role", "password"}


def enrol(world: Any, *, frontgate: int = 2, node: int = 2) -> None:
    """Have the Frontgate and the node speak these versions."""
    with world.store.begin() as tx:
        tx.clusters.set_agent_protocol("cl-1", node)
        tx.agents.connect(
            "fg-1", pilot_id="pil-1", endpoints=["http://10.0.0.2:2379"], protocol=frontgate
        )


def user_of(world: Any, put: MetadataPut) -> Any:
    """Hand the metadata over, and return the one user in it."""
    call = world.task("metadata.put", cluster_id="cl-1")
    put.start(call, request_key=call.task.request_key)
    [user] = world.outbox()[-1].body["users"]
    return user


def test_one_key_makes_one_message_and_one_revision(world: Any, put: MetadataPut) -> None:
    """A runner that died may have sent it; the next key is the next revision."""
    call = world.task("metadata.put", cluster_id="cl-1")
    for _ in range(2):
        put.start(call, request_key=call.task.request_key)

    put.start(call, request_key="another")

    assert [message.body["revision"] for message in world.outbox()] == [1, 2]


def test_metadata_are_done_when_they_are_stored(world: Any, put: MetadataPut, desk: Desk) -> None:
    """Not before."""
    connect(desk)
    call = world.task("metadata.put", cluster_id="cl-1")
    operation = put.start(call, request_key=call.task.request_key)
    before = put.poll(call, operation)
    answer(world, desk, call, cluster_id="cl-1", revision=1)

    after = put.poll(call, operation)

    assert before.state is OperationState.PENDING
    assert before.error == "the Frontgate has not stored the metadata"
    assert (after.state, after.outputs) == (OperationState.DONE, {"revision": 1})


def test_metadata_that_cannot_be_stored_fail(world: Any, put: MetadataPut, desk: Desk) -> None:
    """With what the Frontgate says."""
    call = world.task("metadata.put", cluster_id="cl-1")
    operation = put.start(call, request_key=call.task.request_key)
    answer(world, desk, call, "failed", code="x", message="too much")

    failed = put.poll(call, operation)

    assert failed.state is OperationState.FAILED
    assert failed.error == "The Frontgate could not store the metadata: too much"


def test_nodes_are_told_where_their_frontgate_is_now(
    world: Any, release: Callable[..., Any]
) -> None:
    """Those of version 1 of the protocol are not: they would go there without TLS."""
    note = release()
    world.cluster(version=note.version_id)
    world.frontgate("fg-1", "cl-1")
    put = MetadataPut(store=world.store, loader=note.loader)
    told = []
    for protocol, key in ((1, "k-1"), (2, "k-2")):
        with world.store.begin() as tx:
            endpoints = ["https://10.0.0.9:2381"]
            tx.agents.connect("fg-1", pilot_id="pil-1", endpoints=endpoints, protocol=protocol)
        put.start(world.task("metadata.put", cluster_id="cl-1"), request_key=key)
        told.append(world.outbox()[-1].body["nodes"].get("cln-cl-1", {}).get("agent/frontgate"))

    assert told == [None, '{"endpoints": ["https://10.0.0.9:2381"]}']


def test_without_a_frontgate_nothing_is_counted(world: Any, release: Callable[..., Any]) -> None:
    """The revision does not grow when the message could not be put out."""
    note = release()
    world.cluster(version=note.version_id)
    put = MetadataPut(store=world.store, loader=note.loader)
    call = world.task("metadata.put", cluster_id="cl-1")

    with pytest.raises(TaskFailedError, match="No Frontgate serves"):
        put.start(call, request_key="k")

    with world.store.read() as tx:
        assert tx.clusters.snapshot("cl-1").metadata_revision == 0


def test_an_app_type_that_cannot_make_metadata_is_named(
    world: Any, release: Callable[..., Any]
) -> None:
    """Nothing is sent."""
    note = release(raises="metadata")
    world.cluster(version=note.version_id)
    world.frontgate("fg-1", "cl-1")
    call = world.task("metadata.put", cluster_id="cl-1")

    with pytest.raises(PackageError, match="App type note failed to make the metadata"):
        MetadataPut(store=world.store, loader=note.loader).start(call, request_key="k")

    assert world.outbox() == []


@pytest.mark.parametrize("fault", ["not-made", "not-stored"])
def test_metadata_that_may_fail_hold_nobody_up(
    world: Any, release: Callable[..., Any], desk: Desk, fault: str
) -> None:
    """What went wrong is noted: the Frontgate is there for the other clusters."""
    note = release(raises="metadata") if fault == "not-made" else release()
    world.cluster(version=note.version_id)
    world.frontgate("fg-1", "cl-1")
    put = MetadataPut(store=world.store, loader=note.loader)
    call = world.task("metadata.put", cluster_id="cl-1", may_fail=True)

    operation = put.start(call, request_key=call.task.request_key)
    if fault == "not-stored":
        answer(world, desk, call, "failed", code="x", message="too much")
        operation = put.poll(call, operation)

    assert operation.state is OperationState.DONE
    assert ("note" if fault == "not-made" else "too much") in operation.outputs["passed_over"]


def test_a_clusters_metadata_are_taken_away(world: Any, desk: Desk) -> None:
    """By a message that is answered."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    delete = MetadataDelete(store=world.store)
    call = world.task("metadata.delete", cluster_id="cl-1")
    operation = delete.start(call, request_key=call.task.request_key)
    answer(world, desk, call, cluster_id="cl-1", revision=0)

    assert operation.state is OperationState.PENDING
    assert world.outbox()[0].body == {"cluster_id": "cl-1"}
    assert delete.poll(call, operation).state is OperationState.DONE


@pytest.mark.parametrize(
    ("waited_s", "state"),
    [
        pytest.param(5, OperationState.PENDING, id="a-moment"),
        pytest.param(40, OperationState.DONE, id="long"),
    ],
)
def test_metadata_stay_with_a_frontgate_that_is_away(
    world: Any, waited_s: float, state: OperationState
) -> None:
    """A cluster can be deleted without it; the message waits for it."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    delete = MetadataDelete(store=world.store)
    call = world.task("metadata.delete", cluster_id="cl-1")
    operation = delete.start(call, request_key=call.task.request_key)

    found = delete.poll(after(call, waited_s), operation)

    assert found.state is state
    assert [message.type for message in world.outbox()] == ["metadata.delete"]


def test_where_no_frontgate_serves_nothing_is_to_be_taken_away(world: Any) -> None:
    """The creation failed before there was one."""
    world.cluster()
    call = world.task("metadata.delete", cluster_id="cl-1")

    operation = MetadataDelete(store=world.store).start(call, request_key="k")

    assert operation.state is OperationState.DONE


def report(world: Any, desk: Desk, number: int = 1, **body: Any) -> None:
    """Have the node's agent report."""
    said = {"node_id": "cln-cl-1", "state": "configured", "revision": 1, **body}
    world.receive(desk, "fg-1", Frame(id=f"s-{number}", type="node.status", body=said))


def running(_runtime_id: str, machine_id: str) -> Instance:
    """A cloud in which every machine runs."""
    return Instance(id=machine_id, state=InstanceState.RUNNING)


@pytest.fixture
def waiting(world: Any) -> Any:
    """A node that is waited for, of a cluster whose metadata have revision 2."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    with world.store.begin() as tx:
        tx.clusters.next_metadata_revision("cl-1")
        tx.clusters.next_metadata_revision("cl-1")
    return world.task("agent.wait", cluster_id="cl-1", node_id="cln-cl-1")


@pytest.mark.parametrize(
    ("said", "note"),
    [
        pytest.param(None, "its agent is not heard of", id="silent"),
        pytest.param({"revision": 1}, "its agent is configured", id="older-revision"),
        pytest.param({"state": "configuring", "revision": 2}, "configuring", id="configuring"),
        pytest.param(
            {"state": "failed", "revision": 2, "detail": "no such file"},
            "no such file",
            id="failed",
        ),
        pytest.param({"revision": "2"}, "its agent is configured", id="no-number"),
        pytest.param({"revision": None}, "its agent is configured", id="no-revision"),
    ],
)
def test_a_node_is_waited_for_until_it_is_configured(
    world: Any, desk: Desk, waiting: Any, said: Any, note: str
) -> None:
    """What it is at is told, for the message if its time runs out."""
    if said is not None:
        report(world, desk, **said)

    operation = AgentWait(store=world.store, machine=running).start(waiting, request_key="k")

    assert operation.state is OperationState.PENDING
    assert note in (operation.error or "")


@pytest.mark.parametrize("revision", [2, 3])
def test_a_node_configured_from_the_newest_metadata_is_ready(
    world: Any, desk: Desk, waiting: Any, revision: int
) -> None:
    """Or from newer ones."""
    wait = AgentWait(store=world.store, machine=running)
    pending = wait.start(waiting, request_key="k")
    report(world, desk, revision=revision)

    operation = wait.poll(waiting, pending)

    assert (operation.state, operation.outputs) == (OperationState.DONE, {"revision": revision})


def test_a_node_that_cannot_be_configured_is_given_up(world: Any, desk: Desk, waiting: Any) -> None:
    """After a while in which other metadata might have mended it; what it says is in the error."""
    report(world, desk, state="failed", revision=2, detail="peers.tmpl: key does not exist")
    earlier = attrs.evolve(
        waiting.task, started_at=waiting.task.started_at - dt.timedelta(seconds=31)
    )

    operation = AgentWait(store=world.store, machine=running).poll(
        attrs.evolve(waiting, task=earlier), pending(waiting)
    )

    assert operation.state is OperationState.FAILED
    assert "peers.tmpl: key does not exist" in (operation.error or "")


@pytest.fixture
def quiet(world: Any, waiting: Any) -> Callable[..., tuple[AgentWait, TaskCall]]:
    """Wait for a node's machine that has said nothing for a while."""

    def make(state: InstanceState, *, after_s: int) -> tuple[AgentWait, TaskCall]:
        with world.store.begin() as tx:
            tx.clusters.set_node_facts("cln-cl-1", {"id": "i-1", "ip": "10.0.0.1"})
        started_at = waiting.task.started_at - dt.timedelta(seconds=after_s)
        call = attrs.evolve(waiting, task=attrs.evolve(waiting.task, started_at=started_at))
        machine = Instance(id="i-1", state=state)
        return AgentWait(store=world.store, machine=lambda _runtime, _id: machine), call

    return make


@pytest.mark.parametrize(
    ("state", "after_s"),
    [
        pytest.param(InstanceState.RUNNING, 21, id="it-runs"),
        pytest.param(InstanceState.STOPPED, 19, id="not-looked-for-yet"),
    ],
)
def test_a_machine_that_says_nothing_is_waited_for(
    quiet: Callable[..., tuple[AgentWait, TaskCall]], state: InstanceState, after_s: int
) -> None:
    """As long as it runs; it is not looked for at once."""
    wait, call = quiet(state, after_s=after_s)

    assert wait.poll(call, pending(call)).state is OperationState.PENDING


@pytest.mark.parametrize("state", [InstanceState.STOPPED, InstanceState.GONE, InstanceState.FAILED])
def test_a_machine_that_does_not_run_is_not_waited_for(
    quiet: Callable[..., tuple[AgentWait, TaskCall]], state: InstanceState
) -> None:
    """The error names it, and what it is."""
    wait, call = quiet(state, after_s=21)

    with pytest.raises(TaskFailedError, match=f"machine i-1 of node cln-cl-1 is {state}"):
        wait.poll(call, pending(call))


def test_a_node_that_is_none_fails(world: Any) -> None:
    """Instead of being waited for in vain."""
    world.cluster()
    call = world.task("agent.wait", cluster_id="cl-1", node_id="cln-gone")

    with pytest.raises(TaskFailedError, match="no node cln-gone"):
        AgentWait(store=world.store, machine=running).start(call, request_key="k")


@pytest.mark.parametrize(
    ("kind", "body", "state", "said"),
    [
        pytest.param(
            "command.result",
            {"state": "done", "exit_code": 0, "output": "fine"},
            OperationState.DONE,
            None,
            id="done",
        ),
        pytest.param(
            "command.result",
            {"state": "done", "exit_code": 3, "output": "x" * 5000 + "broken pipe\n"},
            OperationState.FAILED,
            "service init on node cln-cl-1 ended with exit code 3: ",
            id="nonzero",
        ),
        pytest.param(
            "command.result",
            {"state": "timed_out", "exit_code": None, "output": "slow"},
            OperationState.FAILED,
            "was not done within 5 s: slow",
            id="timed-out",
        ),
        pytest.param(
            "command.result",
            {"state": "unknown", "exit_code": None, "output": ""},
            OperationState.FAILED,
            "then retry the job",
            id="unknown",
        ),
        pytest.param(
            "command.result",
            {"state": "refused", "exit_code": None, "output": "too old"},
            OperationState.FAILED,
            "refused: too old",
            id="refused",
        ),
        pytest.param(
            "failed",
            {"code": "unknown-node", "message": "no such node"},
            OperationState.FAILED,
            "The Frontgate refused the command: no such node",
            id="failed",
        ),
    ],
)
def test_what_became_of_a_command_is_told(
    world: Any, desk: Desk, kind: str, body: Any, state: OperationState, said: str | None
) -> None:
    """Success has the output; failure says where, why and, if it can, what next."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    run = ServiceRun(store=world.store)
    call = world.task("service.run", **SERVICE)
    operation = run.start(call, request_key=call.task.request_key)
    answer(world, desk, call, kind, command_id=call.task.request_key, **body)

    found = run.poll(call, operation)

    assert found.state is state
    assert len(found.error or "") < 1000
    if said is None:
        assert found.outputs == {"exit_code": 0, "output": "fine"}
    else:
        assert said in (found.error or "")


@pytest.mark.parametrize(
    "answered", [{"state": "done", "exit_code": 3, "output": "gone"}, {"state": "unknown"}]
)
def test_a_command_that_may_fail_is_passed_over(world: Any, desk: Desk, answered: Any) -> None:
    """What comes after it comes; what went wrong is among its outputs."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    run = ServiceRun(store=world.store)
    call = world.task("service.run", **SERVICE, may_fail=True)
    operation = run.start(call, request_key=call.task.request_key)
    answer(world, desk, call, "command.result", command_id=call.task.request_key, **answered)

    found = run.poll(call, operation)

    assert found.state is OperationState.DONE
    assert "service init on node cln-cl-1" in found.outputs["passed_over"]


@pytest.mark.parametrize(
    ("is_connected", "waited_s", "state"),
    [
        pytest.param(False, 5, OperationState.PENDING, id="away-since-a-moment"),
        pytest.param(False, 40, OperationState.DONE, id="away"),
        pytest.param(True, 40, OperationState.PENDING, id="there"),
        pytest.param(True, 70, OperationState.DONE, id="there-but-the-agent-is-silent"),
    ],
)
def test_a_command_that_may_fail_is_not_waited_for_in_vain(
    world: Any, desk: Desk, is_connected: bool, waited_s: float, state: OperationState
) -> None:
    """A Frontgate has half a minute to come back, an agent a minute to report."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    if is_connected:
        connect(desk)
    run = ServiceRun(store=world.store)
    call = world.task("service.run", **SERVICE, may_fail=True)
    operation = run.start(call, request_key=call.task.request_key)

    assert run.poll(after(call, waited_s), operation).state is state


def test_other_commands_wait_for_a_frontgate_that_is_away(world: Any) -> None:
    """Until their time is up; the message says where to look."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    run = ServiceRun(store=world.store)
    call = world.task("service.run", **SERVICE)
    operation = run.start(call, request_key=call.task.request_key)

    found = run.poll(after(call, 500), operation)

    assert found.state is OperationState.PENDING
    assert "Frontgate fg-1 is not connected" in (found.error or "")
    assert "pitrix cluster show cl-fg-1" in (found.error or "")


@pytest.mark.parametrize(("protocol", "told"), [(1, None), (2, "begin")])
def test_a_command_says_what_it_means_for_supervision(
    world: Any, protocol: int, told: str | None
) -> None:
    """Only to a Frontgate that knows of it: an older one refuses the whole command."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    with world.store.engine.begin() as connection:
        connection.execute(tables.frontgates.update().values(protocol=protocol))
    call = world.task("service.run", **SERVICE, supervision="begin")

    ServiceRun(store=world.store).start(call, request_key=call.task.request_key)

    with world.store.read() as tx:
        [(_, message)] = tx.agents.unacknowledged({"fg-1": 0})
    assert message.body.get("supervision") == told


def test_a_command_is_sent_once(world: Any, desk: Desk) -> None:
    """The request key is its id, by which the drone starts it at most once."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    connect(desk)
    run = ServiceRun(store=world.store)
    call = world.task("service.run", **SERVICE, idempotent=True)
    for _ in range(2):
        operation = run.start(call, request_key=call.task.request_key)

    [message] = world.outbox()
    assert message.body["command_id"] == message.id == call.task.request_key
    assert message.body["idempotent"] is True
    assert run.poll(call, operation).error == "the command's result has not come back"


def test_tasks_of_the_core_make_nothing_in_a_cloud(world: Any) -> None:
    """There is nothing to find, to discard or to advance; starting again is always safe."""
    run = ServiceRun(store=world.store)
    call = world.task("service.run", **SERVICE)

    assert run.facts(call) is CORE_START
    assert not CORE_START.creates
    assert run.find(call, "k") == ()
    assert run.discard(call, done(call, {})) is None
    with pytest.raises(TaskFailedError, match="no stage"):
        run.advance(call, done(call, {}), request_key="k")
