"""Frames over plain HTTP requests, for networks that let no WebSocket through.

One request at a time waits for what the Pilot has to say; others carry what there is to be said.
A request that is lost is no more than a connection that is lost: what was not acknowledged is sent
again.
"""

import base64
import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from pitrix_frontgate.frames import MAX_FRAME_BYTES
from pitrix_frontgate.pulse import Pulse

#: What a request takes beside the time that it waits.
_REQUEST_S: Final = 30.0

#: A line that was quiet for so long may have been closed by anybody.
_STALE_S: Final = 5.0

#: A WebSocket is worth another try after so long.
_LASTS_S: Final = 3600.0

#: An answer holds frames for one connection's turn; the Pilot stops at one that is large.
_MOST_BYTES: Final = 4 * MAX_FRAME_BYTES

_OK: Final = 200

_TUNNEL_FAILED: Final = re.compile(r"Tunnel connection failed: (\d+)")


class LongPoll:
    """A link as :class:`~pitrix_frontgate.links.Link` has it.

    :param url: where to send requests.
    :param proxy: URL of an HTTP proxy to pass by ``CONNECT``.
    :param on_proxy_status: makes the error of a status with which the proxy refuses.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None,
        proxy: str | None,
        pulse: Pulse,
        on_proxy_status: Callable[[int], OSError],
    ) -> None:
        self._path = urlsplit(url).path
        self._asking, self._saying = (line_to(urlsplit(url), tls, proxy) for _ in range(2))
        self._turn = threading.Lock()
        self._pulse = pulse
        self._on_proxy_status = on_proxy_status
        self._ends_s = time.monotonic() + _LASTS_S
        self._said_s = -_STALE_S
        self._session: str | None = None
        self._heard: deque[str] = deque()
        self._is_closed = False

    def send(self, text: str) -> None:
        """Send a frame."""
        with self._turn:
            if time.monotonic() - self._said_s > _STALE_S:
                self._saying.close()  # opened again by the request
            is_first = self._session is None
            self._request(self._saying, text, wait_s=_REQUEST_S / 3 if is_first else 0.0)
            self._said_s = time.monotonic()

    def recv(self, timeout: float | None = None) -> str:
        """Wait for the next frame."""
        ends_s = time.monotonic() + (timeout if timeout is not None else _LASTS_S)
        while not self._heard:
            left_s = min(ends_s, self._ends_s) - time.monotonic()
            if left_s <= 0 or self._is_closed:
                raise TimeoutError("the long poll is over")
            self._request(self._asking, "", wait_s=min(left_s, self._pulse.interval_s))
        return self._heard.popleft()

    def close(self) -> None:
        """End it; any thread may, also while others wait. The Pilot notices by the silence."""
        self._is_closed = True
        for line in (self._asking, self._saying):
            with contextlib.suppress(OSError, AttributeError):
                line.sock.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Give up what it holds, once no thread uses it any more."""
        self._asking.close()
        self._saying.close()

    def _request(self, line: http.client.HTTPConnection, frame: str, *, wait_s: float) -> None:
        if self._is_closed:
            raise ConnectionResetError("the long poll was closed")
        head = json.dumps({"session": self._session, "wait_s": wait_s})
        body = f'{head[:-1]}, "frames": [{frame}]}}'
        self._pulse.heard()
        try:
            answer = self._exchange(line, body.encode("utf-8", "replace"))
        except (http.client.HTTPException, ValueError, RecursionError) as ex:
            raise ConnectionResetError(f"long poll: {type(ex).__name__}: {ex}") from ex
        except OSError as ex:
            failed = _TUNNEL_FAILED.search(str(ex))
            if failed is None:
                raise
            raise self._on_proxy_status(int(failed[1])) from None
        self._pulse.heard()
        self._session = answer["session"]
        self._heard += [json.dumps(each) for each in answer["frames"]]

    def _exchange(self, line: http.client.HTTPConnection, body: bytes) -> dict[str, Any]:
        line.request("POST", self._path, body, {"Content-Type": "application/json"})
        response = line.getresponse()
        content = response.read(_MOST_BYTES + 1)
        if response.status != _OK:
            raise ConnectionResetError(f"the Pilot answers HTTP {response.status}")
        found = json.loads(content)
        match found:
            case {"session": str(), "frames": list()}:
                return dict(found)
        raise ValueError("not an answer of a Pilot")


def line_to(
    url: SplitResult, tls: ssl.SSLContext | None, proxy: str | None
) -> http.client.HTTPConnection:
    """Make a connection that opens when it is used.

    :param proxy: URL of an HTTP proxy to pass by ``CONNECT``.
    """
    port = url.port or (443 if tls else 80)
    near = urlsplit(proxy) if proxy else None
    host = near.hostname if near else url.hostname
    place = (host or "", (near.port or 80) if near else port)
    line = (
        http.client.HTTPSConnection(*place, timeout=_REQUEST_S + 20, context=tls)
        if tls
        else http.client.HTTPConnection(*place, timeout=_REQUEST_S + 20)
    )
    if near:
        line.set_tunnel(url.hostname or "", port, _credentials(near))
    return line


def _credentials(proxy: SplitResult) -> dict[str, str]:
    """Build what a proxy wants to know. Source: RFC 7617 (Basic)."""
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
