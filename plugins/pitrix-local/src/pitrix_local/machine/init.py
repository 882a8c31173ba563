"""Boots a machine and stays until it ends: two processes, the keeper and its child, the init.

The *keeper* is the one that ``boot.json`` names; it stays on the host's side, keeps that record,
and passes SIGTERM on. The *init* enters the namespaces (or the prefix), runs the user-data and
adopts every orphan. On SIGTERM it asks all programs to end, waits, and leaves; what is left is then
killed: by the kernel with the process namespace, by the keeper elsewhere. An init whose keeper is
killed ends as well.
"""

import contextlib
import datetime as dt
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from pitrix_local.machine import namespace, processes, system, tree
from pitrix_local.machine.files import write_record
from pitrix_local.machine.launch import (
    BOOT_FILE,
    ENDED,
    FAILED,
    NAMESPACE,
    ROOT_FOLDER,
    RUNNING,
    STARTING,
    USER_DATA_FILE,
    Launch,
    Limits,
)

#: Seconds that programs get between SIGTERM and SIGKILL.
GRACE_S: Final = 5.0
#: Where a machine's first boot finds its user-data. Source: the layout cloud-init uses.
USER_DATA_PLACE: Final = "var/lib/cloud/user-data"

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
_READY: Final = b"ready"
_ERROR_LIMIT_BYTES: Final = 2000


class Keeper:
    """The process that keeps a machine's boot record."""

    def __init__(self, folder: Path, launch: Launch) -> None:
        """Keep the arguments; starts nothing."""
        self._folder = folder
        self._launch = launch
        self._record: dict[str, Any] = {"boot": launch.boot, "state": STARTING}

    def introduce(self) -> None:
        """Write who this process is."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._write(**processes.this_process().to_record(), booted_at=_now())

    def run(self) -> None:
        """Boot, wait for the end, and leave nothing running."""
        system.adopt_orphans()
        try:
            init, answer = start_init(self._folder / ROOT_FOLDER, self._folder, self._launch)
        except OSError as ex:
            self._write(state=FAILED, error=str(ex), ended_at=_now())
            return
        if answer == _READY:
            self._write(state=RUNNING)
        end = _end_of(_wait_for(init))
        nothing_left = _kill_descendants()
        error = end.error if answer == _READY else answer.decode("utf-8", "replace") or end.reason
        self._write(
            state=FAILED if error else ENDED,
            error=error,
            reason=end.reason,
            nothing_left=nothing_left,
            ended_at=_now(),
        )

    def _write(self, **members: object) -> None:
        self._record.update(members)
        write_record(self._folder / BOOT_FILE, self._record)


def start_init(root: Path, folder: Path, launch: Launch) -> tuple[int, bytes]:
    """Start a machine's init as a child of this process.

    :returns: its number, and what it said: ``ready``, or what went wrong.
    :raises OSError: the host does not allow a process namespace.
    """
    if launch.mode == NAMESPACE:
        namespace.separate()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _be_init(writer, lambda: _enter(root, folder, launch), launch)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        return child, pipe.read(_ERROR_LIMIT_BYTES)


def _be_init(writer: int, enter: Callable[[], list[str]], launch: Launch) -> NoReturn:
    """Boot in a forked child; never returns."""
    exit_code = 1
    try:
        system.end_with_parent(signal.SIGKILL if launch.mode == NAMESPACE else signal.SIGTERM)
        command = enter()
        _limit(launch.limits)
        if command:
            _run(command, launch)
        os.write(writer, _READY)
        os.close(writer)
        _serve_until_term(launch.mode)
        exit_code = 0
    except BaseException as ex:  # noqa: BLE001 - the end of a process: its parent is told
        sys.excepthook(*sys.exc_info())
        with contextlib.suppress(OSError):
            os.write(writer, f"{type(ex).__name__}: {ex}".encode()[:_ERROR_LIMIT_BYTES])
    finally:
        sys.stderr.flush()
        os._exit(exit_code)


def _enter(root: Path, folder: Path, launch: Launch) -> list[str]:
    """Make the machine's files the ones programs see.

    :returns: command that runs the user-data; empty when it is no script.
    """
    os.umask(0o022)
    user_data = (folder / USER_DATA_FILE).read_bytes()
    tree.prepare(root, launch)
    place = Path(root)
    if launch.mode == NAMESPACE:
        namespace.enter(root, launch)
        place = Path("/")
    else:
        system.adopt_orphans()
    os.chdir(place)
    return _store_user_data(place, user_data)


def _store_user_data(root: Path, user_data: bytes) -> list[str]:
    script = tree.ensure_inside(root, USER_DATA_PLACE)
    script.parent.mkdir(parents=True, exist_ok=True)
    script.unlink(missing_ok=True)
    descriptor = os.open(script, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(user_data)
    if not user_data.startswith(b"#!"):
        return []
    # Read as the kernel does: an interpreter and at most one argument. The file itself need not be
    # executable then, nor its file system.
    interpreter = user_data.partition(b"\n")[0][2:].decode().split(maxsplit=1)
    return [*(part.strip() for part in interpreter), str(script)]


def _run(command: list[str], launch: Launch) -> None:
    """Start the user-data in a session of its own, with the machine's environment and no other."""
    if os.fork():
        return
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        # Python ignores these; a program started by a machine's init expects the defaults.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.execvpe(command[0], command, launch.environment)  # noqa: S606 - no shell is wanted
    except OSError as ex:
        sys.stderr.write(f"user-data: {command[0]}: {ex.strerror}\n")
        sys.stderr.flush()
    finally:
        os._exit(127)


def _serve_until_term(mode: str) -> None:
    """Adopt and reap until SIGTERM; then ask all programs to end and wait for them a while."""
    while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
        _reap()
    _ask_to_end(mode)
    deadline = time.monotonic() + GRACE_S
    while _reap() and (left_s := deadline - time.monotonic()) > 0:
        signal.sigtimedwait({signal.SIGCHLD}, left_s)
    if mode != NAMESPACE:
        _kill_descendants()


def _ask_to_end(mode: str) -> None:
    if mode == NAMESPACE:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGTERM)  # all of this process namespace, but for this process
        return
    for pid in processes.descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _kill_descendants() -> bool:
    """Kill what is left below this process.

    :returns: whether nothing is left.
    """

    def left() -> list[int]:
        _reap()
        return processes.descendants(os.getpid())

    return processes.kill_all(left, timeout_s=GRACE_S)


def _reap() -> bool:
    """Take note of children that have ended.

    :returns: whether there are others.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


class _End(NamedTuple):
    """How an init ended."""

    reason: str
    #: The reason again where it is not the end that was asked for; empty otherwise.
    error: str


def _wait_for(init: int) -> int:
    """Wait for the init's end, passing SIGTERM on.

    :returns: its status, as ``waitpid`` has it.
    """
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == init:
            return status
        if not pid and signal.sigwait(_SIGNALS) != signal.SIGCHLD:
            os.kill(init, signal.SIGTERM)


def _end_of(status: int) -> _End:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        reason = f"its init was killed by {signal.Signals(-code).name}"
        return _End(reason, reason)
    reason = f"its init exited with code {code}"
    return _End(reason, reason if code else "")


def _limit(limits: Limits) -> None:
    """Set what each process of the machine may use; never more than the host allows."""
    wanted = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.file_size_bytes),
        (resource.RLIMIT_AS, limits.address_space_bytes),
    )
    for kind, value in wanted:
        if value is not None:
            hard = resource.getrlimit(kind)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (most, most))


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()
