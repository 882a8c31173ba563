"""The Pilot: holds the Frontgates' connections, drains the outbox to them, fills the inbox from
them.

One asyncio process. The database is reached in threads; a frame is acknowledged only when its
transaction has committed.
"""

import asyncio
import asyncio.sslproto
import contextlib
import functools
import http
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from pitrix_core.errors import PitrixError
from pitrix_core.model.frontgate import PROTOCOLS
from pitrix_core.pilot import frames
from pitrix_core.pilot.connection import Connection, send, send_all
from pitrix_core.pilot.inbox import (
    Desk,
    Frame,
    LostConnectionError,
)
from pitrix_core.pilot.longpoll import FIRST_BYTES, Door, PollDesk
from pitrix_core.pilot.pace import Pace
from pitrix_core.pilot.peer import Peer
from pitrix_core.pilot.quota import Quota
from pitrix_core.pilot.strangers import Strangers
from pitrix_core.pilot.supervision import REPORTS
from pitrix_core.store.agents import Message
from pitrix_core.store.wakeups import Listener

log = logging.getLogger(__name__)

PATH: Final = "/v1/frontgate"
#: Frames of one connection that wait to be looked at, after which it is not read on.
_MOST_UNREAD: Final = 2
#: Of a frame that is stored: what a Frontgate lets a node report, at most six characters of JSON
#: for each of it, and the frame around it; agents/protocol/README.md section 1.
_MOST_CHARS: Final = 528 * 1024
#: Hellos that are looked at at a time.
_LOOKS: Final = 2
#: Close code of a refused Frontgate.
_REFUSED: Final = 4401
#: Types of frames that a Frontgate sends once it is welcome.
_KNOWN_TYPES: Final = frozenset(
    {
        "ack",
        "node.status",
        "node.enrolment",
        "command.result",
        "metadata.stored",
        "failed",
        *REPORTS,
    }
)
_TLS_RECORD_BYTES: Final = 16 * 1024
#: Seconds between looks whether the process is to end.
_STOP_LOOK_S: Final = 0.1


class Pilot:
    """Serves Frontgates until it is told to stop."""

    def __init__(self, desk: Desk, *, pace: Pace | None = None, quota: Quota | None = None) -> None:
        """Keep the desk; nothing listens yet."""
        self._desk = desk
        self._pace = pace or Pace()
        self._connections: dict[str, Connection] = {}
        #: Held while a connection comes or goes: the database and ``_connections`` have to agree.
        self._door = asyncio.Lock()
        #: Held while it is found out who somebody is. Strangers wait for one another here, and
        #: nobody else waits for them.
        self._looking = asyncio.Semaphore(_LOOKS)
        self._quota = quota or Quota()
        self._closings: set[asyncio.Task[None]] = set()
        #: Set when the outbox is to be looked into now.
        self._has_post = asyncio.Event()
        #: When the last frame came or went; by the monotonic clock.
        self._last_frame_s = time.monotonic()

    async def run(
        self,
        listener: socket.socket,
        *,
        stop: asyncio.Event,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve on a bound socket until ``stop`` is set, then close every connection.

        :param tls: with the certificate to serve TLS with; None for plain connections.
        """
        strangers = Strangers(
            most=self._pace.most_strangers, most_of_address=self._pace.most_of_address
        )
        polls = PollDesk(self._serve, strangers)
        async with serve(
            self._serve,  # type: ignore[arg-type]  # every connection is a Door
            sock=listener,
            ssl=tls,
            create_connection=functools.partial(Door, polls=polls, strangers=strangers),  # type: ignore[arg-type]  # is only called
            process_request=_only_frontgates,
            compression=None,  # three to four times the memory of a connection
            max_size=FIRST_BYTES,
            max_queue=_MOST_UNREAD,
            ping_interval=20,
            ping_timeout=20,
        ):
            log.info("The Pilot listens", extra={"action": "pilot.started"})
            with self._desk.listening(self._waker()) as wakeups:
                drains = [
                    asyncio.create_task(self._drain_outbox(wakeups)),
                    asyncio.create_task(self._resend()),
                    asyncio.create_task(self._let_go()),
                    asyncio.create_task(self._show_life()),
                ]
                await stop.wait()
                for drain in drains:
                    drain.cancel()
                await polls.aclose()

    def _waker(self) -> Callable[[], None]:
        """Return what another thread calls to have the outbox looked into now."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._has_post.set)

        return wake

    # -- one Frontgate -----------------------------------------------------------------------------

    async def _serve(self, peer: Peer) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            hello = await self._hello(peer)
            connection = await self._admit(peer, hello) if hello else None
            if connection is not None:
                await self._talk(connection)

    async def _hello(self, peer: Peer) -> Frame | None:
        try:
            async with asyncio.timeout(self._pace.hello_s):
                hello = frames.parse(await peer.recv())
        except (TimeoutError, ValueError):
            await peer.close()
            return None
        protocol = hello.body.get("protocol")
        if hello.type != "hello" or type(protocol) is not int or protocol not in PROTOCOLS:
            known = " and ".join(map(str, PROTOCOLS))
            await _refuse(peer, "protocol", f"This Pilot speaks protocol {known}.")
            return None
        return hello

    async def _admit(self, peer: Peer, hello: Frame) -> Connection | None:
        try:
            async with self._looking:
                await asyncio.to_thread(self._desk.recognise, hello.body)
            async with self._door:
                admission = await asyncio.to_thread(self._desk.welcome, hello.body)
                connection = Connection(admission, peer)
                previous = self._connections.get(connection.frontgate_id)
                self._connections[connection.frontgate_id] = connection
        except PitrixError as ex:
            log.warning("A Frontgate was refused: %s", ex, extra={"action": "pilot.refused"})
            await _refuse(peer, ex.code, " ".join(filter(None, (ex.message, ex.next_step))))
            return None
        peer.let_in()
        if previous is not None:
            self._hang_up(previous)
        return connection

    def _hang_up(self, connection: Connection) -> None:
        """Close a connection that does not count any more.

        Not waited for: the other end may be gone, and would be waited for in vain.
        """
        closing = asyncio.create_task(connection.peer.close())
        self._closings.add(closing)
        closing.add_done_callback(self._closings.discard)

    async def _talk(self, connection: Connection) -> None:
        extra = _extra(connection.frontgate_id)
        log.info("A Frontgate connected", extra=extra)
        try:
            await send(connection.peer, frames.welcome(connection.admission))
            connection.is_welcome = True
            self._has_post.set()
            self._last_frame_s = time.monotonic()
            async for text in connection.peer:
                await self._take(connection, text)
        except LostConnectionError:
            self._hang_up(connection)
        finally:
            log.info("A Frontgate's connection closed", extra=extra)
            async with self._door:
                if self._connections.get(connection.frontgate_id) is connection:
                    del self._connections[connection.frontgate_id]
                await asyncio.to_thread(self._desk.goodbye, connection.held)

    async def _take(self, connection: Connection, text: str | bytes) -> None:
        """Store a frame and acknowledge it; what cannot be stored now is sent again.

        :raises LostConnectionError: another connection counts by now.
        """
        self._last_frame_s = time.monotonic()
        try:
            frame = frames.parse(text)
        except ValueError:
            log.warning("A Frontgate sent no frame", extra=_extra(connection.frontgate_id))
            return
        try:
            await self._answer(connection, frame, length=len(text))
        except (LostConnectionError, websockets.ConnectionClosed):
            raise
        except Exception:  # one frame, or a database that is away, must not end a connection
            log.exception("A frame could not be stored", extra=_extra(connection.frontgate_id))

    async def _answer(self, connection: Connection, frame: Frame, *, length: int) -> None:
        if frame.type == "ack":
            await self._acknowledged(connection, frame)
            return
        if frame.type == "token.renew":
            token = await asyncio.to_thread(self._desk.renew, connection.held)
            await send(connection.peer, frames.reply(frame, "token.renewed", token.members()))
            return
        if frame.type == "tls.renew":
            body = dict(await asyncio.to_thread(self._desk.certify, connection.held, frame.body))
            await send(connection.peer, frames.reply(frame, "tls.put", body))
        elif frame.type in _KNOWN_TYPES and length > _MOST_CHARS:
            message = f"A {frame.type} has at most {_MOST_CHARS} characters."
            body = {"code": "too-large", "message": message}
            await send(connection.peer, frames.reply(frame, "failed", body))
        elif frame.type in _KNOWN_TYPES:
            if not self._quota.has_room(connection.frontgate_id, length):
                extra = _extra(connection.frontgate_id)
                log.warning("A Frontgate sends more than is stored for it now", extra=extra)
                return
            await asyncio.to_thread(self._desk.receive, connection.held, frame)
        else:
            body = {"code": "unknown-type", "message": "This Pilot does not know such frames."}
            await send(connection.peer, frames.reply(frame, "failed", body))
        await send(connection.peer, frames.ack(frame))

    async def _acknowledged(self, connection: Connection, frame: Frame) -> None:
        if frame.reply_to == frames.WELCOME:
            await asyncio.to_thread(self._desk.settle_in, connection.held)
        elif frame.reply_to in connection.in_flight:
            await asyncio.to_thread(self._desk.receive, connection.held, frame)
            connection.in_flight.discard(frame.reply_to)

    # -- which connections count -------------------------------------------------------------------

    async def _let_go(self) -> None:
        """Close connections that do not count any more: the Frontgate has another one, maybe with
        another Pilot, or was cut off.
        """
        while True:
            await asyncio.sleep(self._pace.held_look_s)
            before = list(self._connections.values())
            if not before:
                continue
            with _passing_over("The connections could not be looked at"):
                held = await asyncio.to_thread(self._desk.held)
                for connection in before:
                    if held.get(connection.frontgate_id) != connection.held.connection:
                        self._hang_up(connection)

    async def _show_life(self) -> None:
        while True:
            with _passing_over("A sign of life could not be written"):
                silent_s = 6 * self._pace.life_s
                await asyncio.to_thread(self._desk.show_life, silent_s=silent_s)
            await asyncio.sleep(self._pace.life_s)

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
            connection.sending = asyncio.create_task(send_all(connection, batch))
            connection.sending.add_done_callback(lambda _: self._has_post.set())

    async def _resend(self) -> None:
        while True:
            await asyncio.sleep(self._pace.resend_s)
            for connection in self._connections.values():
                connection.sent = 0
            self._has_post.set()


def run_pilot(
    pilot: Pilot,
    listener: socket.socket,
    *,
    stop: threading.Event,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Run the Pilot in this thread until ``stop`` is set.

    :param tls: with the certificate to serve TLS with; None for plain connections.
    :raises Exception: what ended it before that; no thread of it is left.
    """

    if tls is not None:
        # asyncio keeps a buffer of this size for each connection with TLS: 256 KiB unless told
        # otherwise. No record is longer than 16 KiB (RFC 8446, section 5.1).
        asyncio.sslproto.SSLProtocol.max_size = _TLS_RECORD_BYTES

    async def main() -> None:
        stopped = asyncio.Event()
        serving = asyncio.create_task(pilot.run(listener, stop=stopped, tls=tls))
        while not stop.is_set() and not serving.done():
            await asyncio.wait([serving], timeout=_STOP_LOOK_S)
        stopped.set()
        await serving

    asyncio.run(main())


def _only_frontgates(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == PATH:
        return None
    return connection.respond(http.HTTPStatus.NOT_FOUND, f"Frontgates connect to {PATH}.\n")


@contextlib.contextmanager
def _passing_over(what: str) -> Iterator[None]:
    """Log what fails: the database may be away for a while; what is done again must not end."""
    try:
        yield
    except Exception:
        log.exception(what, extra={"action": "pilot.connections"})


async def _refuse(peer: Peer, code: str, message: str) -> None:
    await send(peer, frames.refusal(code, message))
    await peer.close(_REFUSED, code)


def _extra(frontgate_id: str) -> dict[str, str]:
    return {"action": "pilot.connection", "frontgate_id": frontgate_id}
