"""What Frontgates' connections cost a Pilot: memory, and the time until all are welcome.

``python -m bench.agents_pilot FOLDER PORT`` is the Pilot, ``… bare PORT`` a server that does no
more than hold connections, with the same library and settings: the ideal. Both go on until killed.
"""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from bench.process_facts import cpu_s, memory_of
from bench.results import MeasurementError
from pitrix_core import wiring
from pitrix_core.config import Config
from pitrix_core.model import Runtime
from pitrix_core.pilot import tokens
from pitrix_core.pilot.authority import authority_of
from pitrix_core.pilot.frontgates import register_frontgate
from pitrix_core.pilot.inbox import Desk
from pitrix_core.pilot.server import PATH, Pilot, run_pilot
from pitrix_core.store import Store, Transaction

_HOST: Final = "127.0.0.1"
_START_S: Final = 60.0
_WELCOME_S: Final = 120.0
_AT_ONCE: Final = 50
#: A Pilot looks for messages less often once all has been quiet for 10 s.
_QUIET_S: Final = 11.0
_WELCOME: Final = {"id": "welcome", "type": "welcome", "body": {"protocol": 2}}


@attrs.frozen(kw_only=True)
class Connections:
    """What a number of connections came to, of a Pilot or of the bare server."""

    #: PSS of the server for each of them.
    kib_each: float
    #: PSS of the server with all of them.
    total_mib: float
    #: Seconds until the last one was welcome.
    welcome_s: float
    #: Share of a core that the server takes while they are silent.
    idle_cpu: float


def of_pilot(count: int, *, idle_s: float) -> Connections:
    """Connect Frontgates to a real Pilot with a real database."""
    with tempfile.TemporaryDirectory(prefix="pitrix-bench-") as folder:
        known = _register(Path(folder), count)
        return _measured(["bench.agents_pilot", folder], known, idle_s=idle_s)


def of_bare_server(count: int, *, idle_s: float) -> Connections:
    """Connect the same to a server that only answers."""
    known = ["of a usual length" * 8] * (count + 1)
    return _measured(["bench.agents_pilot", "bare"], known, idle_s=idle_s)


def _measured(module: Sequence[str], known: Sequence[str], *, idle_s: float) -> Connections:
    """Connect Frontgates.

    :param known: the token of each; there is one more than are measured.
    """
    with _server(module) as (pid, port):
        try:
            return asyncio.run(_connect_all(pid, port, known, idle_s=idle_s))
        except TimeoutError as ex:
            raise MeasurementError(
                f"{' '.join(module)}: {len(known)} Frontgates are not welcome in {_WELCOME_S:g} s"
            ) from ex


@contextlib.contextmanager
def _server(module: Sequence[str]) -> Iterator[tuple[int, int]]:
    with socket.create_server((_HOST, 0)) as probe:
        port = int(probe.getsockname()[1])
    with subprocess.Popen([sys.executable, "-m", *module, str(port)]) as process:
        try:
            deadline = time.monotonic() + _START_S
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise MeasurementError(f"{' '.join(module)} does not listen")
                time.sleep(0.05)
            yield process.pid, port
        finally:
            process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), timeout=1.0).close()
    except OSError:
        return False
    return True


async def _connect_all(pid: int, port: int, known: Sequence[str], *, idle_s: float) -> Connections:
    count = len(known) - 1
    door = asyncio.Semaphore(_AT_ONCE)

    async def enter(number: int) -> ClientConnection:
        async with door:
            peer = await connect(f"ws://{_HOST}:{port}{PATH}", compression=None, proxy=None)
            await peer.send(json.dumps(_hello(number, known[number])))
            answer = json.loads(await peer.recv())
        if answer["type"] != "welcome":
            raise MeasurementError(f"Frontgate {number}: {answer['body']}")
        return peer

    first = await enter(0)
    before = memory_of(pid).pss_mib
    began = time.monotonic()
    async with asyncio.timeout(_WELCOME_S):
        peers = await asyncio.gather(*(enter(number) for number in range(1, count + 1)))
    welcome_s = time.monotonic() - began
    await asyncio.sleep(_QUIET_S)
    busy_s = cpu_s(pid)
    await asyncio.sleep(idle_s)
    busy_s = cpu_s(pid) - busy_s
    after = memory_of(pid).pss_mib
    for peer in (first, *peers):
        peer.transport.abort()
    return Connections(
        kib_each=round((after - before) / count * 1024, 1),
        total_mib=round(after, 1),
        welcome_s=round(welcome_s, 2),
        idle_cpu=round(busy_s / idle_s, 3),
    )


def _hello(number: int, token: str) -> dict[str, Any]:
    body = {
        "protocol": 2,
        "frontgate_id": _name(number),
        "token": token,
        "version": "0.1.0",
        "endpoints": ["https://10.0.0.1:2381"],
    }
    return {"id": "hello", "type": "hello", "body": body}


def _name(number: int) -> str:
    return f"fg-{number}"


def _register(folder: Path, count: int) -> list[str]:
    """Make a database in which one Frontgate more than that is known.

    :returns: the token of each.
    """
    config = Config(data_dir=folder, log_level="error")
    wiring.prepare(config)
    store = wiring.make_store(config)
    runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin")
    with store.begin() as tx:
        tx.runtimes.add(runtime, credential_id=None)
        known = [_add_frontgate(tx, runtime, _name(number)) for number in range(count + 1)]
    store.close()
    return known


def _add_frontgate(tx: Transaction, runtime: Runtime, name: str) -> str:
    """Add one that was connected before, and return its token."""
    frontgate = register_frontgate(tx, runtime, frontgate_id=name, network_id=name)
    tx.agents.let_enrol(name, sha256=None, expires_at=None)
    authority_of(tx, frontgate)
    return tokens.issue(tx, frontgate).text


def _be_pilot(folder: Path, port: int) -> None:
    store: Store = wiring.make_store(Config(data_dir=folder, log_level="error"))
    pilot = Pilot(Desk(store=store, pilot_id="pil-bench"))
    run_pilot(pilot, socket.create_server((_HOST, port), backlog=512), stop=threading.Event())


async def _be_bare(port: int) -> None:
    async def answer(peer: ServerConnection) -> None:
        await peer.recv()
        await peer.send(json.dumps(_WELCOME))
        await peer.wait_closed()

    async with serve(answer, _HOST, port, compression=None, max_size=4 * 1024 * 1024):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        asyncio.run(_be_bare(int(sys.argv[2])))
    else:
        _be_pilot(Path(sys.argv[1]), int(sys.argv[2]))
