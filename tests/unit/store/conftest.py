"""A store on each kind of database, on a clock that stands."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from pitrix_core.model import Cluster, ClusterState, Runtime
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
