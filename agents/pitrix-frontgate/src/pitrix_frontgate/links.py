"""Ways to a Pilot: a WebSocket, or a long poll where none is let through; past a proxy or not."""

import contextlib
import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from websockets.exceptions import InvalidProxyStatus
from websockets.sync.client import connect

from pitrix_frontgate import frames, shapes
from pitrix_frontgate.config import FrontgateConfig, is_loopback
from pitrix_frontgate.longpoll import LongPoll
from pitrix_frontgate.pulse import Pulse

PATH: Final = "/v1/frontgate"
OPEN_S: Final = 10.0
_CLOSE_S: Final = 1.0

#: Seconds that the answer to a ping may take at the least: short pings are no hurry.
_PONG_S: Final = 10.0

#: So often in a row a WebSocket fails before a long poll is tried.
_REFUSALS: Final = 3

_SECURE: Final = ("wss", "https")

#: Proxy Authentication Required. Source: RFC 9110, section 15.5.8.
_AUTHENTICATION_REQUIRED: Final = 407


class Link(Protocol):
    """A connection on which frames go both ways; sends and receives in two threads.

    Every method raises OSError or a WebSocketException when it is over.
    """

    def send(self, text: str, /) -> None:
        """Send a frame."""

    def recv(self, timeout: float | None = None) -> str | bytes:
        """Wait for the next frame.

        :raises TimeoutError: none came within *timeout* seconds.
        """

    def close(self) -> None:
        """End it; any thread may."""


class Way(NamedTuple):
    """What a link leads over."""

    link: Link
    #: ``websocket`` or ``long-poll``.
    kind: str


class ProxyError(OSError):
    """The proxy does not let anything through."""


class Dialler:
    """Chooses the way to a Pilot from what has worked.

    :param environment: where proxies are named, as ``https_proxy`` and ``no_proxy``.
    """

    def __init__(
        self,
        config: FrontgateConfig,
        *,
        pulse: Pulse,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._config = config
        self._pulse = pulse
        self._environment = environment
        self._refusals: dict[str, int] = {}
        self._polled: set[str] = set()

    @contextlib.contextmanager
    def dialled(self, url: str) -> Iterator[Way]:
        """Connect on entry, hang up on exit.

        A way is worth nothing until :meth:`worked` says so.

        :raises OSError: nobody answers, or nobody who can be trusted.
        :raises WebSocketException: who answers speaks something else.
        """
        is_poll = self._refusals.get(url, 0) >= _REFUSALS and url not in self._polled
        self._polled.discard(url)
        if is_poll:
            self._polled.add(url)
            polling = self._polling(url)
            try:
                yield Way(polling, "long-poll")
            finally:
                polling.close()
                polling.release()
        else:
            self._refusals[url] = self._refusals.get(url, 0) + 1
            with self._socket(url) as socket:
                yield Way(socket, "websocket")

    def worked(self, url: str, kind: str) -> None:
        """Take note that a Pilot was met this way."""
        if kind == "websocket":
            self._refusals[url] = 0

    def unmet(self, url: str) -> None:
        """Take note that nobody was there to be met: no fault of the way."""
        self._refusals[url] = max(0, self._refusals.get(url, 0) - 1)

    @contextlib.contextmanager
    def _socket(self, url: str) -> Iterator[Link]:
        proxy = self.proxy(url)
        try:
            dialling = connect(
                _with_scheme(url, ("ws", "wss")) + PATH,
                proxy=proxy,
                ssl=self._tls(url),
                compression=None,
                max_size=frames.MAX_FRAME_BYTES,
                open_timeout=OPEN_S,
                close_timeout=_CLOSE_S,
                ping_interval=self._pulse.interval_s,
                ping_timeout=max(_PONG_S, self._pulse.interval_s),
            )
        except InvalidProxyStatus as ex:
            raise _refused_by(proxy, ex.response.status_code) from None
        with dialling as connection:
            yield connection

    def _polling(self, url: str) -> LongPoll:
        proxy = self.proxy(url)
        return LongPoll(
            _with_scheme(url, ("http", "https")) + f"{PATH}/poll",
            tls=self._tls(url),
            proxy=proxy,
            pulse=self._pulse,
            on_proxy_status=lambda status: _refused_by(proxy, status),
        )

    def _tls(self, url: str) -> ssl.SSLContext | None:
        if urlsplit(url).scheme not in _SECURE:
            return None
        return ssl.create_default_context(cadata=self._config.pilot_ca or None)

    def proxy(self, url: str) -> str | None:
        """Choose the proxy that leads to a URL; what is on this machine needs none.

        :raises ProxyError: it is of a kind that is not spoken to.
        """
        parts = urlsplit(url)
        if is_loopback(parts.hostname or ""):
            return None
        named = {name.lower(): value for name, value in self._environment.items()}
        if _is_excepted(parts.hostname or "", named.get("no_proxy", "")):
            return None
        schemes = ("https", "all") if parts.scheme in _SECURE else ("https", "http", "all")
        found = [named.get(f"{scheme}_proxy", "") for scheme in schemes]
        proxy = next(filter(None, (self._config.proxy, *found)), None)
        if proxy is None:
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not (proxy.lower().startswith("http://") and shapes.has_place(proxy)):
            raise ProxyError(
                f"{_shown(proxy)}: only proxies with http:// are spoken to; name one as "
                "http://HOST:PORT"
            )
        return proxy


def _is_excepted(host: str, no_proxy: str) -> bool:
    """Tell whether ``no_proxy`` names a host, a domain that it is in, or everything."""
    names = [name.strip().lower().lstrip(".") for name in no_proxy.split(",")]
    return any(
        name and (name in ("*", host.lower()) or host.lower().endswith(f".{name}"))
        for name in names
    )


def _with_scheme(url: str, schemes: tuple[str, str]) -> str:
    scheme, _, rest = url.partition("://")
    return f"{schemes[scheme in _SECURE]}://{rest.rstrip('/')}"


def _refused_by(proxy: str | None, status: int) -> ProxyError:
    where = _shown(proxy or "")
    if status == _AUTHENTICATION_REQUIRED:
        return ProxyError(
            f"proxy {where} wants a user and a password, or other ones (407): set them in "
            "https_proxy, or as `proxy` in frontgate.json: http://USER:PASSWORD@HOST:PORT"
        )
    return ProxyError(f"proxy {where} does not lead to the Pilot: HTTP {status}")


def _shown(proxy: str) -> str:
    """Return a proxy's URL without what must not be logged."""
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
