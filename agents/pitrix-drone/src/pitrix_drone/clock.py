"""Go's ``time.Time`` for ``datetime``: the current moment, and how its layouts show it."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from typing import ClassVar, Final

from pitrix_drone.gotemplate.values import Int64, Record

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: The words of a layout, longer ones first. Source: https://pkg.go.dev/time#pkg-constants
_WORD: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|0[1-6]|002|15|__2|_2(?!006)|[12345]|PM|pm"
    r"|[-Z]07(?::00:00|0000|:00|00)?|[.,](?:0+|9+)(?![0-9])"
)
_SHOWN: Final[dict[str, Callable[[dt.datetime], str]]] = {
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "Monday": lambda at: _DAYS[at.weekday()],
    "Mon": lambda at: _DAYS[at.weekday()][:3],
    "MST": lambda at: at.tzname() or "UTC",
    "2006": lambda at: f"{at.year:04}",
    "06": lambda at: f"{at.year % 100:02}",
    "01": lambda at: f"{at.month:02}",
    "1": lambda at: str(at.month),
    "02": lambda at: f"{at.day:02}",
    "_2": lambda at: f"{at.day:2}",
    "2": lambda at: str(at.day),
    "002": lambda at: f"{at.timetuple().tm_yday:03}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3}",
    "15": lambda at: f"{at.hour:02}",
    "03": lambda at: f"{at.hour % 12 or 12:02}",
    "3": lambda at: str(at.hour % 12 or 12),
    "04": lambda at: f"{at.minute:02}",
    "4": lambda at: str(at.minute),
    "05": lambda at: f"{at.second:02}",
    "5": lambda at: str(at.second),
    "PM": lambda at: "AM" if at.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "pm": lambda at: "am" if at.hour < 12 else "pm",  # noqa: PLR2004 - noon
}


class GoTime(Record):
    """A moment, in the machine's time zone unless it was asked for in UTC."""

    go_type: ClassVar[str] = "time.Time"
    methods: ClassVar[tuple[str, ...]] = (
        *("Day", "Format", "Hour", "Minute", "Nanosecond", "Second", "String", "UTC"),
        *("Unix", "UnixMilli", "UnixNano", "Year", "YearDay"),
    )

    def __init__(self, moment: dt.datetime) -> None:
        self._at = moment

    def __str__(self) -> str:
        return self.String()

    def Format(self, layout: str) -> str:  # noqa: N802 - Go's name
        """Return the moment as Go's example time in *layout* shows it."""
        return _WORD.sub(lambda match: _shown(match.group(), self._at), layout)

    def String(self) -> str:  # noqa: N802 - Go's name
        """Return the moment as Go prints it."""
        return self.Format("2006-01-02 15:04:05.999999999 -0700 MST")

    def UTC(self) -> GoTime:  # noqa: N802 - Go's name
        """Return the same moment in UTC."""
        return GoTime(self._at.astimezone(dt.timezone.utc))

    def Unix(self) -> int:  # noqa: N802 - Go's name
        """Return the seconds since 1970."""
        return Int64(self._at.timestamp())

    def UnixMilli(self) -> int:  # noqa: N802 - Go's name
        """Return the milliseconds since 1970."""
        return Int64(self._at.timestamp() * 1000)

    def UnixNano(self) -> int:  # noqa: N802 - Go's name
        """Return the nanoseconds since 1970, as far as they are known."""
        return Int64(int(self._at.timestamp()) * 10**9 + self._at.microsecond * 1000)

    def Year(self) -> int:  # noqa: N802 - Go's name
        """Return the year."""
        return self._at.year

    def YearDay(self) -> int:  # noqa: N802 - Go's name
        """Return the day of the year, from 1 on."""
        return self._at.timetuple().tm_yday

    def Day(self) -> int:  # noqa: N802 - Go's name
        """Return the day of the month."""
        return self._at.day

    def Hour(self) -> int:  # noqa: N802 - Go's name
        """Return the hour, from 0 to 23."""
        return self._at.hour

    def Minute(self) -> int:  # noqa: N802 - Go's name
        """Return the minute."""
        return self._at.minute

    def Second(self) -> int:  # noqa: N802 - Go's name
        """Return the second."""
        return self._at.second

    def Nanosecond(self) -> int:  # noqa: N802 - Go's name
        """Return the nanoseconds within the second, as far as they are known."""
        return self._at.microsecond * 1000


def now() -> GoTime:
    """Return the current moment."""
    return GoTime(dt.datetime.fromtimestamp(time.time(), dt.timezone.utc).astimezone())


def _shown(word: str, moment: dt.datetime) -> str:
    show = _SHOWN.get(word)
    if show is not None:
        return show(moment)
    if word[0] in ".,":
        return _fraction(word, moment)
    offset = moment.utcoffset() or dt.timedelta()
    if word[0] == "Z" and not offset:
        return "Z"
    return _offset(word[1:], round(offset.total_seconds()))


def _offset(form: str, seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    between = ":" if ":" in form else ""
    parts = [f"{hours:02}", f"{rest // 60:02}", f"{rest % 60:02}"]
    return ("-" if seconds < 0 else "+") + between.join(parts[: len(form.replace(":", "")) // 2])


def _fraction(word: str, moment: dt.datetime) -> str:
    digits = f"{moment.microsecond * 1000:09}"[: len(word) - 1].ljust(len(word) - 1, "0")
    if word[1] == "9":
        digits = digits.rstrip("0")
    return word[0] + digits if digits else ""
