"""Go's ``time.Time`` for ``datetime``: the current time and its layouts."""

from __future__ import annotations

import re
import time
from typing import ClassVar, Final

from pitrix_drone.gotemplate.values import Record

#: Go's layout words and what they are for strftime; longer words first.
#: Source: https://pkg.go.dev/time#pkg-constants
_WORDS: Final = {
    "January": "%B",
    "Monday": "%A",
    "2006": "%Y",
    "-07:00": "%z",
    "-0700": "%z",
    "Jan": "%b",
    "Mon": "%a",
    "MST": "%Z",
    "01": "%m",
    "02": "%d",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "06": "%y",
    "15": "%H",
    "PM": "%p",
}
_WORD: Final = re.compile("|".join(map(re.escape, _WORDS)))


class GoTime(Record):
    """A moment, in the machine's time zone."""

    go_type: ClassVar[str] = "time.Time"
    fields: ClassVar[tuple[str, ...]] = ()
    methods: ClassVar[tuple[str, ...]] = ("Format", "Unix", "Year", "String")

    def __init__(self, unix_s: float) -> None:
        self._unix_s = unix_s

    def Format(self, layout: str) -> str:  # noqa: N802 - Go's name
        """Return the moment as Go's example time in *layout* shows it."""
        moment = time.localtime(self._unix_s)
        return _WORD.sub(lambda match: time.strftime(_WORDS[match.group()], moment), layout)

    def Unix(self) -> int:  # noqa: N802 - Go's name
        """Return the seconds since 1970."""
        return int(self._unix_s)

    def Year(self) -> int:  # noqa: N802 - Go's name
        """Return the year."""
        return time.localtime(self._unix_s).tm_year

    def String(self) -> str:  # noqa: N802 - Go's name
        """Return the moment as Go prints it."""
        return self.Format("2006-01-02 15:04:05 -0700 MST")


def now() -> GoTime:
    """Return the current moment."""
    return GoTime(time.time())
