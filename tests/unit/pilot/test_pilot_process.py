"""A Pilot as a process: what it listens with, and how it ends."""

import asyncio
import asyncio.sslproto
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import self_signed
from served import PACE, PATIENCE_S, Served, SlowDesk, hear, hello, say
from websockets.asyncio.client import connect

from pitrix_core.config import Config
from pitrix_core.pilot.inbox import Desk
from pitrix_core.pilot.server import Pilot, run_pilot


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
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)

    visitor = threading.Thread(target=lambda: asyncio.run(scene()))
    visitor.start()
    run_pilot(Pilot(desk, pace=PACE), listener, stop=stop)
    visitor.join(PATIENCE_S)

    assert not visitor.is_alive()
    assert not served.is_connected()


def test_tls_is_served_to_sockets_and_polls(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one port, as the settings name the certificate."""
    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "max_size", 256 * 1024)
    world.frontgate()
    certificate = self_signed(tmp_path)
    config = Config(pilot_tls_cert=str(certificate), pilot_tls_key=str(certificate))
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"wss://127.0.0.1:{listener.getsockname()[1]}/v1/frontgate"
    trusted = ssl.create_default_context(cafile=str(certificate))
    stop = threading.Event()
    pilot = Pilot(Desk(store=world.store, pilot_id="pil-1"), pace=PACE)
    serving = threading.Thread(
        target=run_pilot,
        args=(pilot, listener),
        kwargs={"stop": stop, "tls": config.pilot_tls()},
    )
    serving.start()

    async def scene() -> tuple[Any, int]:
        async with connect(url, proxy=None, ssl=trusted) as peer:
            await say(peer, "hello", "hello", hello())
            answer = await hear(peer)
        async with httpx.AsyncClient(trust_env=False, verify=trusted) as client:
            polled = await client.post(url.replace("wss:", "https:") + "/poll", json=[])
        return answer, polled.status_code

    try:
        welcome, status_code = asyncio.run(scene())
    finally:
        stop.set()
        serving.join(PATIENCE_S)

    assert welcome["type"] == "welcome"
    assert status_code == 400
    assert asyncio.sslproto.SSLProtocol.max_size == 16 * 1024


def test_the_process_ends_when_it_cannot_serve(world: Any) -> None:
    """A supervisor starts it anew; it must not stay without listening."""
    listener = socket.socket()
    listener.close()
    desk = Desk(store=world.store, pilot_id="pil-1")

    with pytest.raises(OSError, match="file descriptor"):
        run_pilot(Pilot(desk), listener, stop=threading.Event())
