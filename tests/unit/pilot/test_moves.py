"""Of a Frontgate's connections the newest one counts, with whichever Pilot it is."""

import asyncio
import threading
import time
from typing import Any

import attrs
import pytest
import websockets
from served import PACE, PATIENCE_S, Play, Served, eventually, hear, say, serving, status


def test_of_two_connections_the_newer_one_wins(play: Play) -> None:
    """The older one is closed, and its end does not disconnect the Frontgate."""

    async def scene(served: Served) -> None:
        async with served.dial() as older, served.dial() as newer:
            await asyncio.wait_for(older.wait_closed(), PATIENCE_S)
            served.send("m-0")
            assert (await hear(newer))["id"] == "m-0"
            assert served.is_connected()
        await eventually(lambda: not served.is_connected())

    play(scene)


def test_a_goodbye_that_comes_late_does_not_disconnect_the_newer_one(play: Play) -> None:
    """The older connection ends just when the newer one was written down."""

    async def scene(served: Served) -> None:
        async with served.dial() as older:
            served.desk.hold["welcome"] = threading.Event()
            dialling = asyncio.create_task(_stay(served, until := asyncio.Event()))
            await eventually(lambda: served.desk.visits.count("welcome") == 2)
            older.transport.abort()
            served.desk.hold["welcome"].set()
            await eventually(lambda: "goodbye" in served.desk.visits)
            assert served.is_connected()
            until.set()
            await dialling

    play(scene)


async def _stay(served: Served, until: asyncio.Event) -> None:
    async with served.dial():
        await until.wait()


def test_a_dead_connection_does_not_hold_up_the_newer_one(play: Play) -> None:
    """The other end of the older one may have vanished without a word."""

    async def scene(served: Served) -> None:
        async with served.dial() as older:
            older.transport.pause_reading()  # it will never answer a closing handshake
            begun = time.monotonic()
            async with served.dial() as newer:
                await say(newer, "f-1", "node.status", status())
                assert (await hear(newer))["reply_to"] == "f-1"
                took_s = time.monotonic() - begun
            older.transport.abort()

        assert took_s < 8  # a closing handshake is given ten

    play(scene)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_frontgate_that_moved_is_let_go_of(world: Any) -> None:
    """The Pilot that it left closes a connection that nobody else has closed."""
    world.frontgate()

    async def main() -> None:
        async with (
            asyncio.timeout(3 * PATIENCE_S),
            serving(world.store, pilot_id="pil-1") as one,
            serving(world.store, pilot_id="pil-2") as two,
            one.dial() as older,
            two.dial() as newer,
        ):
            await asyncio.wait_for(older.wait_closed(), PATIENCE_S)
            two.send("m-1")
            assert (await hear(newer))["id"] == "m-1"
            assert two.is_connected()

    asyncio.run(main())


def test_what_comes_over_a_connection_that_was_left_is_not_acknowledged(world: Any) -> None:
    """It is sent again where the Frontgate is now; there it may be old by then."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    slow = attrs.evolve(PACE, held_look_s=60.0)

    async def main() -> None:
        async with (
            asyncio.timeout(3 * PATIENCE_S),
            serving(world.store, pilot_id="pil-1", pace=slow) as one,
            serving(world.store, pilot_id="pil-2", pace=slow) as two,
            one.dial() as older,
            two.dial() as newer,
        ):
            await say(newer, "f-2", "node.status", status(2))
            assert (await hear(newer))["reply_to"] == "f-2"
            await say(older, "f-1", "node.status", status(1))
            with pytest.raises(websockets.ConnectionClosed):
                await hear(older)

    asyncio.run(main())
    with world.store.read() as tx:
        [node] = tx.clusters.nodes("cl-1")
    assert node.agent["revision"] == 2
