"""Holds back what comes too often: a few at once, then one in so many seconds."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

#: More than a node reports that is well, or that is mended within a minute.
_BURST: Final = 6
_EVERY_S: Final = 10.0


class _Account(NamedTuple):
    left: float
    at_s: float


class Pacing:
    """Not thread-safe.

    :param burst: how many go at once.
    :param every_s: seconds until one more goes.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        burst: int = _BURST,
        every_s: float = _EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._every_s = every_s
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._gone: set[str] = set()

    def may_go(self, key: str) -> bool:
        """Tell whether one more may go now; it counts if it may."""
        self._gone.discard(key)
        left = self._left(key)
        may = left >= 1
        self._accounts[key] = _Account(left - 1 if may else left, self._clock())
        return may

    def forget(self, key: str) -> None:
        """Forget a key that is gone, once that makes no difference: a node may delete and write its
        reports in turn.
        """
        self._gone.add(key)
        rested = {each for each in self._gone if self._left(each) >= self._burst}
        self._gone -= rested
        for each in rested:
            self._accounts.pop(each, None)

    def _left(self, key: str) -> float:
        now_s = self._clock()
        left, at_s = self._accounts.get(key, _Account(self._burst, now_s))
        return min(self._burst, left + (now_s - at_s) / self._every_s)
