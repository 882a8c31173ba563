"""Requests and answers over HTTP, byte for byte."""

from __future__ import annotations

import socket
import threading
from typing import Callable, TypeVar

import pytest

from pitrix_drone.etcd_connection import Connection, GoneError, Response

T = TypeVar("T")

_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\none\n2"
_CHUNKS = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\non\r\n3;x=y\r\ne\n2\r\n0\r\nTrailer: x\r\n\r\n"
)
_TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\none\n2"
_CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + _LENGTH

_whole = pytest.mark.parametrize(
    "answer",
    [_LENGTH, _CHUNKS, _TO_THE_END, _CONTINUED],
    ids=["length", "chunks", "to-the-end", "continued"],
)


def answered(answer: bytes, use: Callable[[Response], T], *, asked: list[bytes] | None = None) -> T:
    """Post to a server that sends these bytes and closes; return what *use* makes of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            sock, _ = server.accept()
            with sock:
                request = sock.recv(65_536)
                if asked is not None:
                    asked.append(request)
                sock.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        connection = Connection("127.0.0.1", server.getsockname()[1], timeout_s=20, tls=None)
        try:
            connection.connect()
            return use(connection.post("/v3/x", "{}", {"Authorization": "t"}))
        finally:
            connection.close()
            thread.join(20)


@_whole
def test_a_body_is_read_whole(answer: bytes) -> None:
    """However its end is marked."""
    found = answered(answer, lambda response: (response.status, response.read()))

    assert found == (200, b"one\n2")


@_whole
def test_a_body_is_read_by_lines(answer: bytes) -> None:
    """Chunks end anywhere; the last line has no end."""
    found = answered(answer, lambda response: [response.readline() for _ in range(3)])

    assert found == [b"one\n", b"2", b""]


@_whole
def test_no_more_is_read_than_asked_for(answer: bytes) -> None:
    """A stranger may have sent it."""
    assert answered(answer, lambda response: response.read(3)) == b"one"


def test_a_request_says_where_it_goes_and_how_long_it_is() -> None:
    """As HTTP/1.1 asks for."""
    asked: list[bytes] = []
    answered(_LENGTH, Response.read, asked=asked)

    head, _, body = asked[0].partition(b"\r\n\r\n")

    lines = head.decode().split("\r\n")
    assert (lines[0], body) == ("POST /v3/x HTTP/1.1", b"{}")
    assert lines[1].startswith("Host: 127.0.0.1:")
    assert lines[2:] == ["Content-Length: 2", "Authorization: t"]


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\non",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=[
        "other-protocol",
        "no-status",
        "cut-off",
        "negative-length",
        "more-promised-than-sent",
        "bad-chunk",
        "cut-off-chunk",
        "many-headers",
        "long-status",
        "long-header",
    ],
)
def test_what_is_no_answer_is_an_error_of_the_connection(answer: bytes) -> None:
    """Whatever it is, nothing hangs and memory stays small."""
    with pytest.raises(OSError, match=r"answer|reset"):
        answered(answer, Response.read)


def test_a_server_that_closes_without_a_word_is_told_apart() -> None:
    """Only then a request may be sent again."""
    with pytest.raises(GoneError):
        answered(b"", Response.read)


def test_nothing_is_sent_on_a_connection_that_ends_with_its_answer() -> None:
    """It is told apart in the same way."""
    connection = Connection("127.0.0.1", 1, timeout_s=1, tls=None)

    with pytest.raises(GoneError, match="closed"):
        connection.post("/v3/x", "{}", {})
