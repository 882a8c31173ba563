"""Debian's etcd as a process of its own, which tests may kill and start again."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pitrix_drone.etcd import EtcdClient, EtcdError

_START_S: Final = 30.0
_END_S: Final = 20.0
_LOOK_S: Final = 0.01


def eventually(condition: Callable[[], Any], what: str, *, within_s: float = 60.0) -> Any:
    """Wait until *condition* is true and return what it gave."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(_LOOK_S)
    return found


def own_loopback() -> str:
    """Pick a loopback address that hardly anybody else picks."""
    return "127." + ".".join(str(64 + secrets.randbelow(63)) for _ in range(3))


def free_port(address: str) -> int:
    """Pick a port that nobody listens at now."""
    with socket.create_server((address, 0)) as probe:
        return int(probe.getsockname()[1])


#: An etcd, and a user where one has to log in → a client that is closed after the test.
ClientOf = Callable[..., EtcdClient]


class LabEtcd:
    """One member that waits for its disk, as a Frontgate's does where data counts.

    :param addresses: it listens there; may be given anew before each start.
    :param options: more of them, such as ``--auth-token=…``.
    :param within: words before the command, such as ``ip netns exec NAME``.
    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        *,
        addresses: Sequence[str],
        options: Sequence[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        self.addresses = tuple(addresses)
        self._binary = binary
        self._folder = folder
        self._options = options
        self._within = within
        #: Members of one machine must not share it; nobody else asks for it.
        self._peer = f"http://127.0.0.1:{free_port('127.0.0.1')}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The URLs of its JSON gateway."""
        return tuple(f"http://{address}" for address in self.addresses)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        probe = EtcdClient(self.endpoints, timeout_s=1.0)
        try:
            eventually(lambda: _has_leader(probe), "etcd answers", within_s=_START_S)
        finally:
            probe.close()

    def launch(self) -> None:
        """Start it, not waiting for anything."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._within, self._binary, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"]},
                process_group=0,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        os.killpg(process.pid, how)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _arguments(self) -> list[str]:
        clients = ",".join(self.endpoints)
        arguments = {
            "data-dir": str(self._folder / "data"),
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": self._peer,
            "initial-advertise-peer-urls": self._peer,
            "initial-cluster": f"default={self._peer}",
            "heartbeat-interval": "20",
            "election-timeout": "200",
            "bcrypt-cost": "4",
            "logger": "zap",
            "log-outputs": "stderr",
            "log-level": "error",
        }
        return [*(f"--{name}={value}" for name, value in arguments.items()), *self._options]


@contextmanager
def running(server: LabEtcd) -> Iterator[LabEtcd]:
    """Run it; whatever happens, it is gone afterwards."""
    try:
        server.start()
        yield server
    finally:
        server.kill()


def close_the_door(server: LabEtcd) -> None:
    """Switch authentication on; root's password is its name."""
    client = EtcdClient(server.endpoints, user="root", password="root")
    client.user_add("root", "root")
    client.role_add("root")
    client.user_grant_role("root", "root")
    client.auth_enable()
    client.close()


def _has_leader(probe: EtcdClient) -> bool:
    try:
        return probe.status().has_leader
    except EtcdError:
        return False
