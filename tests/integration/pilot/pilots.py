"""Two Pilots as real processes on one database, and a Frontgate that moves between them."""

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import websockets
from cluster_rows import add_cluster, add_nodes
from websockets.asyncio.client import ClientConnection, connect

from pitrix_core.model import Runtime
from pitrix_core.pilot.frontgates import register_frontgate
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.store.agents import Frontgate, Message

Json = dict[str, Any]


class Pilots:
    """What the Pilots share, and the Pilots themselves."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._database_url = database_url
        cipher = Cipher.from_file(folder / "key")
        self.store = Store(make_engine(database_url), cipher=cipher)
        self.ports = [_free_port(), _free_port()]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.enrolment = self._add_frontgate()

    def close(self) -> None:
        """End everything."""
        for which in list(self._processes):
            self.kill(which)
        self.store.close()

    def start(self, which: int) -> None:
        """Start one, not waiting for it."""
        command = [sys.executable, "-m", "pitrix_core.cli.main", "pilot"]
        command += ["--data", str(self._folder), "--port", str(self.ports[which])]
        with (self._folder / f"pilot-{which}.log").open("ab") as log:
            self._processes[which] = subprocess.Popen(
                command, env={**os.environ, "PITRIX_DATABASE": self._database_url}, stderr=log
            )

    def kill(self, which: int) -> None:
        """Kill one with no chance to clean up."""
        process = self._processes.pop(which)
        process.kill()
        process.wait()

    def send(self, number: int) -> None:
        """Put a message to the Frontgate into the outbox."""
        with self.store.begin() as tx:
            tx.agents.send(
                Message(
                    id=f"m-{number}", frontgate_id="fg-1", type="command.run", body={"n": number}
                )
            )

    def frontgate(self) -> Frontgate:
        """Return what is known of the Frontgate."""
        with self.store.read() as tx:
            found = tx.agents.frontgate("fg-1")
        assert found is not None
        return found

    def unacknowledged(self) -> list[str]:
        """Return the messages that are not safe with the Frontgate."""
        with self.store.read() as tx:
            return [message.id for _, message in tx.agents.unacknowledged({"fg-1": 0})]

    def reported(self) -> int:
        """Return the revision of the node's last report."""
        with self.store.read() as tx:
            [node] = tx.clusters.nodes("cl-1")
        revision: int = node.agent.get("revision", 0)
        return revision

    def _add_frontgate(self) -> str:
        with self.store.begin() as tx:
            runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin")
            tx.runtimes.add(runtime, credential_id=None)
            add_cluster(tx, "cl-1")
            add_nodes(tx, "cl-1", "cln-1")
            frontgate = register_frontgate(tx, runtime, frontgate_id="fg-1", network_id="net-1")
            tx.agents.serve("cl-1", frontgate_id="fg-1")
            return tx.secrets.get(frontgate.secret_id)


class Wanderer:
    """A Frontgate that keeps to the protocol, and stays nowhere for long.

    :param reports: how many reports it has to send.
    """

    def __init__(self, pilots: Pilots, *, reports: int) -> None:
        self._pilots = pilots
        self._chance = random.Random(4711)  # noqa: S311  # a test that can be repeated
        self._shown: Json = {"enrolment": pilots.enrolment}
        self.waiting = {f"f-{number}": number for number in range(1, reports + 1)}
        #: Messages in the order in which they first came, and all that came.
        self.acted: dict[str, None] = {}
        self.came = 0
        self.moves = 0

    async def wander(self, stop: asyncio.Event) -> None:
        """Go from one Pilot to another until it is told to stop."""
        while not stop.is_set():
            port = self._chance.choice(self._pilots.ports)
            try:
                async with connect(
                    f"ws://127.0.0.1:{port}/v1/frontgate", proxy=None, open_timeout=5
                ) as peer:
                    await self._visit(peer)
            except (OSError, websockets.WebSocketException, TimeoutError):
                await asyncio.sleep(0.05)

    async def _visit(self, peer: ClientConnection) -> None:
        hello = {
            "protocol": 2,
            "frontgate_id": "fg-1",
            "version": "0.1.0",
            "endpoints": ["http://10.0.0.2:2379"],
        }
        await _say(peer, "hello", "hello", {**hello, **self._shown})
        welcome = json.loads(await asyncio.wait_for(peer.recv(), 5))
        assert welcome["type"] == "welcome", welcome
        self._shown = {"token": welcome["body"]["token"]}
        await _say(peer, "a", "ack", {}, reply_to=welcome["id"])
        self.moves += 1
        for frame_id, number in list(self.waiting.items())[:20]:
            body = {"node_id": "cln-1", "state": "configured", "revision": number}
            await _say(peer, frame_id, "node.status", body)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._chance.uniform(0.05, 0.5)):
                async for text in peer:
                    await self._take(peer, json.loads(text))
        if self._chance.random() < 0.5:
            peer.transport.abort()  # what is under way is lost

    async def _take(self, peer: ClientConnection, frame: Json) -> None:
        if frame["type"] == "ack":
            self.waiting.pop(frame["reply_to"], None)
            return
        self.came += 1
        self.acted[frame["id"]] = None
        if self._chance.random() < 0.7:  # an acknowledgement may be lost
            await _say(peer, f"a-{frame['id']}", "ack", {}, reply_to=frame["id"])


async def _say(peer: ClientConnection, id_: str, kind: str, body: Json, **more: str) -> None:
    await peer.send(json.dumps({"id": id_, "type": kind, "body": body, **more}))


async def eventually(look: Any, *, within_s: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(look):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
