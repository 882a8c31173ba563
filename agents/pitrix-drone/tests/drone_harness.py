"""What the tests share: a real etcd on free loopback ports, and waiting for conditions."""

from __future__ import annotations

import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import time
from typing import Callable, Final, TypeVar

from pitrix_drone.etcd import EtcdClient, EtcdError

_START_S: Final = 20.0

T = TypeVar("T")


class EtcdServer:
    """One etcd process with a data folder; can be stopped and started again."""

    def __init__(self, binary: str, folder: pathlib.Path) -> None:
        self._binary = binary
        self._folder = folder
        self._client_url = f"http://127.0.0.1:{free_port()}"
        self._peer_url = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The URL of the JSON gateway."""
        return self._client_url

    def start(self) -> None:
        """Start etcd and wait until it answers."""
        with (self._folder / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdout=log, stderr=log, start_new_session=True
            )
        client = EtcdClient([self.endpoint])
        wait_for(lambda: _answers(client), "etcd to answer", within_s=_START_S)
        client.close()

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End etcd with a signal and wait for it."""
        if self._process is not None:
            os.killpg(self._process.pid, how)
            self._process.wait(10)
            self._process = None

    def forget(self) -> None:
        """Lose everything: the next start makes another store."""
        shutil.rmtree(self._folder / "data")

    def _command(self) -> list[str]:
        return [
            self._binary,
            "--data-dir",
            str(self._folder / "data"),
            "--listen-client-urls",
            self._client_url,
            "--advertise-client-urls",
            self._client_url,
            "--listen-peer-urls",
            self._peer_url,
            "--initial-advertise-peer-urls",
            self._peer_url,
            "--initial-cluster",
            f"default={self._peer_url}",
            "--initial-cluster-token",
            secrets.token_hex(8),
            "--auth-token",
            "simple",
            "--bcrypt-cost",
            "4",
            "--unsafe-no-fsync",
        ]


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(condition: Callable[[], T], what: str, *, within_s: float = 30.0) -> T:
    """Return the first true answer of *condition*, asked again and again."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"waited {within_s} s in vain for {what}")


def _answers(client: EtcdClient) -> bool:
    try:
        return client.status().has_leader
    except EtcdError:
        return False
