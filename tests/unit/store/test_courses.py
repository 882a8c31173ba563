"""The courses of jobs: no transition the table forbids, on either database, whoever is at it."""

import threading
from collections.abc import Callable

import pytest

from pitrix_core.model import Action, Cluster, Job, JobState, Task
from pitrix_core.model.job import JOB_TRANSITIONS
from pitrix_core.store import Store, Transaction, tables
from pitrix_core.testing.manual_clock import ManualClock

#: What may be done to a job → the state it leads to.
MOVES: dict[str, tuple[Callable[[Transaction, Job], object], JobState]] = {
    "begin": (lambda tx, job: tx.courses.begin(job), JobState.RUNNING),
    "refuse": (
        lambda tx, job: tx.courses.refuse(job.id, error="no", error_code="c"),
        JobState.FAILED,
    ),
    "pause": (lambda tx, job: tx.courses.pause(job.id), JobState.PAUSED),
    "resume": (lambda tx, job: tx.courses.resume(tx.jobs.get(job.id)), JobState.RUNNING),
    "stop": (
        lambda tx, job: tx.courses.stop(job.id, error="no", error_code="c"),
        JobState.STOPPING,
    ),
    "drop": (lambda tx, job: tx.courses.drop(job.id, error="no"), JobState.CANCELLED),
}


def task(key: str = "a", *after: str) -> Task:
    """A task of any kind."""
    return Task(key=key, kind="x.y", title=key, after=after)


def put_into(store: Store, job: Job, state: JobState) -> None:
    """Have a job in a state, however it came there."""
    with store.engine.begin() as connection:
        connection.execute(
            tables.jobs.update().where(tables.jobs.c.id == job.id).values(state=state)
        )


def state_of(store: Store, job: Job) -> JobState:
    """Return a job's state."""
    with store.read() as tx:
        return tx.jobs.get(job.id).state


@pytest.mark.parametrize("before", list(JobState), ids=str)
@pytest.mark.parametrize("move", list(MOVES))
def test_no_transition_is_written_that_the_table_forbids(
    store: Store, submit: Callable[..., Job], before: JobState, move: str
) -> None:
    """Whatever is done to a job in whatever state."""
    job = submit(task())
    put_into(store, job, before)
    act, _after = MOVES[move]

    with store.begin() as tx:
        act(tx, job)

    after = state_of(store, job)
    assert after is before or after in JOB_TRANSITIONS[before]


@pytest.mark.parametrize("move", list(MOVES))
def test_every_move_leads_where_it_should(
    store: Store, submit: Callable[..., Job], move: str
) -> None:
    """From a state that allows it."""
    job = submit(task())
    before = {"pause": "running", "stop": "running", "resume": "paused"}.get(move, "queued")
    put_into(store, job, JobState(before))
    act, expected = MOVES[move]

    with store.begin() as tx:
        act(tx, job)

    assert state_of(store, job) is expected


def test_a_paused_job_is_held_and_let_go(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Its deadline moves by the pause."""
    job = submit(task("a"), task("b", "a"))
    with store.begin() as tx:
        tx.courses.pause(job.id)
        tx.queue.add_runner("run-1", name="one")
        held = tx.queue.claim("run-1", limit=10)
    manual_clock.advance(60.0)

    with store.begin() as tx:
        tx.courses.resume(tx.jobs.get(job.id))
        claimed = tx.queue.claim("run-1", limit=10)

    assert held == []
    assert [claim.task.key for claim in claimed] == ["a"]


def test_a_roll_back_waits_for_the_job_it_undoes(store: Store, submit: Callable[..., Job]) -> None:
    """It is the next one on the cluster once no other is at work."""
    job = submit(task())

    with store.begin() as tx:
        undoing = tx.jobs.add_roll_back(job)
        before = tx.courses.next_on(job.cluster_id)
    put_into(store, job, JobState.CANCELLED)
    with store.read() as tx:
        after, at_work = tx.courses.next_on(job.cluster_id), tx.jobs.running_on(job.cluster_id)

    assert (before, after, at_work) == (None, undoing.id, undoing.id)
    assert (undoing.action, undoing.state) == (Action.ROLL_BACK, JobState.QUEUED)


def test_jobs_that_never_began_are_not_the_newest(store: Store, submit: Callable[..., Job]) -> None:
    """They changed nothing: the one before can go on."""
    job = submit(task())
    put_into(store, job, JobState.FAILED)
    with store.begin() as tx:
        undoing = tx.jobs.add_roll_back(job)
        waiting = tx.jobs.newest_on(job.cluster_id)
        tx.courses.refuse(undoing.id, error="no", error_code="undecided")

    with store.read() as tx:
        assert (waiting, tx.jobs.newest_on(job.cluster_id)) == (undoing.id, job.id)
        assert tx.jobs.undone_by(job.id) is None


def test_overdue_is_who_is_at_work_past_the_deadline(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Not one that is paused."""
    job = submit(task())
    with store.engine.begin() as connection:
        connection.execute(tables.jobs.update().values(deadline_at=manual_clock()))

    with store.begin() as tx:
        at_work = list(tx.courses.overdue())
        tx.courses.pause(job.id)
        paused = list(tx.courses.overdue())

    assert (at_work, paused) == ([job.id], [])


@pytest.mark.parametrize("stop", ["pause", "stop"])
def test_a_stop_beside_claims_leaves_nothing_to_be_started(
    store: Store, cluster: Cluster, submit: Callable[..., Job], stop: str
) -> None:
    """Tasks are claimed before it or not at all, however the two meet."""
    job = submit(*(task(f"t{number}") for number in range(40)))
    act, _after = MOVES[stop]
    claimed: list[str] = []
    with store.begin() as tx:
        tx.queue.add_runner("run-1", name="one")

    def claim() -> None:
        for _ in range(10):
            with store.begin() as tx:
                claimed.extend(each.task.key for each in tx.queue.claim("run-1", limit=2))

    runner = threading.Thread(target=claim)
    runner.start()
    with store.begin() as tx:
        tx.queue.lock_jobs([job.id])
        act(tx, job)
    runner.join(timeout=30)

    with store.begin() as tx:
        left = {each.key for each in tx.jobs.tasks(job.id) if each.state == "claimed"}
        later = tx.queue.claim("run-1", limit=100)
    assert left == set(claimed)
    assert later == []
