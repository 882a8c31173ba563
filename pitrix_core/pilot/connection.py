"""A Frontgate's connection as its Pilot sees it, and what is sent over it."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

import attrs
import websockets

from pitrix_core.pilot.inbox import Admission, Held
from pitrix_core.pilot.peer import Peer
from pitrix_core.store.agents import Message


@attrs.define(eq=False)
class Connection:
    """A connection, and what is under way on it."""

    admission: Admission
    peer: Peer
    is_welcome: bool = False
    #: Number of the last message sent.
    sent: int = 0
    #: Messages sent on this connection and not acknowledged yet; it can acknowledge no others.
    in_flight: set[str] = attrs.field(factory=set)
    #: Sends messages; while it does, no more are looked for.
    sending: "asyncio.Task[None] | None" = None

    @property
    def held(self) -> Held:
        """What the database knows it by."""
        return self.admission.held

    @property
    def frontgate_id(self) -> str:
        """Whose it is."""
        return self.held.frontgate_id

    @property
    def is_idle(self) -> bool:
        """Says whether it can be given more to send."""
        return self.is_welcome and (self.sending is None or self.sending.done())


async def send_all(connection: Connection, batch: list[tuple[int, Message]]) -> None:
    """Send messages of the outbox; what does not get through is sent again on another one."""
    with contextlib.suppress(websockets.ConnectionClosed):
        for number, message in batch:
            connection.sent = max(connection.sent, number)
            connection.in_flight.add(message.id)
            frame = {"id": message.id, "type": message.type, "body": message.body}
            await send(connection.peer, frame)


async def send(peer: Peer, frame: Mapping[str, Any]) -> None:
    """Send a frame."""
    await peer.send(json.dumps(frame))
