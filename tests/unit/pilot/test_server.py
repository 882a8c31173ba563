"""Frames as a Frontgate meets them: over a real WebSocket, with a real database behind."""

import asyncio
import threading

import pytest
from served import Play, Served, eventually, hear, say, status


def test_a_frame_is_acknowledged_once_it_is_committed(play: Play) -> None:
    """Who reads the acknowledgement finds the frame's effect in the database."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", status())
            ack = await hear(peer)
            with served.store.read() as tx:
                [node] = tx.clusters.nodes("cl-1")

        assert (ack["type"], ack["reply_to"], ack["body"]) == ("ack", "f-1", {})
        assert node.agent["revision"] == 1

    play(scene)


def test_a_frame_is_not_acknowledged_before(play: Play) -> None:
    """As long as it is not safe, the Frontgate keeps it."""

    async def scene(served: Served) -> None:
        served.desk.hold["receive"] = threading.Event()
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", status())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peer.recv(), 0.1)
            served.desk.hold["receive"].set()
            assert (await hear(peer))["reply_to"] == "f-1"

    play(scene)


def test_a_frame_that_comes_twice_is_acknowledged_twice(play: Play) -> None:
    """And takes effect once."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.status", status(1))
            await say(peer, "f-1", "node.status", status(9))
            acks = [await hear(peer), await hear(peer)]
            with served.store.read() as tx:
                [node] = tx.clusters.nodes("cl-1")

        assert [ack["reply_to"] for ack in acks] == ["f-1", "f-1"]
        assert node.agent["revision"] == 1

    play(scene)


def test_what_is_no_frame_is_passed_over(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """The connection, and the frames after it, are as good as before."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await peer.send("[" * 100_000)
            await peer.send('{"id": "a b", "type": "x", "body": {}}')
            await peer.send('{"id": "f-0", "type": "x", "body": {}, "reply_to": 5}')
            await say(peer, "f-1", "node.status", status())
            assert (await hear(peer))["reply_to"] == "f-1"

    play(scene)

    assert caplog.text.count("sent no frame") == 3


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_what_no_database_takes_is_replaced(play: Play) -> None:
    """Such a frame would be sent again for ever: neither NUL nor infinity can be stored."""
    frame = """{"id": "f-1", "type": "node.status", "body": {"node_id": "cln-cl-1",
        "detail": "a\\u0000b \\ud800", "\\u0000": [NaN, -1e999, {"c": 1.5}]}}"""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await peer.send(frame)
            assert (await hear(peer))["reply_to"] == "f-1"
            await say(peer, "f-2", "node.health", {"node_id": "\x00"})
            assert (await hear(peer))["reply_to"] == "f-2"
        with served.store.read() as tx:
            [node] = tx.clusters.nodes("cl-1")

        assert (node.agent["detail"], node.agent["?"]) == ("a?b ?", [None, None, {"c": 1.5}])

    play(scene)


def test_a_frame_of_an_unknown_type_is_refused(play: Play) -> None:
    """It can never be carried out; it is acknowledged, so that it does not come again."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            await say(peer, "f-1", "node.dance", {})
            answers = [await hear(peer), await hear(peer)]

        assert [answer["type"] for answer in answers] == ["failed", "ack"]
        assert [answer["reply_to"] for answer in answers] == ["f-1", "f-1"]
        assert answers[0]["body"]["code"] == "unknown-type"

    play(scene)


def test_a_frame_that_cannot_be_stored_is_not_acknowledged(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    """The Frontgate sends it again; the connection and the Pilot live on."""

    async def scene(served: Served) -> None:
        async with served.dial() as peer:
            served.desk.broken.add("receive")
            await say(peer, "f-1", "node.status", status())
            await eventually(lambda: "could not be stored" in caplog.text)
            served.desk.broken.clear()
            await say(peer, "f-1", "node.status", status())
            assert (await hear(peer))["reply_to"] == "f-1"

    play(scene)
