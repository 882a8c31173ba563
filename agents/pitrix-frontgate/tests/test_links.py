"""Ways to a Pilot: past proxies, through boxes that open TLS, and without a WebSocket."""

import json
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from authority import Authority
from frontgate_harness import ENROLMENT, Pilot, Store, eventually, handlers_of
from network_stand_ins import HOST, PollPilot, Proxy, Relay, TlsBox
from websockets.exceptions import WebSocketException

from pitrix_frontgate import frames, pulse
from pitrix_frontgate.channel import Channel, Greeting, Meeting
from pitrix_frontgate.config import FrontgateConfig
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.links import Dialler, Link, ProxyError
from pitrix_frontgate.outbox import Entry, Outbox
from pitrix_frontgate.pulse import Pulse

HELLO = {
    "protocol": 2,
    "frontgate_id": "fg-1",
    "enrolment": ENROLMENT,
    "version": "0.1.0",
    "endpoints": ["http://192.0.2.1:2379"],
}


def dialler(*, pilot_ca: str = "", proxy: str = "", **environment: str) -> Dialler:
    """Build one that knows no other proxies than these."""
    config = FrontgateConfig("fg-1", ENROLMENT, (), throw_away=True, pilot_ca=pilot_ca, proxy=proxy)
    return Dialler(config, pulse=Pulse(), environment=environment)


def greet(link: Link) -> Any:
    """Say hello, and return the type of the answer."""
    link.send(frames.encode(Frame("hello", "hello", HELLO)))
    return frames.decode(link.recv(timeout=10)).type


def met(made: Dialler, url: str) -> Any:
    """Dial, say hello, and return the type of the answer."""
    with made.dialled(url) as way:
        return greet(way.link)


@pytest.fixture
def put_away() -> Iterator[Callable[[Any], Any]]:
    """Return a function that has something closed at the end of the test."""
    things: list[Any] = []

    def keep(thing: Any) -> Any:
        things.append(thing)
        return thing

    yield keep
    for thing in things:
        thing.close()


Keep = Callable[[Any], Any]


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(lambda url: {"proxy": url}, id="configured"),
        pytest.param(lambda url: {"https_proxy": url}, id="environment"),
        pytest.param(lambda url: {"HTTPS_PROXY": url}, id="capitals"),
        pytest.param(lambda url: {"http_proxy": url.removeprefix("http://")}, id="no-scheme"),
        pytest.param(lambda url: {"all_proxy": url}, id="for-all"),
    ],
)
def test_a_proxy_leads_to_the_pilot(
    pilot: Pilot, put_away: Keep, named: Callable[[str], dict[str, str]]
) -> None:
    """By its name, which the proxy looks up."""
    proxy = put_away(Proxy(pilot.port))

    answer = met(dialler(**named(f"http://127.0.0.1:{proxy.port}")), f"ws://{HOST}")

    assert answer == "welcome"
    assert proxy.asked == [f"{HOST}:80"]


def test_a_proxy_gets_user_and_password(pilot: Pilot, put_away: Keep) -> None:
    """As they stand in its URL, where they are quoted."""
    proxy = put_away(Proxy(pilot.port, user="me:p@ss word"))

    answer = met(dialler(proxy=f"http://me:p%40ss%20word@127.0.0.1:{proxy.port}"), f"ws://{HOST}")

    assert answer == "welcome"


@pytest.mark.parametrize("credentials", ["", "me:wrong@"])
def test_a_proxy_that_knows_nobody_is_told_of(
    pilot: Pilot, put_away: Keep, credentials: str
) -> None:
    """With what to do, and without a password."""
    proxy = put_away(Proxy(pilot.port, user="me:secret"))
    made = dialler(proxy=f"http://{credentials}127.0.0.1:{proxy.port}")

    with pytest.raises(ProxyError, match=r"407.*https_proxy.*frontgate\.json") as caught:
        met(made, f"ws://{HOST}")

    assert "wrong" not in str(caught.value)
    assert f"127.0.0.1:{proxy.port}" in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "place"),
    [
        pytest.param("socks5", "there:1080", id="another-kind"),
        pytest.param("http", "there:port", id="no-port"),
        pytest.param("http", "[there", id="half-an-address"),
    ],
)
def test_a_proxy_that_is_not_spoken_to_is_told_of(scheme: str, place: str) -> None:
    """Its password is not."""
    told = re.escape(f"{scheme}://{place}: only proxies with http://")

    with pytest.raises(ProxyError, match=f"^{told}"):
        met(dialler(all_proxy=f"{scheme}://me:secret@{place}"), f"ws://{HOST}")


@pytest.mark.parametrize("named", ["127.0.0.1", "*", "other,127.0.0.1 ", ".0.0.1", "0.0.1"])
def test_exceptions_are_dialled_directly(
    pilot: Pilot, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``no_proxy`` names, or a domain it is in."""
    monkeypatch.setattr("pitrix_frontgate.links.is_loopback", lambda host: False)

    assert met(dialler(https_proxy="http://127.0.0.1:9", no_proxy=named), pilot.url) == "welcome"


@pytest.fixture
def authority() -> Authority:
    """Who vouches for the box."""
    return Authority()


@pytest.fixture
def identity(authority: Authority, tmp_path: Path) -> Path:
    """The box's certificate and key, in one file."""
    path = tmp_path / "identity.pem"
    path.write_text("".join(authority.identity(HOST)))
    return path


@pytest.fixture
def boxed(pilot: Pilot, identity: Path, put_away: Keep) -> str:
    """URL of a proxy behind which a box opens TLS on the way to the Pilot."""
    box = put_away(TlsBox(pilot.port, identity))
    return f"http://127.0.0.1:{put_away(Proxy(box.port)).port}"


@pytest.mark.parametrize("scheme", ["wss", "https"])
def test_a_pinned_authority_is_trusted(authority: Authority, boxed: str, scheme: str) -> None:
    """Also where a box opens TLS and speaks HTTP/1.1 only."""
    made = dialler(pilot_ca=authority.pem, proxy=boxed)

    assert met(made, f"{scheme}://{HOST}") == "welcome"


@pytest.fixture
def _of_the_machine(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine knows who vouches for the box."""
    path = tmp_path / "ca.pem"
    path.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


@pytest.mark.usefixtures("_of_the_machine")
def test_the_machines_authorities_are_trusted(boxed: str) -> None:
    """Where none is pinned."""

    assert met(dialler(proxy=boxed), f"wss://{HOST}") == "welcome"


@pytest.mark.usefixtures("_of_the_machine")
def test_where_an_authority_is_pinned_the_machines_are_not_trusted(boxed: str) -> None:
    """Whoever they vouch for."""
    with pytest.raises(ssl.SSLCertVerificationError):
        met(dialler(pilot_ca=Authority().pem, proxy=boxed), f"wss://{HOST}")


def test_a_name_that_the_certificate_has_not_is_not_trusted(
    authority: Authority, boxed: str
) -> None:
    """Whoever vouches for it."""
    with pytest.raises(ssl.SSLCertVerificationError):
        met(dialler(pilot_ca=authority.pem, proxy=boxed), "wss://other.example")


# -- long poll -------------------------------------------------------------------------------------


@pytest.fixture
def poll_pilot(put_away: Keep) -> PollPilot:
    """A Pilot behind something that lets no WebSocket through."""
    found: PollPilot = put_away(PollPilot())
    return found


def refuse_three(made: Dialler, url: str) -> None:
    """Try in vain until it is time for another way."""
    for _ in range(3):
        with pytest.raises(WebSocketException):
            met(made, url)


def test_after_three_refusals_frames_go_by_requests(poll_pilot: PollPilot) -> None:
    """Both ways."""
    made = dialler()
    refuse_three(made, poll_pilot.url)

    with made.dialled(poll_pilot.url) as way:
        answer = greet(way.link)
        way.link.send(frames.encode(Frame("f-1", "node.status", {})))
        poll_pilot.going.put({"id": "m-1", "type": "command.run", "body": {}})
        came = frames.decode(way.link.recv(timeout=10))

    assert (way.kind, answer, came.id) == ("long-poll", "welcome", "m-1")
    assert [poll_pilot.received.get(timeout=5)["id"] for _ in range(2)] == ["hello", "f-1"]


def test_a_websocket_is_tried_again_after_a_long_poll(poll_pilot: PollPilot) -> None:
    """Once; when it fails again, the next poll is not far."""
    made = dialler()
    refuse_three(made, poll_pilot.url)
    assert met(made, poll_pilot.url) == "welcome"

    with pytest.raises(WebSocketException):
        met(made, poll_pilot.url)

    assert met(made, poll_pilot.url) == "welcome"
    assert (poll_pilot.refused, poll_pilot.sessions) == (4, 2)


def test_a_websocket_that_works_is_not_given_up(pilot: Pilot) -> None:
    """Connections that end are no refusals."""
    made = dialler()

    for _ in range(5):
        with made.dialled(pilot.url) as way:
            greet(way.link)
            made.worked(pilot.url, way.kind)

        assert way.kind == "websocket"


def test_a_pilot_that_is_away_is_no_refusal(pilot: Pilot) -> None:
    """However long: the way to it is as good as before."""
    made = dialler()
    pilot.stop()
    for _ in range(5):
        with pytest.raises(ConnectionRefusedError):
            met(made, pilot.url)
        made.unmet(pilot.url)
    pilot.start()

    with made.dialled(pilot.url) as way:
        answer = greet(way.link)

    assert (way.kind, answer) == ("websocket", "welcome")


def test_polls_pass_proxies_and_tls(
    poll_pilot: PollPilot, authority: Authority, identity: Path, put_away: Keep
) -> None:
    """By the same rules."""
    box = put_away(TlsBox(poll_pilot.port, identity))
    proxy = put_away(Proxy(box.port, user="me:secret"))
    made = dialler(pilot_ca=authority.pem, proxy=f"http://me:secret@127.0.0.1:{proxy.port}")
    url = f"wss://{HOST}"
    refuse_three(made, url)

    assert met(made, url) == "welcome"


def test_a_proxy_that_knows_nobody_is_told_of_by_polls(
    poll_pilot: PollPilot, put_away: Keep
) -> None:
    """In the same words."""
    url = poll_pilot.url.replace("127.0.0.1", HOST)
    open_ = put_away(Proxy(poll_pilot.port))
    closed = put_away(Proxy(poll_pilot.port, user="me:secret"))
    environment = {"http_proxy": f"http://127.0.0.1:{open_.port}"}
    config = FrontgateConfig("fg-1", ENROLMENT, (), throw_away=True)
    made = Dialler(config, pulse=Pulse(), environment=environment)
    refuse_three(made, url)
    environment["http_proxy"] = f"http://127.0.0.1:{closed.port}"

    with pytest.raises(ProxyError, match=r"407.*https_proxy.*frontgate\.json"):
        met(made, url)


def test_a_session_that_is_gone_ends_the_link(poll_pilot: PollPilot) -> None:
    """As a connection that was closed."""
    made = dialler()
    refuse_three(made, poll_pilot.url)
    with made.dialled(poll_pilot.url) as way:
        greet(way.link)
        poll_pilot.is_deaf = True

        with pytest.raises(OSError, match="HTTP 404"):
            way.link.recv(timeout=10)


def test_a_poll_ends_by_itself(poll_pilot: PollPilot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A WebSocket may be let through by now."""
    monkeypatch.setattr("pitrix_frontgate.longpoll._LASTS_S", 0.2)
    made = dialler()
    refuse_three(made, poll_pilot.url)

    with made.dialled(poll_pilot.url) as way:
        way.link.send(frames.encode(Frame("hello", "hello", HELLO)))
        welcome = frames.decode(way.link.recv())

        with pytest.raises(TimeoutError):
            way.link.recv(timeout=3600)

    assert welcome.type == "welcome"


def test_a_link_that_waits_can_be_closed(poll_pilot: PollPilot) -> None:
    """By another thread, at once."""
    made = dialler()
    refuse_three(made, poll_pilot.url)
    with made.dialled(poll_pilot.url) as way:
        greet(way.link)
        threading.Timer(0.2, way.link.close).start()
        begun = time.monotonic()

        with pytest.raises(OSError, match=r".*"):
            way.link.recv(timeout=15)

    assert time.monotonic() - begun < 10


# -- quiet lines -----------------------------------------------------------------------------------


@pytest.fixture
def meetings(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[list[Meeting | None], Pulse, Outbox]]]:
    """Return a function that runs a channel and tells where it was connected to, in turn."""
    ends: list[Callable[[], None]] = []

    def run(url: str, *, interval_s: float) -> tuple[list[Meeting | None], Pulse, Outbox]:
        beat, outbox, seen = Pulse(interval_s=interval_s), Outbox(), list[Meeting | None]()
        config = FrontgateConfig("fg-1", ENROLMENT, (url,), throw_away=True)
        spoken = Channel(
            [url],
            Greeting("0.1.0", (store.endpoint,)),
            identity=Identity(config, tmp_path / "token.json"),
            dialler=Dialler(config, pulse=beat, environment={}),
            pulse=beat,
            handlers=handlers_of(store),
            outbox=outbox,
            on_connected=seen.append,
        )
        stop = threading.Event()
        thread = threading.Thread(target=spoken.run, args=(stop,))
        thread.start()

        def end() -> None:
            stop.set()
            spoken.close()
            thread.join(timeout=20)
            assert not thread.is_alive()

        ends.append(end)
        return seen, beat, outbox

    yield run
    for end in ends:
        end()


def test_a_line_that_is_cut_when_idle_is_pinged_more_often(
    pilot: Pilot,
    put_away: Keep,
    meetings: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After the second cut; from then on it stays."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(pulse, "SHORTEST_S", 0.3)
    relay = put_away(Relay(pilot.port, idle_s=1.5))
    changed = [0, 0.0]

    def lasts() -> bool:
        """Say whether it is connected for twice as long as an idle line lives."""
        if changed[0] != len(seen):
            changed[:] = [len(seen), time.monotonic()]
        return bool(seen) and seen[-1] is not None and time.monotonic() - changed[1] > 3.0

    seen, beat, _ = meetings(relay.url, interval_s=20.0)
    eventually(lambda: beat.interval_s < 1.5)

    assert eventually(lasts, within_s=60)
    assert "what is idle is cut on the way" in caplog.text


def test_reports_arrive_by_polls(poll_pilot: PollPilot, meetings: Callable[..., Any]) -> None:
    """The channel minds the way as little as the Pilot does."""
    seen, _, outbox = meetings(poll_pilot.url, interval_s=20.0)
    outbox.offer(Entry("slot", Frame("f-1", "node.status", {}), 1))

    eventually(lambda: [each and each.way for each in seen] == ["long-poll"])
    came = [poll_pilot.received.get(timeout=10) for _ in range(3)]
    poll_pilot.going.put({"id": "a", "type": "ack", "body": {}, "reply_to": "f-1"})

    assert [frame["type"] for frame in came] == ["hello", "ack", "node.status"]
    assert json.loads(json.dumps(came[2]))["id"] == "f-1"
    assert eventually(lambda: len(outbox) == 0)
