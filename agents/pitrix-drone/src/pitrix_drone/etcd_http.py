"""Carries requests to etcd's JSON gateway: connections, endpoints, TLS; knows nothing of keys.

One connection per thread is kept open. A request on a connection that the server closed while it
was idle is sent once more on a new one; any other failure is the caller's to judge.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Sequence

from pitrix_drone.etcd_wire import UNAVAILABLE, EtcdError, EtcdUnavailableError, Json, error_from

_API = "/v3"

#: After 10 s of silence three probes 5 s apart: a vanished peer is noticed within 25 s.
_KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))

#: How a server that closed an idle connection shows itself when the next request is sent.
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)

_Failure = (OSError, http.client.HTTPException)


class Stream:
    """An answer without an end, read line by line in one thread."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        sock: socket.socket,
        response: http.client.HTTPResponse,
    ) -> None:
        self._connection = connection
        self._sock = sock
        self._response = response

    def next_line(self) -> bytes:
        """Wait for the next line; empty when the server ended the answer.

        :raises EtcdUnavailableError: the connection broke, or was cut.
        """
        try:
            return self._response.readline()
        except _Failure as ex:
            raise EtcdUnavailableError(UNAVAILABLE, f"the stream broke: {_reason(ex)}") from ex

    def cut(self) -> None:
        """End the stream from another thread; a blocked reader wakes up at once."""
        _cut(self._sock)

    def close(self) -> None:
        """Close the connection; only the reading thread may."""
        self._response.close()
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
        self._by_thread: dict[threading.Thread, http.client.HTTPConnection] = {}
        self._is_closed = False

    def close(self) -> None:
        """Close every connection; requests under way fail, later ones are refused."""
        with self._lock:
            self._is_closed = True
            connections = list(self._by_thread.values())
            self._by_thread.clear()
        for connection in connections:
            _cut(connection.sock)
            connection.close()

    def post(self, path: str, body: Json, *, token: str | None) -> Json:
        """Send one request and return its answer.

        :raises EtcdUnavailableError: no endpoint answered.
        :raises EtcdError: etcd refused.
        """
        data = json.dumps(body)
        try:
            status, raw = self._exchange(path, data, token)
        except _Failure as ex:
            self._drop()
            raise EtcdUnavailableError(UNAVAILABLE, f"{path}: {_reason(ex)}") from ex
        return _answer(path, status, raw)

    def open_stream(self, path: str, body: Json, *, token: str | None) -> Stream:
        """Send one request whose answer has no end; the caller closes it.

        Connecting has a time-out; reading has none, TCP keepalive ends a dead connection.

        :raises EtcdUnavailableError: no endpoint answered.
        :raises EtcdError: etcd refused.
        """
        self._drop()  # a thread that follows a stream asks nothing beside it
        connection: http.client.HTTPConnection | None = None
        try:
            connection = self._connect()
            stream = _stream_on(connection, path, json.dumps(body), token)
        except _Failure as ex:
            _close(connection)
            raise EtcdUnavailableError(UNAVAILABLE, f"{path}: {_reason(ex)}") from ex
        except EtcdError:
            _close(connection)
            raise
        return stream

    def _exchange(self, path: str, data: str, token: str | None) -> tuple[int, bytes]:
        kept = self._kept()
        if kept is not None:
            try:
                return _exchange_on(kept, path, data, token)
            except _STALE:
                self._drop()
        return _exchange_on(self._renewed(), path, data, token)

    def _kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._by_thread.get(threading.current_thread())

    def _renewed(self) -> http.client.HTTPConnection:
        connection = self._connect()
        with self._lock:
            gone = [thread for thread in self._by_thread if not thread.is_alive()]
            unused = [self._by_thread.pop(thread) for thread in gone]
            self._by_thread[threading.current_thread()] = connection
        for old in unused:
            old.close()
        return connection

    def _drop(self) -> None:
        with self._lock:
            connection = self._by_thread.pop(threading.current_thread(), None)
        _close(connection)

    def _connect(self) -> http.client.HTTPConnection:
        failure: Exception | None = None
        for endpoint in list(self._endpoints):
            if self._is_closed:
                raise ConnectionError("the client was closed")
            connection = self._connection(endpoint)
            try:
                connection.connect()
            except OSError as ex:
                failure = ex
                connection.close()
                self._turn_from(endpoint)
                continue
            _keep_alive(connection.sock)
            return connection
        raise ConnectionError(f"no endpoint answered: {failure}")

    def _connection(self, endpoint: urllib.parse.SplitResult) -> http.client.HTTPConnection:
        host = endpoint.hostname or ""
        if endpoint.scheme == "https":
            return http.client.HTTPSConnection(
                host, endpoint.port, timeout=self._timeout_s, context=self._tls
            )
        return http.client.HTTPConnection(host, endpoint.port, timeout=self._timeout_s)

    def _turn_from(self, endpoint: urllib.parse.SplitResult) -> None:
        with self._lock:
            if self._endpoints[0] is endpoint:
                self._endpoints.append(self._endpoints.pop(0))


def _stream_on(
    connection: http.client.HTTPConnection, path: str, data: str, token: str | None
) -> Stream:
    sock = connection.sock
    _send(connection, path, data, token)
    response = connection.getresponse()
    if response.status != http.client.OK:
        _answer(path, response.status, response.read())
    sock.settimeout(None)
    return Stream(connection, sock, response)


def _cut(sock: socket.socket | None) -> None:
    """End a connection from any thread; a reader blocked on it wakes up at once."""
    if sock is not None:
        with contextlib.suppress(OSError):  # the peer was faster
            sock.shutdown(socket.SHUT_RDWR)


def _close(connection: http.client.HTTPConnection | None) -> None:
    if connection is not None:
        connection.close()


def _exchange_on(
    connection: http.client.HTTPConnection, path: str, data: str, token: str | None
) -> tuple[int, bytes]:
    _send(connection, path, data, token)
    response = connection.getresponse()
    return response.status, response.read()


def _send(connection: http.client.HTTPConnection, path: str, data: str, token: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = token
    connection.request("POST", _API + path, data, headers)


def _answer(path: str, status: int, raw: bytes) -> Json:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        start = raw[:120].decode("utf-8", "replace")
        raise EtcdError(None, f"{path}: HTTP {status}: not an answer of etcd: {start!r}", status)
    if status != http.client.OK:
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
