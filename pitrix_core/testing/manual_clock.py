"""A clock that stands until it is told to go on."""

import datetime as dt
import threading

#: Any moment will do; this one is easy to recognise in a message.
_FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class ManualClock:
    """Tells a time that only :meth:`advance` changes; may be shared by threads."""

    def __init__(self, start_at: dt.datetime = _FIRST) -> None:
        """Begin at a moment.

        :param start_at: aware.
        """
        self._now_at = start_at
        self._lock = threading.Lock()

    def __call__(self) -> dt.datetime:
        """Return the time, aware and in UTC."""
        return self._now_at

    def time(self) -> float:
        """Return the time as :func:`time.time` does."""
        return self._now_at.timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._now_at += dt.timedelta(seconds=seconds)
