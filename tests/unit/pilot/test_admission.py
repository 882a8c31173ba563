"""Who comes to the Pilot: strangers are told why they may not in, others get what they ask for."""

import asyncio
from typing import Any

import pytest
import websockets
from served import PATIENCE_S, Play, Served, eventually, hear, hello, hello_2, say
from websockets.asyncio.client import connect


def test_a_frontgate_is_welcome_and_its_leaving_is_noticed(play: Play) -> None:
    """The database says so for as long as it is connected."""

    async def scene(served: Served) -> None:
        async with served.dial():
            assert served.is_connected()
        await eventually(lambda: not served.is_connected())

    play(scene)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(hello(token="wrong"), "unauthorized", id="wrong-token"),
        pytest.param(hello("fg-9"), "unauthorized", id="unknown"),
        pytest.param(hello(protocol=3), "protocol", id="another-protocol"),
        pytest.param(hello(protocol="2"), "protocol", id="no-number"),
        pytest.param(hello(endpoints=5), "invalid_input", id="no-endpoints"),
    ],
)
def test_who_may_not_come_in_is_told_why(play: Play, body: Any, code: str) -> None:
    """With a frame, and the close code 4401."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", body)
            refused = await hear(peer)
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)

        assert refused["type"] == "refused"
        assert refused["body"]["code"] == code
        assert peer.close_code == 4401
        assert not served.is_connected()

    play(scene)


def test_whoever_begins_otherwise_is_refused(play: Play) -> None:
    """Hello comes first."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "x", "node.status", {})
            assert (await hear(peer))["body"]["code"] == "protocol"

    play(scene)


@pytest.mark.parametrize("text", ["", "no frame", "[]", '{"id": 1}', "[" * 100_000])
def test_whoever_sends_no_frame_is_sent_away(play: Play, text: str) -> None:
    """And so is who says nothing at all."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await peer.send(text)
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)

    play(scene)


def test_a_stranger_may_say_little(play: Play) -> None:
    """Longer frames are for those who were let in: anybody can connect."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello(token="x" * 100_000))
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)
        async with served.dial() as known:
            body = {"node_id": "cln-cl-1", "state": "configured", "detail": "x" * 500_000}
            await say(known, "f-1", "node.status", body)
            answer = await hear(known)

        assert peer.close_code == 1009
        assert (answer["type"], answer["reply_to"]) == ("ack", "f-1")

    play(scene)


def test_whoever_says_nothing_is_sent_away(play: Play) -> None:
    """A port scanner holds no connection."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)

        assert not served.is_connected()

    play(scene)


def test_other_paths_are_not_found(play: Play) -> None:
    """The answer says which one is."""

    async def scene(served: Served) -> None:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await connect(served.url + "/x", proxy=None)
        assert caught.value.response.status_code == 404
        assert b"/v1/frontgate" in (caught.value.response.body or b"")

    play(scene)


def test_a_welcome_that_fails_ends_that_connection_only(play: Play) -> None:
    """The Frontgate dials again."""

    async def scene(served: Served) -> None:
        served.desk.broken.add("welcome")
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello())
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)
        served.desk.broken.clear()
        async with served.dial():
            assert served.is_connected()

    play(scene)


def test_a_frontgate_enrols_and_comes_again_with_its_token(play: Play) -> None:
    """Once it has acknowledged the welcome, the enrolment has served."""

    async def scene(served: Served) -> None:
        enrolment = served.enrolment()
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(enrolment=enrolment))
            welcome = await hear(peer)
            assert served.may_enrol()
            await say(peer, "a", "ack", {}, reply_to=welcome["id"])
            await eventually(lambda: not served.may_enrol())
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(token=welcome["body"]["token"]))
            again = await hear(peer)

        assert (welcome["type"], welcome["body"]["protocol"]) == ("welcome", 2)
        assert again["type"] == "welcome"

    play(scene)


def test_a_newer_token_is_given_on_request(play: Play) -> None:
    """As the answer to the question, and not acknowledged: who got none asks again."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(enrolment=served.enrolment()))
            await hear(peer)
            await say(peer, "r-1", "token.renew", {})
            await say(peer, "r-2", "token.renew", {})
            answers = [await hear(peer), await hear(peer)]

        assert [answer["type"] for answer in answers] == ["token.renewed"] * 2
        assert [answer["reply_to"] for answer in answers] == ["r-1", "r-2"]
        assert {"token", "renew_after_s", "expires_at"} == set(answers[0]["body"])

    play(scene)


def test_a_frontgate_gets_a_certificate_when_it_asks(play: Play) -> None:
    """For its own addresses; a question that comes again has an answer of the same id."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(enrolment=served.enrolment()))
            await hear(peer)
            await say(peer, "t-1", "tls.renew", {})
            await say(peer, "t-1", "tls.renew", {})
            heard = [await hear(peer) for _ in range(4)]

        answers = [frame for frame in heard if frame["type"] == "tls.put"]
        assert [frame["type"] for frame in heard] == ["tls.put", "ack"] * 2
        assert {frame["reply_to"] for frame in heard} == {"t-1"}
        assert answers[0]["id"] == answers[1]["id"]
        assert {"ca", "certificate", "key", "not_after"} == set(answers[0]["body"])

    play(scene)


def test_a_revoked_frontgate_is_hung_up_on(play: Play) -> None:
    """By whichever Pilot holds its connection; it may not come back."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(enrolment=served.enrolment()))
            token = (await hear(peer))["body"]["token"]
            with served.store.begin() as tx:
                tx.agents.revoke("fg-1")
            await asyncio.wait_for(peer.wait_closed(), PATIENCE_S)
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(token=token))
            refused = await hear(peer)

        assert refused["type"] == "refused"
        assert refused["body"]["code"] == "unauthorized"
        assert "pitrix frontgate renew fg-1" in refused["body"]["message"]

    play(scene)
