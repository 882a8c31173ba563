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
    """Halve the rate of every runtime whose cloud has answered one of these steps by throttling.

    Whatever lane the step was in: a task that talks to agents may look at a machine, too. Many
    answers to what was under way are one event.
    """
    throttled = {finished.claim.task.runtime_id for finished in batch if _is_throttled(finished)}
    for runtime_id in sorted(throttled):
        rate = tx.lanes.slow_down(runtime_id, seen_per_s=meter.per_s(runtime_id))
        if rate is None:
            continue
        rate_per_s = rate.per_s_at(tx.now)
        extra = {"action": "runtime.throttled", "runtime_id": runtime_id}
        log.warning("A cloud throttles; its rate is %.1f/s now", rate_per_s, extra=extra)
        runtime = tx.runtimes.get(runtime_id)
        data = {"name": runtime.name, "rate_per_s": rate_per_s}
        tx.events.add("runtime.throttled", runtime_id, owner=runtime.owner, data=data)


def _is_throttled(finished: Finished) -> bool:
    match finished.outcome:
        case Retry(error_code=code) | Postponed(error_code=code):
            return code == ProviderThrottledError.code
        case _:
            return False
