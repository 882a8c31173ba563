"""Runs one shell command in a process group of its own, with a time-out and bounded output.

Output goes to a file rather than a pipe: a command may leave daemons behind that keep the pipe
open for ever, and waiting has to end when the shell itself does. While the command runs, the file
is cut again and again, so that a command that never stops writing does not fill the disk.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Callable, Final, NamedTuple

from pitrix_drone.files import new_file

OUTPUT_BYTES: Final = 16 * 1024
#: Of a command that is asked for an answer.
ANSWER_BYTES: Final = 64 * 1024
#: A file of output is cut when it has grown so large.
_FILE_BYTES: Final = 1024 * 1024
_KILL_WAIT_S: Final = 5.0
_FIRST_LOOK_S: Final = 0.002
_LAST_LOOK_S: Final = 0.05
#: Where the start time is among the fields after the command's name.
#: Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (field 22)
_START_TIME_FIELD: Final = 19
#: Variable that tells what a command runs in a container, where no signal to the command's own
#: process group arrives.
MARK: Final = "PITRIX_COMMAND"


class Entered(NamedTuple):
    """A shell command, ready to be run.

    :param mark: the value of :data:`MARK` in what it runs elsewhere; empty if it runs here.
    """

    argv: Sequence[str]
    mark: str = ""


class Shell:
    """Where the application's commands run: on the machine itself."""

    def enter(self, command: str) -> Entered:
        """Return what runs a command."""
        return Entered(("/bin/sh", "-c", command))


#: Where commands run, unless the node is a container.
MACHINE: Final = Shell()


class Outcome(NamedTuple):
    """How a command ended.

    :param exit_code: of the shell, minus the number of the signal that ended it; None when it
        was stopped for its time-out, or because the drone is stopping.
    :param output: what was kept of what it wrote.
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
    shell: Shell = MACHINE,
    on_start: Callable[[int], None] | None = None,
) -> Outcome:
    """Run ``/bin/sh -c COMMAND`` in ``/`` with this process's environment, and keep the last 16 KiB
    of its standard output and error.

    When its time is up, or *stop* is set, the whole process group is killed. Processes that the
    command left in the background stay when it ends by itself.

    :param scratch: a folder for the output while the command runs.
    :param shell: where it runs.
    :param on_start: called with the process id of the shell once it runs.
    :raises OSError: the shell could not be started.
    """
    with _scratch_file(scratch) as file:
        output = _Output(file, keep=_last, limit=OUTPUT_BYTES)
        entered = shell.enter(command)
        return _ran(entered, output, timeout_s=timeout_s, stop=stop, on_start=on_start)


def ask_shell(
    command: str,
    *,
    timeout_s: float,
    stop: threading.Event,
    scratch: pathlib.Path,
    shell: Shell = MACHINE,
) -> Outcome:
    """Run a command as :func:`run_shell` does, and keep the first 64 KiB of its standard output
    alone: it is JSON, and what is said on standard error is no part of it.

    :raises OSError: the shell could not be started.
    """
    with _scratch_file(scratch) as file:
        output = _Output(file, keep=_first, limit=ANSWER_BYTES)
        entered = shell.enter(command)
        return _ran(entered, output, timeout_s=timeout_s, stop=stop, stderr=subprocess.DEVNULL)


def run_program(
    argv: Sequence[str],
    *,
    timeout_s: float,
    stop: threading.Event,
    scratch: pathlib.Path,
    stdin: pathlib.Path | None = None,
) -> Outcome:
    """Run a program as :func:`run_shell` runs a command.

    :param stdin: a file that it reads.
    :raises OSError: it could not be started.
    """
    with _scratch_file(scratch) as file, (stdin or pathlib.Path(os.devnull)).open("rb") as source:
        output = _Output(file, keep=_last, limit=OUTPUT_BYTES)
        entered = Entered(argv)
        return _ran(entered, output, timeout_s=timeout_s, stop=stop, stdin=source.fileno())


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
    """Kill the process group of a shell that an earlier drone started, if it still runs, and what
    it runs in a container.
    """
    if ticks is not None and start_ticks(pid) == ticks:
        mark = _mark_among(_words_of(pid, "cmdline"))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _kill_marked(mark)


def _kill_marked(mark: str) -> None:
    """Kill every process that has a mark in its environment; the machine sees those of its
    containers.
    """
    if not mark:
        return
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if _mark_among(_words_of(pid, "environ")) == mark:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _words_of(pid: int, file: str) -> list[bytes]:
    try:
        return pathlib.Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")
    except OSError:
        return []


def _mark_among(words: list[bytes]) -> str:
    start = f"{MARK}=".encode()
    return next(
        (word[len(start) :].decode("utf-8", "replace") for word in words if word.startswith(start)),
        "",
    )


@contextlib.contextmanager
def _scratch_file(scratch: pathlib.Path) -> Iterator[int]:
    """Open a file without a name, to which everybody appends: what is written after it was cut has
    to come behind what is left.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    file, path = new_file(scratch, prefix=".output.", flags=os.O_APPEND)
    try:
        path.unlink()
        yield file
    finally:
        os.close(file)


class _Output:
    """A file that a command writes to.

    :param keep: cuts a file of some size down to what is kept of it.
    :param limit: bytes that are kept.
    """

    def __init__(self, file: int, *, keep: Callable[[int, int], None], limit: int) -> None:
        self.file = file
        self._keep = keep
        self._limit = limit
        self._is_cut = False

    def cut(self, *, beyond: int) -> None:
        """Cut the file down if it is larger than this."""
        size = os.fstat(self.file).st_size
        if size > beyond:
            self._keep(self.file, size)
            self._is_cut = True

    def outcome(self, exit_code: int | None) -> Outcome:
        """Return how the command ended that wrote it."""
        self.cut(beyond=self._limit)
        kept = os.pread(self.file, self._limit, 0)
        text = kept.decode("utf-8", "replace").replace("\0", "\ufffd")
        return Outcome(exit_code=exit_code, output=text, is_truncated=self._is_cut)


def _first(file: int, _size: int) -> None:
    os.ftruncate(file, ANSWER_BYTES)


def _last(file: int, size: int) -> None:
    kept = os.pread(file, OUTPUT_BYTES, size - OUTPUT_BYTES)
    os.ftruncate(file, 0)
    os.write(file, kept)


def _ran(
    entered: Entered,
    output: _Output,
    *,
    timeout_s: float,
    stop: threading.Event,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.STDOUT,
    on_start: Callable[[int], None] | None = None,
) -> Outcome:
    try:
        process = subprocess.Popen(
            entered.argv,
            cwd="/",
            stdin=stdin,
            stdout=output.file,
            stderr=stderr,
            start_new_session=True,
        )
    except ValueError as ex:  # NUL, or half a character, which JSON may hold
        raise OSError(f"this cannot be given to a program: {ex}") from ex
    if on_start is not None:
        on_start(process.pid)
    exit_code = _waited(process, output, time.monotonic() + timeout_s, stop)
    if exit_code is None:
        _kill_group(process)
        _kill_marked(entered.mark)
    return output.outcome(exit_code)


def _waited(
    process: subprocess.Popen[bytes], output: _Output, deadline: float, stop: threading.Event
) -> int | None:
    """Wait with looks that get rarer; a blocking wait could not be woken by *stop*."""
    pause_s = _FIRST_LOOK_S
    while True:
        exit_code = process.poll()
        remaining_s = deadline - time.monotonic()
        if exit_code is not None or remaining_s <= 0:
            return exit_code
        output.cut(beyond=_FILE_BYTES)
        if stop.wait(min(pause_s, remaining_s)):
            return process.poll()
        pause_s = min(pause_s * 1.5, _LAST_LOOK_S)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel
        process.wait(_KILL_WAIT_S)
