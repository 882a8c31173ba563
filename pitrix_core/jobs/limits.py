"""Notices that a cloud throttles, and slows down whoever asks it: all runners, through its lane."""

import collections
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from pitrix_core.errors import ProviderThrottledError
from pitrix_core.jobs.outcome import Postponed, Retry
from pitrix_core.jobs.writing import Finished
from pitrix_core.store import Transaction

log = logging.getLogger(__name__)

#: Seconds over which requests are counted.
_WINDOW_S: Final = 10.0
#: Requests of a lane that are remembered; more than a process sends in the window.
_REMEMBERED: Final = 4096


class RequestMeter:
    """Counts the requests of one runner by lane; for several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none.

        :param clock: seconds, that only ever grow.
        """
        self._clock = clock
        self._sent: dict[str, collections.deque[float]] = {}
        self._lock = threading.Lock()

    def note(self, lane: str) -> None:
        """Count a request."""
        with self._lock:
            times = self._sent.setdefault(lane, collections.deque(maxlen=_REMEMBERED))
            times.append(self._clock())

    def per_s(self, lane: str) -> float:
        """Return how many there were a second lately."""
        now_s = self._clock()
        with self._lock:
            recent = [at_s for at_s in self._sent.get(lane, ()) if now_s - at_s < _WINDOW_S]
        if not recent:
            return 0.0
        return len(recent) / max(1.0, now_s - recent[0])


def slow_down(tx: Transaction, batch: Iterable[Finished], meter: RequestMeter) -> None:
    """Halve the rate of every lane whose cloud has answered one of these steps by throttling."""
    for lane in sorted({finished.claim.lane for finished in batch if _is_throttled(finished)}):
        rate = tx.lanes.slow_down(lane, seen_per_s=meter.per_s(lane))
        extra = {"action": "runtime.throttled", "runtime_id": lane}
        log.warning("A cloud throttles; its rate is %.1f/s now", rate.per_s_at(tx.now), extra=extra)


def _is_throttled(finished: Finished) -> bool:
    match finished.outcome:
        case Retry(error_code=code) | Postponed(error_code=code):
            return code == ProviderThrottledError.code
        case _:
            return False
