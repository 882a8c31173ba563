"""Frames on their way to the Pilot: kept until it acknowledges them, sent again when it does not.

Each stands in a slot, such as a report's key: a newer frame for the slot takes the older one's
place, because only a node's last status counts. Frames leave in the order in which they came,
also after a new connection.

What is held in memory is bounded. A report that is too much for it is left in etcd, where it stands
anyway, and read from there once there is room again: nothing is dropped, whatever it is.
"""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from pitrix_frontgate.frames import Frame

#: The protocol's: a frame without acknowledgement is sent again after so long.
RESEND_S: Final = 30.0


#: Characters of frames that are held at most; each takes one byte, or up to four.
MOST_CHARS: Final = 32 * 1024 * 1024


class Entry(NamedTuple):
    """A frame and the slot it stands in; *mod_revision* is its report's, 0 for a reply."""

    slot: str
    frame: Frame
    mod_revision: int = 0
    #: Characters it takes.
    size: int = 512


class Load(NamedTuple):
    """How much waits for its acknowledgement."""

    frames: int
    size: int
    #: Reports that stand in etcd only, for want of room here.
    left_out: int
    #: When the one that waits for the longest came; seconds since 1970.
    oldest_at_s: float | None


@dataclass
class _Waiting:
    entry: Entry
    number: int
    at_s: float
    sent_at_s: float | None = None


class Outbox:
    """Thread-safe.

    :param clock: monotonic seconds.
    :param resend_s: how long an acknowledgement may take.
    :param most_chars: how much is held at most.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        resend_s: float = RESEND_S,
        most_chars: int = MOST_CHARS,
    ) -> None:
        self._clock = clock
        self._resend_s = resend_s
        self._changed = threading.Condition()
        self._fresh: OrderedDict[str, _Waiting] = OrderedDict()
        self._sent: OrderedDict[str, _Waiting] = OrderedDict()
        self._slots: dict[str, str] = {}
        self._settled: dict[str, Entry] = {}
        self._number = 0
        self._most_chars = most_chars
        self._chars = 0
        #: In the order in which they came.
        self._left_out: dict[str, None] = {}

    def __len__(self) -> int:
        with self._changed:
            return len(self._slots)

    def load(self) -> Load:
        """Tell how much waits."""
        with self._changed:
            first = next(iter(self._slots.values()), None)
            at_s = None if first is None else self._waiting(first).at_s
            return Load(len(self._slots), self._chars, len(self._left_out), at_s)

    def offer(self, entry: Entry) -> None:
        """Send a frame as soon as possible, unless it is waiting or was acknowledged.

        One that finds no room is left out; see :meth:`wanted`.
        """
        with self._changed:
            if not self._admit(entry):
                return
            self._fresh[entry.frame.id] = self._numbered(entry)
            if self._chars > self._most_chars:
                self._drop(entry.slot)
                self._left_out[entry.slot] = None
            self._changed.notify_all()

    def wanted(self, most: int) -> list[str]:
        """Name slots that were left out and now have room, the longest waiting first.

        The caller offers what stands there, if anything still does.
        """
        with self._changed:
            if self._chars > self._most_chars // 2:
                return []
            slots = list(itertools.islice(self._left_out, most))
            for slot in slots:
                del self._left_out[slot]
            return slots

    def leave_out(self, slots: Iterable[str]) -> None:
        """Name slots again that could not be looked at."""
        with self._changed:
            self._left_out.update(dict.fromkeys(slots))

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
            for slot in {*self._slots, *self._settled, *self._left_out} - set(slots):
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
            slot, frame = waiting.entry.slot, waiting.entry.frame
            del self._slots[slot]
            self._chars -= waiting.entry.size
            if remember:
                self._settled[slot] = waiting.entry._replace(frame=frame._replace(body={}))

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
        """Make room in the entry's slot; False when the same frame, or a newer one, is or was
        there.
        """
        held = self._slots.get(entry.slot)
        last = self._settled.get(entry.slot) if held is None else self._waiting(held).entry
        if last is not None and (
            last.frame.id == entry.frame.id or last.mod_revision > entry.mod_revision
        ):
            return False
        self._drop(entry.slot)
        self._slots[entry.slot] = entry.frame.id
        self._chars += entry.size
        return True

    def _waiting(self, frame_id: str) -> _Waiting:
        return self._sent.get(frame_id) or self._fresh[frame_id]

    def _drop(self, slot: str) -> None:
        self._settled.pop(slot, None)
        self._left_out.pop(slot, None)
        frame_id = self._slots.pop(slot, None)
        if frame_id is not None:
            found = self._fresh.pop(frame_id, None) or self._sent.pop(frame_id, None)
            self._chars -= found.entry.size if found is not None else 0

    def _numbered(self, entry: Entry) -> _Waiting:
        self._number += 1
        return _Waiting(entry, self._number, time.time())
