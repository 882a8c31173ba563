"""How often a quiet line has to say something, so that nothing on the way takes it for dead."""

import time
from collections.abc import Callable
from typing import Final

#: A dead peer is noticed within twice this.
LONGEST_S: Final = 20.0
SHORTEST_S: Final = 2.0

#: Two silences are alike when they differ by less than this: timers of proxies look now and then.
_ALIKE_S: Final = 1.5


class Pulse:
    """Learns from cuts: a proxy that ends what is idle does so after the same silence each time.

    :param clock: monotonic seconds.
    :param interval_s: to begin with.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, interval_s: float = LONGEST_S
    ) -> None:
        self._clock = clock
        self._heard_s = clock()
        self._silence_s: float | None = None
        self.interval_s = interval_s

    def heard(self) -> None:
        """Take note that something went over the line."""
        self._heard_s = self._clock()

    def cut(self) -> bool:
        """Take note that the line went dead without a word.

        :returns: whether the interval has become shorter.
        """
        silence_s, before_s = self._clock() - self._heard_s, self._silence_s
        self._silence_s = silence_s
        if before_s is None or not SHORTEST_S <= silence_s < self.interval_s:
            return False
        if abs(silence_s - before_s) > _ALIKE_S:
            return False
        self.interval_s = max(SHORTEST_S, min(silence_s, before_s) / 2)
        return True
