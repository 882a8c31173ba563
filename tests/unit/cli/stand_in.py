"""An HTTP server that answers what it was told, and remembers what it was asked."""

import http.server
import json
import threading
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import attrs


@attrs.frozen
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class StandIn:
    """Answers by method and path; of several answers the last one stays."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answers(self, method: str, path: str, *bodies: Any, status: int = 200) -> None:
        """Answer the next requests one by one, and all later ones with the last."""
        self._answers.setdefault((method, path), []).extend((status, body) for body in bodies)

    def forget(self, method: str, path: str) -> None:
        """Answer as if nothing had been told."""
        del self._answers[method, path]

    def lists(self, path: str, *items: Any) -> None:
        """Answer with a list of one page."""
        self.answers("GET", path, {"items": list(items), "next_cursor": None})

    def asked(self, method: str, path: str) -> list[Request]:
        """Return the requests of a method and path, in their order."""
        return [asked for asked in self.requests if (asked.method, asked.path) == (method, path)]

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in._serve(self)

            def do_POST(self) -> None:
                stand_in._serve(self)

            def do_PUT(self) -> None:
                stand_in._serve(self)

            def do_PATCH(self) -> None:
                stand_in._serve(self)

            def do_DELETE(self) -> None:
                stand_in._serve(self)

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def _serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        content = handler.rfile.read(length)
        self.requests.append(
            Request(
                method=handler.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers=dict(handler.headers.items()),
                body=_body(content, media_type=handler.headers.get("Content-Type")),
            )
        )
        status, body = self._next(handler.command, parts.path)
        is_json = not isinstance(body, bytes)
        text = b"" if body is None else json.dumps(body).encode() if is_json else body
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def _next(self, method: str, path: str) -> tuple[int, Any]:
        known = self._answers.get((method, path))
        if not known:
            return 404, {"title": "Not Found", "detail": f"{method} {path}", "code": "not_found"}
        return known.pop(0) if len(known) > 1 else known[0]


def _body(content: bytes, *, media_type: str | None) -> Any:
    if media_type == "application/octet-stream":
        return content
    return json.loads(content) if content else None
