"""Frames over plain HTTP requests on the Pilot's port, where no WebSocket is let through.

``agents/protocol/README.md`` section 1.2. A request that begins with ``POST`` comes here, all
others are the WebSocket server's.
"""

import asyncio
import contextlib
import http
import http.client
import io
import json
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import attrs
import websockets
from websockets.asyncio.server import ServerConnection

from pitrix_core.pilot.peer import Peer
from pitrix_core.pilot.strangers import Strangers

PATH: Final = "/v1/frontgate/poll"

#: Frames are at most this long; agents/protocol/README.md section 1. Those of strangers are short:
#: anybody can connect, as often as he likes.
_FRAME_BYTES: Final = 4 * 1024 * 1024
FIRST_BYTES: Final = 64 * 1024
#: Longest head of a request, and longest body.
_HEAD_BYTES: Final = 32 * 1024
_BODY_BYTES: Final = _FRAME_BYTES + 64 * 1024
#: How a body begins; what is longer than a stranger's is read on if its session is known.
_BEGINNING: Final = re.compile(rb'\s*\{\s*"session"\s*:\s*"([A-Za-z0-9_-]{1,64})"')
#: Sessions at a time; those who have not said who they are end soon.
_MOST_SESSIONS: Final = 10_000
#: Frames that wait to be looked at, and bytes that wait to be fetched, in a session.
_MOST_FRAMES: Final = 4
_MOST_WAITING_BYTES: Final = 1024 * 1024
#: Seconds that a request may wait, and without one after which a session has ended.
_LONGEST_WAIT_S: Final = 60.0
_SILENT_S: Final = 60.0
#: Seconds that a connection lasts unless its other end says who it is: more than all that it does
#: to say so may take.
_STRANGER_S: Final = 40.0
#: Seconds for a request to come in, and a connection may be idle between two.
_REQUEST_S: Final = 30.0
_IDLE_S: Final = 90.0
#: Seconds for which what was said last may still be fetched from a session that has ended.
_LAST_WORDS_S: Final = 2.0
#: Seconds in which everything has to end with the Pilot.
_END_S: Final = 3.0


@attrs.frozen(kw_only=True)
class _Request:
    session: str | None
    wait_s: float
    frames: list[str]
    is_last: bool


class _RefusedError(Exception):
    """A request that is answered with an error, after which its connection is closed."""

    def __init__(self, status: http.HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@attrs.define(eq=False, kw_only=True)
class _Session:
    """A Frontgate that polls; a :class:`~pitrix_core.pilot.peer.Peer` to the Pilot."""

    id: str
    coming: "asyncio.Queue[str | None]" = attrs.field(factory=lambda: asyncio.Queue(_MOST_FRAMES))
    going: deque[str] = attrs.field(factory=deque)
    going_bytes: int = 0
    is_closed: bool = False
    #: It is known who polls.
    is_known: bool = False
    #: The end of the newest request, by the monotonic clock; later while one waits.
    heard_s: float = attrs.field(factory=time.monotonic)
    changed: asyncio.Condition = attrs.field(factory=asyncio.Condition)
    #: Counts requests that wait: the newest one gets what there is.
    waiting: int = 0
    #: Called when it is known who polls, or the session has ended.
    leave: Callable[[], None]

    def let_in(self) -> None:
        self.is_known = True
        self.leave()

    async def recv(self) -> str:
        while not self.is_closed:
            left_s = self.heard_s + _SILENT_S - time.monotonic()
            if left_s <= 0:
                break
            with contextlib.suppress(TimeoutError):
                text = await asyncio.wait_for(self.coming.get(), min(left_s, _SILENT_S / 4))
                if text is not None:
                    return text
        await self.close()
        raise websockets.ConnectionClosedError(None, None)

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            yield await self.recv()

    async def send(self, message: str, /) -> None:
        async with self.changed:
            await self.changed.wait_for(
                lambda: self.is_closed or self.going_bytes < _MOST_WAITING_BYTES
            )
            if self.is_closed:
                raise websockets.ConnectionClosedError(None, None)
            self.going.append(message)
            self.going_bytes += len(message)
            self.changed.notify_all()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End it; what was sent before can still be fetched by the request that waits."""
        async with self.changed:
            self.is_closed = True
            with contextlib.suppress(asyncio.QueueFull):
                self.coming.put_nowait(None)
            self.changed.notify_all()

    async def fetch(self, wait_s: float) -> list[str]:
        """Return what there is to be sent, waiting for it.

        Nothing for who does not wait, or when a newer request waits: one gets all, in order.
        """
        if not wait_s:
            self.heard_s = max(self.heard_s, time.monotonic())
            return []
        async with self.changed:
            self.waiting += 1
            mine = self.waiting
            self.heard_s = time.monotonic() + wait_s
            self.changed.notify_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.changed.wait_for(
                        lambda: self.going or self.is_closed or self.waiting != mine
                    )
            if self.waiting != mine:
                return []
            self.heard_s = time.monotonic()
            found = list(self.going)
            self.going.clear()
            self.going_bytes = 0
            self.changed.notify_all()
            return found


class PollDesk:
    """Answers the requests of every Frontgate that polls.

    :param serve: speaks with one of them until it is gone.
    :param strangers: counts sessions whose other end has not said who it is.
    """

    def __init__(self, serve: Callable[[Peer], Awaitable[None]], strangers: Strangers) -> None:
        """Serve nobody yet."""
        self._serve = serve
        self._strangers = strangers
        self._sessions: dict[str, _Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """End every session, and every connection."""
        for session in list(self._sessions.values()):
            await session.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_S)
        for task in self._tasks:
            task.cancel()

    def take_over(
        self, transport: asyncio.Transport, data: bytes, *, leave: Callable[[], None]
    ) -> None:
        """Answer the requests that come over a connection, of which some bytes have come.

        :param leave: is called when it is known whose it is, or it has ended.
        """
        reader = asyncio.StreamReader(limit=_HEAD_BYTES)
        protocol = asyncio.StreamReaderProtocol(
            reader, lambda reader, writer: self._begin(self._answer_all(reader, writer, leave))
        )
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_all(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        leave: Callable[[], None],
    ) -> None:
        address = _address(writer)
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            try:
                is_last = False
                while not is_last:
                    request = await self._read(reader)
                    is_last = request.is_last
                    session = self._session(request.session, address)
                    if session.is_known:
                        leave()
                    _write(writer, http.HTTPStatus.OK, await _answered(session, request))
                    await writer.drain()
            except _RefusedError as ex:
                _write(writer, ex.status, {"error": ex.status.phrase})
                await writer.drain()
            finally:
                leave()
                writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> _Request:
        async with asyncio.timeout(_IDLE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        try:
            method, path, version = line.decode("ascii").split(" ")
            headers = http.client.parse_headers(io.BytesIO(fields))
            length = int(headers["Content-Length"] or "")
        except (ValueError, http.client.HTTPException):
            raise _RefusedError(http.HTTPStatus.BAD_REQUEST) from None
        if method != "POST" or path != PATH:
            raise _RefusedError(http.HTTPStatus.NOT_FOUND)
        if not 0 <= length <= _BODY_BYTES:
            raise _RefusedError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        async with asyncio.timeout(_REQUEST_S):
            body = await reader.readexactly(min(length, FIRST_BYTES))
            if length > FIRST_BYTES and not self._is_known(body):
                await _pass_over(reader, length - len(body))
                raise _RefusedError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            body += await reader.readexactly(length - len(body))
        is_last = version != "HTTP/1.1" or headers.get("Connection", "").lower() == "close"
        return _Request(**_parsed(body), is_last=is_last)

    def _is_known(self, body: bytes) -> bool:
        """Say whether a body begins with the session of somebody who was let in."""
        found = _BEGINNING.match(body)
        session = self._sessions.get(found[1].decode()) if found else None
        return session is not None and session.is_known

    def _session(self, name: str | None, address: str) -> _Session:
        """Find a session, or begin one.

        :raises _RefusedError: it has ended, or there are too many.
        """
        if name is not None:
            if name not in self._sessions:
                raise _RefusedError(http.HTTPStatus.NOT_FOUND)
            return self._sessions[name]
        leave = self._strangers.admit(address) if len(self._sessions) < _MOST_SESSIONS else None
        if leave is None:
            raise _RefusedError(http.HTTPStatus.SERVICE_UNAVAILABLE)
        session = _Session(id=secrets.token_urlsafe(32), leave=leave)
        self._sessions[session.id] = session
        self._begin(self._keep(session))
        return session

    async def _keep(self, session: _Session) -> None:
        try:
            await self._serve(session)
        finally:
            session.leave()
            await session.close()
            # What was said last may still be fetched.
            await asyncio.sleep(_LAST_WORDS_S if session.going else 0)
            self._sessions.pop(session.id, None)


class Door(ServerConnection):
    """What the WebSocket server makes of each connection; those that poll go to another room.

    Nothing is known of a connection until its first bytes have come.
    """

    def __init__(self, *args: Any, polls: PollDesk, strangers: Strangers, **options: Any) -> None:
        """Wait for the first bytes.

        :param polls: gets the connections whose first request is no WebSocket's.
        :param strangers: counts those whose other end has not said who it is.
        """
        super().__init__(*args, **options)
        self._polls = polls
        self._strangers = strangers
        self._untold: asyncio.Transport | None = None
        self._leave: Callable[[], None] = _nothing

    def let_in(self) -> None:
        """Take frames of full length from now on, for as long as they come."""
        self.protocol.max_message_size = _FRAME_BYTES
        self._leave()

    def connection_made(self, transport: Any) -> None:
        """Wait, but not for ever, and not with too many others."""
        self._untold = transport
        leave = self._strangers.admit(_address(transport))
        if leave is None:
            transport.abort()
            return
        patience = self.loop.call_later(_STRANGER_S, transport.abort)

        def left() -> None:
            patience.cancel()
            leave()

        self._leave = left

    def data_received(self, data: bytes) -> None:
        """Look at the first bytes; leave all others to whom they are for."""
        transport = self._told()
        if transport is None:
            super().data_received(data)
        elif data.startswith(b"POST"[: len(data)]):
            self._polls.take_over(transport, data, leave=self._leave)
        else:
            super().connection_made(transport)
            super().data_received(data)

    def eof_received(self) -> None:
        """Close, as the transport does by itself."""
        if self._untold is None:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, if anything has begun."""
        self._leave()
        if self._told() is None:
            super().connection_lost(exc)

    def _told(self) -> asyncio.Transport | None:
        """Return the transport of one of which nothing was known until now."""
        transport, self._untold = self._untold, None
        return transport


async def _answered(session: _Session, request: _Request) -> dict[str, Any]:
    for text in request.frames:
        async with asyncio.timeout(_REQUEST_S):
            await session.coming.put(text)
    found = await session.fetch(min(request.wait_s, _LONGEST_WAIT_S))
    if session.is_closed and not found:
        raise _RefusedError(http.HTTPStatus.NOT_FOUND)
    return {"session": session.id, "frames": [json.loads(text) for text in found]}


def _parsed(body: bytes) -> dict[str, Any]:
    """Read a request; the frames in it are texts again."""
    with contextlib.suppress(ValueError, RecursionError):
        match json.loads(body):
            case {
                "session": None | str() as session,
                "wait_s": int() | float() as wait_s,
                "frames": list(frames),
            } if wait_s >= 0 and all(isinstance(frame, dict) for frame in frames):
                texts = [json.dumps(frame) for frame in frames]
                return {"session": session, "wait_s": wait_s, "frames": texts}
    raise _RefusedError(http.HTTPStatus.BAD_REQUEST)


def _address(connection: asyncio.BaseTransport | asyncio.StreamWriter) -> str:
    """Return where a connection comes from; empty where that is no address."""
    match connection.get_extra_info("peername"):
        case [str(address), *_]:
            return address
    return ""


def _nothing() -> None:
    """Do nothing."""


async def _pass_over(reader: asyncio.StreamReader, length: int) -> None:
    """Read what is not kept: who is still sending does not hear the answer."""
    while length > 0 and not reader.at_eof():
        length -= len(await reader.read(min(length, FIRST_BYTES)))


def _write(writer: asyncio.StreamWriter, status: http.HTTPStatus, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\n"
        f"Connection: {'keep-alive' if status is http.HTTPStatus.OK else 'close'}\r\n\r\n"
    )
    writer.write(head.encode() + content)
