"""A PostgreSQL server of one's own, on loopback, below a temporary folder: for tests and benches.

The programs are those of the wheel ``pgserver`` where it is installed, so that tests run against
the same version everywhere, else those of this machine. PostgreSQL refuses to be run by root: root
starts it as ``nobody``, from copies of the wheel's files, which may lie where nobody can read.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

#: Seconds that making and starting a server, or stopping it, may take.
_PATIENCE_S: Final = 60.0
#: What is committed has to outlive the server, and not this machine; loopback only, no socket
#: anywhere else.
_SETTINGS: Final[Mapping[str, object]] = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is small, or not there, in containers
    "deadlock_timeout": "100ms",
}
#: Line of ``postmaster.pid`` that says how far it has come.
#: Source: https://www.postgresql.org/docs/current/storage-file-layout.html, read 2026-11.
_STATUS_LINE: Final = 7


class PostgresqlMissingError(Exception):
    """Neither this machine nor the wheel has PostgreSQL."""


@attrs.define(kw_only=True)
class PostgresqlServer:
    """A server that can be killed, and started again with its data."""

    #: Folder of its programs.
    programs: Path
    #: Folder of its data and its log.
    home: Path
    #: Whom it runs as, in the words of ``subprocess``; empty for whoever starts it.
    user: Mapping[str, Any]
    port: int
    _process: "subprocess.Popen[bytes] | None" = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://pitrix@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make its data.

        :raises subprocess.SubprocessError: it cannot be made.
        """
        subprocess.run(
            [
                *(self.programs / "initdb", "--pgdata", self._data, "--username", "pitrix"),
                *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.home,
            timeout=_PATIENCE_S,
            **self.user,
        )

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        :raises TimeoutError: it does not, or it has ended.
        """
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self._data, f"--port={self.port}", *settings],
                cwd=self.home,
                stdout=log,
                stderr=log,
                **self.user,
            )
        ends_s = time.monotonic() + _PATIENCE_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > ends_s:
                raise TimeoutError("PostgreSQL did not start:\n" + (self.home / "log").read_text())
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash does: who is connected is cut off, nothing is written any more."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(timeout=_PATIENCE_S)
        finally:
            self._process.kill()  # does nothing to one that has ended
            self._process = None

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        is_own = self._process is not None and lines[:1] == [str(self._process.pid)]
        return is_own and [line.strip() for line in lines[_STATUS_LINE:]] == ["ready"]


@contextlib.contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Run a server of one's own inside the block; nothing of it is left after it.

    :raises PostgresqlMissingError: there is no PostgreSQL, or nobody it could be run as.
    """
    user = _user()
    with tempfile.TemporaryDirectory(prefix="pitrix-pg-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        programs = _programs(home, user)
        if user:
            os.chown(home, user["user"], user["group"])
        server = PostgresqlServer(programs=programs, home=home, user=user, port=_free_port())
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.kill()  # nobody reads its data again


def _user() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresqlMissingError(
            "root cannot run PostgreSQL, and there is no user that could: useradd nobody"
        ) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(home: Path, user: Mapping[str, Any]) -> Path:
    wheel = importlib.util.find_spec("pgserver")  # found, not imported: it would do things
    if wheel is not None and wheel.origin is not None:
        package = Path(wheel.origin).parent
        return _copied(package, home) if user else package / "pginstall" / "bin"
    # Source of the folder: Debian's postgresql-common.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("postgres")
    found = [*folders, *([Path(on_path).parent] if on_path else [])]
    for folder in found:
        if (folder / "initdb").exists():
            return folder
    raise PostgresqlMissingError("pip install pgserver, or apt-get install postgresql")


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _copied(package: Path, home: Path) -> Path:
    """Copy the wheel's files; its programs find its libraries beside it."""
    programs = home / package.name / "pginstall"
    shutil.copytree(package / "pginstall", programs)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return programs / "bin"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
