"""The connection to the Pilot: dialled by the Frontgate, kept up, and spoken on in turn.

One thread receives and carries out, in the order in which frames come; a second one sends
reports. A reply leaves before the acknowledgement of what it answers: a Pilot that saw the latter
has the former.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from websockets.exceptions import ConnectionClosed, WebSocketException

from pitrix_drone.etcd import EtcdError, EtcdUnavailableError
from pitrix_drone.etcd_watch import Backoff
from pitrix_frontgate import frames
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.links import OPEN_S, Dialler, Link, ProxyError, Way
from pitrix_frontgate.outbox import Entry, Outbox
from pitrix_frontgate.pulse import Pulse

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

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
    #: Which of several machines says it; None for the only one.
    member: int | None = None


class _RefusedError(Exception):
    """The Pilot does not want this Frontgate."""


class Meeting(NamedTuple):
    """A Pilot that is connected."""

    url: str
    #: ``websocket`` or ``long-poll``.
    way: str


class Channel:
    """Keeps one connection to a Pilot. :meth:`run` once, in a thread of its own.

    :param urls: of Pilots; any of them will do.
    :param on_connected: called with the Pilot met, after ``welcome``; with None when it is lost.
    """

    def __init__(  # noqa: PLR0913  # its parts
        self,
        urls: Sequence[str],
        greeting: Greeting,
        *,
        identity: Identity,
        dialler: Dialler,
        pulse: Pulse,
        handlers: Handlers,
        outbox: Outbox,
        on_connected: Callable[[Meeting | None], None],
    ) -> None:
        self._urls = tuple(urls)
        self._greeting = greeting
        self._identity = identity
        self._dialler = dialler
        self._pulse = pulse
        self._handlers = handlers
        self._outbox = outbox
        self._on_connected = on_connected
        self._backoff = Backoff()
        self._absent: set[str] = set()
        self._link: Link | None = None

    def run(self, stop: threading.Event) -> None:
        """Dial, speak, and dial again until *stop* is set."""
        due_s = dict.fromkeys(self._urls, 0.0)
        while not stop.is_set():
            url = min(due_s, key=due_s.__getitem__)
            if not stop.wait(due_s[url] - time.monotonic()):
                pause_s = self._attempt(url, stop)
                due_s[url] = time.monotonic() + pause_s

    def close(self) -> None:
        """End the connection from another thread; :meth:`run` needs *stop* to end, too."""
        link = self._link
        if link is not None:
            link.close()

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
            self._dialler.unmet(url)
            if url not in self._absent:
                log.info("%s: %s; it is tried until it answers", url, ex)
            self._absent.add(url)
            return min(self._backoff.pause_s(), _ABSENT_PAUSE_S)
        except ProxyError as ex:
            self._dialler.unmet(url)
            log.warning("%s: %s", url, ex)
        except (OSError, WebSocketException, FrameError, EtcdError) as ex:
            log.warning("%s: %s: %s", url, type(ex).__name__, ex)
        return self._backoff.pause_s()

    def _speak(self, url: str, stop: threading.Event) -> None:
        with self._dialler.dialled(url) as way:
            self._link = way.link
            try:
                self._greet(way.link)
                self._dialler.worked(url, way.kind)
                self._converse(url, way, stop)
            finally:
                self._link = None

    def _converse(self, url: str, way: Way, stop: threading.Event) -> None:
        """Speak until the connection ends."""
        log.info("connected to %s by %s", url, way.kind)
        self._absent.discard(url)
        since_s = time.monotonic()
        self._pulse.heard()
        self._outbox.reconnected()
        self._on_connected(Meeting(url, way.kind))
        ended = threading.Event()
        sender = threading.Thread(
            target=self._send_reports, args=(way.link, ended), name="sender", daemon=True
        )
        sender.start()
        try:
            self._receive(way.link, stop)
        finally:
            self._on_connected(None)
            ended.set()
            way.link.close()
            sender.join()
            if time.monotonic() - since_s > _STEADY_S:
                self._backoff.reset()

    def _greet(self, link: Link) -> None:
        body = {
            **self._identity.introduction(),
            "version": self._greeting.version,
            "endpoints": list(self._greeting.endpoints),
            **({} if self._greeting.member is None else {"member": self._greeting.member}),
        }
        link.send(frames.encode(Frame(frames.new_id(), "hello", body)))
        answer = frames.decode(link.recv(timeout=OPEN_S))
        if answer.type == "refused":
            raise _RefusedError(f"{answer.body.get('code')}: {answer.body.get('message')}")
        if answer.type != "welcome" or answer.body.get("protocol") != self._identity.protocol:
            raise FrameError("bad-frame", f"neither welcome nor refused but {answer.type[:64]}")
        if self._identity.has_tokens and self._keep_token(answer):
            link.send(frames.encode(frames.ack(answer.id)))

    def _keep_token(self, frame: Frame) -> bool:
        try:
            self._identity.take(frame.body)
        except OSError as ex:
            log.error("the token cannot be written down; the last one stays in use: %s", ex)  # noqa: TRY400  # the words say it all
            return False
        return True

    def _receive(self, link: Link, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                text = link.recv()
            except (ConnectionClosed, OSError) as ex:
                self._ended(ex, stop)
                return
            self._pulse.heard()
            try:
                frame = frames.decode(text)
            except FrameError as ex:
                log.warning("a frame cannot be read and is left out: %s", ex)
                continue
            self._take(link, frame, stop)

    def _ended(self, ex: ConnectionClosed | OSError, stop: threading.Event) -> None:
        log.info("the connection ended: %s", ex)
        is_over = isinstance(ex, TimeoutError)  # a long poll ends by itself after a while
        was_told = isinstance(ex, ConnectionClosed) and ex.rcvd is not None
        if not was_told and not is_over and not stop.is_set() and self._pulse.cut():
            log.info("what is idle is cut on the way: a ping every %g s", self._pulse.interval_s)

    def _take(self, link: Link, frame: Frame, stop: threading.Event) -> None:
        if frame.type == "ack":
            self._settle(frame.reply_to, stop)
            return
        if frame.type == "token.renewed":
            self._keep_token(frame)
            return
        if frame.type == "failed":
            log.error("the Pilot cannot use %s: %s", frame.reply_to, frame.body.get("message"))
            self._settle(frame.reply_to, stop)
        else:
            reply = _patiently(lambda: self._answer(frame), stop)
            if reply is not None:
                self._outbox.offer_sent(Entry(reply.id, reply))
                link.send(frames.encode(reply))
        link.send(frames.encode(frames.ack(frame.id)))

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

    def _send_reports(self, link: Link, ended: threading.Event) -> None:
        while not ended.is_set():
            frame = self._outbox.take(within_s=_SENDER_LOOK_S)
            try:
                if self._identity.is_renewal_due():
                    link.send(frames.encode(Frame(frames.new_id(), "token.renew", {})))
                if frame is not None:
                    link.send(frames.encode(frame))
            except (OSError, WebSocketException):
                return  # the receiver notices as well; the frame stays in the outbox
            if frame is not None:
                self._pulse.heard()


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
