"""What strangers, and Frontgates in strange hands, can cost a Pilot."""

import asyncio
import contextlib
import threading
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
import websockets
from served import PACE, PATIENCE_S, Play, Served, eventually, hear, hello, say, status
from websockets.asyncio.client import connect

from pitrix_core.pilot import longpoll
from pitrix_core.pilot.quota import Quota
from pitrix_core.pilot.strangers import Strangers


def test_there_are_only_so_many_strangers_at_a_time() -> None:
    """Wherever they come from; when one has left, another one may come."""
    strangers = Strangers(most=2, most_of_address=2)
    first = strangers.admit("192.0.2.1")
    came = [strangers.admit(address) is not None for address in ("192.0.2.2", "192.0.2.3")]
    assert first is not None
    first()
    first()
    came += [strangers.admit(address) is not None for address in ("192.0.2.3", "192.0.2.4")]

    assert came == [True, False, True, False]


@pytest.mark.parametrize(
    ("addresses", "came"),
    [
        pytest.param(["192.0.2.1"] * 3, [True, True, False], id="one-address"),
        pytest.param(["192.0.2.1", "192.0.2.2", "192.0.2.1"], [True] * 3, id="two-addresses"),
        pytest.param(
            ["2001:db8::1", "2001:db8::2", "2001:db8::3"], [True, True, False], id="one-network"
        ),
        pytest.param(
            ["::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1"], [True] * 3, id="mapped"
        ),
        pytest.param(["fe80::1%eth0"] * 3, [True, True, False], id="with-a-zone"),
        pytest.param(["127.0.0.1"] * 3, [True] * 3, id="proxy-on-this-machine"),
        pytest.param([""] * 3, [True] * 3, id="no-address"),
    ],
)
def test_one_address_does_not_take_all_the_room(addresses: list[str], came: list[bool]) -> None:
    """Of IPv6, one network does not."""
    strangers = Strangers(most=9, most_of_address=2)

    assert [strangers.admit(address) is not None for address in addresses] == came


def test_who_finds_no_room_is_hung_up_on(play: Play) -> None:
    """And who comes when there is room again is welcome; who was let in takes none."""

    async def scene(served: Served) -> None:
        parts = urlsplit(served.url)
        _, silent = await asyncio.open_connection(parts.hostname, parts.port)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()
        silent.close()
        await eventually_welcome(served)
        async with served.dial(), served.dial():
            assert served.is_connected()

    play(scene, pace=attrs.evolve(PACE, most_strangers=1))


async def eventually_welcome(served: Served) -> None:
    """Dial until there is room: nothing tells when a connection's end was noticed."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with served.dial():
                    return
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.02)


def test_who_sends_its_request_byte_by_byte_is_cut(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's connection has an end, whatever goes over it."""
    monkeypatch.setattr(longpoll, "_STRANGER_S", 0.5)

    async def scene(served: Served) -> None:
        parts = urlsplit(served.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST /v1/frontgate/poll HTTP/1.1\r\n")
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(PATIENCE_S):
            while not reading.done():
                writer.write(b"X")
                await asyncio.wait([reading], timeout=0.02)
        writer.close()

        assert isinstance(reading.exception(), ConnectionError) or reading.result() == b""

    play(scene)


def test_wrong_hellos_do_not_wait_for_good_ones_nor_these_for_them(play: Play) -> None:
    """They are refused while another one is being let in, for they change nothing."""

    async def scene(served: Served) -> None:
        served.desk.hold["welcome"] = threading.Event()
        async with connect(served.url, proxy=None) as good, connect(served.url, proxy=None) as bad:
            await say(good, "hello", "hello", hello())
            await eventually(lambda: "welcome" in served.desk.visits)
            await say(bad, "hello", "hello", hello(token="wrong"))
            refused = await hear(bad)
            served.desk.hold["welcome"].set()
            welcome = await hear(good)

        assert (refused["type"], welcome["type"]) == ("refused", "welcome")

    play(scene)


def test_a_frame_that_is_too_long_is_never_stored(play: Play) -> None:
    """The Frontgate is told, and sends it no more."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", {**status(), "detail": "x" * 600_000})
            answers = [await hear(peer), await hear(peer)]
            with served.store.read() as tx:
                [node] = tx.clusters.nodes("cl-1")

        assert [(each["type"], each["reply_to"]) for each in answers] == [
            ("failed", "f-1"),
            ("ack", "f-1"),
        ]
        assert answers[0]["body"]["code"] == "too-large"
        assert node.agent == {}

    play(scene)


def test_what_is_over_the_quota_is_not_acknowledged(play: Play) -> None:
    """It is sent again when there may be room; small things still find some."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", {**status(), "detail": "x" * 6_000})
            await say(peer, "f-2", "node.status", {**status(), "detail": "x" * 6_000})
            await say(peer, "f-3", "node.status", status())
            acks = [await hear(peer), await hear(peer)]

        assert [each["reply_to"] for each in acks] == ["f-1", "f-3"]

    play(scene, quota=Quota(most=10_000, clock=lambda: 0.0))


def test_a_quota_fills_again() -> None:
    """So much a second, and never more than all of it; each Frontgate has its own."""
    now = [0.0]
    quota = Quota(most=100, a_second=10, clock=lambda: now[0])
    rooms: list[Any] = [quota.has_room("fg-1", 100), quota.has_room("fg-1", 1)]
    rooms += [quota.has_room("fg-2", 100)]
    now[0] = 5.0
    rooms += [quota.has_room("fg-1", 51), quota.has_room("fg-1", 50)]
    now[0] = 1000.0
    rooms += [quota.has_room("fg-1", 101), quota.has_room("fg-1", 100)]

    assert rooms == [True, False, True, False, True, False, True]
