"""A watch that never gives up: resumes, re-reads after compaction, logs in again.

It goes on from the revision after the last event it handed over. The header's revision would be
wrong there: it can run ahead of events still to come; only progress notifications, which carry
no event, may be trusted to say how far the stream is.
An error can arrive inside a stream that began well, as ``error`` or as ``canceled``.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Callable, Final

from pitrix_drone.etcd_http import Stream, Transport
from pitrix_drone.etcd_retry import Backoff
from pitrix_drone.etcd_wire import (
    UNAVAILABLE,
    CompactedError,
    EtcdError,
    EtcdUnavailableError,
    Event,
    Json,
    Snapshot,
    error_from,
    key_value,
    range_of,
    revision_of,
)

__all__ = ["Backoff", "Watcher"]

log = logging.getLogger(__name__)

#: A Frontgate that is back is noticed by its drones within one and a half of this; commands wait
#: for it. Asking in vain costs a network next to nothing.
_LAST_PAUSE_S: Final = 2.0

#: How often the guard looks whether the watch itself has ended.
_GUARD_S = 0.5


class Watcher:
    """Follows one prefix until it is told to stop; use one object for one watch.

    :param snapshot: reads the prefix anew.
    :param token: returns the login token to send, or None.
    :param forget_token: called when a login may have gone stale.
    """

    def __init__(
        self,
        transport: Transport,
        prefix: str,
        *,
        snapshot: Callable[[], Snapshot],
        token: Callable[[], str | None],
        forget_token: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._prefix = prefix
        self._snapshot = snapshot
        self._token = token
        self._forget_token = forget_token
        self._next_revision: int | None = None
        self._store = ""
        self._stream: Stream | None = None
        self._backoff = Backoff(last_s=_LAST_PAUSE_S)
        self._said = ""

    def run(
        self,
        *,
        on_snapshot: Callable[[Snapshot], None],
        on_events: Callable[[tuple[Event, ...]], None],
        stop: threading.Event,
    ) -> None:
        """Hand over a snapshot, then every change; return when *stop* is set."""
        ended = threading.Event()
        threading.Thread(target=self._guard, args=(stop, ended), daemon=True).start()
        try:
            while not stop.is_set():
                self._attempt(on_snapshot, on_events, stop)
        finally:
            ended.set()

    def _attempt(
        self,
        on_snapshot: Callable[[Snapshot], None],
        on_events: Callable[[tuple[Event, ...]], None],
        stop: threading.Event,
    ) -> None:
        try:
            if self._next_revision is None:
                snapshot = self._snapshot()
                on_snapshot(snapshot)
                self._next_revision = snapshot.revision + 1
            self._follow(self._next_revision, on_events, stop)
        except CompactedError as ex:
            log.info("watch %s: %s: reading anew", self._prefix, ex)
            self._next_revision = None
        except EtcdError as ex:
            if stop.is_set():
                return
            self._say(str(ex))
            self._forget_token()  # also where nobody answered: see the client's requests
            stop.wait(self._backoff.pause_s())

    def _say(self, problem: str) -> None:
        """Log a problem once, however often it comes back: a server may be away for days."""
        if problem != self._said:
            log.info("watch %s: %s; it is tried until it works", self._prefix, problem)
        self._said = problem

    def _follow(
        self,
        revision: int,
        on_events: Callable[[tuple[Event, ...]], None],
        stop: threading.Event,
    ) -> None:
        request = {"start_revision": str(revision), "progress_notify": True}
        request.update(range_of(self._prefix))
        stream = self._transport.open_stream(
            "/watch", {"create_request": request}, token=self._token()
        )
        self._stream = stream
        try:
            while not stop.is_set():
                self._take(_next_message(stream), on_events)
        finally:
            self._stream = None
            stream.close()

    def _take(self, message: Json, on_events: Callable[[tuple[Event, ...]], None]) -> None:
        self._backoff.reset()
        self._said = ""
        if message.get("created"):
            self._meet(str(message["header"].get("cluster_id")), revision_of(message))
            return
        events = tuple(
            Event(type=item.get("type", "PUT"), kv=key_value(item["kv"]))
            for item in message.get("events") or ()
        )
        if events:
            on_events(events)
            self._next_revision = events[-1].kv.mod_revision + 1
        else:
            self._next_revision = max(self._next_revision or 0, revision_of(message) + 1)

    def _meet(self, store: str, revision: int) -> None:
        """Take note of the store that answers.

        :raises CompactedError: it is another one than before, which counts its revisions anew.
        """
        before, self._store = self._store, store
        if (before and before != store) or revision + 1 < (self._next_revision or 0):
            raise CompactedError(None, "the store is a new one")

    def _guard(self, stop: threading.Event, ended: threading.Event) -> None:
        """Wake the reader when *stop* is set: a read without time-out hears of it only so."""
        while not ended.is_set():
            if stop.wait(_GUARD_S):
                stream = self._stream
                if stream is not None:
                    stream.cut()
                ended.wait(_GUARD_S / 10)


def _next_message(stream: Stream) -> Json:
    line = stream.next_line()
    try:
        answer = json.loads(line) if line.strip() else None
    except ValueError as ex:
        raise EtcdUnavailableError(UNAVAILABLE, "the watch broke in the middle of a line") from ex
    if not isinstance(answer, dict):
        raise EtcdUnavailableError(UNAVAILABLE, "the watch ended")
    if "error" in answer:
        raise error_from(answer["error"], None)
    message: Json = answer.get("result", {})
    if message.get("compact_revision"):
        raise CompactedError(None, f"compacted at {message['compact_revision']}")
    if message.get("canceled"):
        raise EtcdError(None, f"canceled: {message.get('cancel_reason', '')}")
    return message
