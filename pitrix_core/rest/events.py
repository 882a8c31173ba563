"""Streams of server-sent events, which hold a thread each and therefore are few and short.

A stream ends after a while; clients come back by themselves, with Last-Event-ID, and miss nothing.
Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html, read 2026-08.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from pitrix_core import convert
from pitrix_core.rest.refusals import TooManyStreamsError
from pitrix_core.store.events import Event
from pitrix_core.store.wakeups import Listener

MEDIA_TYPE: Final = "text/event-stream"

#: How long a client waits before it comes back, in milliseconds.
_RETRY_MS: Final = 500

#: Returns the events after one, oldest first.
Look = Callable[[int], Sequence[Event]]


@attrs.frozen(kw_only=True)
class Pace:
    """How a stream spends its time."""

    #: Below the 60 s after which many proxies close a connection.
    close_after_s: float = 55.0
    look_every_s: float = 0.25
    #: The same where the database tells of events by itself: only in case it did not.
    told_look_every_s: float = 2.0
    #: A comment is sent after so long a silence: it finds out whether anybody listens.
    heartbeat_s: float = 15.0


class Streams:
    """The event streams of one process. Its methods may be called by several threads at a time."""

    def __init__(
        self,
        *,
        limit: int = 8,
        pace: Pace = Pace(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open none yet.

        :param limit: how many there may be at once; below the number of threads, so that other
            requests are answered beside them.
        """
        self._slots = threading.BoundedSemaphore(limit)
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        #: One for each stream; set when there may be something new.
        self._alarms: set[threading.Event] = set()
        self._pace = pace
        self._clock = clock

    def open(self, look: Look, *, after: int) -> "EventStream":
        """Begin a stream with the events after one; it has to be closed.

        :raises TooManyStreamsError: there are as many as there may be.
        """
        first = look(after)
        if not self._slots.acquire(blocking=False):
            raise TooManyStreamsError(next_step="Ask for JSON, or come back in a while.")
        frames = self._frames(look, first, last_id=after)
        return EventStream(frames, release=self._slots.release)

    def wake(self) -> None:
        """Have every stream look now."""
        for alarm in self._alarms.copy():
            alarm.set()

    def follow(self, listener: Listener) -> None:
        """Look less often while a listener calls :meth:`wake`."""
        self._listener = listener

    def stop(self) -> None:
        """End every stream now."""
        self._stopping.set()
        self.wake()

    def _frames(self, look: Look, events: Sequence[Event], *, last_id: int) -> Iterator[bytes]:
        alarm = threading.Event()
        self._alarms.add(alarm)
        try:
            yield from self._framed(look, events, last_id=last_id, alarm=alarm)
        finally:
            self._alarms.discard(alarm)

    def _framed(
        self, look: Look, events: Sequence[Event], *, last_id: int, alarm: threading.Event
    ) -> Iterator[bytes]:
        yield f"retry: {_RETRY_MS}\n\n".encode()
        now = sent_at = self._clock()
        ends_at = now + self._pace.close_after_s
        while not self._stopping.is_set() and now < ends_at:
            if events:
                last_id, sent_at = events[-1].id, now
                yield b"".join(_frame(event) for event in events)
            elif now - sent_at >= self._pace.heartbeat_s:
                sent_at = now
                yield b":\n\n"
            else:
                alarm.wait(self._pause_s)
            alarm.clear()
            events = look(last_id)
            now = self._clock()

    @property
    def _pause_s(self) -> float:
        is_told = self._listener is not None and self._listener.is_hearing
        return self._pace.told_look_every_s if is_told else self._pace.look_every_s


class EventStream:
    """An open stream, as WSGI servers take it: iterated, then closed."""

    def __init__(self, frames: Iterator[bytes], *, release: Callable[[], None]) -> None:
        """Take over a slot, which ``release`` gives back."""
        self._frames = frames
        self._release = release
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Return the next frames; waits for them."""
        return next(self._frames)

    def close(self) -> None:
        """Give its slot back; once, however often it is called."""
        if self._is_open:
            self._is_open = False
            self._release()


def _frame(event: Event) -> bytes:
    data = json.dumps(convert.to_json(event))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()
