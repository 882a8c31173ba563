"""The Pilot as a Frontgate meets it: over a real WebSocket, with a real database behind."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import attrs
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from pitrix_core.pilot.inbox import Admission, Desk, Frame, Held
from pitrix_core.pilot.server import Pace, Pilot, run_pilot
from pitrix_core.store import Store
from pitrix_core.store.agents import Message

PACE = Pace(hello_s=0.5, look_s=0.01, resend_s=60.0)


@attrs.frozen
class SlowDesk(Desk):
    """A desk whose visitors can be held up."""

    hold: dict[str, threading.Event] = attrs.field(factory=dict)
    broken: set[str] = attrs.field(factory=set)

    def welcome(self, hello: Any) -> Admission:
        found = super().welcome(hello)
        self._pass("welcome")
        return found

    def receive(self, held: Held, frame: Frame) -> None:
        self._pass("receive")
        super().receive(held, frame)

    def outgoing(self, after: Any) -> Any:
        self._pass("outgoing")
        return super().outgoing(after)

    def _pass(self, name: str) -> None:
        if name in self.broken:
            raise RuntimeError(f"{name} is broken")
        if name in self.hold:
            assert self.hold[name].wait(10)


@attrs.frozen
class Served:
    """A Pilot at work."""

    url: str
    desk: SlowDesk
    store: Store

    @contextlib.asynccontextmanager
    async def dial(self, frontgate_id: str = "fg-1") -> AsyncIterator[ClientConnection]:
        """Connect as a Frontgate and be welcome."""
        async with connect(self.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello(frontgate_id))
            assert (await hear(peer))["type"] == "welcome"
            yield peer

    def is_connected(self, frontgate_id: str = "fg-1") -> bool:
        with self.store.read() as tx:
            found = tx.agents.frontgate(frontgate_id)
        return found is not None and found.connected_at is not None

    def send(self, message_id: str, frontgate_id: str = "fg-1", **body: Any) -> None:
        """Put a message into the outbox."""
        with self.store.begin() as tx:
            tx.agents.send(
                Message(id=message_id, frontgate_id=frontgate_id, type="command.run", body=body)
            )


def hello(frontgate_id: str = "fg-1", **changes: Any) -> dict[str, Any]:
    """Return what a Frontgate says first."""
    return {
        "protocol": 1,
        "frontgate_id": frontgate_id,
        "token": f"token-of-{frontgate_id}",
        "version": "0.1.0",
        "endpoints": ["http://127.0.0.1:2379"],
        **changes,
    }


async def say(peer: ClientConnection, id_: str, kind: str, body: Any, **more: Any) -> None:
    """Send a frame."""
    await peer.send(json.dumps({"id": id_, "type": kind, "body": body, **more}))


async def hear(peer: ClientConnection) -> Any:
    """Return the next frame."""
    return json.loads(await asyncio.wait_for(peer.recv(), 5))


async def eventually(look: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 5
    while not await asyncio.to_thread(look):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


Play = Callable[[Callable[[Served], Awaitable[None]]], None]


@pytest.fixture
def play(world: Any) -> Play:
    """Return a function that plays a scene with a Pilot that serves one Frontgate's cluster."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")

    def run(scene: Callable[[Served], Awaitable[None]], *, pace: Pace = PACE) -> None:
        async def main() -> None:
            listener = socket.create_server(("127.0.0.1", 0))
            desk = SlowDesk(store=world.store, pilot_id="pil-1")
            served = Served(
                f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/frontgate", desk, world.store
            )
            stop = asyncio.Event()
            pilot = asyncio.create_task(Pilot(desk, pace=pace).run(listener, stop=stop))
            try:
                async with asyncio.timeout(20):
                    await scene(served)
                assert not pilot.done()
            finally:
                for held in desk.hold.values():
                    held.set()
                stop.set()
                await pilot

        asyncio.run(main())

    return run


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_pilot_is_told_of_messages(play: Play) -> None:
    """Where the database tells of them, however seldom it looks by itself."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await asyncio.sleep(0.5)  # it has looked, and found nothing
            await asyncio.to_thread(served.send, "m-1", number=1)
            message = await hear(peer)
            assert message["id"] == "m-1"

    play(scene, pace=Pace(look_s=60.0, quiet_look_s=60.0, told_look_s=60.0))


def test_a_frontgate_is_welcome_and_its_leaving_is_noticed(play: Play) -> None:
    """The database says so for as long as it is connected."""

    async def scene(served: Served) -> None:
        async with served.dial():
            assert served.is_connected()
        await eventually(lambda: not served.is_connected())

    play(scene)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(hello(token="wrong"), "unauthorized", id="wrong-token"),
        pytest.param(hello("fg-9"), "unauthorized", id="unknown"),
        pytest.param(hello(protocol=3), "protocol", id="another-protocol"),
        pytest.param(hello(protocol="2"), "protocol", id="no-number"),
        pytest.param(hello(endpoints=5), "invalid_input", id="no-endpoints"),
    ],
)
def test_who_may_not_come_in_is_told_why(play: Play, body: Any, code: str) -> None:
    """With a frame, and the close code 4401."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", body)
            refused = await hear(peer)
            await asyncio.wait_for(peer.wait_closed(), 5)

        assert refused["type"] == "refused"
        assert refused["body"]["code"] == code
        assert peer.close_code == 4401
        assert not served.is_connected()

    play(scene)


def test_whoever_begins_otherwise_is_refused(play: Play) -> None:
    """Hello comes first."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "x", "node.status", {})
            assert (await hear(peer))["body"]["code"] == "protocol"

    play(scene)


@pytest.mark.parametrize("text", ["", "no frame", "[]", '{"id": 1}', "[" * 100_000])
def test_whoever_sends_no_frame_is_sent_away(play: Play, text: str) -> None:
    """And so is who says nothing at all."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await peer.send(text)
            await asyncio.wait_for(peer.wait_closed(), 5)

    play(scene)


def test_whoever_says_nothing_is_sent_away(play: Play) -> None:
    """A port scanner holds no connection."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await asyncio.wait_for(peer.wait_closed(), 5)

        assert not served.is_connected()

    play(scene)


def test_other_paths_are_not_found(play: Play) -> None:
    """The answer says which one is."""

    async def scene(served: Served) -> None:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await connect(served.url + "/x", proxy=None)
        assert caught.value.response.status_code == 404
        assert b"/v1/frontgate" in (caught.value.response.body or b"")

    play(scene)


def status(revision: int = 1) -> dict[str, Any]:
    """Return a drone's report."""
    return {"node_id": "cln-cl-1", "state": "configured", "revision": revision}


def test_a_frame_is_acknowledged_once_it_is_committed(play: Play) -> None:
    """Who reads the acknowledgement finds the frame's effect in the database."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", status())
            ack = await hear(peer)
            with served.store.read() as tx:
                [node] = tx.clusters.nodes("cl-1")

        assert (ack["type"], ack["reply_to"], ack["body"]) == ("ack", "f-1", {})
        assert node.agent["revision"] == 1

    play(scene)


def test_a_frame_is_not_acknowledged_before(play: Play) -> None:
    """As long as it is not safe, the Frontgate keeps it."""

    async def scene(served: Served) -> None:
        served.desk.hold["receive"] = threading.Event()
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", status())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peer.recv(), 0.1)
            served.desk.hold["receive"].set()
            assert (await hear(peer))["reply_to"] == "f-1"

    play(scene)


def test_a_frame_that_comes_twice_is_acknowledged_twice(play: Play) -> None:
    """And takes effect once."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", status(1))
            await say(peer, "f-1", "node.status", status(9))
            acks = [await hear(peer), await hear(peer)]
            with served.store.read() as tx:
                [node] = tx.clusters.nodes("cl-1")

        assert [ack["reply_to"] for ack in acks] == ["f-1", "f-1"]
        assert node.agent["revision"] == 1

    play(scene)


def test_what_is_no_frame_is_passed_over(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """The connection, and the frames after it, are as good as before."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await peer.send("[" * 100_000)
            await peer.send('{"id": "a b", "type": "x", "body": {}}')
            await peer.send('{"id": "f-0", "type": "x", "body": {}, "reply_to": 5}')
            await say(peer, "f-1", "node.status", status())
            assert (await hear(peer))["reply_to"] == "f-1"

    play(scene)

    assert caplog.text.count("sent no frame") == 3


def test_a_frame_of_an_unknown_type_is_refused(play: Play) -> None:
    """It can never be carried out; it is acknowledged, so that it does not come again."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.dance", {})
            answers = [await hear(peer), await hear(peer)]

        assert [answer["type"] for answer in answers] == ["failed", "ack"]
        assert [answer["reply_to"] for answer in answers] == ["f-1", "f-1"]
        assert answers[0]["body"]["code"] == "unknown-type"

    play(scene)


def test_a_frame_that_cannot_be_stored_is_not_acknowledged(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    """The Frontgate sends it again; the connection and the Pilot live on."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            served.desk.broken.add("receive")
            await say(peer, "f-1", "node.status", status())
            await eventually(lambda: "could not be stored" in caplog.text)
            served.desk.broken.clear()
            await say(peer, "f-1", "node.status", status())
            assert (await hear(peer))["reply_to"] == "f-1"

    play(scene)


def test_the_outbox_is_delivered_in_order(play: Play) -> None:
    """Also what is put in while the Frontgate is connected."""

    async def scene(served: Served) -> None:
        for number in range(20):
            served.send(f"m-{number}", number=number)
        async with served.dial() as peer:
            first = [await hear(peer) for _ in range(20)]
            served.send("m-20", number=20)
            last = await hear(peer)

        assert [frame["body"]["number"] for frame in first] == list(range(20))
        assert first[0] == {"id": "m-0", "type": "command.run", "body": {"number": 0}}
        assert last["id"] == "m-20"

    play(scene)


def test_what_was_not_acknowledged_is_sent_again_after_a_reconnect(play: Play) -> None:
    """With the same id; what was acknowledged is not."""

    async def scene(served: Served) -> None:
        for number in range(3):
            served.send(f"m-{number}")
        async with served.dial() as peer:
            assert [(await hear(peer))["id"] for _ in range(3)] == ["m-0", "m-1", "m-2"]
            await say(peer, "a", "ack", {}, reply_to="m-1")
            await eventually(lambda: len(served.desk.outgoing({"fg-1": 0})) == 2)
        async with served.dial() as peer:
            assert [(await hear(peer))["id"] for _ in range(2)] == ["m-0", "m-2"]

    play(scene)


def test_what_was_not_acknowledged_is_sent_again_after_a_while(play: Any) -> None:
    """On the same connection."""

    async def scene(served: Served) -> None:
        served.send("m-0")
        async with served.dial() as peer:
            assert [(await hear(peer))["id"] for _ in range(3)] == ["m-0", "m-0", "m-0"]

    play(scene, pace=attrs.evolve(PACE, resend_s=0.05))


def test_nobody_acknowledges_anothers_message(play: Play, world: Any) -> None:
    """It would never be sent again."""
    world.frontgate("fg-2")

    async def scene(served: Served) -> None:
        async with served.dial("fg-1") as mine, served.dial("fg-2") as other:
            served.send("m-0")
            await hear(mine)
            await say(other, "a", "ack", {}, reply_to="m-0")
            await say(other, "f-1", "failed", {})
            assert (await hear(other))["reply_to"] == "f-1"  # the one before was looked at, too

        assert [message.id for _, message in served.desk.outgoing({"fg-1": 0})] == ["m-0"]

    play(scene)


def test_each_frontgate_gets_its_own_messages(play: Play, world: Any) -> None:
    """And nobody else's."""
    world.frontgate("fg-2")

    async def scene(served: Served) -> None:
        async with served.dial("fg-1") as one, served.dial("fg-2") as two:
            served.send("m-1", "fg-1")
            served.send("m-2", "fg-2")
            assert (await hear(two))["id"] == "m-2"
            assert (await hear(one))["id"] == "m-1"

    play(scene)


def test_a_frontgate_that_does_not_read_holds_up_no_other(play: Play, world: Any) -> None:
    """Its connection is full; the others' are not."""
    world.frontgate("fg-2")

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None, max_queue=1) as stuck:
            await say(stuck, "hello", "hello", hello("fg-1"))
            await hear(stuck)
            for number in range(12):
                served.send(f"m-{number}", "fg-1", much="x" * 1_000_000)
            async with served.dial("fg-2") as other:
                served.send("n-1", "fg-2")
                assert (await hear(other))["id"] == "n-1"
            stuck.transport.abort()

    play(scene)


def test_of_two_connections_the_newer_one_wins(play: Play) -> None:
    """The older one is closed, and its end does not disconnect the Frontgate."""

    async def scene(served: Served) -> None:
        async with served.dial() as older, served.dial() as newer:
            await asyncio.wait_for(older.wait_closed(), 5)
            served.send("m-0")
            assert (await hear(newer))["id"] == "m-0"
            assert served.is_connected()
        await eventually(lambda: not served.is_connected())

    play(scene)


def test_a_goodbye_that_comes_late_does_not_disconnect_the_newer_one(play: Play) -> None:
    """The older connection ends just when the newer one was written down."""

    async def scene(served: Served) -> None:
        async with served.dial() as older:
            served.desk.hold["welcome"] = threading.Event()
            dialling = asyncio.create_task(_stay(served, until := asyncio.Event()))
            await asyncio.sleep(0.1)
            older.transport.abort()
            await asyncio.sleep(0.1)
            served.desk.hold["welcome"].set()
            await asyncio.sleep(0.2)
            assert served.is_connected()
            until.set()
            await dialling

    play(scene)


async def _stay(served: Served, until: asyncio.Event) -> None:
    async with served.dial():
        await until.wait()


def test_a_dead_connection_does_not_hold_up_the_newer_one(play: Play) -> None:
    """The other end of the older one may have vanished without a word."""

    async def scene(served: Served) -> None:
        async with served.dial() as older:
            older.transport.pause_reading()  # it will never answer a closing handshake
            begun = time.monotonic()
            async with served.dial() as newer:
                await say(newer, "f-1", "node.status", status())
                assert (await hear(newer))["reply_to"] == "f-1"
                took_s = time.monotonic() - begun
            older.transport.abort()

        assert took_s < 3

    play(scene)


def test_a_database_that_is_away_stops_nothing_for_good(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    """The outbox is looked at again after a moment."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            served.desk.broken.add("outgoing")
            await eventually(lambda: "outbox could not be read" in caplog.text)
            served.desk.broken.clear()
            served.send("m-0")
            assert (await hear(peer))["id"] == "m-0"

    play(scene)


def test_a_welcome_that_fails_ends_that_connection_only(play: Play) -> None:
    """The Frontgate dials again."""

    async def scene(served: Served) -> None:
        served.desk.broken.add("welcome")
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello())
            await asyncio.wait_for(peer.wait_closed(), 5)
        served.desk.broken.clear()
        async with served.dial():
            assert served.is_connected()

    play(scene)


def test_the_process_ends_when_it_is_told(world: Any) -> None:
    """From another thread; the connection is said goodbye to."""
    world.frontgate()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/frontgate"
    desk = SlowDesk(store=world.store, pilot_id="pil-1")
    served = Served(url, desk, world.store)
    stop = threading.Event()

    async def scene() -> None:
        async with served.dial() as peer:
            stop.set()
            await asyncio.wait_for(peer.wait_closed(), 5)

    visitor = threading.Thread(target=lambda: asyncio.run(scene()))
    visitor.start()
    run_pilot(Pilot(desk, pace=PACE), listener, stop=stop)
    visitor.join(5)

    assert not visitor.is_alive()
    assert not served.is_connected()


def test_the_process_ends_when_it_cannot_serve(world: Any) -> None:
    """A supervisor starts it anew; it must not stay without listening."""
    listener = socket.socket()
    listener.close()
    desk = Desk(store=world.store, pilot_id="pil-1")

    with pytest.raises(OSError, match="file descriptor"):
        run_pilot(Pilot(desk), listener, stop=threading.Event())


@pytest.mark.parametrize(
    ("quiet_s", "pause_s"),
    [pytest.param(9.9, 0.05, id="busy"), pytest.param(10.0, 0.25, id="quiet")],
)
def test_the_outbox_is_looked_at_less_often_when_all_is_quiet(
    quiet_s: float, pause_s: float
) -> None:
    """A Pilot that has nothing to do costs next to nothing."""
    assert Pace().pause_s(quiet_s=quiet_s) == pause_s


def test_a_message_leaves_also_after_a_quiet_time(play: Play) -> None:
    """A little later."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await asyncio.sleep(0.05)
            served.send("m-1")

            assert (await hear(peer))["id"] == "m-1"

    play(scene, pace=Pace(hello_s=0.5, look_s=0.005, quiet_look_s=0.02, quiet_after_s=0.01))
