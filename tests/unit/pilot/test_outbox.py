"""Messages leave for the Frontgate they are for, in order, and again until they are safe."""

import asyncio
from typing import Any

import attrs
import pytest
from served import PACE, Play, Served, eventually, hear, hello, say
from websockets.asyncio.client import connect

from pitrix_core.pilot.pace import Pace
from pitrix_core.store.agents import Message


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_pilot_is_told_of_messages(play: Play) -> None:
    """Where the database tells of them, however seldom it looks by itself."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await asyncio.sleep(0.5)  # it has looked, and found nothing
            await asyncio.to_thread(served.send, "m-1", number=1)
            message = await hear(peer)
            assert message["id"] == "m-1"

    play(scene, pace=Pace(look_s=60.0, quiet_look_s=60.0, told_look_s=60.0))


def test_the_outbox_is_delivered_in_order(play: Play) -> None:
    """Also what is put in while the Frontgate is connected."""

    async def scene(served: Served) -> None:
        for number in range(20):
            served.send(f"m-{number}", number=number)
        async with served.dial() as peer:
            first = [await hear(peer) for _ in range(20)]
            served.send("m-20", number=20)
            last = await hear(peer)

        assert [frame["body"]["number"] for frame in first] == list(range(20))
        assert first[0] == {"id": "m-0", "type": "command.run", "body": {"number": 0}}
        assert last["id"] == "m-20"

    play(scene)


def test_more_than_one_look_takes_is_delivered_in_order(play: Play) -> None:
    """A Frontgate that was away for hours gets every command, once, when it is back."""
    ids = [f"m-{number:04}" for number in range(1100)]

    async def scene(served: Served) -> None:
        with served.store.begin() as tx:
            for id_ in ids:
                tx.agents.send(Message(id=id_, frontgate_id="fg-1", type="command.run", body={}))
        async with served.dial() as peer:
            heard = [(await hear(peer))["id"] for _ in ids]
            for id_ in ids:
                await say(peer, f"a-{id_}", "ack", {}, reply_to=id_)
            await eventually(lambda: served.desk.outgoing({"fg-1": 0}) == [])

        assert heard == ids

    play(scene)


def test_what_was_not_acknowledged_is_sent_again_after_a_reconnect(play: Play) -> None:
    """With the same id; what was acknowledged is not."""

    async def scene(served: Served) -> None:
        for number in range(3):
            served.send(f"m-{number}")
        async with served.dial() as peer:
            assert [(await hear(peer))["id"] for _ in range(3)] == ["m-0", "m-1", "m-2"]
            await say(peer, "a", "ack", {}, reply_to="m-1")
            await eventually(lambda: len(served.desk.outgoing({"fg-1": 0})) == 2)
        async with served.dial() as peer:
            assert [(await hear(peer))["id"] for _ in range(2)] == ["m-0", "m-2"]

    play(scene)


def test_what_was_not_acknowledged_is_sent_again_after_a_while(play: Any) -> None:
    """On the same connection."""

    async def scene(served: Served) -> None:
        served.send("m-0")
        async with served.dial() as peer:
            assert [(await hear(peer))["id"] for _ in range(3)] == ["m-0", "m-0", "m-0"]

    play(scene, pace=attrs.evolve(PACE, resend_s=0.05))


def test_nobody_acknowledges_anothers_message(play: Play, world: Any) -> None:
    """It would never be sent again."""
    world.frontgate("fg-2")

    async def scene(served: Served) -> None:
        async with served.dial("fg-1") as mine, served.dial("fg-2") as other:
            served.send("m-0")
            await hear(mine)
            await say(other, "a", "ack", {}, reply_to="m-0")
            await say(other, "f-1", "failed", {})
            assert (await hear(other))["reply_to"] == "f-1"  # the one before was looked at, too

        assert [message.id for _, message in served.desk.outgoing({"fg-1": 0})] == ["m-0"]

    play(scene)


def test_each_frontgate_gets_its_own_messages(play: Play, world: Any) -> None:
    """And nobody else's."""
    world.frontgate("fg-2")

    async def scene(served: Served) -> None:
        async with served.dial("fg-1") as one, served.dial("fg-2") as two:
            served.send("m-1", "fg-1")
            served.send("m-2", "fg-2")
            assert (await hear(two))["id"] == "m-2"
            assert (await hear(one))["id"] == "m-1"

    play(scene)


def test_a_frontgate_that_does_not_read_holds_up_no_other(play: Play, world: Any) -> None:
    """Its connection is full; the others' are not."""
    world.frontgate("fg-2")

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None, max_queue=1) as stuck:
            await say(stuck, "hello", "hello", hello("fg-1"))
            await hear(stuck)
            for number in range(12):
                served.send(f"m-{number}", "fg-1", much="x" * 1_000_000)
            async with served.dial("fg-2") as other:
                served.send("n-1", "fg-2")
                assert (await hear(other))["id"] == "n-1"
            stuck.transport.abort()

    play(scene)


def test_a_database_that_is_away_stops_nothing_for_good(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    """The outbox is looked at again after a moment."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            served.desk.broken.add("outgoing")
            await eventually(lambda: "outbox could not be read" in caplog.text)
            served.desk.broken.clear()
            served.send("m-0")
            assert (await hear(peer))["id"] == "m-0"

    play(scene)


@pytest.mark.parametrize(
    ("quiet_s", "pause_s"),
    [pytest.param(9.9, 0.05, id="busy"), pytest.param(10.0, 0.25, id="quiet")],
)
def test_the_outbox_is_looked_at_less_often_when_all_is_quiet(
    quiet_s: float, pause_s: float
) -> None:
    """A Pilot that has nothing to do costs next to nothing."""
    assert Pace().pause_s(quiet_s=quiet_s) == pause_s


def test_a_message_leaves_also_after_a_quiet_time(play: Play) -> None:
    """A little later."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await asyncio.sleep(0.05)
            served.send("m-1")

            assert (await hear(peer))["id"] == "m-1"

    play(scene, pace=Pace(hello_s=0.5, look_s=0.005, quiet_look_s=0.02, quiet_after_s=0.01))
