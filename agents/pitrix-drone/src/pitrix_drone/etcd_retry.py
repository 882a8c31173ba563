"""Pauses between attempts, and trying until it works or the drone stops."""

from __future__ import annotations

import logging
import os
import threading
from typing import Callable, Final, TypeVar

from pitrix_drone.etcd_wire import EtcdError

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE_S: Final = 0.2
_LAST_PAUSE_S: Final = 10.0


class Backoff:
    """Pauses that double from 0.2 s to 10 s, each drawn from half to one and a half of it."""

    def __init__(self, *, first_s: float = _FIRST_PAUSE_S, last_s: float = _LAST_PAUSE_S) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._next_s = first_s

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._next_s = self._first_s

    def pause_s(self) -> float:
        """Return how long to wait now; the next one will be longer."""
        share = os.urandom(1)[0] / 255  # ``random`` takes 0.1 MB of a process
        pause_s = self._next_s * (0.5 + share)
        self._next_s = min(self._next_s * 2, self._last_s)
        return pause_s


def until_done(
    attempt: Callable[[], T], what: str, *, stop: threading.Event, last_pause_s: float
) -> T | None:
    """Repeat an attempt at etcd until it succeeds; None when *stop* came first.

    :param what: what is tried, for the log.
    """
    backoff = Backoff(last_s=last_pause_s)
    while not stop.is_set():
        try:
            return attempt()
        except EtcdError as ex:
            log.info("%s: %s; trying again", what, ex)
        stop.wait(backoff.pause_s())
    return None
