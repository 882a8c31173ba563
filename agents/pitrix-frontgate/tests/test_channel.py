"""The connection notices what goes wrong on the way."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontgate_harness import ENROLMENT, Pilot, Store, eventually, handlers_of, result
from network_stand_ins import Relay, standing

from pitrix_drone.etcd import op_put
from pitrix_frontgate import links
from pitrix_frontgate.channel import Channel, Greeting
from pitrix_frontgate.config import FrontgateConfig
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.links import Dialler
from pitrix_frontgate.outbox import Entry, Outbox
from pitrix_frontgate.pulse import Pulse
from pitrix_frontgate.reports import Reports


@pytest.fixture
def cable(pilot: Pilot) -> Iterator[Relay]:
    """The way to the Pilot."""
    with standing(Relay(pilot.port)) as laid:
        yield laid


@pytest.fixture
def outbox() -> Outbox:
    """What waits for the Pilot; sent again soon."""
    return Outbox(resend_s=0.2)


@pytest.fixture
def identity(cable: Relay, tmp_path: Path) -> Identity:
    """Who the Frontgate is."""
    config = FrontgateConfig("fg-1", ENROLMENT, (cable.url,), throw_away=True)
    return Identity(config, tmp_path / "token.json")


@pytest.fixture
def states(
    store: Store,
    cable: Relay,
    outbox: Outbox,
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[list[str | None]]:
    """Where a channel that pings often was connected to, in turn."""
    monkeypatch.setattr(links, "_PONG_S", 0.2)
    seen: list[str | None] = []
    pulse = Pulse(interval_s=0.2)
    spoken = Channel(
        [cable.url],
        Greeting("0.1.0", (store.endpoint,)),
        identity=identity,
        dialler=Dialler(FrontgateConfig("fg-1", ENROLMENT, (), throw_away=True), pulse=pulse),
        pulse=pulse,
        handlers=handlers_of(store),
        outbox=outbox,
        on_connected=lambda meeting: seen.append(meeting and meeting.url),
    )
    stop = threading.Event()
    thread = threading.Thread(target=spoken.run, args=(stop,))
    thread.start()
    yield seen
    stop.set()
    spoken.close()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_a_peer_that_vanished_is_noticed(cable: Relay, states: list[str | None]) -> None:
    """Silence where an answer to a ping is due ends the connection; another is made."""
    eventually(lambda: states == [cable.url])

    cable.is_cut.set()
    eventually(lambda: states == [cable.url, None], within_s=5)
    cable.is_cut.clear()

    assert eventually(lambda: len(states) == 3)


def test_an_unacknowledged_frame_is_sent_again_on_the_same_connection(
    pilot: Pilot, cable: Relay, states: list[str | None], outbox: Outbox
) -> None:
    """The Pilot gets it again under the same id until it acknowledges."""
    pilot.acknowledges = lambda frame: len(pilot.received) > 2
    body = {"code": "x", "message": "x"}

    outbox.offer(Entry("again", Frame("again", "failed", body, "something")))
    eventually(lambda: len(outbox) == 0)

    assert [frame["id"] for frame in pilot.received] == ["again"] * 3
    assert cable.passed == 1


def test_what_the_pilot_cannot_use_is_not_sent_for_ever(
    pilot: Pilot, states: list[str | None], outbox: Outbox
) -> None:
    """A report that is answered with ``failed`` is given up, and the answer acknowledged."""
    pilot.acknowledges = lambda frame: False
    body = {"code": "x", "message": "x"}
    outbox.offer(Entry("useless", Frame("useless", "failed", body, "something")))
    eventually(lambda: pilot.received)

    frame_id = pilot.send("failed", body, reply_to="useless")
    eventually(lambda: frame_id in pilot.acknowledged)

    assert len(outbox) == 0


def test_a_malformed_message_does_not_end_the_connection(
    pilot: Pilot, cable: Relay, states: list[str | None]
) -> None:
    """It is left out; the next frame is served."""
    pilot.send_text("no frame")

    answer = pilot.ask("metadata.delete", {"cluster_id": "cl-none"})

    assert answer is not None
    assert cable.passed == 1


@pytest.mark.usefixtures("states")
def test_a_proxy_is_not_asked_for_a_pilot_on_this_machine(
    pilot: Pilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the environment is for the way out."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    eventually(lambda: pilot.is_connected)
    pilot.hang_up()

    eventually(lambda: len(pilot.hellos) == 2)

    assert eventually(lambda: pilot.is_connected)


def test_a_newer_token_is_asked_for_on_the_same_connection(
    pilot: Pilot, cable: Relay, identity: Identity, states: list[str | None]
) -> None:
    """Before the one in use is old; the newer one is written down."""
    eventually(lambda: states == [cable.url])
    pilot.renew_after_s = 0.001
    pilot.hang_up()
    eventually(lambda: len(states) == 3)

    eventually(lambda: len(pilot.tokens) >= 3)

    assert eventually(lambda: identity.introduction().get("token") in pilot.tokens[2:])
    assert cable.passed == 2


def test_reports_that_found_no_room_are_read_from_etcd_later(
    pilot: Pilot, store: Store, cable: Relay, tmp_path: Path
) -> None:
    """Whatever waits for the Pilot, memory is bounded, and every result arrives."""
    folder = "/c/cl-room/reports/cl-room-n1/results/"
    names = [f"c-{number:02}" for number in range(40)]
    store.client.txn([], [op_put(folder + name, result(name, "x" * 500)) for name in names])
    outbox, stop = Outbox(most_chars=4000), threading.Event()
    reports = Reports(store.client, outbox, store_id="room")
    watch = threading.Thread(target=reports.run, args=(stop,), daemon=True)
    watch.start()
    eventually(lambda: outbox.load().left_out)
    config = FrontgateConfig("fg-1", ENROLMENT, (cable.url,), throw_away=True)
    pulse = Pulse()
    spoken = Channel(
        [cable.url],
        Greeting("0.1.0", (store.endpoint,)),
        identity=Identity(config, tmp_path / "token.json"),
        dialler=Dialler(config, pulse=pulse),
        pulse=pulse,
        handlers=handlers_of(store),
        outbox=outbox,
        on_connected=lambda _: None,
    )
    talk = threading.Thread(target=spoken.run, args=(stop,), daemon=True)
    most = outbox.load().size

    talk.start()
    eventually(lambda: (reports.catch_up(), len(pilot.effects("command.result")) == 40)[1])

    stop.set()
    spoken.close()
    for thread in (talk, watch):
        thread.join(timeout=20)
    assert most <= 4000
    assert sorted(each["command_id"] for each in pilot.effects("command.result")) == names
