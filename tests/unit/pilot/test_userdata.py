"""The user-data fetch, check, configure and start an agent, with a shell and Python alone."""

import contextlib
import hashlib
import http.server
import json
import os
import subprocess
import threading
import zipapp
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pitrix_core.model import AgentStart
from pitrix_core.pilot.userdata import AgentFile, make_user_data

#: An agent that writes down how it was started.
AGENT = """
import json, os, sys
mask = os.umask(0)
config = sys.argv[sys.argv.index("--config") + 1]
said = {"arguments": sys.argv[1:], "umask": mask, "config": json.load(open(config)),
        "mode": os.stat(config).st_mode & 0o777, "root": os.environ["PITRIX_ROOT"]}
json.dump(said, open(os.environ["PITRIX_ROOT"] + "/said.json", "w"))
"""

HOSTILE = [
    "PITRIX_CONFIG",
    "\nPITRIX_CONFIG\ntouch /tmp/owned\n",
    "$(touch /tmp/owned) `id` ${HOME} \\ \" ' ; & |",
    "{{ agent }} {% raw %} ünïcödé \u2028 \x07",
]


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, as wrongly as a test wants."""

    content = b""
    #: Answers given before the right one.
    before: list[Callable[[http.server.BaseHTTPRequestHandler], None]] = []  # noqa: RUF012
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from the server's list."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.server.before:
            self.server.before.pop(0)(self)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def agent(tmp_path: Path) -> bytes:
    """The archive of an agent."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "__main__.py").write_text(AGENT)
    zipapp.create_archive(source, tmp_path / "agent.pyz")
    return (tmp_path / "agent.pyz").read_bytes()


@pytest.fixture
def server(agent: bytes) -> Iterator[Server]:
    """A server with the agent."""
    made = Server(("127.0.0.1", 0), Handler)
    made.content, made.before = agent, []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Run:
    """Return a function that runs the user-data of an agent for real."""

    def start(config: Any = None, **changes: Any) -> "subprocess.CompletedProcess[str]":
        script = script_of(server, config or {}, **changes)
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "PITRIX_ROOT": str(root),
            "PITRIX_INSTANCE": "i-1",
        }
        return subprocess.run(
            ["/bin/sh", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return start


def script_of(
    server: Server, config: Any, *, sha256: str = "", tries: int = 3, again_s: float = 3
) -> str:
    """Return the user-data of a drone."""
    digest = sha256 or hashlib.sha256(server.content).hexdigest()
    file = AgentFile(
        url=f"http://127.0.0.1:{server.server_port}/$HOME;a?c='d'&e=(f)", sha256=digest
    )
    return make_user_data(
        AgentStart(agent="drone", config=config),
        file_of=lambda _name: file,
        tries=tries,
        again_s=again_s,
    )


@pytest.mark.parametrize("value", HOSTILE, ids=["marker", "line", "shell", "template"])
def test_the_script_is_sound_whatever_is_in_the_configuration(server: Server, value: str) -> None:
    """The shell can read it to its end."""
    script = script_of(server, {"password": value})

    checked = subprocess.run(
        ["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False
    )

    assert script.startswith("#!/bin/sh\n")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_agent_is_started_with_its_configuration(run: Run, tmp_path: Path) -> None:
    """Which only its user may read, and which arrives as it was, whatever is in it."""
    config = {f"value-{number}": value for number, value in enumerate(HOSTILE)}

    done = run(config)

    assert done.returncode == 0, done.stderr
    root = tmp_path / "root"
    said = json.loads((root / "said.json").read_text())
    assert said["config"] == config
    assert said["mode"] == 0o600
    assert said["arguments"] == ["run", "--config", f"{root}/etc/pitrix/drone.json"]
    assert (root / "var/lib/pitrix/drone").is_dir()
    assert not Path("/tmp/owned").exists()  # noqa: S108  # what the hostile values would make


def test_what_the_agent_writes_is_readable_as_usual(run: Run, tmp_path: Path) -> None:
    """The mask that keeps its configuration private is not handed on to the application."""
    run()

    assert json.loads((tmp_path / "root/said.json").read_text())["umask"] == 0o022


def test_a_wrong_archive_is_refused_after_some_tries(
    run: Run, server: Server, tmp_path: Path
) -> None:
    """It is never started, and nothing of it stays under the agent's name."""
    done = run(sha256="0" * 64, tries=2)

    assert done.returncode == 1
    assert done.stderr.count("its SHA-256 is not the one expected") == 2
    assert server.requests == 2
    assert not (tmp_path / "root/opt/pitrix/drone.pyz").exists()
    assert not (tmp_path / "root/said.json").exists()


def _unavailable(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_error(503)


def _cut_off(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"half")


def _no_http(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"hello\r\n\r\n")
    with contextlib.suppress(OSError):
        handler.connection.shutdown(1)


@pytest.mark.parametrize("wrong", [_unavailable, _cut_off, _no_http])
def test_what_goes_wrong_on_the_way_is_tried_again(
    run: Run, server: Server, wrong: Callable[[Any], None]
) -> None:
    """A network may come up later than the machine."""
    server.before = [wrong]

    done = run()

    assert done.returncode == 0, done.stderr
    assert server.requests == 2
    assert "cannot fetch" in done.stderr


def test_an_archive_that_is_there_is_not_fetched_again(run: Run, server: Server) -> None:
    """User-data may run at every boot."""
    run()

    assert run().returncode == 0
    assert server.requests == 1


#: An agent that is killed the first time, fails the second, and ends well the third.
_DYING = """
import os, signal, sys
with open(os.environ["PITRIX_ROOT"] + "/starts", "a+") as file:
    file.write("x")
    file.flush()
    file.seek(0)
    starts = len(file.read())
if starts == 1:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(1 if starts == 2 else 0)
"""


def test_an_agent_that_dies_is_started_again(run: Run, server: Server, tmp_path: Path) -> None:
    """Until it ends well, as it does when it is told to end."""
    (tmp_path / "source/__main__.py").write_text(_DYING)
    zipapp.create_archive(tmp_path / "source", tmp_path / "dying.pyz")
    server.content = (tmp_path / "dying.pyz").read_bytes()

    done = run(again_s=0)

    assert done.returncode == 0
    assert (tmp_path / "root/starts").read_text() == "xxx"
    assert done.stderr.count("the drone ended; it is started again in 0 s") == 2
