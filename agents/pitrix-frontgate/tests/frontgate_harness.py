"""A Pilot to test against, and Frontgates as processes of their own.

The stand-in speaks the protocol over a real WebSocket and checks every frame it gets against the
schemas. It can misbehave: keep acknowledgements back, or hang up.
"""

import datetime as dt
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from authority import Authority
from protocol_schemas import validator
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from pitrix_drone.etcd import EtcdClient
from pitrix_frontgate.config import Places
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.rbac import AccessControl

Json = dict[str, Any]

ENROLMENT: Final = "an-example-enrolment-of-a-frontgate-0123456789"
#: What a Frontgate of protocol 1 shows.
TOKEN: Final = "an-example-token"
WITHIN_S: Final = 20.0
_PYTHON: Final = sys.executable


Login = Callable[[str | None, str | None], EtcdClient]


class Store(NamedTuple):
    """An etcd whose door is closed, and root's client of it."""

    client: EtcdClient
    endpoint: str
    #: Of root.
    password: str


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s


class Keeper:
    """Stands in for a doorkeeper: takes note of what it is asked."""

    def __init__(self) -> None:
        self.certificates: list[Json] = []
        self.is_plain = False
        self.cuts = 0

    def certify(self, body: Mapping[str, Any]) -> None:
        """Take note of a certificate."""
        self.certificates.append(dict(body))

    def set_plain(self, *, is_needed: bool) -> None:
        """Take note of whether version 1 is to be let in."""
        self.is_plain = is_needed

    def cut(self) -> None:
        """Count how often everybody is cut off."""
        self.cuts += 1


def handlers_of(store: Store, keeper: Keeper | None = None) -> Handlers:
    """Make the handlers of a store, as one Frontgate after the other has them."""
    keeper = keeper or Keeper()
    return Handlers(store.client, AccessControl(store.client, cut=keeper.cut), keeper)


def eventually(condition: Callable[[], Any], *, within_s: float = WITHIN_S) -> Any:
    """Wait until *condition* is true and return what it gave."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {condition}")
        time.sleep(0.01)
    return found


def own_loopback() -> str:
    """Pick a loopback address at which etcd's ports are free."""
    while True:
        parts = (64 + secrets.randbelow(63) for _ in range(3))
        address = "127." + ".".join(map(str, parts))
        if all(_is_free(address, port) for port in (2378, 2379, 2380, 2381)):
            return address


def free_port() -> int:
    """Pick a port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


class Pilot:
    """Accepts Frontgates at a port that stays the same when it is stopped and started."""

    def __init__(self) -> None:
        self.port = free_port()
        self.hellos: list[Json] = []
        self.received: list[Json] = []
        self.acknowledged: list[str] = []
        self.faults: list[str] = []
        #: Tells whether a frame is acknowledged.
        self.acknowledges: Callable[[Json], bool] = lambda frame: True
        #: Signs certificates for Frontgates that ask; None: they get none.
        self.authority: Authority | None = None
        #: Tells whether a hello is welcome.
        self.welcomes: Callable[[Json], bool] = lambda body: True
        #: How long a token is good before a newer one is to be asked for.
        self.renew_after_s: float = 86_400.0
        #: Every token that was given, the last one last.
        self.tokens: list[str] = []
        self._connection: ServerConnection | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What goes into ``pilot_urls``."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen."""
        self._server = serve(self._speak, "127.0.0.1", self.port, compression=None)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        """Hang up and listen no more."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self.hang_up()
        self._thread.join()
        self._server = None

    def hang_up(self) -> None:
        """Cut the connection without a word."""
        connection = self._connection
        if connection is not None:
            connection.socket.shutdown(socket.SHUT_RDWR)

    @property
    def is_connected(self) -> bool:
        """Whether a Frontgate was welcomed and is still there."""
        return self._connection is not None

    def send(
        self, kind: str, body: Mapping[str, Any], *, frame_id: str | None = None, **more: str
    ) -> str:
        """Send a frame and return its id."""
        frame_id = frame_id or secrets.token_hex(8)
        self.send_text(json.dumps({"id": frame_id, "type": kind, "body": dict(body), **more}))
        return frame_id

    def send_text(self, text: str) -> None:
        """Send anything."""
        connection: ServerConnection = eventually(lambda: self._connection)
        connection.send(text)

    def ask(
        self, kind: str, body: Mapping[str, Any], *, frame_id: str | None = None
    ) -> Json | None:
        """Send a frame, wait for its acknowledgement and return the reply, if there was one."""
        before = self.acknowledged.count(frame_id or "")
        frame_id = self.send(kind, body, frame_id=frame_id)
        eventually(lambda: self.acknowledged.count(frame_id) > before)
        return next((each for each in self.received if each.get("reply_to") == frame_id), None)

    def effects(self, kind: str) -> list[Json]:
        """List the bodies of a type, each frame once, in the order of their first coming."""
        unique = {frame["id"]: frame["body"] for frame in reversed(self.received)}
        first = dict.fromkeys(frame["id"] for frame in self.received if frame["type"] == kind)
        return [unique[frame_id] for frame_id in first]

    def _speak(self, connection: ServerConnection) -> None:
        try:
            text = connection.recv(timeout=10)
            version = json.loads(text)["body"]["protocol"]
            hello = self._checked(text, version)
            self.hellos.append(hello["body"])
            if connection.request is None or connection.request.path != "/v1/frontgate":
                self.faults.append("wrong path")
            if not self.welcomes(hello["body"]):
                _say(connection, "refused", {"code": "unknown-token", "message": "no"})
                connection.close(4401)
                return
            more = self._token() if version > 1 else {}
            _say(connection, "welcome", {"protocol": version, **more})
            self._connection = connection
            for text in connection:
                self._take(connection, self._checked(text, version))
        except (ConnectionClosed, OSError):
            pass
        finally:
            if self._connection is connection:
                self._connection = None

    def _take(self, connection: ServerConnection, frame: Json) -> None:
        if frame["type"] == "ack":
            self.acknowledged.append(frame["reply_to"])
            return
        if frame["type"] == "token.renew":
            _say(connection, "token.renewed", self._token(), reply_to=frame["id"])
            return
        if frame["type"] == "tls.renew":
            self._certify(frame)
            _say(connection, "ack", {}, reply_to=frame["id"])
            return
        self.received.append(frame)
        if self.acknowledges(frame):
            _say(connection, "ack", {}, reply_to=frame["id"])

    def _token(self) -> Json:
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        return {
            "token": self.tokens[-1],
            "renew_after_s": self.renew_after_s,
            "expires_at": "2036-12-23T12:00:00Z",
        }

    def _certify(self, asked: Json) -> None:
        """Send the Frontgate a certificate for the address that it said, if there are any."""
        if self.authority is None:
            return
        said = [urlsplit(url).hostname or "" for url in self.hellos[-1]["endpoints"]]
        hosts = asked["body"].get("hosts", said)
        # peers on loopback addresses come from this one, and etcd looks where they come from
        key, certificate = self.authority.identity(*hosts, "127.0.0.1")
        not_after = (dt.datetime.now(dt.UTC) + dt.timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
        pem = self.authority.pem
        body = {"ca": pem, "certificate": certificate, "key": key, "not_after": not_after}
        self.send("tls.put", {**body, **asked["body"]}, reply_to=asked["id"])

    def _checked(self, text: str | bytes, version: int) -> Json:
        frame: Json = json.loads(text)
        self.faults += [error.message for error in validator("frame", version).iter_errors(frame)]
        return frame


def _say(connection: ServerConnection, kind: str, body: Json, **more: str) -> None:
    connection.send(json.dumps({"id": secrets.token_hex(8), "type": kind, "body": body, **more}))


class FrontgateProcess:
    """A Frontgate in a folder of its own, started from the zipapp."""

    def __init__(
        self, zipapp: Path, folder: Path, pilot_urls: list[str], *, protocol: int = 2
    ) -> None:
        self.places = Places(folder)
        self.address = own_loopback()
        self.log = folder / "frontgate.log"
        self._zipapp = zipapp
        self._process: subprocess.Popen[bytes] | None = None
        self.places.config.parent.mkdir(parents=True)
        self.configure(
            {
                "protocol": protocol,
                "frontgate_id": "fg-1",
                **({"token": TOKEN} if protocol == 1 else {"enrolment": ENROLMENT}),
                "pilot_urls": pilot_urls,
                "throw_away": True,
            }
        )

    def configure(self, config: Json) -> None:
        """Write its configuration, which it reads when it starts."""
        self.places.config.write_text(json.dumps(config))

    @property
    def endpoint(self) -> str:
        """Its etcd, for this machine and for drones of version 1."""
        return f"http://{self.address}:2379"

    @property
    def tls_endpoint(self) -> str:
        """Its etcd, for drones."""
        return f"https://{self.address}:2381"

    @property
    def enrol_url(self) -> str:
        """Where nodes enrol."""
        return f"https://{self.address}:2378"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that runs."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it, not waiting for anything."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [_PYTHON, "-I", str(self._zipapp), "run"],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=self._environment(),
            )

    def take_back(self, process: subprocess.Popen[bytes]) -> None:
        """Look after an earlier process again."""
        self._process = process

    def kill(self) -> None:
        """Kill it with no chance to clean up."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Ask it to end and wait; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def status(self) -> Json:
        """Ask ``frontgate status``."""
        answer = subprocess.run(
            [_PYTHON, "-I", str(self._zipapp), "status", "--json"],
            capture_output=True,
            env=self._environment(),
            check=True,
        )
        found: Json = json.loads(answer.stdout)
        return found

    def etcd_pid(self) -> int | None:
        """Find its etcd among the processes."""
        wanted = f"--data-dir={self.places.etcd_data}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in words:
                return int(folder.name)
        return None

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PITRIX_ROOT": str(self.places.root),
            "PITRIX_ADDRESS": self.address,
        }


@contextmanager
def running(frontgate: FrontgateProcess) -> Iterator[FrontgateProcess]:
    """Run a Frontgate; whatever happens, it and its etcd are gone afterwards."""
    frontgate.start()
    try:
        yield frontgate
    finally:
        if frontgate.process.poll() is None:
            try:
                frontgate.terminate()
            except subprocess.TimeoutExpired:
                frontgate.kill()
        eventually(lambda: frontgate.etcd_pid() is None)


def metadata(cluster_id: str, revision: int, nodes: int = 1, **more: Any) -> Json:
    """Make the body of ``metadata.put`` for a cluster of nodes ``CLUSTER-n1``, ``-n2``, …"""
    names = [f"{cluster_id}-n{number}" for number in range(1, nodes + 1)]
    return {
        "cluster_id": cluster_id,
        "revision": revision,
        "shared": {"cluster/cluster_id": cluster_id},
        "roles": {"main": {"env/size": "1"}},
        "nodes": {name: {"host/ip": "127.0.0.1"} for name in names},
        "users": [
            {"node_id": name, "role": "main", "password": password_of(name)} for name in names
        ],
        **more,
    }


def enrolling(cluster_id: str, revision: int, nodes: int = 1, **more: Any) -> Json:
    """Make the body of ``metadata.put`` for nodes that are to enrol, each with its own token."""
    body = metadata(cluster_id, revision, nodes)
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    body["users"] = [
        {
            "node_id": name,
            "role": "main",
            "enrolment_sha256": sha256(token_of(name)),
            "expires_at": tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **more,
        }
        for name in body["nodes"]
    ]
    return body


def token_of(node_id: str) -> str:
    """Tell the one-time token that :func:`enrolling` gives a node."""
    return f"one-time-token-of-{node_id}".ljust(32, "-")


def sha256(text: str) -> str:
    """Write a text's digest as the protocol has it."""
    return hashlib.sha256(text.encode()).hexdigest()


def password_of(node_id: str) -> str:
    """Tell the password that :func:`metadata` gives a node."""
    return f"password-of-{node_id}"


def command(cluster_id: str, command_id: str, *, node: int = 1) -> Json:
    """Make the body of ``command.run``."""
    return {
        "command_id": command_id,
        "cluster_id": cluster_id,
        "node_id": f"{cluster_id}-n{node}",
        "cmd": "true",
        "timeout_s": 10,
        "idempotent": True,
    }


def status(state: str = "configured", revision: int = 1) -> str:
    """Write a node's status as a drone does."""
    return json.dumps(
        {
            "state": state,
            "revision": revision,
            "detail": "",
            "drone": "0.1.0",
            "boot_id": "b",
            "at": "2026-11-23T12:00:00Z",
        }
    )


def result(command_id: str, output: str = "") -> str:
    """Write a command's result as a drone does."""
    return json.dumps(
        {
            "command_id": command_id,
            "state": "done",
            "exit_code": 0,
            "output": output,
            "truncated": False,
            "started_at": "2026-11-23T12:00:00Z",
            "finished_at": "2026-11-23T12:00:01Z",
        }
    )
