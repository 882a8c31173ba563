"""Frames on their way to the Pilot: kept until it acknowledges them, sent again when it does not.

Each stands in a slot, such as a report's key: a newer frame for the slot takes the older one's
place, because only a node's last status counts. Frames leave in the order in which they came,
also after a new connection.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from pitrix_frontgate.frames import Frame

#: The protocol's: a frame without acknowledgement is sent again after so long.
RESEND_S: Final = 30.0


class Entry(NamedTuple):
    """A frame and the slot it stands in; *mod_revision* is its report's, 0 for a reply."""

    slot: str
    frame: Frame
    mod_revision: int = 0


@dataclass
class _Waiting:
    entry: Entry
    number: int
    sent_at_s: float | None = None


class Outbox:
    """Thread-safe.

    :param clock: monotonic seconds.
    :param resend_s: how long an acknowledgement may take.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, resend_s: float = RESEND_S
    ) -> None:
        self._clock = clock
        self._resend_s = resend_s
        self._changed = threading.Condition()
        self._fresh: OrderedDict[str, _Waiting] = OrderedDict()
        self._sent: OrderedDict[str, _Waiting] = OrderedDict()
        self._slots: dict[str, str] = {}
        self._settled: dict[str, str] = {}
        self._number = 0

    def __len__(self) -> int:
        with self._changed:
            return len(self._slots)

    def offer(self, entry: Entry) -> None:
        """Send a frame as soon as possible, unless it is waiting or was acknowledged."""
        with self._changed:
            if self._admit(entry):
                self._fresh[entry.frame.id] = self._numbered(entry)
                self._changed.notify_all()

    def offer_sent(self, entry: Entry) -> None:
        """Keep a frame that the caller is sending right now."""
        with self._changed:
            if self._admit(entry):
                waiting = self._numbered(entry)
                waiting.sent_at_s = self._clock()
                self._sent[entry.frame.id] = waiting

    def keep_only(self, slots: Iterable[str], *, of: Callable[[str], bool]) -> None:
        """Drop what stands in a slot that *of* is about and *slots* does not hold."""
        with self._changed:
            for slot in {*self._slots, *self._settled} - set(slots):
                if of(slot):
                    self._drop(slot)

    def drop(self, slot: str) -> None:
        """Forget what stands in a slot."""
        with self._changed:
            self._drop(slot)

    def find(self, frame_id: str) -> Entry | None:
        """Return what waits for its acknowledgement under this id."""
        with self._changed:
            waiting = self._sent.get(frame_id) or self._fresh.get(frame_id)
            return None if waiting is None else waiting.entry

    def settle(self, frame_id: str, *, remember: bool) -> None:
        """Take a frame out: it is acknowledged.

        :param remember: never send the same frame again while its slot lives.
        """
        with self._changed:
            waiting = self._sent.pop(frame_id, None) or self._fresh.pop(frame_id, None)
            if waiting is None:
                return
            slot = waiting.entry.slot
            del self._slots[slot]
            if remember:
                self._settled[slot] = frame_id

    def reconnected(self) -> None:
        """Send everything again, in the first order."""
        with self._changed:
            everything = [*self._sent.values(), *self._fresh.values()]
            everything.sort(key=lambda waiting: waiting.number)
            self._sent.clear()
            self._fresh = OrderedDict((each.entry.frame.id, each) for each in everything)
            self._changed.notify_all()

    def take(self, *, within_s: float) -> Frame | None:
        """Wait for the next frame that is due; the caller sends it at once.

        :returns: None when none was due within the time.
        """
        with self._changed:
            if self._due() is None:
                self._changed.wait(within_s)
            waiting = self._due()
            if waiting is None:
                return None
            frame = waiting.entry.frame
            self._fresh.pop(frame.id, None)
            self._sent.pop(frame.id, None)
            waiting.sent_at_s = self._clock()
            self._sent[frame.id] = waiting
            return frame

    def _due(self) -> _Waiting | None:
        for waiting in self._sent.values():
            if waiting.sent_at_s is None or waiting.sent_at_s + self._resend_s <= self._clock():
                return waiting
            break
        return next(iter(self._fresh.values()), None)

    def _admit(self, entry: Entry) -> bool:
        """Make room in the entry's slot; False when the same frame is or was there."""
        frame_id = entry.frame.id
        if frame_id in (self._slots.get(entry.slot), self._settled.get(entry.slot)):
            return False
        self._drop(entry.slot)
        self._slots[entry.slot] = frame_id
        return True

    def _drop(self, slot: str) -> None:
        self._settled.pop(slot, None)
        frame_id = self._slots.pop(slot, None)
        if frame_id is not None:
            self._fresh.pop(frame_id, None)
            self._sent.pop(frame_id, None)

    def _numbered(self, entry: Entry) -> _Waiting:
        self._number += 1
        return _Waiting(entry, self._number)
