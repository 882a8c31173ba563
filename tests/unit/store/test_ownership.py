"""Whose a resource in an account is, by what is written down."""

import datetime as dt
from collections.abc import Callable

import attrs
import pytest

from pitrix_core.model import (
    Cluster,
    ClusterState,
    Job,
    Operation,
    OperationState,
    Orphan,
    OwnedResource,
    Task,
    TaskState,
)
from pitrix_core.store import Store, tables
from pitrix_core.testing.manual_clock import ManualClock

VOLUME = OwnedResource(
    cluster_id="cl-1",
    kind="volume.create",
    resource_id="vol-1",
    node_id=None,
    request_key="t-1-1",
)


@pytest.fixture
def volume(store: Store, cluster: Cluster) -> OwnedResource:
    """A volume that is recorded for the cluster."""
    with store.begin() as tx:
        tx.clusters.put_resource(VOLUME, owner="alice", runtime_id="rt-1")
    return VOLUME


@pytest.fixture
def key(store: Store, submit: Callable[..., Job]) -> str:
    """The key of a request that a task has sent."""
    submit(Task(key="a", kind="volume.create", title="Make it", input={}))
    with store.begin() as tx:
        [claim] = tx.queue.claim("run-1", limit=1)
    return str(claim.task.request_key)


def set_task(store: Store, **values: object) -> None:
    with store.engine.begin() as connection:
        connection.execute(tables.tasks.update().values(**values))


def test_what_is_recorded_is_found_by_its_id(store: Store, volume: OwnedResource) -> None:
    """With its interface, and how its cluster stands; however many are asked for."""
    ids = [f"vol-{number}" for number in range(1200)]

    with store.read() as tx:
        [found] = tx.ownership.recorded(ids)

    assert (found.resource_id, found.interface) == ("vol-1", "volume")
    assert (found.cluster_id, found.cluster_state) == ("cl-1", ClusterState.CREATING)
    assert found.released_at is None


@pytest.mark.parametrize(
    ("state", "operation", "is_open", "may_go_on"),
    [
        pytest.param(TaskState.CLAIMED, None, True, True, id="under-way"),
        pytest.param(TaskState.FAILED, None, False, True, id="undecided"),
        pytest.param(TaskState.FAILED, OperationState.PENDING, False, True, id="given-up"),
        pytest.param(TaskState.FAILED, OperationState.FAILED, False, False, id="failed"),
        pytest.param(TaskState.SUCCEEDED, OperationState.DONE, False, False, id="done"),
    ],
)
def test_a_request_is_known_by_its_key(
    store: Store,
    key: str,
    *,
    state: TaskState,
    operation: OperationState | None,
    is_open: bool,
    may_go_on: bool,
) -> None:
    """With what may still come of it."""
    kept = None
    if operation is not None:
        kept = attrs.asdict(Operation(request_key=key, kind="volume.create", state=operation))
    set_task(store, state=state, operation=kept)

    with store.read() as tx:
        found = tx.ownership.requests([key, "t-unknown-1"])

    assert found.keys() == {key}
    assert (found[key].is_open, found[key].may_go_on) == (is_open, may_go_on)
    assert found[key].sent_at is not None


def test_clusters_live_until_they_are_deleted(store: Store, cluster: Cluster) -> None:
    """Those that were never there do not."""
    with store.begin() as tx:
        before = tx.ownership.live_clusters([cluster.id, "cl-9"])
        tx.clusters.set_state(cluster.id, ClusterState.DELETED)
        after = tx.ownership.live_clusters([cluster.id])

    assert (before, after) == ({cluster.id}, frozenset())


def test_what_came_of_a_request_may_not_be_known(store: Store, cluster: Cluster, key: str) -> None:
    """Its task's title says what it was about; what is recorded is known."""
    set_task(store, state=TaskState.FAILED)
    with store.begin() as tx:
        before = tx.ownership.open_requests(cluster.id)
        made = attrs.evolve(VOLUME, request_key=key)
        tx.clusters.put_resource(made, owner="alice", runtime_id="rt-1")
        after = tx.ownership.open_requests(cluster.id)

    assert (before, after) == ({key: "Make it"}, {})


def test_what_is_missing_is_what_is_not_listed(
    store: Store, volume: OwnedResource, manual_clock: ManualClock
) -> None:
    """Of clusters that no job works on, once it has been there for a while."""
    late = manual_clock() + dt.timedelta(seconds=1)
    with store.begin() as tx:
        during = tx.ownership.missing("rt-1", listed=(), settled_before=late)
        tx.clusters.set_state("cl-1", ClusterState.ACTIVE)
        young = tx.ownership.missing("rt-1", listed=(), settled_before=manual_clock())
        listed = tx.ownership.missing("rt-1", listed=[("volume", "vol-1")], settled_before=late)
        [lost] = tx.ownership.missing("rt-1", listed=(), settled_before=late)

    assert (during, young, listed) == ([], [], [])
    assert (lost.resource_id, lost.cluster_name) == ("vol-1", "demo")


def test_two_orphans_of_one_request_are_recorded_and_let_go(store: Store, cluster: Cluster) -> None:
    """Each under a key of its own."""
    orphans = [
        Orphan(interface="volume", id=name, cluster_id="cl-0", request_key="t-0-1")
        for name in ("vol-1", "vol-2")
    ]

    with store.begin() as tx:
        tx.ownership.adopt(orphans, cluster=cluster)
        adopted = tx.clusters.snapshot(cluster.id).resources
        tx.ownership.let_go(cluster.id)
        left = tx.clusters.snapshot(cluster.id).resources

    found = {(each.kind, each.resource_id) for each in adopted}
    assert found == {("orphan.volume", "vol-1"), ("orphan.volume", "vol-2")}
    assert left == ()


def test_interfaces_are_named_of_which_something_is_about_to_be_shared(
    store: Store, key: str
) -> None:
    """While a task that ensures it is open."""
    set_task(store, kind="network.ensure")
    with store.begin() as tx:
        before = tx.ownership.ensured_interfaces()
    set_task(store, state=TaskState.SUCCEEDED)
    with store.begin() as tx:
        after = tx.ownership.ensured_interfaces()

    assert (before, after) == ({"network"}, frozenset())
