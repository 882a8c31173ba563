"""What is claimed: within the limits of runtimes, and fair to runtimes and jobs."""

import datetime as dt
from collections.abc import Callable

import attrs
import pytest
import sqlalchemy as sa

from pitrix_core.model import (
    Cluster,
    Job,
    Operation,
    OperationState,
    Pace,
    Plan,
    Runtime,
    RuntimeLimits,
    Task,
)
from pitrix_core.store import Store, tables
from pitrix_core.store.claims import Claim
from pitrix_core.testing.manual_clock import ManualClock

PENDING = Operation(request_key="key", kind="x.y", state=OperationState.PENDING)


@pytest.fixture
def submit(store: Store, cluster: Cluster, plan_of: Callable[..., Plan]) -> Callable[..., Job]:
    """Store a job of so many equal tasks on a runtime."""

    def submitted(count: int = 1, *, runtime_id: str = "rt-1", kind: str = "x.y") -> Job:
        tasks = [Task(key=f"t{number}", kind=kind, title="T") for number in range(count)]
        with store.begin() as tx:
            return tx.jobs.add(plan_of(*tasks, runtime_id=runtime_id))

    return submitted


def limit(store: Store, runtime_id: str = "rt-1", **limits: float) -> None:
    """Limit a runtime."""
    with store.begin() as tx:
        tx.runtimes.set_limits(runtime_id, RuntimeLimits(**limits))


def another_runtime(store: Store, **limits: float) -> None:
    """Store the runtime ``rt-2``."""
    runtime = Runtime(
        id="rt-2", name="there", provider="fake", owner="admin", limits=RuntimeLimits(**limits)
    )
    with store.begin() as tx:
        tx.runtimes.add(runtime, credential_id=None)


def claim(store: Store, *, limit: int = 100, **groups: int) -> list[Claim]:
    """Claim as a runner that lives; groups are kinds on the first runtime."""
    batches = {("rt-1", kind.replace("_", ".")): size for kind, size in groups.items()}
    with store.begin() as tx:
        if not tx.queue.beat("run-a"):
            tx.queue.add_runner("run-a", name="run-a")
        return tx.queue.claim("run-a", limit=limit, batches=batches)


def done(store: Store, claims: list[Claim]) -> None:
    """End claimed tasks."""
    with store.begin() as tx:
        for each in claims:
            tx.queue.succeed(each.task, {}, None)


def under_way(store: Store, claims: list[Claim], *, after_s: float = 0.0) -> None:
    """Let claimed tasks wait for their operations."""
    with store.begin() as tx:
        for each in claims:
            key = each.task.request_key or ""
            operation = attrs.evolve(PENDING, request_key=key, kind=each.task.kind)
            tx.queue.wait(each.task, operation, after_s=after_s)


def counted(claims: list[Claim]) -> dict[str, int]:
    """Return how many tasks of each job there are."""
    jobs = [each.task.job_id for each in claims]
    return {job_id: jobs.count(job_id) for job_id in set(jobs)}


# -- limits ----------------------------------------------------------------------------------------


def test_no_more_is_under_way_than_a_runtime_allows(
    store: Store, submit: Callable[..., Job]
) -> None:
    """For all runners together; what has ended makes room."""
    limit(store, concurrency=3)
    submit(10)

    first = claim(store)
    none = claim(store)
    done(store, first[:2])
    second = claim(store)

    assert (len(first), len(none), len(second)) == (3, 0, 2)


def test_no_more_is_sent_in_a_second_than_a_runtime_allows(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """The bucket fills as time goes by."""
    limit(store, rate_per_s=4.0)
    submit(100)

    found = []
    for pause_s in (0.0, 0.0, 0.5, 1.0, 60.0):
        manual_clock.advance(pause_s)
        found.append(len(claim(store)))

    assert found == [4, 0, 2, 4, 4]


def test_what_asks_nothing_of_a_cloud_has_no_limits(
    store: Store, submit: Callable[..., Job]
) -> None:
    """Messages to agents go on while their runtime is throttled."""
    limit(store, concurrency=1, rate_per_s=0.1)
    submit(5, kind="service.run")
    submit(5)

    kinds = [each.task.kind for each in claim(store)]

    assert sorted(kinds) == [*["service.run"] * 5, "x.y"]


def test_a_throttled_runtime_holds_no_other_back(store: Store, submit: Callable[..., Job]) -> None:
    """However much waits for it, and for however long."""
    another_runtime(store)
    submit(200)
    with store.begin() as tx:
        tx.lanes.slow_down("rt-1", seen_per_s=8.0)
    other = submit(5, runtime_id="rt-2")

    found = claim(store, limit=4)

    assert counted(found) == {other.id: 4}


def test_what_cannot_be_claimed_is_no_reason_to_claim(
    store: Store, submit: Callable[..., Job]
) -> None:
    """A runner that looks finds nothing to do while the only runtime is at its limit."""
    limit(store, concurrency=1)
    submit(2)
    claim(store)

    with store.read() as tx:
        assert not tx.queue.has_due()


def test_throttling_slows_all_runners_down(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Half of what was sent, taking it that the others sent as much."""
    submit(100)
    with store.begin() as tx:
        for runner_id in ("run-a", "run-b"):
            tx.queue.add_runner(runner_id, name=runner_id)
        rate = tx.lanes.slow_down("rt-1", seen_per_s=10.0)

    at_once = claim(store)
    manual_clock.advance(1.0)
    found = claim(store)

    assert rate.per_s_at(manual_clock()) == pytest.approx(10.0, rel=0.1)
    assert (len(at_once), len(found)) == (0, 10)


def test_it_can_be_seen_how_much_a_cloud_is_asked_for(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """What is under way, what may be, and what throttling has made of the rate."""
    limit(store, concurrency=5)
    submit(3)
    claim(store)
    with store.read() as tx:
        before = tx.lanes.pace("rt-1")
    with store.begin() as tx:
        tx.lanes.slow_down("rt-1", seen_per_s=10.0)
        after = tx.lanes.pace("rt-1")

    assert before == Pace(under_way=3, concurrency=5, rate_per_s=None, throttled_at=None)
    assert after == Pace(
        under_way=3, concurrency=5, rate_per_s=pytest.approx(5.0), throttled_at=manual_clock()
    )


def test_limits_can_be_changed(store: Store, submit: Callable[..., Job]) -> None:
    """What is claimed next keeps to them."""
    limit(store, concurrency=1)
    submit(10)
    claim(store)

    limit(store, concurrency=4)
    with store.read() as tx:
        stored = tx.runtimes.get("rt-1").limits

    assert stored == RuntimeLimits(concurrency=4)
    assert len(claim(store)) == 3


# -- fairness --------------------------------------------------------------------------------------


def test_a_large_job_starves_no_other(store: Store, submit: Callable[..., Job]) -> None:
    """One of five hundred tasks holds every slot; what is free next goes to the small one."""
    large = submit(500)
    held = claim(store, limit=4)
    small = submit(3)

    done(store, held[:1])
    second = claim(store, limit=1)
    done(store, held[1:2])
    third = claim(store, limit=1)

    assert counted(held) == {large.id: 4}
    assert counted(second + third) == {small.id: 2}


def test_a_job_alone_gets_everything(store: Store, submit: Callable[..., Job]) -> None:
    """Shares are for when others want them."""
    large = submit(500)
    claim(store, limit=4)

    assert counted(claim(store, limit=12)) == {large.id: 12}


def test_runtimes_share_what_is_free(store: Store, submit: Callable[..., Job]) -> None:
    """The one with fewer requests under way goes first."""
    another_runtime(store)
    here, there = submit(50), submit(50, runtime_id="rt-2")

    assert counted(claim(store, limit=8)) == {here.id: 4, there.id: 4}


def test_those_that_waited_longest_go_first(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Among jobs that hold nothing."""
    first = submit(2)
    manual_clock.advance(1.0)
    submit(2)

    assert counted(claim(store, limit=2)) == {first.id: 2}


# -- polls that share a request --------------------------------------------------------------------


def test_polls_ride_on_each_other(store: Store, submit: Callable[..., Job]) -> None:
    """They take one slot together, whatever the limits; and only so many."""
    limit(store, concurrency=10)
    submit(25)
    for _ in range(3):
        under_way(store, claim(store), after_s=60.0)
    with store.begin() as tx:
        tx.queue.wake_kind("x.y")

    limit(store, concurrency=1)
    first = claim(store, limit=4, x_y=20)
    second = claim(store, limit=4, x_y=20)

    assert len(first) == 20
    assert second == []
    assert {each.group for each in first} == {("rt-1", "x.y")}


def test_riders_cost_no_token(store: Store, submit: Callable[..., Job]) -> None:
    """One request is sent for all of them."""
    submit(30)
    under_way(store, claim(store))
    limit(store, rate_per_s=2.0)

    found = claim(store, x_y=10)
    with store.read() as tx:
        left = tx.lanes.rate("rt-1").tokens

    assert len(found) == 20
    assert left == 0.0


def test_starts_do_not_ride(store: Store, submit: Callable[..., Job]) -> None:
    """Each is a request of its own."""
    submit(30)

    assert len(claim(store, limit=4, x_y=20)) == 4


def test_a_stage_that_is_to_be_advanced_does_not_ride(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """It is not polled next."""
    submit(2)
    claims = claim(store)
    operation = attrs.evolve(PENDING, state=OperationState.NEXT_STAGE)
    with store.begin() as tx:
        for each in claims:
            tx.queue.wait(each.task, operation, after_s=0.0)

    found = claim(store, limit=1, x_y=20)

    assert [each.group for each in found] == [None]


# -- cost ------------------------------------------------------------------------------------------


def test_a_claim_reads_what_is_due_by_an_index() -> None:
    """Thousands of polls that are not due yet cost it nothing."""
    columns = tables.tasks.c
    query = sa.select(columns.id).where(
        columns.state == "ready", columns.lane == "", columns.run_at <= dt.datetime.now(dt.UTC)
    )
    engine = sa.create_engine("sqlite://")
    tables.metadata.create_all(engine)
    text = query.order_by(columns.run_at, columns.id).compile(engine)

    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("", "", "")).all()

    assert "INDEX ix_tasks_claim (state=? AND lane=? AND run_at<?)" in found[0][-1]


def test_times_are_the_databases(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """A claim says when it was made, and of which lane."""
    submit()
    manual_clock.advance(5.0)

    [found] = claim(store)

    assert found.claimed_at == manual_clock()
    assert found.claimed_at.tzinfo is dt.UTC
    assert found.lane == "rt-1"
