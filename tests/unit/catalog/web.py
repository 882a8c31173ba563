"""A web server on this machine whose answers a test says, down to the bytes."""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Asked:
    """A request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@attrs.frozen(kw_only=True)
class Said:
    """An answer; ``pieces`` instead of ``body`` for one that comes bit by bit, or never ends."""

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    pieces: Iterable[bytes] | None = None


@attrs.define
class Web:
    """The server, and what it was asked."""

    url: str
    asked: list[Asked] = attrs.field(factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])


@contextlib.contextmanager
def serving(answer: Callable[[Asked], Said], *, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serve on a free port of the loopback address until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            request = Asked(
                method=self.command,
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            web.asked.append(request)
            said = answer(request)
            with contextlib.suppress(OSError):  # the other side may have gone
                self._say(said)

        def _say(self, said: Said) -> None:
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.pieces is None:
                if "content-length" not in said.headers:
                    self.send_header("content-length", str(len(said.body)))
                self.end_headers()
                if self.command != "HEAD" and said.status != 304:
                    self.wfile.write(said.body)
                return
            self.send_header("connection", "close")
            self.end_headers()
            for piece in said.pieces:
                self.wfile.write(piece)

        do_GET = do_PUT = do_POST = do_HEAD = do_PATCH = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls is not None else "http"
    web = Web(f"{scheme}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
