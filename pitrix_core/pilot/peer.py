"""What a Pilot needs of a connection, be it a WebSocket or a long poll."""

from collections.abc import AsyncIterator
from typing import Protocol


class Peer(Protocol):
    """The other end. Once it is gone, every method raises ``websockets.ConnectionClosed``, but
    :meth:`close`, and the iteration ends or raises it.
    """

    def let_in(self) -> None:
        """Take frames of full length from now on: those of strangers have to be short."""

    async def recv(self) -> str | bytes:
        """Wait for the next frame."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Go through what comes until the connection ends."""

    async def send(self, message: str, /) -> None:
        """Send a frame; waits while the other end takes none."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection."""
