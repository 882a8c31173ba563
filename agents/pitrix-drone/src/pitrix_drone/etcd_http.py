"""Carries requests to etcd's JSON gateway: connections, endpoints, TLS; knows nothing of keys.

A connection that was used is kept for the next request, of whichever thread. A request on one that
the server closed while it was idle is sent once more on a new one; any other failure is the
caller's to judge.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Final

from pitrix_drone.etcd_connection import OK, Connection, GoneError, Response
from pitrix_drone.etcd_wire import UNAVAILABLE, EtcdError, EtcdUnavailableError, Json, error_from

_API: Final = "/v3"

#: After 10 s of silence three probes 5 s apart: a vanished peer is noticed within 25 s.
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))

#: How a server that closed an idle connection shows itself when the next request is sent.
_STALE: Final = (GoneError, ConnectionResetError, BrokenPipeError)

#: Kept for later requests; the drone's threads seldom ask at once.
_MOST_IDLE: Final = 1


class Stream:
    """An answer without an end, read line by line in one thread."""

    def __init__(self, connection: Connection, sock: socket.socket, response: Response) -> None:
        self._connection = connection
        self._sock = sock
        self._response = response

    def next_line(self) -> bytes:
        """Wait for the next line; empty when the server ended the answer.

        :raises EtcdUnavailableError: the connection broke, or was cut.
        """
        try:
            return self._response.readline()
        except OSError as ex:
            raise EtcdUnavailableError(UNAVAILABLE, f"the stream broke: {_reason(ex)}") from ex

    def cut(self) -> None:
        """End the stream from another thread; a blocked reader wakes up at once."""
        _cut(self._sock)

    def close(self) -> None:
        """Close the connection; only the reading thread may."""
        self._connection.close()
        self._sock.close()


class Transport:
    """Connections to whichever endpoint answers. Thread-safe.

    :param endpoints: URLs such as ``http://127.0.0.1:2379``; tried in turn.
    :param ca: PEM text of the only authorities trusted for ``https`` endpoints.
    :param timeout_s: for connecting, and for each answer.
    :raises ValueError: no endpoint, or one that is not an http or https URL.
    """

    def __init__(self, endpoints: Sequence[str], *, ca: str | None, timeout_s: float) -> None:
        if not endpoints:
            raise ValueError("endpoints: at least one URL is needed")
        self._endpoints = [_parsed(url) for url in endpoints]
        self._tls = tls_context(ca) if any(e.scheme == "https" for e in self._endpoints) else None
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._busy: set[Connection] = set()
        self._idle: list[Connection] = []
        self._is_closed = False

    def reach(self, endpoints: Sequence[str]) -> None:
        """Try these endpoints from now on; connections that there are stay.

        :raises ValueError: no endpoint, or one that is not an https URL, or http among such.
        """
        parsed = [_parsed(url) for url in endpoints]
        if not parsed or (self._tls is None) == any(e.scheme == "https" for e in parsed):
            raise ValueError("endpoints: at least one URL is needed, all of one kind")
        with self._lock:
            self._endpoints = parsed

    def close(self) -> None:
        """Close every connection; requests under way fail, later ones are refused."""
        with self._lock:
            self._is_closed = True
            busy, idle = [*self._busy], [*self._idle]
            self._idle.clear()
        for connection in busy:
            _cut(connection.sock)  # who uses it closes it
        for connection in idle:
            connection.close()

    def post(self, path: str, body: Json, *, token: str | None) -> Json:
        """Send one request and return its answer.

        :raises EtcdUnavailableError: no endpoint answered.
        :raises EtcdError: etcd refused.
        """
        data = json.dumps(body)
        try:
            status, raw = self._exchange(path, data, token)
        except OSError as ex:
            raise EtcdUnavailableError(UNAVAILABLE, f"{path}: {_reason(ex)}") from ex
        return _answer(path, status, raw)

    def open_stream(self, path: str, body: Json, *, token: str | None) -> Stream:
        """Send one request whose answer has no end; the caller closes it.

        Connecting has a time-out; reading has none, TCP keepalive ends a dead connection.

        :raises EtcdUnavailableError: no endpoint answered.
        :raises EtcdError: etcd refused.
        """
        connection: Connection | None = None
        try:
            connection = self._connect()
            stream = _stream_on(connection, path, json.dumps(body), token)
        except OSError as ex:
            _close(connection)
            raise EtcdUnavailableError(UNAVAILABLE, f"{path}: {_reason(ex)}") from ex
        except EtcdError:
            _close(connection)
            raise
        return stream

    def _exchange(self, path: str, data: str, token: str | None) -> tuple[int, bytes]:
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            with contextlib.suppress(*_STALE):
                return self._exchange_on(kept, path, data, token)
        return self._exchange_on(self._connect(), path, data, token)

    def _exchange_on(
        self, connection: Connection, path: str, data: str, token: str | None
    ) -> tuple[int, bytes]:
        with self._using(connection):
            response = _send(connection, path, data, token)
            return response.status, response.read()

    @contextlib.contextmanager
    def _using(self, connection: Connection) -> Iterator[None]:
        """Keep the connection for later if all goes well, and close it otherwise."""
        is_kept = False
        with self._lock:
            self._busy.add(connection)
        try:
            if self._is_closed:
                raise ConnectionError("the client was closed")
            yield
            is_kept = True
        finally:
            with self._lock:
                self._busy.discard(connection)
                is_wanted = not self._is_closed and len(self._idle) < _MOST_IDLE
                is_kept = is_kept and is_wanted and connection.is_reusable
                if is_kept:
                    self._idle.append(connection)
            if not is_kept:
                connection.close()

    def _connect(self) -> Connection:
        failure: Exception | None = None
        for endpoint in list(self._endpoints):
            if self._is_closed:
                raise ConnectionError("the client was closed")
            connection = self._connection(endpoint)
            try:
                _keep_alive(connection.connect())
            except OSError as ex:
                failure = ex
                connection.close()
                self._turn_from(endpoint)
                continue
            return connection
        raise ConnectionError(f"no endpoint answered: {failure}")

    def _connection(self, endpoint: urllib.parse.SplitResult) -> Connection:
        return Connection(
            endpoint.hostname or "",
            endpoint.port,
            timeout_s=self._timeout_s,
            tls=self._tls if endpoint.scheme == "https" else None,
        )

    def _turn_from(self, endpoint: urllib.parse.SplitResult) -> None:
        with self._lock:
            if self._endpoints[0] is endpoint:
                self._endpoints.append(self._endpoints.pop(0))


def _stream_on(connection: Connection, path: str, data: str, token: str | None) -> Stream:
    sock = connection.sock
    response = _send(connection, path, data, token)
    if sock is None:
        raise ConnectionError("the client was closed")
    if response.status != OK:
        _answer(path, response.status, response.read())
    sock.settimeout(None)
    return Stream(connection, sock, response)


def _cut(sock: socket.socket | None) -> None:
    """End a connection from any thread; a reader blocked on it wakes up at once."""
    if sock is not None:
        with contextlib.suppress(OSError):  # the peer was faster
            sock.shutdown(socket.SHUT_RDWR)


def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection.close()


def _send(connection: Connection, path: str, data: str, token: str | None) -> Response:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = token
    return connection.post(_API + path, data, headers)


def _answer(path: str, status: int, raw: bytes) -> Json:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        start = raw[:120].decode("utf-8", "replace")
        raise EtcdError(None, f"{path}: HTTP {status}: not an answer of etcd: {start!r}", status)
    if status != OK:
        raise error_from(body, status)
    return body


def _parsed(url: str) -> urllib.parse.SplitResult:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"endpoint {url!r}: write it as http://HOST:PORT or https://HOST:PORT")
    return parts


def tls_context(ca: str | None) -> ssl.SSLContext:
    """Trust these authorities alone, or the machine's when there are none.

    :raises ValueError: no certificate can be read.
    """
    try:
        context = ssl.create_default_context(cadata=ca)
    except ssl.SSLError as ex:
        raise ValueError(f"the authority's certificate cannot be read: {ex}") from ex
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _reason(ex: Exception) -> str:
    return f"{type(ex).__name__}: {ex}"
