"""Parts of long lists, on both databases."""

from collections.abc import Callable, Iterable

import attrs
import pytest

from pitrix_core.errors import NotFoundError
from pitrix_core.model import Cluster, Job, Plan, Task
from pitrix_core.store import Store
from pitrix_core.store.slices import Slice
from pitrix_core.testing.manual_clock import ManualClock

Listing = Callable[[Slice], list[str]]


def ids(rows: "Iterable[Cluster | Job]") -> list[str]:
    """The ids of rows."""
    return [row.id for row in rows]


@pytest.fixture
def clusters(store: Store, cluster: Cluster, manual_clock: ManualClock) -> Listing:
    """The list of four clusters, two of which were made at the same moment."""
    with store.begin() as tx:
        for number in (2, 3):
            tx.clusters.add(attrs.evolve(cluster, id=f"cl-{number}", name=f"demo-{number}"))
    manual_clock.advance(1.0)
    with store.begin() as tx:
        tx.clusters.add(attrs.evolve(cluster, id="cl-0", name="demo-0"))

    def listed(part: Slice) -> list[str]:
        with store.read() as tx:
            return ids(tx.clusters.search(part=part))

    return listed


@pytest.fixture
def job(
    store: Store, cluster: Cluster, plan_of: Callable[..., Plan], manual_clock: ManualClock
) -> Job:
    """The last of four jobs, with four tasks."""
    plan = plan_of(*(Task(key=key, kind="volume.create", title=key) for key in "dbca"))
    with store.begin() as tx:
        jobs = [tx.jobs.add(plan) for _ in range(3)]
    manual_clock.advance(1.0)
    with store.begin() as tx:
        return [*jobs, tx.jobs.add(plan)][-1]


@pytest.fixture
def jobs(store: Store, job: Job) -> Listing:
    """The list of jobs."""

    def listed(part: Slice) -> list[str]:
        with store.read() as tx:
            return ids(tx.jobs.search(part=part))

    return listed


@pytest.fixture
def tasks(store: Store, job: Job) -> Listing:
    """The list of a job's tasks."""

    def listed(part: Slice) -> list[str]:
        with store.read() as tx:
            return [task.id for task in tx.jobs.tasks(job.id, part=part)]

    return listed


@pytest.fixture(params=["clusters", "jobs", "tasks"])
def listing(
    request: pytest.FixtureRequest, clusters: Listing, jobs: Listing, tasks: Listing
) -> Listing:
    """Each of the long lists."""
    return {"clusters": clusters, "jobs": jobs, "tasks": tasks}[request.param]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_slices_join_up(listing: Listing, limit: int) -> None:
    """However long they are, one after another they hold everything once, in its order."""
    whole = listing(Slice())
    seen: list[str] = []

    while part := listing(Slice(after=seen[-1] if seen else None, limit=limit)):
        seen += part

    assert len(whole) == 4
    assert seen == whole


def test_a_slice_begins_after_something(listing: Listing) -> None:
    """What is not there any more is no place in a list."""
    with pytest.raises(NotFoundError) as caught:
        listing(Slice(after="nothing"))

    assert "cursor" in (caught.value.next_step or "")


def test_clusters_are_listed_oldest_first(clusters: Listing) -> None:
    """Those of one moment by their ids."""
    assert clusters(Slice()) == ["cl-1", "cl-2", "cl-3", "cl-0"]


def test_jobs_are_listed_newest_first(jobs: Listing, job: Job) -> None:
    """The last one begins the list."""
    assert jobs(Slice(limit=1)) == [job.id]
