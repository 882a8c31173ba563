"""Processes that are found again: after a restart of pitrix, and without being fooled by reused
numbers.

A process is told by its number, its start time and the boot of the host it ran in; the programs of
a machine by the variable ``PITRIX_INSTANCE`` in their environment.
"""

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

#: The variable that every program of a machine inherits.
MARK: Final = "PITRIX_INSTANCE"

_PROC: Final = Path("/proc")
#: Fields of /proc/PID/stat counted from after the command's closing parenthesis.
#: Source: proc(5), fields 3 (state), 4 (ppid) and 22 (starttime).
_STATE, _PARENT, _START = 0, 1, 19
_LOOK_S: Final = 0.01


class Process(NamedTuple):
    """One process of one boot of the host."""

    pid: int
    #: Clock ticks after the host's boot.
    start_ticks: int
    #: The kernel's random id of the boot.
    host_boot_id: str

    def to_record(self) -> dict[str, Any]:
        """Return what :func:`process_in` reads."""
        return dict(self._asdict())


def process_in(record: Mapping[str, Any] | None) -> Process | None:
    """Return the process that a record names, or None when it names none."""
    if record is None:
        return None
    try:
        return Process(int(record["pid"]), int(record["start_ticks"]), str(record["host_boot_id"]))
    except (KeyError, TypeError, ValueError):
        return None


def this_process() -> Process:
    """Return the process that asks."""
    fields = _stat_of(os.getpid())
    if fields is None:
        raise FileNotFoundError("/proc does not show this process; it has to be mounted")
    return Process(os.getpid(), int(fields[_START]), host_boot_id())


def host_boot_id() -> str:
    """Return the kernel's id of the host's present boot."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except FileNotFoundError:  # a sandbox's kernel
        return ""


def is_alive(process: Process | None) -> bool:
    """Say whether the very process still runs; a zombie does not."""
    if process is None or process.host_boot_id != host_boot_id():
        return False
    fields = _stat_of(process.pid)
    return (
        fields is not None
        and int(fields[_START]) == process.start_ticks
        and fields[_STATE] not in ("Z", "X")
    )


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to the very process, or to nobody."""
    _send_if(process.pid, number, lambda: is_alive(process))


def marked(machine_id: str) -> list[int]:
    """Return the numbers of a machine's processes, zombies excluded."""
    entry = f"{MARK}={machine_id}".encode()
    return [pid for pid in _all() if _has_entry(pid, entry) and _runs(pid)]


def descendants(pid: int) -> list[int]:
    """Return the numbers of all processes below one, zombies excluded."""
    parents = {child: int(fields[_PARENT]) for child in _all() if (fields := _stat_of(child))}
    found: list[int] = []
    wave = [pid]
    while wave:
        wave = [child for child, parent in parents.items() if parent in wave]
        found += wave
    return [child for child in found if _runs(child)]


def kill_all(find: Callable[[], Iterable[int]], *, timeout_s: float) -> bool:
    """Kill what ``find`` finds until it finds nothing.

    :returns: whether nothing is left; False after the time-out.
    """
    deadline = time.monotonic() + timeout_s
    while left := list(find()):
        for pid in left:
            _send_if(pid, signal.SIGKILL, functools.partial(_is_among, pid, find))
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Wait for a condition, looking often.

    :returns: whether it came true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def _is_among(pid: int, find: Callable[[], Iterable[int]]) -> bool:
    return pid in find()


def _send_if(pid: int, number: signal.Signals, is_meant: Callable[[], bool]) -> None:
    """Send a signal through a descriptor that is opened before the process is looked at again, so
    that a reused number is not hit.
    """
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if is_meant():
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _all() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdecimal()]  # noqa: PTH208 - names only


def _stat_of(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _runs(pid: int) -> bool:
    fields = _stat_of(pid)
    return fields is not None and fields[_STATE] not in ("Z", "X")


def _has_entry(pid: int, entry: bytes) -> bool:
    try:
        return entry in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or another user's
        return False
