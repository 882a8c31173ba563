"""The queue and the catalogue on PostgreSQL, where several write at a time."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet

from pitrix_core.model import (
    AppInfo,
    Job,
    Operation,
    OperationState,
    RuntimeLimits,
    Task,
    access,
)
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.queue import Claim
from pitrix_core.store.repos import Repo
from pitrix_core.testing.manual_clock import ManualClock


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    """A store that goes by the database's own clock."""
    store = Store(make_engine(postgresql_url), cipher=Cipher(Fernet.generate_key()))
    yield store
    store.close()


def claim(store: Store, runner_id: str, *, limit: int = 100) -> list[Claim]:
    """Claim as a runner that lives."""
    with store.begin() as tx:
        if not tx.queue.beat(runner_id):
            tx.queue.add_runner(runner_id, name=runner_id)
        return tx.queue.claim(runner_id, limit=limit)


def task(key: str, *after: str) -> Task:
    """A task of any kind."""
    return Task(key=key, kind="x.y", title=key, after=after)


def test_each_task_is_claimed_once(store: Store, submit: Callable[..., Job]) -> None:
    """However many ask at the same time."""
    submit(*(task(f"t{number}") for number in range(200)))
    with store.begin() as tx:
        tx.runtimes.set_limits("rt-1", RuntimeLimits(concurrency=200))
    claimed: list[str] = []

    def work(number: int) -> None:
        while claims := claim(store, f"run-{number}", limit=7):
            claimed.extend(each.task.id for each in claims)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(set(claimed)) == len(claimed) == 200


def test_the_last_two_tasks_of_a_job_end_it_together(
    store: Store, submit: Callable[..., Job]
) -> None:
    """Two transactions that are open at the same time do not each leave it to the other."""
    for _ in range(20):
        job = submit(task("a"), task("b"))
        claims = claim(store, "run-a")
        barrier = threading.Barrier(2)
        ended: list[str | None] = []
        threads = [
            threading.Thread(target=_end, args=(store, each, barrier, ended)) for each in claims
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)

        assert sorted(ended, key=str) == [None, "succeeded"]
        with store.read() as tx:
            assert tx.jobs.get(job.id).state == "succeeded"


def _end(store: Store, claimed: Claim, barrier: threading.Barrier, ended: list[str | None]) -> None:
    barrier.wait(timeout=10)
    with store.begin() as tx:
        tx.queue.lock_jobs([claimed.task.job_id])
        tx.queue.succeed(claimed.task, {}, None)
        ended.append(tx.courses.settle(claimed.task.job_id))


def test_waking_while_a_claim_is_made_is_not_lost(store: Store, submit: Callable[..., Job]) -> None:
    """Whichever of the two is first, the task is polled soon."""
    job = submit(task("a"))
    [first] = claim(store, "run-a")
    pending = Operation(request_key="key", kind="x.y", state=OperationState.PENDING)
    with store.begin() as tx:
        tx.queue.wait(first.task, pending, after_s=0.0)
    waker = threading.Thread(target=_wake, args=(store,))

    with store.begin() as tx:
        [second] = tx.queue.claim("run-a", limit=1)
        waker.start()
        waker.join(timeout=0.3)  # it waits for this transaction
        was_waiting = waker.is_alive()
    waker.join(timeout=10)
    with store.begin() as tx:
        tx.queue.wait(second.task, pending, after_s=999.0)
        now = tx.now

    with store.read() as tx:
        [found] = tx.jobs.tasks(job.id)
    assert was_waiting
    assert found.run_at <= now


def _wake(store: Store) -> None:
    with store.begin() as tx:
        tx.queue.wake_kind("x.y")


def test_a_job_goes_on_after_a_failure_and_a_take_over(
    store: Store, submit: Callable[..., Job]
) -> None:
    """Skip, retry and orphans, by the database's own clock."""
    job = submit(task("a"), task("b", "a"))
    [first] = claim(store, "run-a")
    with store.begin() as tx:
        tx.queue.fail(first.task, None, error="no", error_code="c")
        tx.courses.settle(job.id)
        failed = tx.jobs.get(job.id)
        tx.jobs.retry(job.id)
    [again] = claim(store, "run-a")
    with store.begin() as tx:
        tx.queue.remove_runner("run-a")
        freed = tx.queue.take_over(lease_s=6.0)
        idle = tx.courses.idle()
    [last] = claim(store, "run-b")

    assert (failed.state, failed.error) == ("failed", "a: no")
    assert list(freed) == [again.task.id]
    assert list(idle) == []
    assert last.maybe_sent


def test_two_who_write_versions_of_one_app_list_it_one_after_the_other(
    store: Store, manual_clock: ManualClock
) -> None:
    """Neither is in the other's way for good, and the second sees what the first wrote."""
    at = manual_clock()
    app = App(id="app-1", owner="admin", repo_id="repo-1", name="etcd", created_at=at)
    with store.begin() as tx:
        tx.repos.add(Repo(id="repo-1", owner="admin", name="r", url="file:///r", created_at=at))
        tx.catalog.put_app(app)
    have_written = threading.Barrier(2, timeout=60)

    def write(version: str) -> None:
        with store.begin() as tx:
            tx.catalog.add_version(
                AppVersion(
                    id=f"ver-{version}",
                    owner="admin",
                    app_id=app.id,
                    version=version,
                    app_version="",
                    state="active",
                    info=AppInfo(name=app.name, version=version),
                    created_at=at,
                )
            )
            have_written.wait()
            tx.listings.refresh([app.id])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, ["1.0.0", "2.0.0"]))

    with store.read() as tx:
        listing = tx.search.page(app.id, viewer=access.admin("admin")).listing
    assert (listing.versions, listing.latest_version) == (2, "2.0.0")
