"""What of a node is supervised, and since when: its health check and its monitor.

Both are part of the metadata. They begin once the node is configured and the command that starts
the application has succeeded, and end before the one that stops it: commands say so themselves.
That it has begun is remembered on disk, for the drone may be started again in between.
"""

from __future__ import annotations

import json
import logging
import pathlib
import threading
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pitrix_drone.files import remove_durably, write_durably

log = logging.getLogger(__name__)

#: Where the supervision stands in a node's metadata. Source: agents/protocol/README.md, section 5.
PATH: Final = "supervision"
#: What a command says of it. Source: agents/protocol/schemas/v2/command.schema.json.
BEGIN: Final = "begin"
END: Final = "end"
#: Source of all limits: agents/protocol/schemas/v2/supervision.schema.json.
MOST_ITEMS: Final = 200
STATISTICS: Final = ("min", "max", "avg", "delta", "rate", "mode", "median", "latest")
_LONGEST_S: Final = 86_400
_MOST_IN_A_ROW: Final = 1000


class SupervisionError(Exception):
    """What the metadata hold is no supervision."""


class HealthCheck(NamedTuple):
    """How it is seen whether a node is well."""

    check_cmd: str
    action_cmd: str
    interval_s: float
    timeout_s: float
    action_timeout_s: float
    healthy_threshold: int
    unhealthy_threshold: int


class Item(NamedTuple):
    """One value that is measured; *choices* are the texts it may be, none for any."""

    is_text: bool
    statistics: str
    choices: tuple[str, ...]


class Monitor(NamedTuple):
    """What is measured on a node."""

    cmd: str
    items: Mapping[str, Item]


class Supervised(NamedTuple):
    """What the metadata ask for."""

    waits_for_start: bool = False
    health_check: HealthCheck | None = None
    monitor: Monitor | None = None


class Current(NamedTuple):
    """What is to be done now.

    :param version: changes with every change of the rest.
    :param is_configured: the metadata are known, and were rendered.
    :param is_started: the application was started, and not stopped since.
    """

    version: int
    supervised: Supervised
    is_configured: bool
    is_started: bool

    @property
    def is_begun(self) -> bool:
        """Whether the time has come to do it."""
        return self.is_configured and (self.is_started or not self.supervised.waits_for_start)


class Supervision:
    """Thread-safe.

    :param started: a file that is there while the application is started.
    """

    def __init__(self, started: pathlib.Path) -> None:
        self._started = started
        self._changed = threading.Condition()
        self._version = 0
        self._supervised = Supervised()
        self._is_configured = False
        self._is_started = started.exists()

    def configure(self, values: Mapping[str, str]) -> None:
        """Take what the metadata say of a node that is configured now.

        :param values: of the drone itself, path → text.
        """
        try:
            supervised = read_supervision(values.get(PATH, "{}"))
        except SupervisionError as ex:
            log.warning("nothing is supervised: %s", ex)
            supervised = Supervised()
        with self._changed:
            if (supervised, True) != (self._supervised, self._is_configured):
                self._supervised, self._is_configured = supervised, True
                self._tell()

    def begin(self) -> None:
        """Take note that the application was started; it is on disk when this returns."""
        write_durably(self._started, "")
        self._set_started(is_started=True)

    def end(self) -> None:
        """Take note that the application is about to be stopped, on disk first."""
        remove_durably(self._started)
        self._set_started(is_started=False)

    def wake(self) -> None:
        """End every wait."""
        with self._changed:
            self._tell()

    def current(self) -> Current:
        """Return what is to be done now."""
        with self._changed:
            return Current(self._version, self._supervised, self._is_configured, self._is_started)

    def wait(self, current: Current, within_s: float | None) -> bool:
        """Wait until something has changed, or for so long; tell whether something has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._version != current.version, within_s)

    def _set_started(self, *, is_started: bool) -> None:
        with self._changed:
            self._is_started = is_started
            self._tell()

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()


def read_supervision(text: str) -> Supervised:
    """Read what stands in a node's metadata.

    :raises SupervisionError: it is malformed; the message names the member.
    """
    try:
        data = _object(json.loads(text), "the supervision")
    except (ValueError, RecursionError):
        raise SupervisionError("the supervision is not JSON") from None
    check, monitor = data.get("health_check"), data.get("monitor")
    return Supervised(
        waits_for_start=data.get("waits_for_start") is True,
        health_check=None if check is None else _health_check(_object(check, "health_check")),
        monitor=None if monitor is None else _monitor(_object(monitor, "monitor")),
    )


def _health_check(data: Mapping[str, Any]) -> HealthCheck:
    return HealthCheck(
        check_cmd=_command(data, "check_cmd"),
        action_cmd=_command(data, "action_cmd") if data.get("action_cmd") else "",
        interval_s=_number(data, "interval_s", most=_LONGEST_S),
        timeout_s=_number(data, "timeout_s", most=_LONGEST_S),
        action_timeout_s=_number(data, "action_timeout_s", most=_LONGEST_S),
        healthy_threshold=int(_number(data, "healthy_threshold", most=_MOST_IN_A_ROW)),
        unhealthy_threshold=int(_number(data, "unhealthy_threshold", most=_MOST_IN_A_ROW)),
    )


def _monitor(data: Mapping[str, Any]) -> Monitor:
    items = _object(data.get("items"), "items")
    if len(items) > MOST_ITEMS:
        raise SupervisionError(f"items: at most {MOST_ITEMS}")
    return Monitor(
        cmd=_command(data, "cmd"),
        items={name: _item(_object(item, f"items/{name}")) for name, item in items.items()},
    )


def _item(data: Mapping[str, Any]) -> Item:
    statistics, choices = data.get("statistics"), data.get("choices", [])
    if statistics not in STATISTICS:
        raise SupervisionError(f"statistics: one of {', '.join(STATISTICS)}")
    if not isinstance(choices, list):
        raise SupervisionError("choices: a list is needed")
    return Item(data.get("value_type") == "str", statistics, tuple(map(str, choices)))


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SupervisionError(f"{name}: an object is needed")
    return value


def _command(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise SupervisionError(f"{name}: text is needed")
    return value


def _number(data: Mapping[str, Any], name: str, *, most: float) -> float:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SupervisionError(f"{name}: a number is needed")
    if not 1 <= value <= most:
        raise SupervisionError(f"{name}: at least 1, at most {most}")
    return value
