"""The queue on PostgreSQL, where several write at a time."""

import threading
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from pitrix_core.model import (
    Action,
    Cluster,
    ClusterState,
    Job,
    Operation,
    OperationState,
    Plan,
    Runtime,
    RuntimeLimits,
    Task,
    Totals,
)
from pitrix_core.store import Cipher, Store, make_engine, new_id
from pitrix_core.store.queue import Claim


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    """A store with a runtime and a cluster in it."""
    store = Store(make_engine(postgresql_url), cipher=Cipher(Fernet.generate_key()))
    with store.begin() as tx:
        runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin", zone="")
        tx.runtimes.add(runtime, credential_id=None)
        tx.clusters.add(
            Cluster(
                id="cl-1",
                name="demo",
                owner="admin",
                state=ClusterState.CREATING,
                runtime_id="rt-1",
                app_version_id="ver-1",
                config={},
                revision=1,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
    yield store
    store.close()


def submit(store: Store, *tasks: Task) -> Job:
    """Store a job."""
    with store.begin() as tx:
        plan = Plan(
            id=new_id("pln"),
            action=Action.CREATE,
            owner="admin",
            cluster_id="cl-1",
            cluster_name="demo",
            revision=0,
            app_version_id="ver-1",
            runtime_id="rt-1",
            config={},
            tasks=tasks,
            nodes=(),
            endpoints={},
            totals=Totals(),
            price=None,
            findings=(),
            digest="",
            created_at=tx.now,
        )
        return tx.jobs.add(plan)


def claim(store: Store, runner_id: str, *, limit: int = 100) -> list[Claim]:
    """Claim as a runner that lives."""
    with store.begin() as tx:
        if not tx.queue.beat(runner_id):
            tx.queue.add_runner(runner_id, name=runner_id)
        return tx.queue.claim(runner_id, limit=limit)


def task(key: str, *after: str) -> Task:
    """A task of any kind."""
    return Task(key=key, kind="x.y", title=key, after=after)


def test_each_task_is_claimed_once(store: Store) -> None:
    """However many ask at the same time."""
    submit(store, *(task(f"t{number}") for number in range(200)))
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


def test_the_last_two_tasks_of_a_job_end_it_together(store: Store) -> None:
    """Two transactions that are open at the same time do not each leave it to the other."""
    for _ in range(20):
        job = submit(store, task("a"), task("b"))
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


def test_waking_while_a_claim_is_made_is_not_lost(store: Store) -> None:
    """Whichever of the two is first, the task is polled soon."""
    job = submit(store, task("a"))
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


def test_a_job_goes_on_after_a_failure_and_a_take_over(store: Store) -> None:
    """Skip, retry and orphans, by the database's own clock."""
    job = submit(store, task("a"), task("b", "a"))
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
