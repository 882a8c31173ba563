"""Frontgates and messages: one gate per network, each message once, in order, to its own gate."""

import attrs
import pytest
import sqlalchemy.exc

from pitrix_core.model import Cluster
from pitrix_core.store import Store
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.testing.manual_clock import ManualClock


@pytest.fixture
def frontgate(store: Store, cluster: Cluster) -> Frontgate:
    """A stored Frontgate; the cluster stands for its hidden one."""
    with store.begin() as tx:
        secret = tx.secrets.add("token", owner="system")
        frontgate = Frontgate(
            id="fg-1",
            owner="system",
            cluster_id=cluster.id,
            runtime_id="rt-1",
            network_id="net-1",
            secret_id=secret.id,
        )
        tx.agents.add_frontgate(frontgate)
    return frontgate


def message(number: int, **values: str) -> Message:
    """A message of the Frontgate."""
    return Message(
        id=f"msg-{number}", frontgate_id="fg-1", type="x", body={"number": number}, **values
    )


def test_a_network_has_one_frontgate(store: Store, frontgate: Frontgate) -> None:
    """A second one is refused by the database itself."""
    second = Frontgate(
        id="fg-2",
        owner="system",
        cluster_id=frontgate.cluster_id,
        runtime_id="rt-1",
        network_id="net-1",
        secret_id=frontgate.secret_id,
    )

    with pytest.raises(sqlalchemy.exc.IntegrityError), store.begin() as tx:
        tx.agents.add_frontgate(second)

    with store.read() as tx:
        assert tx.agents.frontgate_at("rt-1", "net-1") == frontgate
        assert tx.agents.frontgate_at("rt-1", "net-2") is None
        assert tx.agents.frontgate_of(frontgate.cluster_id) == frontgate


def test_a_removed_frontgate_is_not_found(store: Store, frontgate: Frontgate) -> None:
    """Its place is free, and what was to be sent to it is dropped."""
    with store.begin() as tx:
        tx.agents.send(message(1))
        tx.agents.remove_frontgate(frontgate.cluster_id)
        tx.agents.remove_frontgate(frontgate.cluster_id)

    with store.read() as tx:
        assert tx.agents.frontgate("fg-1") is None
        assert tx.agents.frontgate_at("rt-1", "net-1") is None
        assert tx.agents.unacknowledged({"fg-1": 0}) == []


def test_a_connection_belongs_to_one_pilot(
    store: Store, frontgate: Frontgate, manual_clock: ManualClock
) -> None:
    """A Pilot that lost it does not cut off the one that has it now."""
    with store.begin() as tx:
        older = tx.agents.connect("fg-1", pilot_id="pil-1", endpoints=["https://a"])
        newer = tx.agents.connect("fg-1", pilot_id="pil-2", endpoints=["https://b"])
        tx.agents.disconnect("fg-1", connection=older)
        connected = tx.agents.frontgate("fg-1")
        tx.agents.disconnect("fg-1", connection=newer)
        cut_off = tx.agents.frontgate("fg-1")

    assert connected is not None
    assert cut_off is not None
    assert (connected.connected_at, connected.endpoints) == (manual_clock(), ("https://b",))
    assert cut_off.connected_at is None


def test_a_connection_that_is_gone_counts_no_more(store: Store, frontgate: Frontgate) -> None:
    """Though there is no newer one yet."""
    with store.begin() as tx:
        number = tx.agents.connect("fg-1", pilot_id="pil-1", endpoints=[])
        held = tx.agents.holder("fg-1", connection=number)
        tx.agents.disconnect("fg-1", connection=number)
        gone = tx.agents.holder("fg-1", connection=number)

    assert held is not None
    assert gone is None


def test_a_cluster_is_served_by_a_frontgate(
    store: Store, frontgate: Frontgate, cluster: Cluster
) -> None:
    """Once it is written down."""
    with store.begin() as tx:
        before = tx.agents.frontgate_serving(cluster.id)
        tx.agents.serve(cluster.id, frontgate_id="fg-1")
        after = tx.agents.frontgate_serving(cluster.id)

    assert before is None
    assert after == frontgate


def test_messages_are_sent_in_order_until_they_are_acknowledged(
    store: Store, frontgate: Frontgate, manual_clock: ManualClock
) -> None:
    """Each once, however often it is put in."""
    with store.begin() as tx:
        for number in (1, 2, 2, 3):
            tx.agents.send(message(number))
        tx.agents.acknowledge("msg-1", frontgate_id="fg-1")
        tx.agents.acknowledge("msg-2", frontgate_id="fg-2")  # not the one it was sent to
        waiting = tx.agents.unacknowledged({"fg-1": 0})
        later = tx.agents.unacknowledged({"fg-1": waiting[0][0]}, limit=1)
        nobodys = tx.agents.unacknowledged({})
        sent = tx.agents.sent("msg-1")
        unknown = tx.agents.sent("msg-9")

    assert [each.id for _, each in waiting] == ["msg-2", "msg-3"]
    assert [each.id for _, each in later] == ["msg-3"]
    assert nobodys == []
    assert sent == attrs.evolve(message(1), created_at=manual_clock())
    assert unknown is None


def test_a_pilot_of_many_frontgates_finds_the_message_of_one(
    store: Store, frontgate: Frontgate
) -> None:
    """A database takes expressions of a limited size only: SQLite no thousand conditions."""
    silent = {f"fg-{number}": number for number in range(2, 3000)}
    with store.begin() as tx:
        tx.agents.send(message(1))

        found = tx.agents.unacknowledged({**silent, "fg-1": 0})

    assert [each.id for _, each in found] == ["msg-1"]


def test_what_was_sent_already_holds_up_nothing_new(store: Store, frontgate: Frontgate) -> None:
    """However much waits for its acknowledgement: the limit is of what is found."""
    with store.begin() as tx:
        for number in range(1, 8):
            tx.agents.send(message(number))
        sent = tx.agents.unacknowledged({"fg-1": 0})[4][0]

        found = tx.agents.unacknowledged({"fg-0": 0, "fg-1": sent}, limit=1)
        rest = tx.agents.unacknowledged({"fg-0": 0, "fg-1": sent}, limit=2)

    assert [each.id for _, each in found] == ["msg-6"]
    assert [each.id for _, each in rest] == ["msg-6", "msg-7"]


def test_a_message_is_received_once(store: Store, frontgate: Frontgate) -> None:
    """What was received before is told apart."""
    with store.begin() as tx:
        first = tx.agents.receive(message(1))
        second = tx.agents.receive(message(1))

    assert (first, second) == (True, False)


def test_an_answer_counts_from_the_frontgate_that_was_asked(
    store: Store, frontgate: Frontgate
) -> None:
    """Another one cannot answer in its place."""
    with store.begin() as tx:
        tx.agents.send(message(1))
        foreign = Message(id="a", frontgate_id="fg-9", type="x", body={}, reply_to="msg-1")
        tx.agents.receive(foreign)
        none = tx.agents.answer_to("msg-1")
        tx.agents.receive(message(7, reply_to="msg-1"))
        answer = tx.agents.answer_to("msg-1")

    assert none is None
    assert answer is not None
    assert answer.body == {"number": 7}
