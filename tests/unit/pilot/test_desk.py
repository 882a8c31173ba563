"""What a Frontgate says changes what it may change, once, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from served import hello

from pitrix_core.errors import InvalidInputError, UnauthorizedError
from pitrix_core.model import ClusterState
from pitrix_core.pilot.answers import pending
from pitrix_core.pilot.inbox import Admission, Desk, Frame, Held, LostConnectionError
from pitrix_core.store import Store
from pitrix_core.store.agents import Frontgate, Message

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def desk(store: Store) -> Desk:
    """The desk of one Pilot."""
    return Desk(store=store, pilot_id="pil-1")


def frontgate(store: Store, frontgate_id: str = "fg-1") -> Frontgate:
    """Return what is known of a Frontgate."""
    with store.read() as tx:
        found = tx.agents.frontgate(frontgate_id)
    assert found is not None
    return found


def status(node_id: str, frame_id: str = "f-1", **body: Any) -> Frame:
    """Return a drone's report."""
    said = {"state": "configured", "revision": 1, "node_id": node_id, **body}
    return Frame(id=frame_id, type="node.status", body=said)


def agent_of(store: Store, cluster_id: str) -> Any:
    """Return the last report about a cluster's node."""
    with store.read() as tx:
        [node] = tx.clusters.nodes(cluster_id)
    return node.agent


def test_a_frontgate_with_its_token_is_welcome(world: Any, desk: Desk) -> None:
    """Where its etcd is, and that it has connected, is known from now on."""
    world.frontgate()

    admission = desk.welcome(hello())

    known = frontgate(world.store)
    assert admission == Admission(
        held=Held(frontgate_id="fg-1", connection=known.connection), protocol=1, token=None
    )
    assert known.endpoints == ("http://127.0.0.1:2379",)
    assert known.connected_at is not None


def test_a_connection_wakes_those_who_wait_for_it(world: Any, desk: Desk) -> None:
    """Deployments and the Frontgate's own job."""
    world.cluster()
    world.frontgate()
    waiting = world.task("frontgate.wait", frontgate_id="fg-1")
    world.wait(waiting, pending(waiting))

    desk.welcome(hello())

    assert world.is_awake(waiting)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(hello(token="wrong"), id="wrong-token"),
        pytest.param(hello(token=""), id="no-token"),
        pytest.param(hello(token=None), id="null"),
        pytest.param(hello(token="töken"), id="not-ascii"),
        pytest.param(hello(token="token-of-fg-2"), id="anothers-token"),
        pytest.param(hello("fg-3"), id="unknown"),
        pytest.param(hello("fg-1\x00"), id="null-character"),
        pytest.param(hello("fg-\ud800"), id="half-a-character"),
        pytest.param(hello(token="\ud800"), id="token-of-half-a-character"),
        pytest.param({}, id="nothing"),
    ],
)
def test_others_are_refused(world: Any, desk: Desk, said: dict[str, Any]) -> None:
    """Without a word about which of the two was wrong; nothing is written."""
    world.frontgate()
    world.frontgate("fg-2")

    with pytest.raises(UnauthorizedError, match="not known, or its token is wrong"):
        desk.welcome(said)

    assert frontgate(world.store).connected_at is None


@pytest.mark.parametrize(
    "endpoints",
    [
        None,
        [],
        5,
        "http://x",
        ["http://x", 5],
        [""],
        ["ftp://x"],
        ["https://[x"],
        ["https://[::::]:2381"],
        ["https://[192.0.2.7]:2381"],
        ["https://x:port"],
        ["https://a b"],
        ["https://x\x00"],
        ["https://" + "x" * 600],
        ["https://x"] * 100,
    ],
)
def test_a_frontgate_without_endpoints_is_refused(
    world: Any, desk: Desk, endpoints: object
) -> None:
    """Drones could not find it."""
    world.frontgate()

    with pytest.raises(InvalidInputError, match="where its etcd is"):
        desk.welcome(hello(endpoints=endpoints))

    assert frontgate(world.store).connected_at is None


def test_a_removed_frontgate_is_not_known_any_more(world: Any, desk: Desk) -> None:
    """Its machine may still be there for a moment."""
    world.frontgate()
    with world.store.begin() as tx:
        tx.agents.remove_frontgate("cl-fg-1")

    with pytest.raises(UnauthorizedError):
        desk.welcome(hello())


def test_a_goodbye_is_of_the_pilot_that_says_it(world: Any, desk: Desk) -> None:
    """When another Pilot holds the connection by now, it stays connected."""
    world.frontgate()
    other = Desk(store=world.store, pilot_id="pil-2")
    older, newer = desk.welcome(hello()).held, other.welcome(hello()).held

    desk.goodbye(older)
    held = frontgate(world.store).connected_at
    other.goodbye(newer)

    assert held is not None
    assert frontgate(world.store).connected_at is None


def test_a_report_is_kept_with_its_node_and_wakes_who_waits_for_it(world: Any, desk: Desk) -> None:
    """Only those who wait for this node."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    mine = world.task("agent.wait", cluster_id="cl-1", node_id="cln-cl-1")
    other = world.task("agent.wait", cluster_id="cl-1", node_id="cln-other")
    for call in (mine, other):
        world.wait(call, pending(call))

    world.receive(desk, "fg-1", status("cln-cl-1"))

    assert agent_of(world.store, "cl-1")["state"] == "configured"
    assert world.is_awake(mine)
    assert not world.is_awake(other)


def test_a_report_on_a_cluster_it_does_not_serve_changes_nothing(world: Any, desk: Desk) -> None:
    """One network's Frontgate has no say in another's."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    world.frontgate("fg-2")

    world.receive(desk, "fg-2", status("cln-cl-1"))

    assert agent_of(world.store, "cl-1") == {}


def test_a_frame_that_came_before_changes_nothing(world: Any, desk: Desk) -> None:
    """It is known by its sender and its id; another's frame of the same id is another frame."""
    world.cluster()
    world.cluster("cl-2")
    world.frontgate("fg-1", "cl-1")
    world.frontgate("fg-2", "cl-2")
    world.receive(desk, "fg-1", status("cln-cl-1", revision=2))

    world.receive(desk, "fg-1", status("cln-cl-1", revision=1))
    world.receive(desk, "fg-2", status("cln-cl-2", revision=7))

    assert agent_of(world.store, "cl-1")["revision"] == 2
    assert agent_of(world.store, "cl-2")["revision"] == 7


def send(world: Any, call: Any, frontgate_id: str = "fg-1", **body: Any) -> None:
    """Put the message of a task into the outbox, and let the task wait for its answer."""
    with world.store.begin() as tx:
        message = Message(
            id=call.task.request_key, frontgate_id=frontgate_id, type="command.run", body=body
        )
        tx.agents.send(message)
    world.wait(call, pending(call))


def test_a_result_answers_its_command_and_wakes_its_task(world: Any, desk: Desk) -> None:
    """The command's id is the request key."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    call = world.task("service.run")
    send(world, call)
    body = {"command_id": call.task.request_key, "state": "done", "exit_code": 0}

    world.receive(desk, "fg-1", Frame(id="f-1", type="command.result", body=body))

    assert world.is_awake(call)
    with world.store.read() as tx:
        answer = tx.agents.answer_to(call.task.request_key)
    assert answer is not None
    assert answer.body == body


@pytest.mark.parametrize(
    "who",
    [
        pytest.param({"cluster_id": "cl-1", "node_id": "cln-cl-1-2"}, id="another-node"),
        pytest.param({"cluster_id": "cl-2", "node_id": "cln-cl-1"}, id="another-cluster"),
    ],
)
def test_a_node_answers_its_own_commands_only(world: Any, desk: Desk, who: Any) -> None:
    """A node may write a result of any name; behind one Frontgate there are many clusters."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    call = world.task("service.run")
    send(world, call, cluster_id="cl-1", node_id="cln-cl-1")
    key = call.task.request_key
    body = {"command_id": key, "state": "done", "exit_code": 0, **who}

    world.receive(desk, "fg-1", Frame(id="f-1", type="command.result", body=body))

    assert not world.is_awake(call)
    with world.store.read() as tx:
        assert tx.agents.answer_to(key) is None


@pytest.mark.parametrize("kind", ["command.result", "failed", "metadata.stored"])
def test_an_answer_to_anothers_message_answers_nothing(world: Any, desk: Desk, kind: str) -> None:
    """And wakes nobody: the message was not sent to this Frontgate."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    world.frontgate("fg-2")
    call = world.task("service.run")
    send(world, call)
    key = call.task.request_key
    body = {"command_id": key, "state": "done", "exit_code": 0}

    world.receive(desk, "fg-2", Frame(id="f-1", type=kind, body=body, reply_to=key))

    assert not world.is_awake(call)
    with world.store.read() as tx:
        assert tx.agents.answer_to(key) is None


def test_an_acknowledged_message_is_not_sent_again(world: Any, desk: Desk) -> None:
    """It is safe with its Frontgate."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    call = world.task("service.run")
    send(world, call)

    world.receive(desk, "fg-1", Frame(id="a", type="ack", body={}, reply_to=call.task.request_key))
    world.receive(desk, "fg-1", Frame(id="a", type="ack", body={}))

    assert world.outbox() == []


def test_secrets_are_put_in_on_the_way_out_only(world: Any, desk: Desk) -> None:
    """Wherever they are in a message; its row keeps the markers."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    call = world.task("service.run")
    with world.store.begin() as tx:
        marker = tx.secrets.add("hunter2", owner="admin").to_json()
    body = {"a": marker, "b": [{"c": marker}, 1], "d": {"$ref": "x#/y"}}
    send(world, call, **body)

    [(number, message)] = desk.outgoing({"fg-1": 0})

    assert message.body == {"a": "hunter2", "b": [{"c": "hunter2"}, 1], "d": {"$ref": "x#/y"}}
    assert world.outbox()[0].body == body
    assert desk.outgoing({"fg-1": number}) == []
    assert desk.outgoing({"fg-2": 0}) == []


def test_a_message_whose_secret_is_gone_holds_up_no_other(
    world: Any, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out, and the log names it."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    first, second = world.task("service.run"), world.task("service.run")
    send(world, first, a={"$secret": "sec-gone"})
    send(world, second, a="fine")

    assert [message.body for _, message in desk.outgoing({"fg-1": 0})] == [{"a": "fine"}]
    assert first.task.request_key in caplog.text


def test_a_removed_frontgates_messages_are_dropped(world: Any, desk: Desk) -> None:
    """Nobody is there to take them."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    send(world, world.task("service.run"))

    with world.store.begin() as tx:
        tx.clusters.set_state("cl-fg-1", ClusterState.DELETED)
        tx.agents.remove_frontgate("cl-fg-1")

    assert desk.outgoing({"fg-1": 0}) == []


def test_a_frame_of_a_connection_that_counts_no_more_changes_nothing(
    world: Any, desk: Desk
) -> None:
    """The Frontgate has moved, and what it says there may be newer."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    older = desk.welcome(hello()).held
    newer = Desk(store=world.store, pilot_id="pil-2").welcome(hello()).held
    desk.receive(newer, status("cln-cl-1", "f-2", revision=2))

    with pytest.raises(LostConnectionError):
        desk.receive(older, status("cln-cl-1", "f-1", revision=1))

    assert agent_of(world.store, "cl-1")["revision"] == 2


def test_a_pilot_knows_which_of_its_connections_count(world: Any, desk: Desk) -> None:
    """Neither those that another has by now nor those that were cut."""
    for frontgate_id in ("fg-1", "fg-2", "fg-3"):
        world.frontgate(frontgate_id)
    held = [desk.welcome(hello(frontgate_id)).held for frontgate_id in ("fg-1", "fg-2", "fg-3")]
    Desk(store=world.store, pilot_id="pil-2").welcome(hello("fg-2"))
    with world.store.begin() as tx:
        tx.agents.revoke("fg-3")

    assert desk.held() == {"fg-1": held[0].connection}


def test_the_connections_of_a_dead_pilot_are_dropped(world: Any, desk: Desk) -> None:
    """By any other; what it would still say does not count."""
    world.frontgate()
    dead = Desk(store=world.store, pilot_id="pil-2")
    held = dead.welcome(hello()).held

    desk.show_life(silent_s=3600.0)
    before = frontgate(world.store).connected_at
    desk.show_life(silent_s=-1.0)

    assert before is not None
    assert frontgate(world.store).connected_at is None
    with pytest.raises(LostConnectionError):
        dead.receive(held, status("cln-cl-1"))


def test_a_pilot_that_lives_keeps_its_connections(world: Any, desk: Desk) -> None:
    """Its sign of life is for all of them."""
    world.frontgate()
    desk.welcome(hello())

    desk.show_life(silent_s=3600.0)

    assert list(desk.held()) == ["fg-1"]


def enrolment(**body: Any) -> Frame:
    """Return what a Frontgate reports of the enrolment of a node."""
    said = {"node_id": "cln-cl-1", "code": "", "message": "", "credential_sha256": "", **body}
    return Frame(id="f-enrolment", type="node.enrolment", body=said)


def credential_of(world: Any) -> str | None:
    """Return the digest of the node's own login."""
    with world.store.read() as tx:
        [login] = tx.clusters.node_logins("cl-1").values()
    found: str | None = login.credential_sha256
    return found


def test_a_nodes_own_login_is_known_by_its_digest(world: Any, desk: Desk) -> None:
    """A new store of the Frontgate is told it."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")

    world.receive(desk, "fg-1", enrolment(state="enrolled", credential_sha256="ab" * 32))

    assert credential_of(world) == "ab" * 32


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"state": "enrolled", "credential_sha256": "short"}, id="no-digest"),
        pytest.param({"state": "enrolled", "credential_sha256": 5}, id="a-number"),
        pytest.param({"state": "else"}, id="unknown-state"),
        pytest.param({"state": "refused", "code": 1}, id="no-reason"),
    ],
)
def test_an_enrolment_that_makes_no_sense_changes_nothing(
    world: Any, desk: Desk, body: dict[str, Any]
) -> None:
    """A strange Frontgate harms nobody."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")

    world.receive(desk, "fg-1", enrolment(**body))

    assert credential_of(world) is None
    assert agent_of(world.store, "cl-1") == {}


def test_an_enrolment_of_a_cluster_it_does_not_serve_changes_nothing(
    world: Any, desk: Desk
) -> None:
    """Nobody's nodes can be taken over by another network's Frontgate."""
    world.cluster()
    world.frontgate("fg-1")

    world.receive(desk, "fg-1", enrolment(state="enrolled", credential_sha256="ab" * 32))

    assert credential_of(world) is None


def test_a_node_that_may_not_enrol_fails_whoever_waits_for_it(world: Any, desk: Desk) -> None:
    """With the reason, and what to do."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    call = world.task("agent.wait", cluster_id="cl-1", node_id="cln-cl-1")
    world.wait(call, pending(call))
    refused = enrolment(state="refused", code="enrolment-expired", message="it expired")

    world.receive(desk, "fg-1", refused)

    assert agent_of(world.store, "cl-1")["detail"].startswith("it expired. Delete the cluster")
    assert world.is_awake(call)


def test_a_thief_of_a_used_token_is_an_event_only(world: Any, desk: Desk) -> None:
    """The node itself has its login, and goes on."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    with world.store.begin() as tx:
        tx.clusters.set_node_credential("cln-cl-1", "ab" * 32, reported_by="fg-1")

    world.receive(desk, "fg-1", enrolment(state="refused", code="enrolment-used", message="no"))

    with world.store.read() as tx:
        found = tx.events.after(0, subjects=frozenset({"cl-1"}), limit=100)
    assert "node.enrolment_refused" in [event.kind for event in found]
    assert agent_of(world.store, "cl-1") == {}


def test_a_certificate_is_for_the_frontgates_own_addresses(world: Any, desk: Desk) -> None:
    """By its own authority, which stays the same."""
    world.frontgate()
    held = desk.welcome(hello(endpoints=["https://192.0.2.7:2381"])).held

    first, second = desk.certify(held, {}), desk.certify(held, {})

    made = x509.load_pem_x509_certificate(first["certificate"].encode())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert first["ca"] == second["ca"]
    assert first["key"] != second["key"]


@pytest.mark.parametrize(
    ("asked", "addresses"),
    [
        pytest.param({"member": 2, "hosts": ["192.0.2.8"]}, ["192.0.2.8"], id="another-machine"),
        pytest.param(
            {"member": 2, "hosts": ["127.1.2.3"]}, ["127.1.2.3", "127.0.0.1"], id="on-this-host"
        ),
        pytest.param({"member": 2, "hosts": ["a b"]}, ["192.0.2.7"], id="no-address"),
    ],
)
def test_a_certificate_is_made_for_another_machine_of_a_frontgate(
    world: Any, desk: Desk, asked: Any, addresses: list[str]
) -> None:
    """By the same authority; the machines show it to one another, as servers and as clients."""
    world.frontgate()
    held = desk.welcome(hello(endpoints=["https://192.0.2.7:2381"])).held

    given = desk.certify(held, asked)

    made = x509.load_pem_x509_certificate(given["certificate"].encode())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == addresses
    assert {use._name for use in uses} == {"serverAuth", "clientAuth"}
    assert given.get("member") == (2 if asked["hosts"] == addresses[:1] else None)


def test_no_two_frontgates_have_the_same_authority(world: Any, desk: Desk) -> None:
    """What one of them holds opens nothing at another."""
    world.frontgate("fg-1")
    world.frontgate("fg-2")

    helds = [desk.welcome(hello(name)).held for name in ("fg-1", "fg-2")]
    one, other = (desk.certify(held, {})["ca"] for held in helds)

    assert one != other


def test_the_key_of_an_authority_is_encrypted(world: Any, desk: Desk, tmp_path: Path) -> None:
    """Neither it nor the key of a certificate stands in the database."""
    world.frontgate()

    certificate = desk.certify(desk.welcome(hello()).held, {})

    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"PRIVATE KEY" not in content
    assert certificate["key"].splitlines()[1].encode() not in content
