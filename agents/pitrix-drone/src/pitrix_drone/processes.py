"""Runs one shell command in a process group of its own, with a time-out and bounded output.

Output goes to a file rather than a pipe: a command may leave daemons behind that keep the pipe
open for ever, and waiting has to end when the shell itself does.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
from typing import IO, Callable, Final, NamedTuple

OUTPUT_BYTES: Final = 16 * 1024
_KILL_WAIT_S: Final = 5.0
_FIRST_LOOK_S: Final = 0.002
_LAST_LOOK_S: Final = 0.05
#: Where the start time is among the fields after the command's name.
#: Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (field 22)
_START_TIME_FIELD: Final = 19


class Outcome(NamedTuple):
    """How a command ended.

    :param exit_code: of the shell, minus the number of the signal that ended it; None when it
        was stopped for its time-out, or because the drone is stopping.
    :param output: the last 16 KiB of standard output and error.
    """

    exit_code: int | None
    output: str
    is_truncated: bool


def run_shell(
    command: str,
    *,
    timeout_s: float,
    stop: threading.Event,
    scratch: pathlib.Path,
    on_start: Callable[[int], None] | None = None,
) -> Outcome:
    """Run ``/bin/sh -c COMMAND`` in ``/`` with this process's environment.

    When its time is up, or *stop* is set, the whole process group is killed. Processes that the
    command left in the background stay when it ends by itself.

    :param scratch: a folder for the output while the command runs.
    :param on_start: called with the process id of the shell once it runs.
    :raises OSError: the shell could not be started.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=scratch) as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if on_start is not None:
            on_start(process.pid)
        exit_code = _waited(process, time.monotonic() + timeout_s, stop)
        if exit_code is None:
            _kill_group(process)
        return _outcome(exit_code, output)


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in ticks since the boot; None when it does not run.

    With the process id this names one process among all of a boot.
    """
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[_START_TIME_FIELD])


def kill_leftover(pid: int, ticks: int | None) -> None:
    """Kill the process group of a shell that an earlier drone started, if it still runs."""
    if ticks is not None and start_ticks(pid) == ticks:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _waited(process: subprocess.Popen[bytes], deadline: float, stop: threading.Event) -> int | None:
    """Wait with looks that get rarer; a blocking wait could not be woken by *stop*."""
    pause_s = _FIRST_LOOK_S
    while True:
        exit_code = process.poll()
        remaining_s = deadline - time.monotonic()
        if exit_code is not None or remaining_s <= 0:
            return exit_code
        if stop.wait(min(pause_s, remaining_s)):
            return process.poll()
        pause_s = min(pause_s * 1.5, _LAST_LOOK_S)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel
        process.wait(_KILL_WAIT_S)


def _outcome(exit_code: int | None, output: IO[bytes]) -> Outcome:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - OUTPUT_BYTES))
    tail = output.read(OUTPUT_BYTES)
    return Outcome(
        exit_code=exit_code,
        output=tail.decode("utf-8", "replace").replace("\0", "\ufffd"),
        is_truncated=size > OUTPUT_BYTES,
    )
