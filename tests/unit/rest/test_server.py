"""Tests the server as a process: on a socket that is bound already, and stopped by a signal."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from pitrix_core import wiring
from pitrix_core.config import Config

_PROGRAM = """
import sys
from pathlib import Path
from pitrix_core.config import Config
from pitrix_core.rest.server import serve_api
from pitrix_core.wiring import make_services

config = Config(data_dir=Path(sys.argv[1]))
serve_api(lambda: make_services(config), bind=int(sys.argv[2]), threads=4)
"""

#: Seconds; for a machine that has much else to do.
_DEADLINE_S = 60.0


class Server:
    """A server of its own, and its folders."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(data_dir=folder / "data")
        self.temporary = folder / "tmp"
        self.working = folder / "cwd"
        for made in (self.temporary, self.working):
            made.mkdir()
        wiring.prepare(self.config)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with listener:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, self.config.data_dir, str(listener.fileno())],
                pass_fds=[listener.fileno()],
                cwd=self.working,
                env={**os.environ, "TMPDIR": str(self.temporary), "HOME": str(self.working)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    @property
    def headers(self) -> dict[str, str]:
        """The admin's token."""
        return {"Authorization": f"Bearer {self.config.token_file.read_text().strip()}"}

    def is_healthy(self) -> bool:
        """Say whether it answers."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz", timeout=2.0).is_success
        return False

    def stop(self) -> str:
        """Ask it to end, and return what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=_DEADLINE_S)
        return output


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that answers."""
    server = Server(tmp_path)
    try:
        _await(server.is_healthy)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.communicate()


def test_the_server_serves_and_leaves_nothing_behind(server: Server) -> None:
    """It is quiet, ends with 0, and makes no file outside of the data folder."""
    answer = httpx.get(f"{server.url}/v1/repos", headers=server.headers, timeout=_DEADLINE_S)
    output = server.stop()

    assert answer.json() == {"items": [], "next_cursor": None}
    assert server.process.returncode == 0
    assert output == ""
    assert list(server.temporary.iterdir()) == list(server.working.iterdir()) == []


def test_an_open_stream_does_not_hold_the_server_up(server: Server) -> None:
    """Streams end with the server, long before their time."""
    url, headers = f"{server.url}/v1/events", {**server.headers, "Accept": "text/event-stream"}
    with httpx.stream("GET", url, headers=headers, timeout=_DEADLINE_S) as stream:
        lines = stream.iter_lines()
        first = next(lines)
        began_at = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        rest = list(lines)
    server.process.wait(timeout=_DEADLINE_S)

    assert first.startswith("retry:")
    assert rest == [""]
    assert server.process.returncode == 0
    assert time.monotonic() - began_at < 20


def test_a_chunked_body_is_read(server: Server) -> None:
    """A body that does not say how long it is is read to its end."""

    def chunks() -> Iterator[bytes]:
        yield b'{"name": "x", '
        yield b'"url": "file:///nowhere"}'

    headers = {**server.headers, "Content-Type": "application/json"}
    answer = httpx.post(
        f"{server.url}/v1/repos", content=chunks(), headers=headers, timeout=_DEADLINE_S
    )

    assert answer.status_code == 422
    assert answer.json()["pointer"] == "/url"


def test_a_server_whose_services_cannot_be_built_ends(tmp_path: Path) -> None:
    """It does not start workers for ever."""
    program = (
        "from pitrix_core.rest.server import serve_api\n"
        "def fail(): raise RuntimeError('no key')\n"
        "serve_api(fail, bind='127.0.0.1:0')\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )

    assert ended.returncode != 0
    assert "no key" in ended.stderr
