"""A store with a runtime, clusters and Frontgates in it, and tasks to be carried out."""

import asyncio
import sys
import threading
import zipapp
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
sys.path.insert(0, str(Path(__file__).parent))

import core_world
from booting import AGENT, Handler, Machine, Server
from cluster_rows import add_cluster, add_nodes
from served import PATIENCE_S, Play, Served, serving

from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import (
    Action,
    ClusterState,
    Plan,
    Runtime,
    Task,
    TaskRecord,
    Totals,
)
from pitrix_core.pilot.frontgates import FrontgateEnsure
from pitrix_core.pilot.inbox import Desk, Frame, Held
from pitrix_core.planner.frontgate import PilotPlace
from pitrix_core.store import Store, new_id
from pitrix_core.store.agents import Frontgate
from pitrix_core.store.repos import Repo


class World:
    """Writes what tests need into a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin", throw_away=True)
        with store.begin() as tx:
            tx.runtimes.add(runtime, credential_id=None)

    def cluster(self, cluster_id: str = "cl-1", *, version: str = "appv-1", **values: Any) -> None:
        """Add a cluster of one node."""
        with self.store.begin() as tx:
            made = {"state": ClusterState.CREATING, "app_version_id": version, **values}
            add_cluster(tx, cluster_id, **made)
            secret = tx.secrets.add("the-node's-password", owner="admin")
            add_nodes(tx, cluster_id, f"cln-{cluster_id}", secret_id=secret.id)

    def frontgate(self, frontgate_id: str = "fg-1", *serves: str, network: str = "") -> None:
        """Add a Frontgate with its hidden cluster and its token, and what it serves."""
        cluster_id = f"cl-{frontgate_id}"
        self.cluster(cluster_id, hidden=True, owner="system", state=ClusterState.ACTIVE)
        with self.store.begin() as tx:
            secret = tx.secrets.add(f"token-of-{frontgate_id}", owner="system")
            tx.agents.add_frontgate(
                Frontgate(
                    id=frontgate_id,
                    owner="system",
                    cluster_id=cluster_id,
                    runtime_id="rt-1",
                    network_id=network or frontgate_id,
                    secret_id=secret.id,
                )
            )
            for cluster in serves:
                tx.agents.serve(cluster, frontgate_id=frontgate_id)

    def task(self, kind: str, **given: Any) -> TaskCall:
        """Add a job with one task, claim it, and return the call."""
        task = Task(
            key="the-task", kind=kind, title=kind, input=given, node_id=given.get("node_id")
        )
        with self.store.begin() as tx:
            plan = Plan(
                id=new_id("pln"),
                action=Action.CREATE,
                owner="admin",
                cluster_id=given.get("cluster_id", "cl-1"),
                cluster_name="one",
                revision=0,
                app_version_id="appv-1",
                runtime_id="rt-1",
                config={},
                tasks=(task,),
                nodes=(),
                endpoints={},
                totals=Totals(),
                price=None,
                findings=(),
                digest="d",
                created_at=tx.now,
            )
            tx.plans.add(plan)
            job = tx.jobs.add(plan)
            tx.queue.add_runner(new_id("run"), name="a test")
            tx.queue.claim("run-1", limit=10)
            [record] = tx.jobs.tasks(job.id)
        return TaskCall(task=record, input=given)

    def receive(self, desk: Desk, frontgate_id: str, frame: Frame) -> None:
        """Have a frame come over the connection that counts, or a new one where there is none."""
        with self.store.begin() as tx:
            found = tx.agents.frontgate(frontgate_id)
            number = found.connection
            if found.pilot_id is None:
                number = tx.agents.connect(
                    frontgate_id, pilot_id=desk.pilot_id, endpoints=["http://10.0.0.2:2379"]
                )
        desk.receive(Held(frontgate_id=frontgate_id, connection=number), frame)

    def row(self, call: TaskCall) -> TaskRecord:
        """Return a task as it is now."""
        with self.store.read() as tx:
            [record] = tx.jobs.tasks(call.task.job_id)
        return record

    def wait(self, call: TaskCall, operation: Any, *, after_s: float = 1000.0) -> None:
        """Put a task to sleep, as the runner does."""
        with self.store.begin() as tx:
            assert tx.queue.wait(call.task, operation, after_s=after_s)

    def is_awake(self, call: TaskCall) -> bool:
        """Say whether a task that slept is to be looked at now."""
        with self.store.read() as tx:
            return self.row(call).run_at <= tx.now

    def outbox(self, frontgate_id: str = "fg-1") -> list[Any]:
        """Return what a Frontgate has not acknowledged."""
        with self.store.read() as tx:
            return [message for _, message in tx.agents.unacknowledged({frontgate_id: 0})]


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A store with this version's tables and nothing in them."""
    store = core_world.open_store(database, tmp_path)
    yield store
    store.close()


@pytest.fixture
def world(store: Store) -> World:
    """The store with a runtime in it."""
    return World(store)


@pytest.fixture
def gates(world: Any, tmp_path: Path) -> Any:
    """The providers of a process that has used none yet."""
    services = core_world.make_services(world.store, tmp_path, core_world.registry_of())
    yield services.gates
    services.gates.close()


@pytest.fixture
def ensure(world: Any, gates: Any) -> FrontgateEnsure:
    """The task kind."""
    world.cluster()
    return FrontgateEnsure(
        store=world.store, provider=gates.of, pilot=PilotPlace(urls=("ws://127.0.0.1:1",))
    )


@attrs.frozen
class Note:
    """A released note and what reads it."""

    version_id: str
    loader: Any


@pytest.fixture
def release(store: Store, tmp_path: Path) -> Callable[..., Note]:
    """Return a function that releases a note."""

    def make(**says: Any) -> Note:
        folder = core_world.RepoFolder(tmp_path / "repo")
        folder.add(core_world.note(**says))
        registry = core_world.registry_of()
        services = core_world.make_services(store, tmp_path, registry)
        with store.begin() as tx:
            repo = Repo(id="repo-1", owner="admin", name="notes", url=folder.url, created_at=tx.now)
            tx.repos.add(repo)
        services.indexer.index(repo)
        with store.read() as tx:
            [version] = tx.catalog.versions(tx.catalog.app("app").id)
        return Note(version.id, services.loader)

    return make


@pytest.fixture
def play(world: World) -> Play:
    """Return a function that plays a scene with a Pilot that serves one Frontgate's cluster."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")

    def run(scene: Callable[[Served], Awaitable[None]], **options: Any) -> None:
        async def main() -> None:
            async with serving(world.store, **options) as served, asyncio.timeout(3 * PATIENCE_S):
                await scene(served)

        asyncio.run(main())

    return run


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
    made.content, made.before, made.paths = agent, [], []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


@pytest.fixture
def machine(tmp_path: Path, server: Server) -> Machine:
    """A machine."""
    return Machine(tmp_path, server)
