"""Posts requests over HTTP/1.1 and reads answers, with the little of it that etcd needs.

``http.client`` reads headers with the library for e-mail, which takes 0.9 MB of a process.

Source: RFC 9112.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from typing import Final

OK: Final = 200
FORBIDDEN: Final = 403

#: As http.client has them.
_MOST_LINE_BYTES: Final = 65_536
_MOST_HEADERS: Final = 100
#: Of a body at a time: an answer may promise more than comes.
_PIECE_BYTES: Final = 65_536


class HttpError(OSError):
    """What came is not an answer in HTTP, or not a whole one."""


class GoneError(ConnectionResetError):
    """The server closed the connection before it began to answer."""


class Response:
    """An answer, whose body is read once; by one thread.

    :param left: bytes until the body or its chunk ends; None: until the connection does.
    """

    def __init__(
        self, file: io.BufferedReader, status: int, *, left: int | None, is_chunked: bool
    ) -> None:
        self.status = status
        self._file = file
        self._left = left
        self._is_chunked = is_chunked

    def read(self, most: int | None = None) -> bytes:
        """Read the body, or its first *most* bytes.

        :raises OSError: it breaks off.
        """
        if self._left is None:
            return self._file.read(-1 if most is None else most)
        parts: list[bytes] = []
        while self._is_more() and (most is None or most > 0):
            wanted = _PIECE_BYTES if most is None else min(most, _PIECE_BYTES)
            parts.append(self._took(self._file.read(min(wanted, self._left))))
            most = None if most is None else most - len(parts[-1])
        return b"".join(parts)

    def readline(self) -> bytes:
        """Read up to the end of a line; empty at the end of the body.

        :raises OSError: it breaks off.
        """
        if self._left is None:
            return self._file.readline()
        line = b""
        while not line.endswith(b"\n") and self._is_more():
            line += self._took(self._file.readline(min(self._left, _PIECE_BYTES)))
        return line

    def _took(self, part: bytes) -> bytes:
        if not part:
            raise HttpError("the answer broke off")
        self._left = (self._left or 0) - len(part)
        if not self._left and self._is_chunked:
            _line(self._file)  # what ends a chunk
        return part

    def _is_more(self) -> bool:
        if not self._left and self._is_chunked:
            self._left = _number(_line(self._file).partition(b";")[0], 16)
            if not self._left:
                self._is_chunked = False
                _headers(self._file)  # trailers
        return bool(self._left)


class Connection:
    """A connection to one server; made by :meth:`connect`, used by one thread."""

    def __init__(
        self, host: str, port: int | None, *, timeout_s: float, tls: ssl.SSLContext | None
    ) -> None:
        self.sock: socket.socket | None = None
        self._host = host
        self._port = port or (443 if tls else 80)
        self._timeout_s = timeout_s
        self._tls = tls
        self._file: io.BufferedReader | None = None
        self._is_last = False

    @property
    def is_reusable(self) -> bool:
        """Tells whether the server said nothing of closing it after the answer it gave."""
        return self._file is not None and not self._is_last

    def connect(self) -> socket.socket:
        """Connect.

        :raises OSError: nobody answers, or nobody who is trusted.
        """
        self.sock = socket.create_connection((self._host, self._port), self._timeout_s)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._host)
        self._file = self.sock.makefile("rb")
        return self.sock

    def close(self) -> None:
        """End the connection; only the thread that reads from it may."""
        sock, file, self.sock, self._file = self.sock, self._file, None, None
        if file is not None:
            file.close()
        if sock is not None:
            sock.close()

    def post(self, path: str, body: str, headers: Mapping[str, str]) -> Response:
        """Send one request, after the last answer was read, and read how its answer begins.

        :raises GoneError: the server closed the connection before; ask on a new one.
        :raises OSError: it cannot be sent, or there is no answer.
        """
        sock, file = self.sock, self._file
        if sock is None or file is None or self._is_last:
            raise GoneError("the connection was closed")
        data = body.encode("ascii")
        sent = {"Host": self._authority(), "Content-Length": str(len(data)), **headers}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {sent[name]}" for name in sent), "", ""]
        sock.sendall("\r\n".join(lines).encode("latin-1") + data)
        return self._begun(file)

    def _begun(self, file: io.BufferedReader) -> Response:
        version, status = _status(file)
        headers = _headers(file)
        while status // 100 == 1:  # 100: the answer is still to come
            version, status = _status(file)
            headers = _headers(file)
        is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        length = headers.get("content-length")
        left = 0 if is_chunked else None if length is None else _number(length.encode(), 10)
        is_closed = version == b"HTTP/1.0" or headers.get("connection", "").lower() == "close"
        self._is_last = is_closed or left is None
        return Response(file, status, left=left, is_chunked=is_chunked)

    def _authority(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"


def _status(file: io.BufferedReader) -> tuple[bytes, int]:
    line = file.readline(_MOST_LINE_BYTES)
    if not line:
        raise GoneError("the server closed the connection without an answer")
    version, status = (*line.split(None, 2), b"", b"")[:2]
    if not version.startswith(b"HTTP/1."):
        raise HttpError(f"not an answer in HTTP: {line[:80]!r}")
    return version, _number(status, 10)


def _headers(file: io.BufferedReader) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(_MOST_HEADERS + 1):
        line = _line(file).decode("latin-1")
        if not line:
            return found
        name, _colon, value = line.partition(":")
        found[name.lower()] = value.strip()
    raise HttpError("the answer has too many headers")


def _line(file: io.BufferedReader) -> bytes:
    line = file.readline(_MOST_LINE_BYTES)
    if not line.endswith(b"\n"):
        raise HttpError("the answer broke off, or has a line that is too long")
    return line.rstrip(b"\r\n")


def _number(digits: bytes, base: int) -> int:
    try:
        number = int(digits, base)
    except ValueError:
        number = -1
    if number < 0:
        raise HttpError(f"the answer has {digits[:40]!r} for a number")
    return number
