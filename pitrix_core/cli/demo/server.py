"""The server the demo starts for itself: ``pitrix serve`` in a session of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from pitrix_core.cli.client import Api
from pitrix_core.cli.problems import CliError

#: Seconds until it has to answer.
_READY_S: Final = 60.0
#: Seconds it has to end after SIGTERM; its own processes get 20.
_GRACE_S: Final = 25.0
_KILL_S: Final = 5.0
_LOOK_S: Final = 0.05
#: Lines of its log that are shown when it fails.
_TAIL: Final = 15


@attrs.define
class Server:
    """A running ``pitrix serve`` and all processes of its session."""

    data: Path
    #: Process id of the supervisor, which leads the session.
    pid: int
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, data: Path) -> "Server":
        """Start one on free ports; it is not ready yet."""
        command = [sys.executable, "-m", "pitrix_core.cli.main", "serve", "--data", str(data)]
        command += ["--port", "0", "--pilot-port", "0", "--allow-local"]
        with log_file(data).open("ab") as log:
            process = subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which stops the server itself
            )
        return cls(data, process.pid, process)

    def wait_until_ready(self) -> str:
        """Return the API's address once it answers.

        :raises CliError: it ended, or does not answer in time; with the end of its log.
        """
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise self._failure("ended while it started")
            url = _read(self.data / "url")
            if url and _answers(url):
                return url
            time.sleep(_LOOK_S)
        raise self._failure(f"did not answer within {_READY_S:g} s")

    def stop(self) -> None:
        """End it: as it likes, then by force. Nothing of its session is left."""
        if _signal(self.pid, signal.SIGTERM):
            self._wait(_GRACE_S, [self.pid])
        left = session_members(self.pid)
        for pid in left:
            _signal(pid, signal.SIGKILL)
        self._wait(_KILL_S, left)

    def _wait(self, seconds: float, pids: list[int]) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is not None:
                self._process.poll()  # takes its exit code, so that it is gone
            if not any(_is_alive(pid) for pid in pids):
                return
            time.sleep(_LOOK_S)

    def _failure(self, what: str) -> CliError:
        lines = (_read(log_file(self.data)) or "").splitlines()[-_TAIL:]
        return CliError("\n  ".join([f"pitrix serve {what}. The end of its log:", *lines]))


def log_file(data: Path) -> Path:
    """Return where the server's output goes."""
    return data / "serve.log"


def session_members(session: int) -> list[int]:
    """Return the processes of a session."""
    return [pid for pid in processes() if _session_of(pid) == session and _is_alive(pid)]


def processes() -> Iterator[int]:
    """Yield the ids of all processes."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _is_alive(pid: int) -> bool:
    """Say whether a process runs; one that ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _answers(url: str) -> bool:
    with Api(url, token=None, timeout_s=2.0) as api:
        return api.is_healthy()


def _environment() -> dict[str, str]:
    """Return ours without settings of pitrix: the demo must not touch another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PITRIX_")}


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
