"""The queue: claims under a fence, leases, waking, and no transition that the table forbids."""

import datetime as dt
import threading
from collections.abc import Callable

import attrs
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model import (
    Job,
    Operation,
    OperationState,
    Task,
    TaskState,
)
from pitrix_core.model.access import ALL_ACTIONS, Actor
from pitrix_core.model.job import TASK_TRANSITIONS
from pitrix_core.store import Cipher, Store, make_engine, tables
from pitrix_core.store.queue import Claim
from pitrix_core.testing.manual_clock import ManualClock

LEASE_S = 6.0
PENDING = Operation(request_key="key", kind="x.y", state=OperationState.PENDING)


def task(key: str = "a", *after: str) -> Task:
    """A task of any kind."""
    return Task(key=key, kind="x.y", title=key, after=after)


def claim(store: Store, runner_id: str = "run-a", *, limit: int = 10) -> list[Claim]:
    """Claim as a runner that lives."""
    with store.begin() as tx:
        if not tx.queue.beat(runner_id):
            tx.queue.add_runner(runner_id, name=runner_id)
        return tx.queue.claim(runner_id, limit=limit)


def state(store: Store, job: Job) -> TaskState:
    """State of the only task."""
    with store.read() as tx:
        [found] = tx.jobs.tasks(job.id)
        return found.state


def test_a_claim_is_written_before_anything_is_sent(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Key, moment and number are in the database when the claim is answered."""
    job = submit(task())

    [claimed] = claim(store)

    with store.read() as tx:
        [stored] = tx.jobs.tasks(job.id)
    assert stored == claimed.task
    assert stored.state is TaskState.CLAIMED
    assert stored.request_key == f"{stored.id}-1"
    assert stored.sent_at == stored.started_at == claimed.claimed_at == manual_clock()
    assert (stored.attempts, stored.fence, claimed.maybe_sent) == (1, 1, False)


def test_no_more_is_claimed_than_asked_for(store: Store, submit: Callable[..., Job]) -> None:
    """Those that waited longest go first."""
    submit(*(task(f"t{number}") for number in range(5)))

    first, second = claim(store, limit=2), claim(store, "run-b", limit=10)

    assert (len(first), len(second)) == (2, 3)
    assert not {each.task.id for each in first} & {each.task.id for each in second}
    assert claim(store) == []


def test_what_a_task_waits_for_can_be_read(store: Store, submit: Callable[..., Job]) -> None:
    """While its operation is under way, for those who look at the job."""
    job = submit(task())
    [claimed] = claim(store)
    with store.begin() as tx:
        tx.queue.wait(claimed.task, attrs.evolve(PENDING, error="no room yet"), after_s=5.0)

    with store.read() as tx:
        [found] = tx.jobs.tasks(job.id)

    assert found.error == "no room yet"


def test_only_what_is_due_is_claimed(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """A task waits until its time."""
    submit(task())
    [claimed] = claim(store)
    with store.begin() as tx:
        tx.queue.wait(claimed.task, PENDING, after_s=5.0)

    with store.read() as tx:
        early = tx.queue.has_due()
    none = claim(store)
    manual_clock.advance(5.0)
    with store.read() as tx:
        due = tx.queue.has_due()
    [again] = claim(store)

    assert (early, none, due) == (False, [], True)
    assert again.task.operation == PENDING
    assert (again.task.attempts, again.task.fence, again.maybe_sent) == (1, 2, False)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda tx, old: tx.queue.wait(old, PENDING, after_s=1.0), id="wait"),
        pytest.param(
            lambda tx, old: tx.queue.retry(old, after_s=1.0, error="e", error_code="c"), id="retry"
        ),
        pytest.param(lambda tx, old: tx.queue.postpone(old, after_s=1.0), id="postpone"),
        pytest.param(lambda tx, old: tx.queue.succeed(old, {}, None), id="succeed"),
        pytest.param(lambda tx, old: tx.queue.fail(old, None, error="e", error_code="c"), id="f"),
        pytest.param(lambda tx, old: tx.queue.give_up(old, error="e", error_code="c"), id="give"),
    ],
)
def test_a_lost_claim_writes_nothing(
    store: Store, submit: Callable[..., Job], write: Callable[..., bool]
) -> None:
    """Whoever was taken for dead is refused, whatever became of the task since."""
    job = submit(task(), task("b", "a"))
    [old] = claim(store)
    with store.begin() as tx:
        tx.queue.remove_runner("run-a")
        tx.queue.take_over(lease_s=LEASE_S)
        freed = tx.jobs.tasks(job.id)
        is_written_freed = write(tx, old.task)
    claim(store, "run-b")
    with store.begin() as tx:
        before = tx.jobs.tasks(job.id)
        is_written_claimed = write(tx, old.task)
        after = tx.jobs.tasks(job.id)

    assert (is_written_freed, is_written_claimed) == (False, False)
    assert freed[0].state is TaskState.READY
    assert before == after


def test_a_live_runner_keeps_its_tasks(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Until it was silent for longer than the lease."""
    job = submit(task())
    claim(store)
    manual_clock.advance(LEASE_S)
    with store.begin() as tx:
        kept = tx.queue.take_over(lease_s=LEASE_S)
    manual_clock.advance(0.1)
    with store.begin() as tx:
        freed = tx.queue.take_over(lease_s=LEASE_S)
        is_alive = tx.queue.beat("run-a")

    assert list(kept) == []
    assert len(freed) == 1
    assert not is_alive
    assert state(store, job) is TaskState.READY
    [again] = claim(store, "run-b")
    assert again.maybe_sent
    assert again.task.attempts == 1


def test_a_claim_made_while_its_runner_was_taken_for_dead_is_freed(
    store: Store, submit: Callable[..., Job]
) -> None:
    """A claimed task whose runner has no row belongs to nobody."""
    job = submit(task())
    with store.begin() as tx:
        tx.queue.claim("run-removed", limit=1)

    with store.begin() as tx:
        tx.queue.add_runner("run-b", name="b")
        tx.queue.take_over(lease_s=LEASE_S)

    assert state(store, job) is TaskState.READY


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda tx, it: tx.queue.wait(it, PENDING, after_s=99.0), id="wait"),
        pytest.param(
            lambda tx, it: tx.queue.retry(it, after_s=99.0, error="e", error_code="c"), id="retry"
        ),
        pytest.param(lambda tx, it: tx.queue.postpone(it, after_s=99.0), id="postpone"),
    ],
)
@pytest.mark.parametrize("by", ["request", "kind", "node"])
def test_waking_a_claimed_task_is_not_lost(
    store: Store,
    submit: Callable[..., Job],
    manual_clock: ManualClock,
    write: Callable[..., bool],
    by: str,
) -> None:
    """What happened while it was polled has it polled again at once."""
    job = submit(attrs.evolve(task(), node_id="cln-1"))
    [claimed] = claim(store)
    with store.begin() as tx:
        if by == "request":
            tx.queue.wake_request(claimed.task.request_key or "")
        else:
            tx.queue.wake_kind("x.y", node_id="cln-1" if by == "node" else None)
    with store.begin() as tx:
        write(tx, claimed.task)

    with store.read() as tx:
        [found] = tx.jobs.tasks(job.id)
    assert found.run_at == manual_clock()


def test_a_wake_counts_once(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """The next claim begins asleep."""
    job = submit(task())
    for _ in range(2):
        [claimed] = claim(store)
        with store.begin() as tx:
            if claimed.task.fence == 1:
                tx.queue.wake_kind("x.y")
            tx.queue.wait(claimed.task, PENDING, after_s=99.0)

    with store.read() as tx:
        [found] = tx.jobs.tasks(job.id)
    assert found.run_at == manual_clock() + dt.timedelta(seconds=99)


def test_waking_a_waiting_poll_brings_it_forward(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """Of those alone that are meant."""
    first, second = submit(task()), submit(task())
    for claimed in claim(store):
        with store.begin() as tx:
            tx.queue.wait(claimed.task, PENDING, after_s=99.0)
    with store.begin() as tx:
        tx.queue.wake_kind("x.y", node_id="another")
        tx.queue.wake_request(f"{tx.jobs.tasks(first.id)[0].id}-1")

    with store.read() as tx:
        [woken], [asleep] = tx.jobs.tasks(first.id), tx.jobs.tasks(second.id)
    assert woken.run_at == manual_clock()
    assert asleep.run_at == manual_clock() + dt.timedelta(seconds=99)


def test_waking_does_not_start_what_has_to_wait(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """A start that was refused for now keeps its delay."""
    job = submit(task())
    [claimed] = claim(store)
    with store.begin() as tx:
        tx.queue.retry(claimed.task, after_s=50.0, error="busy", error_code="c")
        tx.queue.wake_kind("x.y")

    with store.read() as tx:
        [found] = tx.jobs.tasks(job.id)
    assert found.run_at == manual_clock() + dt.timedelta(seconds=50)
    assert (found.error, found.sent_at) == ("busy", None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # its triggers are simple
def test_every_change_of_a_state_is_in_the_table(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """A trigger of the database watches every path: success, retry, failure, skip, job's retry."""
    allowed = {(before, after) for before, afters in TASK_TRANSITIONS.items() for after in afters}
    _watch_transitions(store)
    job = submit(task("a"), task("b"), task("c"), task("d", "a"), task("e", "d", "b"))
    for _ in range(2):
        first, second, third, *_ = sorted(claim(store), key=lambda each: each.task.key)
        with store.begin() as tx:
            tx.queue.succeed(first.task, {"id": "1"}, None)
            tx.queue.retry(second.task, after_s=0.0, error="e", error_code="c")
            tx.queue.wait(third.task, PENDING, after_s=0.0)
        remaining = claim(store)
        with store.begin() as tx:
            tx.queue.fail(remaining[0].task, None, error="e", error_code="c")
            for other in remaining[1:]:
                tx.queue.postpone(other.task, after_s=0.0)
            tx.courses.settle(job.id)
        for other in claim(store):
            with store.begin() as tx:
                tx.queue.give_up(other.task, error="e", error_code="c")
                tx.courses.settle(job.id)
        with store.begin() as tx:
            tx.jobs.retry(job.id)

    with store.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT DISTINCT old, new FROM seen")).all()
    seen = {(TaskState(old), TaskState(new)) for old, new in rows if old != new}
    assert seen <= allowed
    assert (TaskState.SKIPPED, TaskState.WAITING) in seen
    assert (TaskState.FAILED, TaskState.READY) in seen


def _watch_transitions(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE seen (old TEXT, new TEXT)"))
        connection.execute(
            sa.text(
                "CREATE TRIGGER watch AFTER UPDATE ON tasks"
                " BEGIN INSERT INTO seen VALUES (old.state, new.state); END"
            )
        )


def test_claims_of_several_connections_never_meet(
    store: Store, submit: Callable[..., Job], database_url: str
) -> None:
    """Each task is claimed once, also when many ask at the same time."""
    submit(*(task(f"t{number}") for number in range(60)))
    claimed: list[str] = []

    def work(number: int) -> None:
        engine = make_engine(database_url)
        own = Store(engine, cipher=Cipher(Fernet.generate_key()))
        while claims := claim(own, f"run-{number}", limit=3):
            claimed.extend(each.task.id for each in claims)
        own.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(claimed) == len(set(claimed)) == 60


def test_two_runners_end_a_job_together(store: Store, submit: Callable[..., Job]) -> None:
    """Whoever locks the job second sees what the first one wrote."""
    job = submit(task("a"), task("b"))
    first, second = claim(store)
    with store.begin() as tx:
        tx.queue.lock_jobs([job.id, job.id])
        tx.queue.succeed(first.task, {}, None)
        early = tx.courses.settle(job.id)
    with store.begin() as tx:
        tx.queue.lock_jobs([job.id])
        tx.queue.succeed(second.task, {}, None)
        ended = tx.courses.settle(job.id)

    assert (early, ended) == (None, "succeeded")


def test_the_newest_job_of_a_cluster_is_known(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """And the one at work; lists are by owner and by cluster, newest first, with progress."""
    first = submit(task("a"), task("b", "a"))
    manual_clock.advance(1)
    second = submit(task())

    with store.read() as tx:
        tx.jobs.require_newest(second)
        everybodys = tx.jobs.search()
        nobodys = tx.jobs.search(viewer=Actor(owner="bob", actions=ALL_ACTIONS))
        running = tx.jobs.running_on("cl-1")
        idle = tx.jobs.running_on("cl-2")

    assert [job.id for job in everybodys] == [second.id, first.id]
    assert everybodys[1].progress == {"ready": 1, "waiting": 1}
    assert nobodys == []
    assert running in (first.id, second.id)
    assert idle is None
    assert {column.name for column in tables.jobs.c} >= {"id", "state"}


def test_a_task_that_cannot_be_read_keeps_no_other_back(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """It is looked at again later, perhaps by a version that knows how; it says so meanwhile."""
    job = submit(task("a"), task("b"))
    with store.engine.begin() as connection:
        values = {"operation": {"from": "the future"}, "sent_at": manual_clock()}
        columns = tables.tasks.c
        connection.execute(tables.tasks.update().where(columns.key == "a").values(**values))

    claimed = claim(store)

    with store.engine.connect() as connection:
        row = connection.execute(sa.select(tables.tasks).where(tables.tasks.c.key == "a")).one()
    assert [each.task.key for each in claimed] == ["b"]
    assert (row.state, row.job_id, row.runner_id) == ("ready", job.id, None)
    assert row.run_at > manual_clock()
    assert "cannot read" in row.error


def test_a_job_that_is_not_there_is_named(store: Store) -> None:
    """With the command that lists those that are."""
    with store.read() as tx, pytest.raises(NotFoundError, match="no job 'job-x'"):
        tx.jobs.get("job-x")


def test_a_job_that_is_not_the_newest_is_refused(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """The error names the newer one."""
    old = submit(task())
    manual_clock.advance(1)
    new = submit()

    with store.read() as tx, pytest.raises(ConflictError, match=new.id):
        tx.jobs.require_newest(old)


def test_what_was_claimed_unheard_is_given_back(store: Store, submit: Callable[..., Job]) -> None:
    """A claim whose commit was not heard of is free again, and counts as not sent."""
    job = submit(task("a"), task("b"))
    [known, unheard] = claim(store)  # in no order that can be relied on

    with store.begin() as tx:
        freed = tx.queue.give_back("run-a", held=[known.task.id])

    with store.read() as tx:
        found = {each.key: each for each in tx.jobs.tasks(job.id)}
    [again] = claim(store)
    given_back = found[unheard.task.key]
    assert [given_back.id] == list(freed)
    assert found[known.task.key].state == TaskState.CLAIMED
    assert (given_back.attempts, given_back.sent_at) == (0, None)
    assert not again.maybe_sent


def test_what_others_claimed_is_not_given_back(store: Store, submit: Callable[..., Job]) -> None:
    """Nobody but its own runner gives a task back."""
    submit(task("a"))
    claim(store)

    with store.begin() as tx:
        freed = tx.queue.give_back("run-b", held=[])

    assert list(freed) == []


def test_the_next_tasks_time_is_known(
    store: Store, submit: Callable[..., Job], manual_clock: ManualClock
) -> None:
    """A runner need not look before it."""
    with store.read() as tx:
        nothing = tx.queue.next_due_s()
    submit(task())
    [claimed] = claim(store)
    with store.begin() as tx:
        tx.queue.wait(claimed.task, PENDING, after_s=50.0)
    manual_clock.advance(20.0)

    with store.read() as tx:
        later = tx.queue.next_due_s()
    manual_clock.advance(40.0)
    with store.read() as tx:
        overdue = tx.queue.next_due_s()

    assert (nothing, later, overdue) == (None, 30.0, 0.0)
