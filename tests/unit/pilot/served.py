"""A Pilot at work, and Frontgates that speak to it, over real sockets."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import attrs
from websockets.asyncio.client import ClientConnection, connect

from pitrix_core.pilot import tokens
from pitrix_core.pilot.inbox import Admission, Desk, Frame, Held
from pitrix_core.pilot.pace import Pace
from pitrix_core.pilot.quota import Quota
from pitrix_core.pilot.server import Pilot
from pitrix_core.store import Store
from pitrix_core.store.agents import Message

#: Seconds in which what is waited for has come on the busiest machine.
PATIENCE_S = 20.0

PACE = Pace(hello_s=1.5, look_s=0.01, resend_s=60.0, held_look_s=0.05)


@attrs.frozen
class SlowDesk(Desk):
    """A desk whose visitors can be held up."""

    hold: dict[str, threading.Event] = attrs.field(factory=dict)
    broken: set[str] = attrs.field(factory=set)
    #: What was come for, be it held up or not.
    visits: list[str] = attrs.field(factory=list)

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

    def goodbye(self, held: Held) -> None:
        super().goodbye(held)
        self._pass("goodbye")

    def _pass(self, name: str) -> None:
        self.visits.append(name)
        if name in self.broken:
            raise RuntimeError(f"{name} is broken")
        if name in self.hold:
            assert self.hold[name].wait(PATIENCE_S)


@attrs.frozen
class Served:
    """A Pilot at work."""

    url: str
    desk: SlowDesk
    store: Store

    @property
    def poll_url(self) -> str:
        """Where who polls sends its requests."""
        return self.url.replace("ws:", "http:") + "/poll"

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

    def enrolment(self) -> str:
        """Let the Frontgate enrol, and return with what."""
        with self.store.begin() as tx:
            frontgate = tx.agents.frontgate("fg-1")
            assert frontgate is not None
            tokens.let_enrol(tx, frontgate)
            return tx.secrets.get(frontgate.secret_id)

    def may_enrol(self) -> bool:
        """Say whether the Frontgate's enrolment is still good."""
        with self.store.read() as tx:
            frontgate = tx.agents.frontgate("fg-1")
        return frontgate is not None and frontgate.enrolment_sha256 is not None

    def send(self, message_id: str, frontgate_id: str = "fg-1", **body: Any) -> None:
        """Put a message into the outbox."""
        with self.store.begin() as tx:
            tx.agents.send(
                Message(id=message_id, frontgate_id=frontgate_id, type="command.run", body=body)
            )


def hello(frontgate_id: str = "fg-1", **changes: Any) -> dict[str, Any]:
    """Return what a Frontgate of protocol 1 says first."""
    return {
        "protocol": 1,
        "frontgate_id": frontgate_id,
        "token": f"token-of-{frontgate_id}",
        "version": "0.1.0",
        "endpoints": ["http://127.0.0.1:2379"],
        **changes,
    }


def hello_2(**shown: Any) -> dict[str, Any]:
    """Return what a Frontgate of protocol 2 says first."""
    said = {name: value for name, value in hello().items() if name != "token"}
    return {**said, "protocol": 2, **shown}


def status(revision: int = 1) -> dict[str, Any]:
    """Return a drone's report."""
    return {"node_id": "cln-cl-1", "state": "configured", "revision": revision}


async def say(peer: ClientConnection, id_: str, kind: str, body: Any, **more: Any) -> None:
    """Send a frame."""
    await peer.send(json.dumps({"id": id_, "type": kind, "body": body, **more}))


async def hear(peer: ClientConnection) -> Any:
    """Return the next frame."""
    return json.loads(await asyncio.wait_for(peer.recv(), PATIENCE_S))


async def eventually(look: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(look):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(
    store: Store, *, pace: Pace = PACE, quota: Quota | None = None, pilot_id: str = "pil-1"
) -> AsyncIterator[Served]:
    """Run a Pilot inside the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    desk = SlowDesk(store=store, pilot_id=pilot_id)
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/frontgate"
    stop = asyncio.Event()
    pilot = asyncio.create_task(Pilot(desk, pace=pace, quota=quota).run(listener, stop=stop))
    try:
        yield Served(url, desk, store)
        assert not pilot.done()
    finally:
        for held in desk.hold.values():
            held.set()
        stop.set()
        await pilot


Play = Callable[[Callable[[Served], Awaitable[None]]], None]
