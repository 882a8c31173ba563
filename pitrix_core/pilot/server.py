"""The Pilot: holds the Frontgates' connections, drains the outbox to them, fills the inbox from
them.

One asyncio process. The database is reached in threads; a frame is acknowledged only when its
transaction has committed.
"""

import asyncio
import contextlib
import hashlib
import http
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import attrs
import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from pitrix_core.errors import PitrixError
from pitrix_core.pilot.inbox import Desk, Frame
from pitrix_core.planner.agents import PROTOCOL
from pitrix_core.store.agents import Message
from pitrix_core.store.wakeups import Listener

log = logging.getLogger(__name__)

PATH: Final = "/v1/frontgate"
#: Frames are at most this long; agents/protocol/README.md section 1.
_FRAME_LIMIT_BYTES: Final = 4 * 1024 * 1024
#: Close code of a refused Frontgate.
_REFUSED: Final = 4401
#: agents/protocol/README.md section 1.
_FRAME_ID: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
#: Types of frames that a Frontgate sends once it is welcome.
_KNOWN_TYPES: Final = frozenset(
    {"ack", "node.status", "command.result", "metadata.stored", "failed"}
)
#: Seconds between looks whether the process is to end.
_STOP_LOOK_S: Final = 0.1


@attrs.frozen(kw_only=True)
class Pace:
    """How patient a Pilot is."""

    #: Seconds a Frontgate has to say who it is.
    hello_s: float = 10.0
    #: Seconds between looks into the outbox while there is something to do.
    look_s: float = 0.05
    #: The same when all has been quiet: looks cost the most when nothing happens for days.
    quiet_look_s: float = 0.25
    #: The same while the database tells of messages by itself: only in case it did not.
    told_look_s: float = 2.0
    #: Seconds without a frame after which it is quiet.
    quiet_after_s: float = 10.0
    #: Seconds after which an unacknowledged frame is sent again on the same connection;
    #: agents/protocol/README.md section 1.
    resend_s: float = 30.0

    def pause_s(self, *, quiet_s: float, is_told: bool = False) -> float:
        """Return seconds until the next look into the outbox.

        :param quiet_s: seconds since the last frame came or went.
        :param is_told: the database tells of messages by itself.
        """
        if is_told:
            return self.told_look_s
        return self.look_s if quiet_s < self.quiet_after_s else self.quiet_look_s


@attrs.define(eq=False)
class _Connection:
    frontgate_id: str
    peer: ServerConnection
    is_welcome: bool = False
    #: Number of the last message sent.
    sent: int = 0
    #: Messages sent on this connection and not acknowledged yet; it can acknowledge no others.
    in_flight: set[str] = attrs.field(factory=set)
    #: Sends messages; while it does, no more are looked for.
    sending: "asyncio.Task[None] | None" = None

    @property
    def is_idle(self) -> bool:
        """Says whether it can be given more to send."""
        return self.is_welcome and (self.sending is None or self.sending.done())


class Pilot:
    """Serves Frontgates until it is told to stop."""

    def __init__(self, desk: Desk, *, pace: Pace | None = None) -> None:
        """Keep the desk; nothing listens yet."""
        self._desk = desk
        self._pace = pace or Pace()
        self._connections: dict[str, _Connection] = {}
        #: Held while a connection comes or goes: the database and ``_connections`` have to agree.
        self._door = asyncio.Lock()
        self._closings: set[asyncio.Task[None]] = set()
        #: Set when the outbox is to be looked into now.
        self._has_post = asyncio.Event()
        #: When the last frame came or went; by the monotonic clock.
        self._last_frame_s = time.monotonic()

    async def run(self, listener: socket.socket, *, stop: asyncio.Event) -> None:
        """Serve on a bound socket until ``stop`` is set, then close every connection."""
        async with serve(
            self._serve,
            sock=listener,
            process_request=_only_frontgates,
            compression=None,  # three to four times the memory of a connection
            max_size=_FRAME_LIMIT_BYTES,
            ping_interval=20,
            ping_timeout=20,
        ):
            log.info("The Pilot listens", extra={"action": "pilot.started"})
            with self._desk.listening(self._waker()) as wakeups:
                drains = [
                    asyncio.create_task(self._drain_outbox(wakeups)),
                    asyncio.create_task(self._resend()),
                ]
                await stop.wait()
                for drain in drains:
                    drain.cancel()

    def _waker(self) -> Callable[[], None]:
        """Return what another thread calls to have the outbox looked into now."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._has_post.set)

        return wake

    # -- one Frontgate -----------------------------------------------------------------------------

    async def _serve(self, peer: ServerConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            hello = await self._hello(peer)
            connection = await self._admit(peer, hello) if hello else None
            if connection is not None:
                await self._talk(connection)

    async def _hello(self, peer: ServerConnection) -> Frame | None:
        try:
            async with asyncio.timeout(self._pace.hello_s):
                hello = _parse(await peer.recv())
        except (TimeoutError, ValueError):
            await peer.close()
            return None
        if hello.type != "hello" or hello.body.get("protocol") != PROTOCOL:
            await _refuse(peer, "protocol", f"This Pilot speaks protocol {PROTOCOL}.")
            return None
        return hello

    async def _admit(self, peer: ServerConnection, hello: Frame) -> _Connection | None:
        try:
            async with self._door:
                frontgate_id = await asyncio.to_thread(self._desk.welcome, hello.body)
                connection = _Connection(frontgate_id, peer)
                previous = self._connections.get(frontgate_id)
                self._connections[frontgate_id] = connection
        except PitrixError as ex:
            log.warning("A Frontgate was refused: %s", ex, extra={"action": "pilot.refused"})
            await _refuse(peer, ex.code, ex.message)
            return None
        if previous is not None:
            # Not waited for: the other end may be gone, and would be waited for in vain.
            closing = asyncio.create_task(previous.peer.close())
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)
        return connection

    async def _talk(self, connection: _Connection) -> None:
        extra = _extra(connection.frontgate_id)
        log.info("A Frontgate connected", extra=extra)
        try:
            welcome = {"id": "welcome", "type": "welcome", "body": {"protocol": PROTOCOL}}
            await _send(connection.peer, welcome)
            connection.is_welcome = True
            self._has_post.set()
            self._last_frame_s = time.monotonic()
            async for text in connection.peer:
                await self._take(connection, text)
        finally:
            log.info("A Frontgate's connection closed", extra=extra)
            async with self._door:
                if self._connections.get(connection.frontgate_id) is connection:
                    del self._connections[connection.frontgate_id]
                    await asyncio.to_thread(self._desk.goodbye, connection.frontgate_id)

    async def _take(self, connection: _Connection, text: str | bytes) -> None:
        """Store a frame and acknowledge it; what cannot be stored now is sent again."""
        self._last_frame_s = time.monotonic()
        extra = _extra(connection.frontgate_id)
        try:
            frame = _parse(text)
        except ValueError:
            log.warning("A Frontgate sent no frame", extra=extra)
            return
        if frame.type == "ack" and frame.reply_to not in connection.in_flight:
            return
        if frame.type not in _KNOWN_TYPES:
            await _send(connection.peer, _unknown_type(frame))
        else:
            try:
                await asyncio.to_thread(self._desk.receive, connection.frontgate_id, frame)
            except Exception:  # one frame, or a database that is away, must not end a connection
                log.exception("A frame could not be stored", extra=extra)
                return
        if frame.type == "ack":
            connection.in_flight.discard(frame.reply_to or "")
        else:
            ack = {"id": f"ack:{frame.id}"[:128], "type": "ack", "body": {}}
            await _send(connection.peer, {**ack, "reply_to": frame.id})

    # -- the outbox --------------------------------------------------------------------------------

    async def _drain_outbox(self, wakeups: Listener) -> None:
        while True:
            self._has_post.clear()
            try:
                await self._drain_once()
            except Exception:  # the database may be away for a while; the loop must not end
                log.exception("The outbox could not be read", extra={"action": "pilot.outbox"})
                await asyncio.sleep(1.0)
            quiet_s = time.monotonic() - self._last_frame_s
            pause_s = self._pace.pause_s(quiet_s=quiet_s, is_told=wakeups.is_hearing)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._has_post.wait()

    async def _drain_once(self) -> None:
        """Start sending what is new; one Frontgate that reads slowly does not delay the others."""
        idle = {fid: found for fid, found in self._connections.items() if found.is_idle}
        if not idle:
            return
        after = {frontgate_id: found.sent for frontgate_id, found in idle.items()}
        batches: dict[str, list[tuple[int, Message]]] = {}
        for number, message in await asyncio.to_thread(self._desk.outgoing, after):
            batches.setdefault(message.frontgate_id, []).append((number, message))
        for frontgate_id, batch in batches.items():
            self._last_frame_s = time.monotonic()
            connection = idle[frontgate_id]
            connection.sending = asyncio.create_task(_send_all(connection, batch))
            connection.sending.add_done_callback(lambda _: self._has_post.set())

    async def _resend(self) -> None:
        while True:
            await asyncio.sleep(self._pace.resend_s)
            for connection in self._connections.values():
                connection.sent = 0
            self._has_post.set()


def run_pilot(pilot: Pilot, listener: socket.socket, *, stop: threading.Event) -> None:
    """Run the Pilot in this thread until ``stop`` is set.

    :raises Exception: what ended it before that; no thread of it is left.
    """

    async def main() -> None:
        stopped = asyncio.Event()
        serving = asyncio.create_task(pilot.run(listener, stop=stopped))
        while not stop.is_set() and not serving.done():
            await asyncio.wait([serving], timeout=_STOP_LOOK_S)
        stopped.set()
        await serving

    asyncio.run(main())


def _only_frontgates(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == PATH:
        return None
    return connection.respond(http.HTTPStatus.NOT_FOUND, f"Frontgates connect to {PATH}.\n")


def _parse(text: str | bytes) -> Frame:
    try:
        document = json.loads(text)
    except RecursionError as ex:
        raise ValueError("nested too deeply") from ex
    match document:
        case {"id": str(id_), "type": str(type_), "body": dict(body)} if _FRAME_ID.fullmatch(id_):
            reply_to = document.get("reply_to")
            if reply_to is None or isinstance(reply_to, str):
                return Frame(id=id_, type=type_, body=body, reply_to=reply_to)
    raise ValueError("not a frame")


def _unknown_type(frame: Frame) -> dict[str, Any]:
    digest = hashlib.sha256(frame.id.encode()).hexdigest()
    body = {"code": "unknown-type", "message": "This Pilot does not know frames of this type."}
    return {"id": f"failed:{digest}", "type": "failed", "body": body, "reply_to": frame.id}


async def _send_all(connection: _Connection, batch: list[tuple[int, Message]]) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):  # sent again when it is back
        for number, message in batch:
            connection.sent = max(connection.sent, number)
            connection.in_flight.add(message.id)
            frame = {"id": message.id, "type": message.type, "body": message.body}
            await _send(connection.peer, frame)


async def _send(peer: ServerConnection, frame: dict[str, Any]) -> None:
    await peer.send(json.dumps(frame))


async def _refuse(peer: ServerConnection, code: str, message: str) -> None:
    body = {"code": code, "message": message}
    await _send(peer, {"id": "refused", "type": "refused", "body": body})
    await peer.close(_REFUSED, code)


def _extra(frontgate_id: str) -> dict[str, str]:
    return {"action": "pilot.connection", "frontgate_id": frontgate_id}
