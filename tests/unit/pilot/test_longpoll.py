"""Frames over requests, where no WebSocket is let through: the same rules, the same limits."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import attrs
import httpx
import pytest
from served import PACE, PATIENCE_S, Play, Served, eventually, hello, status

from pitrix_core.pilot import longpoll


@attrs.define
class Poller:
    """A Frontgate that polls."""

    client: httpx.AsyncClient
    url: str
    session: str | None = None
    #: What its hello was answered.
    first: Any = None

    async def ask(self, *frames: Any, wait_s: float = 0.0) -> httpx.Response:
        """Send a request."""
        body = {"session": self.session, "wait_s": wait_s, "frames": list(frames)}
        return await self.client.post(self.url, json=body)

    async def frames(self, *frames: Any, wait_s: float = 5.0) -> list[Any]:
        """Send a request, and return the frames that come back."""
        answer = (await self.ask(*frames, wait_s=wait_s)).raise_for_status().json()
        self.session = answer["session"]
        found: list[Any] = answer["frames"]
        return found


@contextlib.asynccontextmanager
async def polling(served: Served, **said: Any) -> AsyncIterator[Poller]:
    """Say hello as a Frontgate that polls."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        poller = Poller(client, served.poll_url)
        [poller.first] = await poller.frames(frame("hello", "hello", hello(**said)))
        yield poller


def frame(id_: str, kind: str, body: Any, **more: Any) -> dict[str, Any]:
    """Build a frame."""
    return {"id": id_, "type": kind, "body": body, **more}


def test_who_polls_is_welcome_and_its_leaving_is_noticed(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session in which nobody asks for a while has ended."""
    monkeypatch.setattr(longpoll, "_SILENT_S", 1.5)

    async def scene(served: Served) -> None:
        async with polling(served) as poller:
            assert poller.first["type"] == "welcome"
            assert served.is_connected()
        await eventually(lambda: not served.is_connected())

    play(scene)


def test_who_is_refused_is_told_why_and_has_no_session(play: Play) -> None:
    """As over a WebSocket."""

    async def scene(served: Served) -> None:
        async with polling(served, token="wrong") as poller:
            await eventually_gone(poller)

        assert poller.first["type"] == "refused"
        assert poller.first["body"]["code"] == "unauthorized"

    play(scene)


async def eventually_gone(poller: Poller) -> None:
    """Wait until the session is not there any more."""
    deadline = time.monotonic() + PATIENCE_S
    while (await poller.ask()).status_code != 404:  # nothing tells of it
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_frames_go_both_ways(play: Play) -> None:
    """What is sent is acknowledged, what waits comes in order, what is acknowledged is gone."""

    async def scene(served: Served) -> None:
        for number in range(3):
            served.send(f"m-{number}")
        async with polling(served) as poller:
            got = []
            while len(got) < 3:
                got += await poller.frames()
            await poller.ask(*(frame(f"a-{m['id']}", "ack", {}, reply_to=m["id"]) for m in got))
            await poller.ask(frame("f-1", "node.status", status()))
            [ack] = await poller.frames()
            await eventually(lambda: served.desk.outgoing({"fg-1": 0}) == [])
        with served.store.read() as tx:
            [node] = tx.clusters.nodes("cl-1")

        assert [each["id"] for each in got] == ["m-0", "m-1", "m-2"]
        assert (ack["type"], ack["reply_to"]) == ("ack", "f-1")
        assert node.agent["revision"] == 1

    play(scene)


def test_a_request_waits_for_what_is_to_come(play: Play) -> None:
    """And is answered when there is something, long before its time is up."""

    async def scene(served: Served) -> None:
        async with polling(served) as poller:
            waiting = asyncio.create_task(poller.frames(wait_s=50.0))
            await asyncio.to_thread(served.send, "m-0")
            async with asyncio.timeout(PATIENCE_S):
                [message] = await waiting

        assert message["id"] == "m-0"

    play(scene)


def test_a_request_that_waits_in_vain_is_answered_with_nothing(play: Play) -> None:
    """So that nothing on the way takes it for dead."""

    async def scene(served: Served) -> None:
        async with polling(served) as poller:
            assert await poller.frames(wait_s=0.05) == []

    play(scene)


def test_of_two_that_wait_the_older_one_is_answered(play: Play) -> None:
    """Its line may be dead; what comes is the newer one's."""

    async def scene(served: Served) -> None:
        async with polling(served) as poller:
            both = {asyncio.create_task(poller.frames(wait_s=15.0)) for _ in range(2)}
            [older], [newer] = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(served.send, "m-0")
            [message] = await newer

        assert await older == []
        assert message["id"] == "m-0"

    play(scene)


def test_what_was_not_acknowledged_is_sent_again(play: Play) -> None:
    """An answer may be lost on its way."""

    async def scene(served: Served) -> None:
        served.send("m-0")
        async with polling(served) as poller:
            [first] = await poller.frames()
            [again] = await poller.frames()

        assert first == again

    play(scene, pace=attrs.evolve(PACE, resend_s=0.05))


def test_a_frontgate_that_gets_through_by_a_websocket_ends_its_session(play: Play) -> None:
    """Of its connections the newest one counts."""

    async def scene(served: Served) -> None:
        async with polling(served) as poller, served.dial():
            await eventually_gone(poller)
            assert served.is_connected()

    play(scene)


def test_who_polls_without_a_hello_is_sent_away(play: Play) -> None:
    """Within the time that there is for it."""

    async def scene(served: Served) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            poller = Poller(client, served.poll_url)
            await poller.frames(wait_s=0.0)
            await eventually_gone(poller)

    play(scene)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"[]", 400, id="list"),
        pytest.param(b"[" * 10_000, 400, id="deep"),
        pytest.param(b'{"session": null, "wait_s": -1, "frames": []}', 400, id="negative"),
        pytest.param(b'{"session": null, "wait_s": 0, "frames": [1]}', 400, id="no-frame"),
        pytest.param(
            b'{"session": null, "wait_s": 1%s, "frames": []}' % (b"0" * 400), 404, id="endless-wait"
        ),
        pytest.param(b'{"session": "x", "wait_s": 0, "frames": []}', 404, id="no-session"),
        pytest.param(
            b'{"session": null, "wait_s": 0, "frames": []}' + b" " * 100_000, 413, id="long"
        ),
        pytest.param(b'{"session": "x", ' + b" " * 3_000_000, 413, id="long-of-no-session"),
    ],
)
def test_what_cannot_be_understood_is_refused(play: Play, body: bytes, status: int) -> None:
    """And nothing is kept of it."""

    async def scene(served: Served) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(served.poll_url, content=body)

        assert answer.status_code == status

    play(scene)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", id="another-path"),
        pytest.param("POST /v1/frontgate/poll HTTP/1.1\r\n\r\n", id="no-length"),
        pytest.param("POST x\r\n\r\n", id="no-version"),
        pytest.param(
            "POST /v1/frontgate/poll HTTP/1.1\r\nContent-Length: many\r\n\r\n", id="no-number"
        ),
        pytest.param("POST " + "x" * 100_000 + "\r\n\r\n", id="endless-head"),
        pytest.param("PO", id="half-a-word"),
        pytest.param("", id="nothing"),
    ],
)
def test_who_speaks_no_http_is_hung_up_on(
    play: Play, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is sent, the Pilot serves the next one."""
    for limit in ("_STRANGER_S", "_REQUEST_S", "_IDLE_S"):
        monkeypatch.setattr(longpoll, limit, 1.0)

    async def scene(served: Served) -> None:
        parts = urlsplit(served.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(text.encode())
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        async with served.dial():
            assert served.is_connected()

    play(scene)


@pytest.mark.parametrize(
    ("length", "body", "status"),
    [
        pytest.param(43, '{"session":"x", "wait_s": 0, "frames" : []}', 404, id="byte-by-byte"),
        pytest.param(5_000_000, "", 413, id="too-long"),
    ],
)
def test_a_request_is_answered_as_soon_as_it_can_be(
    play: Play, length: int, body: str, status: int
) -> None:
    """However it comes in; a body that is too long is not waited for."""

    async def scene(served: Served) -> None:
        parts = urlsplit(served.url)
        head = f"POST /v1/frontgate/poll HTTP/1.1\r\nContent-Length: {length}\r\n\r\n"
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in (head + body).encode():
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.readline(), PATIENCE_S)
        writer.close()

        assert answer.split()[1] == str(status).encode()

    play(scene)


def test_who_was_let_in_may_send_long_frames(play: Play) -> None:
    """Others may not: see above."""

    async def scene(served: Served) -> None:
        async with polling(served) as poller:
            await poller.ask(frame("f-1", "node.status", status() | {"detail": "x" * 500_000}))
            [ack] = await poller.frames()

        assert (ack["type"], ack["reply_to"]) == ("ack", "f-1")

    play(scene)


def test_a_session_of_who_was_not_let_in_takes_no_long_frames(play: Play) -> None:
    """It would cost nothing to begin many of them."""

    async def scene(served: Served) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            poller = Poller(client, served.poll_url)
            await poller.frames(wait_s=0.0)
            answer = await poller.ask(frame("f-1", "hello", {"token": "x" * 100_000}))

        assert answer.status_code == 413

    play(scene)


def test_a_session_that_is_not_read_holds_back_what_is_sent(play: Play) -> None:
    """A Frontgate that does not fetch costs the Pilot a bounded amount of memory."""

    async def scene(served: Served) -> None:
        async with polling(served) as poller:
            for number in range(8):
                await asyncio.to_thread(served.send, f"m-{number}", much="x" * 600_000)
            first = await poller.frames()
            rest: list[Any] = []
            while len(first) + len(rest) < 8:
                rest += await poller.frames()

        assert len(first) < 4
        assert [each["id"] for each in first + rest] == [f"m-{number}" for number in range(8)]

    play(scene)
