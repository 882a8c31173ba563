"""The Pilot as a Frontgate meets it: over a real WebSocket, with a real database behind."""

import asyncio
import asyncio.sslproto
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from served import PACE, Play, Served, SlowDesk, eventually, hear, hello, say, serving
from websockets.asyncio.client import connect

from pitrix_core.config import Config
from pitrix_core.pilot import tokens
from pitrix_core.pilot.inbox import Desk
from pitrix_core.pilot.pace import Pace
from pitrix_core.pilot.server import Pilot, run_pilot


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
            await asyncio.wait_for(peer.wait_closed(), 5)

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
            await asyncio.wait_for(peer.wait_closed(), 5)

    play(scene)


def test_a_stranger_may_say_little(play: Play) -> None:
    """Frames of megabytes are for those who were let in: anybody can connect."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello(token="x" * 100_000))
            await asyncio.wait_for(peer.wait_closed(), 5)
        async with served.dial() as known:
            body = {"node_id": "cln-cl-1", "state": "configured", "detail": "x" * 3_000_000}
            await say(known, "f-1", "node.status", body)
            answer = await hear(known)

        assert peer.close_code == 1009
        assert (answer["type"], answer["reply_to"]) == ("ack", "f-1")

    play(scene)


def test_whoever_says_nothing_is_sent_away(play: Play) -> None:
    """A port scanner holds no connection."""

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await asyncio.wait_for(peer.wait_closed(), 5)

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


def status(revision: int = 1) -> dict[str, Any]:
    """Return a drone's report."""
    return {"node_id": "cln-cl-1", "state": "configured", "revision": revision}


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


def test_of_two_connections_the_newer_one_wins(play: Play) -> None:
    """The older one is closed, and its end does not disconnect the Frontgate."""

    async def scene(served: Served) -> None:
        async with served.dial() as older, served.dial() as newer:
            await asyncio.wait_for(older.wait_closed(), 5)
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
            await asyncio.sleep(0.1)
            older.transport.abort()
            await asyncio.sleep(0.1)
            served.desk.hold["welcome"].set()
            await asyncio.sleep(0.2)
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


def test_a_welcome_that_fails_ends_that_connection_only(play: Play) -> None:
    """The Frontgate dials again."""

    async def scene(served: Served) -> None:
        served.desk.broken.add("welcome")
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello())
            await asyncio.wait_for(peer.wait_closed(), 5)
        served.desk.broken.clear()
        async with served.dial():
            assert served.is_connected()

    play(scene)


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
            await asyncio.wait_for(peer.wait_closed(), 5)

    visitor = threading.Thread(target=lambda: asyncio.run(scene()))
    visitor.start()
    run_pilot(Pilot(desk, pace=PACE), listener, stop=stop)
    visitor.join(5)

    assert not visitor.is_alive()
    assert not served.is_connected()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "an example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "identity.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_tls_is_served_to_sockets_and_polls(
    world: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one port, as the settings name the certificate."""
    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "max_size", 256 * 1024)
    world.frontgate()
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
        serving.join(10)

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


def enrolment_of(served: Served) -> str:
    """Let the Frontgate enrol, and return with what."""
    with served.store.begin() as tx:
        frontgate = tx.agents.frontgate("fg-1")
        assert frontgate is not None
        tokens.let_enrol(tx, frontgate)
        return tx.secrets.get(frontgate.secret_id)


def hello_2(**shown: Any) -> dict[str, Any]:
    """Return what a Frontgate of protocol 2 says first."""
    said = {name: value for name, value in hello().items() if name != "token"}
    return {**said, "protocol": 2, **shown}


def may_enrol(served: Served) -> bool:
    """Say whether the Frontgate's enrolment is still good."""
    with served.store.read() as tx:
        frontgate = tx.agents.frontgate("fg-1")
    return frontgate is not None and frontgate.enrolment_sha256 is not None


def test_a_frontgate_enrols_and_comes_again_with_its_token(play: Play) -> None:
    """Once it has acknowledged the welcome, the enrolment has served."""

    async def scene(served: Served) -> None:
        enrolment = enrolment_of(served)
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(enrolment=enrolment))
            welcome = await hear(peer)
            assert may_enrol(served)
            await say(peer, "a", "ack", {}, reply_to=welcome["id"])
            await eventually(lambda: not may_enrol(served))
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
            await say(peer, "hello", "hello", hello_2(enrolment=enrolment_of(served)))
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
            await say(peer, "hello", "hello", hello_2(enrolment=enrolment_of(served)))
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
            await say(peer, "hello", "hello", hello_2(enrolment=enrolment_of(served)))
            token = (await hear(peer))["body"]["token"]
            with served.store.begin() as tx:
                tx.agents.revoke("fg-1")
            await asyncio.wait_for(peer.wait_closed(), 5)
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "hello", "hello", hello_2(token=token))
            refused = await hear(peer)

        assert refused["type"] == "refused"
        assert refused["body"]["code"] == "unauthorized"
        assert "pitrix frontgate renew fg-1" in refused["body"]["message"]

    play(scene)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_frontgate_that_moved_is_let_go_of(world: Any) -> None:
    """The Pilot that it left closes a connection that nobody else has closed."""
    world.frontgate()

    async def main() -> None:
        async with (
            asyncio.timeout(20),
            serving(world.store, pilot_id="pil-1") as one,
            serving(world.store, pilot_id="pil-2") as two,
            one.dial() as older,
            two.dial() as newer,
        ):
            await asyncio.wait_for(older.wait_closed(), 5)
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
            asyncio.timeout(20),
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
