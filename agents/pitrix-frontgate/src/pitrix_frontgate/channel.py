"""The connection to the Pilot: dialled by the Frontgate, kept up, and spoken on in turn.

One thread receives and carries out, in the order in which frames come; a second one sends
reports. A reply leaves before the acknowledgement of what it answers: a Pilot that saw the latter
has the former.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from pitrix_drone.etcd import EtcdError, EtcdUnavailableError
from pitrix_drone.etcd_watch import Backoff
from pitrix_frontgate import frames
from pitrix_frontgate.config import FrontgateConfig, is_loopback
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.outbox import Entry, Outbox

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_PATH: Final = "/v1/frontgate"
_OPEN_S: Final = 10.0
_CLOSE_S: Final = 1.0

#: A dead peer is noticed within twice this.
_PING_S: Final = 20.0

#: A refusal is the operator's to settle.
_REFUSED_PAUSE_S: Final = 30.0

#: Nobody listening costs the network nothing, and a Pilot that starts is found at once.
_ABSENT_PAUSE_S: Final = 0.5

#: A connection that lasted so long was a good one.
_STEADY_S: Final = 5.0

#: How long a frame waits for etcd to come back before the connection is given up.
_ETCD_PATIENCE_S: Final = 30.0

_SENDER_LOOK_S: Final = 0.5


class Greeting(NamedTuple):
    """What the Frontgate says about itself in ``hello``."""

    version: str
    endpoints: tuple[str, ...]


class _RefusedError(Exception):
    """The Pilot does not want this Frontgate."""


class Channel:
    """Keeps one connection to a Pilot. :meth:`run` once, in a thread of its own.

    :param on_connected: called with the Pilot's URL after ``welcome``, with None when it is lost.
    """

    def __init__(
        self,
        config: FrontgateConfig,
        greeting: Greeting,
        *,
        handlers: Handlers,
        outbox: Outbox,
        on_connected: Callable[[str | None], None],
    ) -> None:
        self._config = config
        self._greeting = greeting
        self._handlers = handlers
        self._outbox = outbox
        self._on_connected = on_connected
        self._backoff = Backoff()
        self._absent: set[str] = set()
        self._connection: ClientConnection | None = None

    def run(self, stop: threading.Event) -> None:
        """Dial, speak, and dial again until *stop* is set."""
        due_s = dict.fromkeys(self._config.pilot_urls, 0.0)
        while not stop.is_set():
            url = min(due_s, key=due_s.__getitem__)
            if not stop.wait(due_s[url] - time.monotonic()):
                pause_s = self._attempt(url, stop)
                due_s[url] = time.monotonic() + pause_s

    def close(self) -> None:
        """End the connection from another thread; :meth:`run` needs *stop* to end, too."""
        connection = self._connection
        if connection is not None:
            connection.close()

    def _attempt(self, url: str, stop: threading.Event) -> float:
        """Speak with one Pilot for as long as it lasts.

        :returns: how many seconds to wait before the next attempt.
        """
        try:
            self._speak(url, stop)
        except _RefusedError as ex:
            log.warning("%s refuses this Frontgate: %s", url, ex)
            return _REFUSED_PAUSE_S
        except ConnectionRefusedError as ex:
            if url not in self._absent:
                log.info("%s: %s; it is tried until it answers", url, ex)
            self._absent.add(url)
            return min(self._backoff.pause_s(), _ABSENT_PAUSE_S)
        except (OSError, WebSocketException, FrameError, EtcdError) as ex:
            log.warning("%s: %s: %s", url, type(ex).__name__, ex)
        return self._backoff.pause_s()

    def _speak(self, url: str, stop: threading.Event) -> None:
        with _dialled(url) as connection:
            self._connection = connection
            self._greet(connection)
            log.info("connected to %s", url)
            self._absent.discard(url)
            since_s = time.monotonic()
            self._outbox.reconnected()
            self._on_connected(url)
            ended = threading.Event()
            sender = threading.Thread(
                target=self._send_reports, args=(connection, ended), name="sender", daemon=True
            )
            sender.start()
            try:
                self._receive(connection, stop)
            finally:
                self._connection = None
                self._on_connected(None)
                ended.set()
                connection.close()
                sender.join()
                if time.monotonic() - since_s > _STEADY_S:
                    self._backoff.reset()

    def _greet(self, connection: ClientConnection) -> None:
        body = {
            "protocol": frames.PROTOCOL,
            "frontgate_id": self._config.frontgate_id,
            "token": self._config.token,
            "version": self._greeting.version,
            "endpoints": list(self._greeting.endpoints),
        }
        connection.send(frames.encode(Frame(frames.new_id(), "hello", body)))
        answer = frames.decode(connection.recv(timeout=_OPEN_S))
        if answer.type == "refused":
            raise _RefusedError(f"{answer.body.get('code')}: {answer.body.get('message')}")
        if answer.type != "welcome" or answer.body.get("protocol") != frames.PROTOCOL:
            raise FrameError("bad-frame", f"neither welcome nor refused but {answer.type[:64]}")

    def _receive(self, connection: ClientConnection, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                text = connection.recv()
            except ConnectionClosed as ex:
                log.info("the connection ended: %s", ex)
                return
            try:
                frame = frames.decode(text)
            except FrameError as ex:
                log.warning("a frame cannot be read and is left out: %s", ex)
                continue
            self._take(connection, frame, stop)

    def _take(self, connection: ClientConnection, frame: Frame, stop: threading.Event) -> None:
        if frame.type == "ack":
            self._settle(frame.reply_to, stop)
            return
        if frame.type == "failed":
            log.error("the Pilot cannot use %s: %s", frame.reply_to, frame.body.get("message"))
            self._settle(frame.reply_to, stop)
        else:
            reply = _patiently(lambda: self._answer(frame), stop)
            if reply is not None:
                self._outbox.offer_sent(Entry(reply.id, reply))
                connection.send(frames.encode(reply))
        connection.send(frames.encode(frames.ack(frame.id)))

    def _answer(self, frame: Frame) -> Frame | None:
        try:
            return self._handlers.handle(frame)
        except EtcdError:
            raise
        except Exception:
            log.exception("%s %s cannot be carried out", frame.type[:64], frame.id)
            body = {
                "code": "internal-error",
                "message": f"{frame.type[:64]}: the Frontgate failed; the reason is in its log",
            }
            return Frame(frames.reply_id(frame.id), "failed", body, frame.id)

    def _settle(self, frame_id: str | None, stop: threading.Event) -> None:
        entry = self._outbox.find(frame_id or "")
        if entry is None:
            return
        if entry.frame.type == "command.result":
            _patiently(lambda: self._handlers.finish(entry.slot, entry.mod_revision), stop)
        self._outbox.settle(entry.frame.id, remember=entry.mod_revision > 0)

    def _send_reports(self, connection: ClientConnection, ended: threading.Event) -> None:
        while not ended.is_set():
            frame = self._outbox.take(within_s=_SENDER_LOOK_S)
            if frame is None:
                continue
            try:
                connection.send(frames.encode(frame))
            except (OSError, WebSocketException):
                return  # the receiver notices as well; the frame stays in the outbox


def _dialled(url: str) -> AbstractContextManager[ClientConnection]:
    """Connect on entry, through the environment's proxy unless the Pilot is on this machine."""
    return connect(
        _socket_url(url),
        proxy=None if is_loopback(urlsplit(url).hostname or "") else True,
        compression=None,
        max_size=frames.MAX_FRAME_BYTES,
        open_timeout=_OPEN_S,
        close_timeout=_CLOSE_S,
        ping_interval=_PING_S,
        ping_timeout=_PING_S,
    )


def _socket_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    return f"{scheme}://{rest.rstrip('/')}{_PATH}"


def _patiently(call: Callable[[], _Result], stop: threading.Event) -> _Result:
    """Call again while etcd is away: it is being started again.

    :raises EtcdError: it stayed away, or refused.
    """
    deadline = time.monotonic() + _ETCD_PATIENCE_S
    while True:
        try:
            return call()
        except EtcdUnavailableError:
            if time.monotonic() > deadline or stop.wait(0.1):
                raise
