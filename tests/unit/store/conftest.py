"""A store on each kind of database, on a clock that stands."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet

from pitrix_core.model import Action, Cluster, ClusterState, Job, Plan, Runtime, Task, Totals
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.testing.manual_clock import ManualClock


@pytest.fixture
def store(database_url: str, manual_clock: ManualClock) -> Iterator[Store]:
    """An empty store."""
    engine = make_engine(database_url)
    store = Store(engine, cipher=Cipher(Fernet.generate_key()), clock=lambda _: manual_clock())
    yield store
    store.close()


@pytest.fixture
def runtime(store: Store) -> Runtime:
    """A stored runtime."""
    runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin", zone="")
    with store.begin() as tx:
        tx.runtimes.add(runtime, credential_id=None)
    return runtime


@pytest.fixture
def cluster(store: Store, runtime: Runtime, manual_clock: ManualClock) -> Cluster:
    """A stored cluster."""
    cluster = Cluster(
        id="cl-1",
        name="demo",
        owner="alice",
        state=ClusterState.CREATING,
        runtime_id=runtime.id,
        app_version_id="ver-1",
        config={},
        revision=1,
        created_at=manual_clock(),
        updated_at=manual_clock(),
    )
    with store.begin() as tx:
        tx.clusters.add(cluster)
    return cluster


@pytest.fixture
def plan_of(manual_clock: ManualClock) -> Callable[..., Plan]:
    """Make a plan of some tasks for the stored cluster, unless more is said of it."""

    def planned(*tasks: Task, **values: Any) -> Plan:
        usual: dict[str, Any] = {
            "id": "pln-1",
            "action": Action.CREATE,
            "owner": "alice",
            "cluster_id": "cl-1",
            "cluster_name": "demo",
            "revision": 0,
            "app_version_id": "ver-1",
            "runtime_id": "rt-1",
            "config": {},
            "nodes": (),
            "endpoints": {},
            "totals": Totals(),
            "price": None,
            "findings": (),
            "digest": "",
            "created_at": manual_clock(),
        }
        return Plan(**{**usual, "tasks": tasks, **values})

    return planned


@pytest.fixture
def submit(store: Store, cluster: Cluster, plan_of: Callable[..., Plan]) -> Callable[..., Job]:
    """Store a job of some tasks."""

    def submitted(*tasks: Task) -> Job:
        with store.begin() as tx:
            return tx.jobs.add(plan_of(*tasks))

    return submitted
