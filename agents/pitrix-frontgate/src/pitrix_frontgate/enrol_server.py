"""Answers nodes that enrol, or want their agent: a small HTTPS server, for all of the network.

Strangers may knock, so everything is bounded: connections, altogether and from one address; the
time, the headers and the body of a request; wrong guesses from one address. Tokens and passwords
are random and 256 bits long: guessing is hopeless, the limits keep the Frontgate at work.
"""

import http.server
import json
import logging
import os
import re
import shutil
import socket
import socketserver
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from pitrix_drone.etcd import EtcdError
from pitrix_frontgate import shapes
from pitrix_frontgate.archives import Archives
from pitrix_frontgate.doors import server_context
from pitrix_frontgate.enrolment import Enrolment, RefusedError
from pitrix_frontgate.joining import Entrance

log = logging.getLogger(__name__)

ENROL_PORT: Final = 2378

_MOST_BYTES: Final = 4096
_MOST_CONNECTIONS: Final = 64
_MOST_OF_ADDRESS: Final = 16

#: A request takes milliseconds; one that takes this long is given up.
_REQUEST_S: Final = 10.0

#: Wrong tokens from one address within a minute, and addresses that are remembered.
_MOST_FAULTS: Final = 30
_WINDOW_S: Final = 60.0
_MOST_ADDRESSES: Final = 4096

_LOOK_S: Final = 0.2
_BIND_AGAIN_S: Final = 1.0

_SECRET: Final = shapes.matches(r"[!-~]{8,128}", most=128)
_WHO: Final = {"cluster_id": shapes.is_identifier, "node_id": shapes.is_node_id}

#: What each code of a refusal is in HTTP.
_STATUS: Final = {
    "unknown-node": HTTPStatus.NOT_FOUND,
    "unknown-agent": HTTPStatus.NOT_FOUND,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}

#: Refusals that are not the asking one's fault.
_PASSING: Final = ("unknown-node", "unavailable")


class Faults:
    """Counts wrong guesses by address, in bounded memory. Thread-safe.

    :param clock: monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def add(self, address: str) -> None:
        """Take note of one."""
        with self._lock:
            since_s, number = self._current(address)
            self._seen[address] = (since_s, number + 1)
            self._seen.move_to_end(address)
            if len(self._seen) > _MOST_ADDRESSES:
                self._seen.popitem(last=False)

    def are_too_many(self, address: str) -> bool:
        """Tell whether an address has to wait."""
        with self._lock:
            return self._current(address)[1] >= _MOST_FAULTS

    def _current(self, address: str) -> tuple[float, int]:
        now_s = self._clock()
        since_s, number = self._seen.get(address, (now_s, 0))
        return (since_s, number) if now_s - since_s < _WINDOW_S else (now_s, 0)


class EnrolServer:
    """Listens once there is a certificate. :meth:`run` once, in a thread of its own.

    :param address: of the network.
    :param identity: the file with certificate and key; read anew when it changes.
    :param entrance: lets other machines of the Frontgate in, where it is several.
    """

    def __init__(
        self,
        enrolment: Enrolment,
        archives: Archives,
        *,
        address: str,
        identity: Path,
        entrance: Entrance | None = None,
    ) -> None:
        self._entrance = entrance
        self._enrolment = enrolment
        self._archives = archives
        self._address = address
        self._identity = identity

    def run(self, stop: threading.Event) -> None:
        """Serve until *stop* is set."""
        while not self._identity.exists() and not stop.wait(_LOOK_S):
            pass
        said = ""
        while not stop.is_set():
            try:
                listener = _Listener(
                    self._address,
                    self._enrolment,
                    self._archives,
                    identity=self._identity,
                    entrance=self._entrance,
                )
            except OSError as ex:
                problem = f"cannot listen at {self._address}:{ENROL_PORT}: {ex}"
                if problem != said:
                    log.error("no node can enrol: %s; it is tried until it works", problem)  # noqa: TRY400  # the words say it all
                said = problem
                stop.wait(_BIND_AGAIN_S)
                continue
            with listener:
                _serve(listener, stop)


def _serve(listener: "_Listener", stop: threading.Event) -> None:
    thread = threading.Thread(target=listener.serve_forever, args=(_LOOK_S,), daemon=True)
    thread.start()
    stop.wait()
    listener.shutdown()
    thread.join()


class _Visit(NamedTuple):
    address: str
    #: When it is cut, by the monotonic clock.
    until_s: float


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        address: str,
        enrolment: Enrolment,
        archives: Archives,
        *,
        identity: Path,
        entrance: Entrance | None,
    ) -> None:
        self.entrance = entrance
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.enrolment = enrolment
        self.archives = archives
        self.faults = Faults()
        self._identity = identity
        self._context: tuple[int, ssl.SSLContext] | None = None
        self._lock = threading.Lock()
        self._open: dict[socket.socket, _Visit] = {}
        super().__init__((address, ENROL_PORT), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take a connection, unless there are too many."""
        address = client_address[0]
        with self._lock:
            of_address = sum(each.address == address for each in self._open.values())
            if len(self._open) >= _MOST_CONNECTIONS or of_address >= _MOST_OF_ADDRESS:
                return False
            self._open[request] = _Visit(address, time.monotonic() + _REQUEST_S)
            return True

    def shutdown_request(self, request: Any) -> None:
        """Make room for another one: whatever became of a connection, it ends here."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands and answer, in a thread of its own: both may take as long as they like."""
        request.settimeout(_REQUEST_S)
        with self._tls().wrap_socket(request.dup(), server_side=True) as wrapped:
            _Handler(wrapped, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave out what a peer did wrong; it notices by itself."""
        log.debug("%s: the connection broke", client_address[0])

    def service_actions(self) -> None:
        """Cut who takes too long."""
        with self._lock:
            now_s = time.monotonic()
            late = [request for request, visit in self._open.items() if visit.until_s < now_s]
        for request in late:
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it ended by itself

    def _tls(self) -> ssl.SSLContext:
        """Read the certificate again when the file is another one."""
        changed = self._identity.stat().st_mtime_ns
        with self._lock:
            if self._context is None or self._context[0] != changed:
                self._context = (changed, server_context(self._identity))
            return self._context[1]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Listener
    timeout = _REQUEST_S
    server_version = "pitrix-frontgate"
    sys_version = ""

    def do_GET(self) -> None:  # named by http.server
        """Hand out an archive; the connection ends with it."""
        if self._has_to_wait():
            return
        try:
            archive = self.server.archives.open(self.path)
        except RefusedError as ex:
            self._refuse(ex)
        else:
            with archive:
                self._send(archive)

    def do_POST(self) -> None:  # named by http.server
        """Answer one question; the connection ends with it."""
        action = {"/v1/enrol": self._enrol, "/v1/enrolled": self._confirm}.get(self.path)
        if self.path == "/v1/join" and self.server.entrance is not None:
            action = self._join
        if action is None:
            self._fail(HTTPStatus.NOT_FOUND, "no-such-path", "POST /v1/enrol or /v1/enrolled")
        elif not self._has_to_wait():
            self._answer(action)

    def _has_to_wait(self) -> bool:
        """Tell whether too much was wrong that came from an address; it is told so."""
        if not self.server.faults.are_too_many(self.client_address[0]):
            return False
        why = "too many wrong tokens or digests came from this address; wait a minute"
        self._fail(HTTPStatus.TOO_MANY_REQUESTS, "too-many-faults", why)
        return True

    def _answer(self, action: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        body = self._body()
        if body is None:
            return
        try:
            answer = action(body)
        except RefusedError as ex:
            self._refuse(ex)
        except EtcdError as ex:
            log.info("nobody can enrol now: %s", ex)
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "ask again in a moment")
        else:
            self._say(HTTPStatus.OK, answer)

    def _refuse(self, ex: RefusedError) -> None:
        if ex.code not in _PASSING:
            self.server.faults.add(self.client_address[0])
            log.warning("%s was refused: %s", self.client_address[0], ex.message)
        self._fail(_STATUS.get(ex.code, HTTPStatus.FORBIDDEN), ex.code, ex.message)

    def _enrol(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        who = {name: body[name] for name in _WHO}
        if "password" in body:
            return self.server.enrolment.resume(**who, password=body["password"])._asdict()
        return self.server.enrolment.enrol(**who, token=body["enrolment"])._asdict()

    def _confirm(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        who = {name: body[name] for name in _WHO}
        self.server.enrolment.confirm(**who, password=body.get("password", ""))
        return {}

    def _join(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        entrance, told = self.server.entrance, (body[name] for name in shapes.JOIN)
        member, token, address = told
        if entrance is None:
            raise RefusedError("unavailable", "nobody can join here")
        return entrance.join(member=member, token=token, address=address)

    def _body(self) -> Mapping[str, Any] | None:
        """Read the question; None when it is none, which was answered."""
        length = self.headers.get("Content-Length", "")
        if not (re.fullmatch("[0-9]{1,4}", length) and int(length) <= _MOST_BYTES):
            why = f"send a body of at most {_MOST_BYTES} bytes, with its Content-Length"
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", why)
            return None
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            body = None
        secret = "password" if isinstance(body, dict) and "password" in body else "enrolment"
        shape = shapes.JOIN if self.path == "/v1/join" else {**_WHO, secret: _SECRET}
        if not isinstance(body, dict) or shapes.open_findings(body, shape):
            why = f"send {', '.join(shape)}"
            self._fail(HTTPStatus.BAD_REQUEST, "bad-request", why)
            return None
        return body

    def _fail(self, status: HTTPStatus, code: str, message: str) -> None:
        self._say(status, {"code": code, "message": message})

    def _say(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self._head(status, kind="application/json", size=len(data))
        self.wfile.write(data)

    def _send(self, archive: BinaryIO) -> None:
        size = os.fstat(archive.fileno()).st_size
        self._head(HTTPStatus.OK, kind="application/octet-stream", size=size)
        shutil.copyfileobj(archive, self.wfile)

    def _head(self, status: HTTPStatus, *, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # named by http.server
        """Say nothing of each request."""
