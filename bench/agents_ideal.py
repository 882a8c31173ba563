"""The least that can be done: watches that only note the time, and a file written by hand."""

import base64
import contextlib
import json
import os
import selectors
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.agents_store import TOP, Store
from bench.results import MeasurementError

_KEY: Final = f"{TOP}/shared/change"
_WITHIN_S: Final = 60.0
_ROUNDS: Final = 30


class BareWatches:
    """Connections that watch one key, read by one thread; nothing is made of what they hear."""

    def __init__(self, store: Store, count: int) -> None:
        """Open them, and wait until etcd has taken all."""
        url = urllib.parse.urlsplit(store.server.endpoint)
        place = (str(url.hostname), url.port or 0)
        request = _request(url.netloc, _token(store, place))
        self._selector = selectors.DefaultSelector()
        self._sockets = [socket.create_connection(place, timeout=_WITHIN_S) for _ in range(count)]
        for each in self._sockets:
            each.sendall(request)
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ)
        self._await(b'"created":true')

    def await_event(self) -> list[float]:
        """Wait until all have heard of a change; when each did, in seconds since the epoch."""
        return self._await(b'"events"')

    def close(self) -> None:
        """Hang up."""
        self._selector.close()
        for each in self._sockets:
            each.close()

    def _await(self, wanted: bytes) -> list[float]:
        heard: dict[int, bytes] = {}
        at: dict[int, float] = {}
        deadline = time.monotonic() + _WITHIN_S
        while len(at) < len(self._sockets):
            if time.monotonic() > deadline:
                raise MeasurementError(f"{len(at)} of {len(self._sockets)} bare watches heard")
            for key, _ in self._selector.select(1.0):
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]  # sockets only
                heard[key.fd] = heard.get(key.fd, b"") + data
                if wanted in heard[key.fd]:
                    at.setdefault(key.fd, time.time())
        return list(at.values())


@contextlib.contextmanager
def bare_watches(store: Store, count: int) -> Iterator[BareWatches]:
    """Watch inside the block."""
    watches = BareWatches(store, count)
    try:
        yield watches
    finally:
        watches.close()


def write_and_run_s(folder: Path) -> list[float]:
    """Write a file as a drone has to, durably and at once, and run a shell after it; often."""
    taken = []
    staged, target = folder / "staged", folder / "target"
    for number in range(_ROUNDS):
        began = time.perf_counter()
        with staged.open("w") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        staged.replace(target)
        subprocess.run(["/bin/sh", "-c", f"echo x > {folder}/reloaded"], check=True)
        taken.append(time.perf_counter() - began)
    return taken


def _request(host: str, token: str) -> bytes:
    key = base64.b64encode(_KEY.encode()).decode()
    body = json.dumps({"create_request": {"key": key}}).encode()
    head = (
        f"POST /v3/watch HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _token(store: Store, place: tuple[str, int]) -> str:
    name, password = store.login_of(0)
    body = json.dumps({"name": name, "password": password})
    with socket.create_connection(place, timeout=_WITHIN_S) as connection:
        head = f"POST /v3/auth/authenticate HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall((head + body).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["token"])
