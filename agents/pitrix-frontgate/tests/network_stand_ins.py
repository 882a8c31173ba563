"""What stands between a Frontgate and its Pilot: proxies, boxes that open TLS, and no WebSocket."""

import base64
import contextlib
import http.server
import json
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

HOST: Final = "pilot.example"
_HEAD_END: Final = b"\r\n\r\n"


class Relay:
    """Listens, and carries bytes to a port of this machine; the base of all that is in between.

    :param idle_s: cuts both ends after so long without a byte from the near one, without a word.
    """

    def __init__(self, port: int, *, idle_s: float | None = None) -> None:
        self._target = port
        self._idle_s = idle_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        #: How many connections were let through.
        self.passed = 0
        #: Nothing is carried any more, and nobody is told.
        self.is_cut = threading.Event()
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where a Frontgate dials that is to pass it."""
        return f"ws://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Put it away."""
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def admit(self, near: socket.socket) -> socket.socket | None:
        """Say hello to who comes; None when it is sent away."""
        return near

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._ends.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            admitted = self.admit(near)
            if admitted is None:
                near.close()
                return
            self.passed += 1
            far = socket.create_connection(("127.0.0.1", self._target))
            self._ends += [admitted, far]
            threading.Thread(target=self._carry, args=(far, admitted, None), daemon=True).start()
            self._carry(admitted, far, self._idle_s)

    def _carry(self, source: socket.socket, target: socket.socket, idle_s: float | None) -> None:
        try:
            source.settimeout(idle_s)
            while data := source.recv(65_536):
                if not self.is_cut.is_set():
                    target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy(Relay):
    """Knows CONNECT and HTTP/1.1, and leads to one port whatever it is asked for.

    :param user: who may pass, as ``name:password``; None for everybody.
    """

    def __init__(self, port: int, *, user: str | None = None, idle_s: float | None = None) -> None:
        self._user = user
        #: What it was asked to connect to.
        self.asked: list[str] = []
        super().__init__(port, idle_s=idle_s)

    def admit(self, near: socket.socket) -> socket.socket | None:
        """Read the request, and answer it."""
        head = _read_head(near)
        line, *fields = head.decode().split("\r\n")
        self.asked.append(line.split(" ")[1])
        given = [field.split(" ", 2)[2] for field in fields if _is_basic(field)]
        wanted = base64.b64encode((self._user or "").encode()).decode()
        if self._user is not None and given != [wanted]:
            near.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return None
        near.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
        return near


class TlsBox(Relay):
    """Opens TLS with a certificate of its own, and speaks plain HTTP/1.1 behind it."""

    def __init__(self, port: int, identity: Path) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(identity)
        super().__init__(port)

    def admit(self, near: socket.socket) -> socket.socket | None:
        """Shake hands."""
        return self._tls.wrap_socket(near, server_side=True)


class PollPilot:
    """A Pilot that knows no WebSocket: it answers the requests of one Frontgate that polls."""

    def __init__(self) -> None:
        self.received: queue.Queue[Json] = queue.Queue()
        self.going: queue.Queue[Json] = queue.Queue()
        #: How many were refused a WebSocket, and how many sessions there were.
        self.refused = 0
        self.sessions = 0
        self.is_deaf = False
        pilot = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """No WebSocket."""
                pilot.refused += 1
                self.send_error(403)

            def do_POST(self) -> None:
                """Answer a request."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                found = None if pilot.is_deaf else pilot.answer(body)
                if found is None:
                    self.send_error(404)
                    return
                content = json.dumps(found).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: who asked is gone."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """What goes into ``pilot_urls``."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: Json) -> Json | None:
        """Take what is said, and return what there is to say."""
        if body["session"] is None:
            self.sessions += 1
            self.going.put({"id": "welcome", "type": "welcome", "body": WELCOME})
        elif body["session"] != f"s-{self.sessions}":
            return None
        for frame in body["frames"]:
            self.received.put(frame)
        frames = []
        if body["wait_s"]:
            with contextlib.suppress(queue.Empty):
                frames.append(self.going.get(timeout=body["wait_s"]))
        return {"session": f"s-{self.sessions}", "frames": frames}


WELCOME: Final = {
    "protocol": 2,
    "token": "a-token",
    "renew_after_s": 86_400,
    "expires_at": "2036-12-23T12:00:00Z",
}


def _read_head(near: socket.socket) -> bytes:
    head = b""
    while not head.endswith(_HEAD_END):
        data = near.recv(1)
        if not data:
            raise ConnectionResetError
        head += data
    return head


def _is_basic(field: str) -> bool:
    return field.lower().startswith("proxy-authorization: basic ")


@contextlib.contextmanager
def standing(relay: Relay) -> Iterator[Relay]:
    """Put it away at the end of the block."""
    try:
        yield relay
    finally:
        relay.close()
