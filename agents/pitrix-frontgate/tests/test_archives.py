"""Nodes get from their Frontgate the agents that the installation hands out, and nothing else."""

import hashlib
import http.client
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from authority import Authority
from frontgate_harness import eventually, own_loopback
from network_stand_ins import Proxy, standing

from pitrix_frontgate import archives as limits
from pitrix_frontgate.archives import Archives
from pitrix_frontgate.enrol_server import ENROL_PORT, EnrolServer
from pitrix_frontgate.enrolment import Enrolment, RefusedError


class Installation(http.server.ThreadingHTTPServer):
    """Hands out agents, and writes down what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.content: dict[str, bytes] = {}
        self.redirect = ""
        #: An answer waits for it.
        self.go = threading.Event()
        self.go.set()

    def handle_error(self, *_: object) -> None:
        """Leave out that a Frontgate hung up."""

    def add(self, content: bytes, *, name: str = "drone") -> str:
        """Hand out one more agent, and return the path that names it."""
        path = f"/v1/agents/{name}/{hashlib.sha256(content).hexdigest()}"
        self.content[path] = content
        return path

    @property
    def url(self) -> str:
        """What nodes' questions are added to."""
        return f"http://127.0.0.1:{self.server_port}/v1/agents"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Installation

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.go.wait(20)
        if self.server.redirect:
            self.send_response(302)
            self.send_header("Location", self.server.redirect)
            content = b""
        else:
            known = self.path in self.server.content
            self.send_response(200 if known else 404)
            content = self.server.content.get(self.path, b"no")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def installation() -> Iterator[Installation]:
    """An installation that hands out nothing yet."""
    made = Installation()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.go.set()
    made.shutdown()
    made.server_close()
    thread.join()


Make = Callable[..., Archives]


@pytest.fixture
def make(installation: Installation, tmp_path: Path) -> Make:
    """Return what makes a Frontgate's archives, on one disk."""

    def made(**more: Any) -> Archives:
        arguments = {"url": installation.url, "proxy": lambda _url: None, **more}
        return Archives(arguments.pop("url"), folder=tmp_path / "agents", **arguments)

    return made


@pytest.fixture
def archives(make: Make) -> Archives:
    """The archives of a Frontgate that has none yet."""
    return make()


def read(archives: Archives, path: str) -> bytes:
    """Read an archive to its end."""
    with archives.open(path) as file:
        return file.read()


def refusal(archives: Archives, path: str) -> str:
    """Return the code with which an archive is refused."""
    with pytest.raises(RefusedError) as caught:
        archives.open(path)
    return caught.value.code


def test_an_archive_is_got_once(installation: Installation, make: Make) -> None:
    """A Frontgate that starts again still has it."""
    path = installation.add(b"agent")

    found = [read(archives, path) for archives in (make(), make())]

    assert found == [b"agent", b"agent"]
    assert installation.asked == [path]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/agents/drone/" + "0" * 63, id="short-digest"),
        pytest.param("/v1/agents/drone/" + "A" * 64, id="capitals"),
        pytest.param("/v1/agents/drone/" + "0" * 64 + "?a=b", id="query"),
        pytest.param("/v1/agents/drone/" + "0" * 64 + "\n", id="line"),
        pytest.param("/v1/agents/../" + "0" * 64, id="folder-above"),
        pytest.param("/v1/agents/drone/../../clusters", id="other-path"),
        pytest.param("http://elsewhere.example/v1/agents/drone/" + "0" * 64, id="elsewhere"),
        pytest.param("/", id="root"),
    ],
)
def test_what_names_no_agent_is_asked_of_nobody(
    installation: Installation, archives: Archives, path: str
) -> None:
    """Strangers choose a name and a digest, and nothing of the way."""
    assert refusal(archives, path) == "unknown-agent"
    assert installation.asked == []


def test_an_agent_the_installation_does_not_have_is_refused(archives: Archives) -> None:
    """As it refuses it."""
    assert refusal(archives, "/v1/agents/drone/" + "0" * 64) == "unknown-agent"


def test_a_frontgate_that_was_told_of_no_installation_has_no_agents(make: Make) -> None:
    """Its configuration is an older one."""
    assert refusal(make(url=""), "/v1/agents/drone/" + "0" * 64) == "unknown-agent"


def test_what_has_another_digest_is_not_kept(
    installation: Installation, archives: Archives, tmp_path: Path
) -> None:
    """Nor handed out."""
    path = installation.add(b"agent")
    installation.content[path] = b"another"

    assert refusal(archives, path) == "unavailable"
    assert not (tmp_path / "agents").exists()


def test_a_redirect_is_not_followed(installation: Installation, archives: Archives) -> None:
    """Nothing leads a Frontgate elsewhere."""
    path = installation.add(b"agent")
    installation.redirect = f"{installation.url}/elsewhere"

    assert refusal(archives, path) == "unavailable"
    assert installation.asked == [path]


def test_what_is_too_large_is_given_up(
    installation: Installation, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes no more memory than an archive may."""
    monkeypatch.setattr(limits, "_MOST_BYTES", 1000)
    path = installation.add(b"x" * 1001)

    assert refusal(archives, path) == "unavailable"


def test_what_takes_too_long_is_given_up(
    installation: Installation, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little of it comes at a time."""
    monkeypatch.setattr(limits, "_FETCH_S", -1.0)
    path = installation.add(b"agent")

    assert refusal(archives, path) == "unavailable"


def test_a_failure_is_followed_by_a_pause(
    installation: Installation, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks in a hurry has the installation asked once."""
    monkeypatch.setattr(limits, "_PAUSE_S", 3600.0)
    path = installation.add(b"agent")
    installation.content[path] = b"another"

    codes = [refusal(archives, path) for _ in range(3)]

    assert codes == ["unavailable"] * 3
    assert installation.asked == [path]


def test_one_archive_is_got_at_a_time(installation: Installation, archives: Archives) -> None:
    """Who asks meanwhile asks again, and gets what there is."""
    first, second = installation.add(b"first"), installation.add(b"second")
    read(archives, first)
    installation.go.clear()
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(read(archives, second)))
    thread.start()
    eventually(lambda: second in installation.asked)

    meanwhile = refusal(archives, second)
    kept = read(archives, first)
    installation.go.set()
    thread.join()

    assert (meanwhile, kept, found) == ("unavailable", b"first", [b"second"])
    assert installation.asked == [first, second]


def test_few_archives_are_kept(
    installation: Installation, archives: Archives, tmp_path: Path
) -> None:
    """The newest, and no more whatever comes."""
    paths = [installation.add(f"agent {number}".encode()) for number in range(7)]

    last = [read(archives, path) for path in paths][-1]

    kept = {file.name for file in (tmp_path / "agents").iterdir()}
    assert last == b"agent 6"
    assert len(kept) == 4
    assert f"drone-{paths[-1][-64:]}.pyz" in kept


def test_the_way_leads_through_the_proxy(installation: Installation, make: Make) -> None:
    """The one that leads to the Pilot."""
    path = installation.add(b"agent")
    proxy = Proxy(installation.server_port)
    with standing(proxy):
        url = f"http://127.0.0.1:{proxy.port}"
        archives = make(url="http://pitrix.example/v1/agents", proxy=lambda _url: url)

        found = read(archives, path)

    assert found == b"agent"
    assert proxy.asked == ["pitrix.example:80"]


@pytest.mark.parametrize(
    ("is_known", "code"),
    [pytest.param(True, "", id="known"), pytest.param(False, "unavailable", id="stranger")],
)
def test_the_installation_is_known_by_its_authority_alone(
    installation: Installation, make: Make, tmp_path: Path, *, is_known: bool, code: str
) -> None:
    """Which the configuration names."""
    authority = Authority()
    identity = tmp_path / "installation.pem"
    identity.write_text("".join(authority.identity("127.0.0.1")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    installation.socket = context.wrap_socket(
        installation.socket, server_side=True, do_handshake_on_connect=False
    )
    path = installation.add(b"agent")
    trusted = authority if is_known else Authority()
    archives = make(url=installation.url.replace("http:", "https:"), ca=trusted.pem)

    found = refusal(archives, path) if code else read(archives, path)

    assert found == (code or b"agent")
    assert bool(installation.asked) is is_known


# -- as nodes ask ----------------------------------------------------------------------------------


class Door:
    """Where nodes ask."""

    def __init__(self, address: str, authority: Authority) -> None:
        self.address = address
        self.authority = authority

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask as a node does."""
        context = ssl.create_default_context(cadata=self.authority.pem)
        line = http.client.HTTPSConnection(self.address, ENROL_PORT, timeout=20, context=context)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()


@pytest.fixture
def door(archives: Archives, tmp_path: Path) -> Iterator[Door]:
    """The server beside a Frontgate's etcd, which nobody enrols at."""
    made = Door(own_loopback(), Authority())
    identity = tmp_path / "identity.pem"
    identity.write_text("".join(made.authority.identity(made.address)))
    nobody = cast("Enrolment", None)
    server = EnrolServer(nobody, archives, address=made.address, identity=identity)
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    eventually(lambda: _answers(made))
    yield made
    stop.set()
    thread.join()


def _answers(door: Door) -> bool:
    try:
        return door.get("/")[0] == http.HTTPStatus.NOT_FOUND
    except OSError:
        return False


def test_a_node_gets_its_agent(installation: Installation, door: Door) -> None:
    """Whole, from who shows a certificate of the Frontgate's authority."""
    content = bytes(range(256)) * 4096

    assert door.get(installation.add(content)) == (200, content)


def test_a_node_is_told_when_to_ask_again(installation: Installation, door: Door) -> None:
    """The installation is away."""
    path = installation.add(b"agent")
    installation.content[path] = b"another"

    status, _body = door.get(path)

    assert status == http.HTTPStatus.SERVICE_UNAVAILABLE


def test_who_guesses_has_to_wait(installation: Installation, door: Door) -> None:
    """The installation hears no more of it, either."""
    statuses = [door.get(f"/v1/agents/drone/{number:064x}")[0] for number in range(40)]

    assert statuses[-1] == http.HTTPStatus.TOO_MANY_REQUESTS
    assert len(installation.asked) <= 30
