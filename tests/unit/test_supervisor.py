"""The supervisor keeps its processes alive, and takes them with it when it ends.

It runs as a process of its own, over small stand-ins for API, runner and Pilot.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from pitrix_core.supervisor import bind

PROGRAM = """
import sys
from pathlib import Path
from pitrix_core.config import Config
from pitrix_core.errors import PitrixError
from pitrix_core.supervisor import Pace, supervise

folder, stand_in, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
public_url = sys.argv[4] if len(sys.argv) > 4 else ""
config = Config(data_dir=folder, api_port=port, pilot_port=0, public_url=public_url)
ready_s = 1.0 if (folder / "api-is-silent").exists() else 30.0
pace = Pace(grace_s=0.5, ready_s=ready_s, first_restart_s=0.05, longest_restart_s=0.2, lived_s=0.3)
try:
    supervise(
        config,
        prepare=lambda config: (folder / "prepared").touch(),
        on_ready=lambda url: print(url, flush=True),
        command=lambda name: [sys.executable, "-I", "-S", stand_in, name, str(folder)],
        pace=pace,
    )
except PitrixError as ex:
    print(ex.code, ex.message, ex.next_step, sep="|", flush=True)
    sys.exit(3)
"""

STAND_IN = """
import os, signal, socket, sys, time
name, folder = sys.argv[1:]
def is_told(what):
    return os.path.exists(os.path.join(folder, name + "-" + what))
if is_told("is-deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(os.path.join(folder, name + ".pids"), "a") as file:
    file.write("%d\\n" % os.getpid())
if is_told("dies"):
    sys.exit(1)
if name == "api" and not is_told("is-silent"):
    listener = socket.socket(fileno=int(os.environ["PITRIX_LISTENER_FD"]))
    while True:
        peer, _ = listener.accept()
        peer.recv(1000)
        peer.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
        peer.close()
time.sleep(600)
"""

NAMES = ("api", "runner", "pilot")


@attrs.frozen
class Installation:
    """A supervisor as a process."""

    folder: Path
    process: "subprocess.Popen[str]"

    def line(self) -> str:
        """Return the next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def up(self) -> str:
        """Wait until it answers and every process has said who it is; return its first line."""
        line = self.line()
        wait_until(lambda: all(self.pids(name) for name in NAMES))
        return line

    def pids(self, name: str) -> list[int]:
        """Return every process that was started for a name."""
        path = self.folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def end(self) -> int:
        """Tell it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(30)


def lives(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _lives_on(pid: int) -> bool:
    """Say whether a process lives longer than what counts as having started well."""
    time.sleep(0.4)
    return lives(pid)


def wait_until(look: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


Serve = Callable[..., Installation]


@pytest.fixture
def serve(folder: Path, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that starts a supervisor."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    started: list[Installation] = []

    def start(port: int = 0, *more: str) -> Installation:
        arguments = [str(folder), str(tmp_path / "stand_in.py"), str(port), *more]
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "program.py"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "HTTP_PROXY": "http://127.0.0.1:9"},
        )
        started.append(Installation(folder, process))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()
        for pid in (pid for name in NAMES for pid in one.pids(name) if lives(pid)):
            os.kill(pid, signal.SIGKILL)


def test_an_installation_comes_up_and_goes_down(serve: Serve, folder: Path) -> None:
    """Its address is in a file for as long as it answers, also behind a proxy of the operator."""
    (folder / "url").write_text("http://127.0.0.1:1\n")  # of one that was killed
    installation = serve()

    url = installation.up()
    known = (folder / "url").read_text().strip()
    children = [pid for name in NAMES for pid in installation.pids(name)]
    code = installation.end()

    assert known == url
    assert url.startswith("http://127.0.0.1:")
    assert (folder / "prepared").exists()
    assert (len(children), code) == (3, 0)
    assert not any(lives(pid) for pid in children)
    assert not (folder / "url").exists()


def test_a_public_address_is_not_asked_whether_it_answers(serve: Serve, folder: Path) -> None:
    """What stands in front of it may not be there yet."""
    installation = serve(0, "http://127.0.0.1:9")

    assert installation.line() == "http://127.0.0.1:9"


@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_dies_is_started_anew(serve: Serve, name: str) -> None:
    """However it died; the others live on."""
    installation = serve()
    installation.up()
    others = [installation.pids(other)[0] for other in NAMES if other != name]

    os.kill(installation.pids(name)[0], signal.SIGKILL)

    wait_until(lambda: len(installation.pids(name)) == 2)
    assert all(lives(pid) for pid in others)


def test_one_that_goes_on_dying_is_started_ever_more_slowly(serve: Serve, folder: Path) -> None:
    """And again as soon as it has lived for a while."""
    (folder / "runner-dies").touch()
    installation = serve()
    installation.up()

    wait_until(lambda: len(installation.pids("runner")) > 3)
    (folder / "runner-dies").unlink()
    wait_until(lambda: _lives_on(installation.pids("runner")[-1]))
    before = len(installation.pids("runner"))
    os.kill(installation.pids("runner")[-1], signal.SIGKILL)

    wait_until(lambda: len(installation.pids("runner")) > before)
    assert installation.process.poll() is None


def test_who_does_not_end_in_time_is_killed(serve: Serve, folder: Path) -> None:
    """Within the grace; nobody stays."""
    (folder / "runner-is-deaf").touch()
    installation = serve()
    installation.up()
    begun = time.monotonic()

    code = installation.end()

    assert code == 0
    assert time.monotonic() - begun < 15  # rather than the default grace
    assert not lives(installation.pids("runner")[0])


def test_when_it_is_killed_its_processes_end(serve: Serve) -> None:
    """The kernel tells them."""
    installation = serve()
    installation.up()

    installation.process.kill()
    installation.process.wait()

    wait_until(lambda: not any(lives(pid) for name in NAMES for pid in installation.pids(name)))


def test_a_second_one_on_the_same_folder_is_refused(serve: Serve, folder: Path) -> None:
    """The first one is not disturbed."""
    first = serve()
    first.line()

    second = serve()

    assert second.line() == (
        f"conflict|Another pitrix serve runs on {folder}.|Use that one, or give this one another "
        "folder: pitrix serve --data DIR"
    )
    assert second.process.wait(30) == 3
    assert (folder / "url").exists()
    assert first.process.poll() is None


def test_a_port_that_is_taken_is_named_with_its_option(serve: Serve) -> None:
    """Nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        installation = serve(port)
        said = installation.line()

    assert said.startswith(f"pitrix|Cannot listen on 127.0.0.1:{port}: Address already in use.|")
    assert "--port 0" in said
    assert installation.process.wait(30) == 3
    assert installation.pids("api") == []


@pytest.mark.parametrize("asked", ["any", "the-same"])
def test_the_last_runs_port_is_waited_for(asked: str) -> None:
    """What is left of a run that was killed holds it for a while; machines dial that port."""
    holder = socket.create_server(("127.0.0.1", 0))
    last = holder.getsockname()[1]
    letting_go = threading.Timer(0.3, holder.close)
    letting_go.start()

    bound = bind("127.0.0.1", last if asked == "the-same" else 0, option="--port", last=last)

    with bound:
        letting_go.join()
        assert bound.getsockname()[1] == last


def test_another_port_is_taken_where_the_last_one_stays_taken() -> None:
    """By somebody else's program, it seems."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        last = holder.getsockname()[1]

        with bind("127.0.0.1", 0, option="--port", last=last, patience_s=0.2) as bound:
            assert bound.getsockname()[1] != last


@pytest.mark.parametrize("ports", ['{"api": 70000, "pilot": "x"}', "[1]", "{"])
def test_what_cannot_be_a_port_is_not_taken_again(serve: Serve, folder: Path, ports: str) -> None:
    """The file may have been written by hand."""
    (folder / "ports").write_text(ports)

    assert serve().line().startswith("http://")
    assert set(json.loads((folder / "ports").read_text())) == {"api", "pilot"}


@pytest.mark.parametrize(
    ("told", "said"),
    [("api-dies", "ended while it started"), ("api-is-silent", "did not answer within 1 s")],
)
def test_an_api_that_does_not_come_up_ends_everything(
    serve: Serve, folder: Path, told: str, said: str
) -> None:
    """With an error, and no process left."""
    (folder / told).touch()
    installation = serve()

    line = installation.line()

    assert said in line
    assert not line.endswith("|None")
    assert installation.process.wait(30) == 3
    assert not any(lives(pid) for name in NAMES for pid in installation.pids(name))


def test_it_serves_for_real(folder: Path) -> None:
    """The whole installation, once: it answers, and ends when it is told."""
    options = ["--data", str(folder), "--port", "0", "--pilot-port", "0"]
    command: list[Any] = [sys.executable, "-m", "pitrix_core.cli.main", "serve", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: (folder / "url").exists() or process.poll() is not None)
            token = (folder / "token").stat()
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=30)

    assert process.returncode == 0, errors
    assert token.st_mode & 0o777 == 0o600
    assert b"Traceback" not in errors
