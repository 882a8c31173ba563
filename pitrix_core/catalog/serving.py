"""Serves a folder as a repo over HTTP: read-only, with ETags, to whoever asks.

For a house, a test or a demonstration; what the world reads belongs behind a web server.
"""

import contextlib
import hashlib
import http.server
import os
import shutil
import threading
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from pitrix_core.errors import ConflictError

#: Seconds without a word after which a connection is closed.
_SILENCE_S: Final = 30.0
_YAML: Final = "application/yaml"
_OTHER: Final = "application/octet-stream"


@attrs.frozen
class _Known:
    """What tells a file from what it was before, and its tag."""

    stamp: tuple[int, int, int]
    etag: str


class RepoServer:
    """One folder, on one address."""

    def __init__(
        self, folder: Path, *, host: str, port: int, told: Callable[[str], None] = lambda _: None
    ) -> None:
        """Listen; nobody is answered yet.

        :param port: 0 for a free one.
        :param told: called with a line for each request.
        :raises ConflictError: the port is taken.
        """
        self.folder = folder.resolve()
        self._known: dict[Path, _Known] = {}
        self._lock = threading.Lock()
        try:
            self._server = http.server.ThreadingHTTPServer((host, port), _handler(self, told))
        except OSError as ex:
            raise ConflictError(
                f"{host}:{port} cannot be listened on: {ex.strerror or ex}.",
                next_step="Take another one: --port 0 takes a free one.",
            ) from ex
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self._server.server_address[:2]
        name = str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def run(self) -> None:
        """Answer until :meth:`stop` is called."""
        with self._server:
            self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End :meth:`run`, from another thread."""
        self._server.shutdown()

    def file_of(self, path: str) -> Path | None:
        """Return the file that a request's path names; None where there is none to be served."""
        names = urllib.parse.unquote(path.partition("?")[0]).strip("/").split("/")
        if any(name.startswith(".") or not name for name in names):
            return None
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # RuntimeError: a loop
            found = self.folder.joinpath(*names).resolve()
            if found.is_relative_to(self.folder) and found.is_file():
                return found
        return None

    def etag_of(self, path: Path, file: BinaryIO) -> str:
        """Return the tag of a file's bytes, worked out anew only where the file was changed."""
        found = os.fstat(file.fileno())
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            known = self._known.get(path)
        if known is None or known.stamp != stamp:
            digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed asks for more than it takes
            file.seek(0)
            known = _Known(stamp, f'"{digest}"')
            with self._lock:
                self._known[path] = known
        return known.etag


def _handler(
    server: RepoServer, told: Callable[[str], None]
) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "pitrix"
        sys_version = ""
        timeout = _SILENCE_S

        def do_GET(self) -> None:
            path = server.file_of(self.path)
            try:
                file = path.open("rb") if path else None
            except OSError:
                file = None
            if path is None or file is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            with file:
                self._send(path, file)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _send(self, path: Path, file: BinaryIO) -> None:
            etag = server.etag_of(path, file)
            known = [tag.strip() for tag in self.headers.get("if-none-match", "").split(",")]
            is_known = etag in known or "*" in known
            self.send_response(HTTPStatus.NOT_MODIFIED if is_known else HTTPStatus.OK)
            self.send_header("ETag", etag)
            if is_known:
                self.end_headers()
                return
            self.send_header("Content-Type", _YAML if path.suffix == ".yaml" else _OTHER)
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            if self.command == "GET":
                with contextlib.suppress(ConnectionError, TimeoutError):
                    shutil.copyfileobj(file, self.wfile)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
            told(f"{self.address_string()} {format % args}")

    return Handler
