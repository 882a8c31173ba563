"""The Pilot: holds the Frontgates' connections, drains the outbox to them, fills the inbox from
them.

One asyncio process. The database is reached in threads; a frame is acknowledged only when its
transaction has committed.
"""

import asyncio
import contextlib
import http
import json
import logging
import socket
import threading
from typing import Any, Final

import attrs
import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from pitrix_core.errors import UnauthorizedError
from pitrix_core.pilot.inbox import Desk, Frame
from pitrix_core.planner.agents import PROTOCOL

log = logging.getLogger(__name__)

PATH: Final = "/v1/frontgate"
#: Frames are at most this long; agents/protocol/README.md section 1.
_FRAME_LIMIT_BYTES: Final = 4 * 1024 * 1024
#: Seconds a Frontgate has to say who it is.
_HELLO_S: Final = 10.0
#: Seconds between looks into the outbox.
_LOOK_S: Final = 0.05
#: Seconds after which an unacknowledged frame is sent again on the same connection.
_RESEND_S: Final = 30.0
#: Close code of a refused Frontgate.
_REFUSED: Final = 4401


@attrs.define
class _Connection:
    peer: ServerConnection
    #: Number of the last message sent.
    sent: int = 0


class Pilot:
    """Serves Frontgates until it is told to stop."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk; nothing listens yet."""
        self._desk = desk
        self._connections: dict[str, _Connection] = {}

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
            drains = [
                asyncio.create_task(self._drain_outbox()),
                asyncio.create_task(self._resend()),
            ]
            await stop.wait()
            for drain in drains:
                drain.cancel()

    # -- one Frontgate -----------------------------------------------------------------------------

    async def _serve(self, peer: ServerConnection) -> None:
        frontgate_id = await self._greet(peer)
        if frontgate_id is None:
            return
        connection = _Connection(peer)
        previous = self._connections.get(frontgate_id)
        self._connections[frontgate_id] = connection
        if previous is not None:
            await previous.peer.close()
        log.info("A Frontgate connected", extra=_extra(frontgate_id))
        try:
            await self._listen(frontgate_id, peer)
        except websockets.ConnectionClosed:
            log.info("A Frontgate's connection closed", extra=_extra(frontgate_id))
        finally:
            if self._connections.get(frontgate_id) is connection:
                del self._connections[frontgate_id]
                await asyncio.to_thread(self._desk.goodbye, frontgate_id)

    async def _greet(self, peer: ServerConnection) -> str | None:
        try:
            async with asyncio.timeout(_HELLO_S):
                hello = _parse(await peer.recv())
            if hello.type != "hello" or hello.body.get("protocol") != PROTOCOL:
                await _refuse(peer, "protocol", f"This Pilot speaks protocol {PROTOCOL}.")
                return None
            frontgate_id = await asyncio.to_thread(self._desk.welcome, hello.body)
        except (TimeoutError, ValueError, websockets.ConnectionClosed):
            await peer.close()
            return None
        except UnauthorizedError as ex:
            log.warning("A Frontgate was refused", extra={"action": "pilot.refused"})
            await _refuse(peer, ex.code, ex.message)
            return None
        await _send(peer, {"id": "welcome", "type": "welcome", "body": {"protocol": PROTOCOL}})
        return frontgate_id

    async def _listen(self, frontgate_id: str, peer: ServerConnection) -> None:
        async for text in peer:
            try:
                frame = _parse(text)
            except ValueError:
                log.warning("A Frontgate sent no frame", extra=_extra(frontgate_id))
                continue
            await asyncio.to_thread(self._desk.receive, frontgate_id, frame)
            if frame.type != "ack":
                ack = {"id": f"ack:{frame.id}"[:128], "type": "ack", "body": {}}
                await _send(peer, {**ack, "reply_to": frame.id})

    # -- the outbox --------------------------------------------------------------------------------

    async def _drain_outbox(self) -> None:
        while True:
            try:
                await self._drain_once()
            except Exception:  # the database may be away for a while; the loop must not end
                log.exception("The outbox could not be read", extra={"action": "pilot.outbox"})
                await asyncio.sleep(1.0)
            await asyncio.sleep(_LOOK_S)

    async def _drain_once(self) -> None:
        after = {fid: connection.sent for fid, connection in self._connections.items()}
        if not after:
            return
        for number, message in await asyncio.to_thread(self._desk.outgoing, after):
            connection = self._connections.get(message.frontgate_id)
            if connection is None:
                continue
            connection.sent = max(connection.sent, number)
            with contextlib.suppress(websockets.ConnectionClosed):  # sent again when it is back
                frame = {"id": message.id, "type": message.type, "body": message.body}
                await _send(connection.peer, frame)

    async def _resend(self) -> None:
        while True:
            await asyncio.sleep(_RESEND_S)
            for connection in self._connections.values():
                connection.sent = 0


def run_pilot(pilot: Pilot, listener: socket.socket, *, stop: threading.Event) -> None:
    """Run the Pilot in this thread until ``stop`` is set."""

    async def main() -> None:
        stopped = asyncio.Event()
        waiting = asyncio.create_task(pilot.run(listener, stop=stopped))
        await asyncio.wait(
            [waiting, asyncio.create_task(asyncio.to_thread(stop.wait))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        stopped.set()
        await waiting

    asyncio.run(main())


def _only_frontgates(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == PATH:
        return None
    return connection.respond(http.HTTPStatus.NOT_FOUND, f"Frontgates connect to {PATH}.\n")


def _parse(text: str | bytes) -> Frame:
    document = json.loads(text)
    match document:
        case {"id": str(id_), "type": str(type_), "body": dict(body)}:
            reply_to = document.get("reply_to")
            return Frame(id=id_, type=type_, body=body, reply_to=reply_to)
        case _:
            raise ValueError("not a frame")


async def _send(peer: ServerConnection, frame: dict[str, Any]) -> None:
    await peer.send(json.dumps(frame))


async def _refuse(peer: ServerConnection, code: str, message: str) -> None:
    body = {"code": code, "message": message}
    await _send(peer, {"id": "refused", "type": "refused", "body": body})
    await peer.close(_REFUSED, code)


def _extra(frontgate_id: str) -> dict[str, str]:
    return {"action": "pilot.connection", "frontgate_id": frontgate_id}
