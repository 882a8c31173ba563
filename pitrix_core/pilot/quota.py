"""Bounds what one Frontgate can have stored: it may be in strange hands, or a machine behind it."""

import time
from collections.abc import Callable
from typing import Final

import attrs

#: Results of a command on a thousand nodes, each as long as it may be.
MOST_CHARS: Final = 64 * 1024 * 1024
#: A thousand nodes report some 2 KiB a second, when all is well.
CHARS_A_SECOND: Final = 16 * 1024


@attrs.frozen
class _Account:
    left: float
    at_s: float


class Quota:
    """So many characters at once, and then so many a second, for each Frontgate. For one thread.

    What finds no room is not acknowledged: the Frontgate sends it again later.

    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        most: int = MOST_CHARS,
        a_second: float = CHARS_A_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let everybody have all of it."""
        self._most = most
        self._a_second = a_second
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    def has_room(self, frontgate_id: str, chars: int) -> bool:
        """Say whether a Frontgate may have so much stored now; it counts if it may."""
        now_s = self._clock()
        before = self._accounts.get(frontgate_id, _Account(self._most, now_s))
        left = min(self._most, before.left + (now_s - before.at_s) * self._a_second)
        has_room = chars <= left
        self._accounts[frontgate_id] = _Account(left - chars if has_room else left, now_s)
        return has_room
