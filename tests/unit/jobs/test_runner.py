"""The runner's threads: writing in groups, hanging calls, beating, and leaving; on real threads,
with every wait bounded.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import pytest
import sqlalchemy.exc
from driven_engine import Engine, volume

from pitrix_core.jobs.outcome import Outcome, Postponed, Succeeded
from pitrix_core.jobs.runner import Runner, RunnerSettings
from pitrix_core.jobs.worker import Worker
from pitrix_core.jobs.writing import Finished
from pitrix_core.model import Action, Job, JobState, TaskState
from pitrix_core.store import Store, Transaction
from pitrix_core.store.queue import Claim, QueueRepository
from pitrix_core.testing.fake_provider import FakeEffect

LOCKED = sqlalchemy.exc.OperationalError("update", {}, Exception("database is locked"))


@attrs.define(slots=False)
class GatedWorker(Worker):
    """Takes steps that hang until they are let go."""

    inner: Worker
    gate: threading.Event = attrs.field(factory=threading.Event)
    begun: list[str] = attrs.field(factory=list)
    hangs: int = 0
    answer: Callable[[Claim, Outcome], Outcome] = lambda _, outcome: outcome

    def poll_together(self, claims: Sequence[Claim]) -> list[Outcome]:
        return self.inner.poll_together(claims)

    def step(self, claim: Claim) -> Outcome:
        self.begun.append(claim.task.key)
        if len(self.begun) <= self.hangs:
            assert self.gate.wait(20)
        return self.answer(claim, self.inner.step(claim))


@attrs.define
class Running:
    """A runner in a thread of the test."""

    engine: Engine
    worker: GatedWorker
    runner: Runner
    stop: threading.Event = attrs.field(factory=threading.Event)
    errors: list[BaseException] = attrs.field(factory=list)
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.worker.gate.set()
        if self.thread is not None:
            self.thread.join(timeout=60)
            assert not self.thread.is_alive()

    def until(self, condition: Callable[[], object]) -> None:
        ends_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < ends_s, "it did not come about"
            time.sleep(0.005)
            self.engine.clock.advance(0.05)

    def ended(self, *jobs: Job) -> Callable[[], bool]:
        return lambda: all(self.engine.job(job).state is not JobState.RUNNING for job in jobs)

    def _run(self) -> None:
        try:
            self.runner.run(self.stop)
        except Exception as ex:  # noqa: BLE001  # looked at by the test
            self.errors.append(ex)


@pytest.fixture
def running_of(
    make_engine_of: Callable[..., Engine],
) -> Iterator[Callable[..., Running]]:
    """Build a runner with these settings, not started yet."""
    made: list[Running] = []

    def make(*, hangs: int = 0, cloud: dict[str, Any] | None = None, **values: Any) -> Running:
        engine = make_engine_of(**(cloud or {}))
        worker = GatedWorker(inner=engine.worker, hangs=hangs)
        given = {"slots": 4, "lease_s": 0.2, "look_s": 0.005, "step_limit_s": 20.0, **values}
        runner = Runner(engine.store, worker, RunnerSettings(**given))
        made.append(Running(engine, worker, runner))
        return made[-1]

    yield make
    for running in made:
        running.end()


def fail_begin(store: Store, monkeypatch: pytest.MonkeyPatch, errors: list[Exception]) -> None:
    """Let the next transactions that write fail."""
    begin = store.begin

    def failing() -> Any:
        if errors and threading.current_thread() is not threading.main_thread():
            raise errors.pop()
        return begin()

    monkeypatch.setattr(store, "begin", failing)


def test_jobs_are_carried_out(running_of: Callable[..., Running]) -> None:
    """Claimed, stepped and written by the threads until nothing is left."""
    running = running_of(batch=2)
    jobs = [running.engine.submit(volume("a"), volume("b", after=("a",))) for _ in range(6)]

    running.start()
    running.until(running.ended(*jobs))
    running.end()

    assert {running.engine.job(job).state for job in jobs} == {JobState.SUCCEEDED}
    assert running.errors == []


def test_polls_share_requests_and_slots(running_of: Callable[..., Running]) -> None:
    """Once an answer has told that they can; all of a runtime wait on four slots."""
    running = running_of(cloud={"delay_s": 30.0, "retry_after_s": 20.0, "polls_at_once": 50})
    jobs = [running.engine.submit(*(volume(f"v{n}") for n in range(50))) for _ in range(2)]

    running.start()
    running.until(running.ended(*jobs))

    with running.engine.provider.cloud.rows() as rows:
        polls = rows.calls("volume.poll") + rows.calls("volume.poll_many")
        starts = rows.calls("volume.create")
    assert {running.engine.job(job).state for job in jobs} == {JobState.SUCCEEDED}
    assert starts == 100
    assert polls < 100
    assert running.errors == []


def test_polls_that_hang_together_cost_one_thread(running_of: Callable[..., Running]) -> None:
    """They are written off as one step, and polled again."""
    cloud = {"delay_polls": 1, "polls_at_once": 50}
    running = running_of(cloud=cloud, slots=2, step_limit_s=0.3)
    first = running.engine.submit(volume("a"))
    running.start()
    running.until(running.ended(first))
    hang = {"effect": FakeEffect.HANG, "seconds": 3.0}
    running.engine.fault("volume.poll_many", **hang)

    job = running.engine.submit(*(volume(f"v{n}") for n in range(20)))
    running.until(running.ended(job))

    assert running.engine.job(job).state == "succeeded"
    assert running.runner._hands.written_off <= 1
    assert running.errors == []


def test_a_database_that_fails_for_a_while_delays_only(
    running_of: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims, beats and writes are repeated until they are done."""
    running = running_of()
    job = running.engine.submit(volume("a"))
    running.start()
    running.until(running.ended(job))
    fail_begin(running.engine.store, monkeypatch, [LOCKED] * 5)

    again = running.engine.submit(volume("a"), volume("b", after=("a",)))
    running.until(running.ended(again))

    assert running.engine.job(again).state == "succeeded"


def test_a_claim_whose_commit_was_not_heard_of_is_given_back(
    running_of: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke after the commit: nobody would ever take such a task over."""
    running = running_of(lease_s=30.0)
    store, begin, unheard = running.engine.store, running.engine.store.begin, [LOCKED]

    @contextlib.contextmanager
    def breaking() -> Iterator[Transaction]:
        with begin() as tx:
            yield tx
            has_claimed = tx.jobs.tasks(job.id)[0].state is TaskState.CLAIMED
        if has_claimed and unheard:
            raise unheard.pop()

    job = running.engine.submit(volume("a"))
    monkeypatch.setattr(store, "begin", breaking)

    running.start()
    running.until(running.ended(job))

    assert unheard == []
    assert running.engine.job(job).state == "succeeded"
    assert running.worker.begun == ["a"]


def test_a_failure_nobody_expects_ends_no_thread(
    running_of: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispatcher goes on after it."""
    running = running_of()
    claim, errors = QueueRepository.claim, [RuntimeError("surprise")]

    def failing(self: QueueRepository, runner_id: str, **how: Any) -> list[Claim]:
        if errors:
            raise errors.pop()
        return claim(self, runner_id, **how)

    monkeypatch.setattr(QueueRepository, "claim", failing)
    job = running.engine.submit(volume())

    running.start()
    running.until(running.ended(job))

    assert running.engine.job(job).state == "succeeded"
    assert errors == []


def test_one_outcome_that_cannot_be_written_spoils_no_other(
    running_of: Callable[..., Running],
) -> None:
    """Its task fails, its resource is on record, and its job ends; all others are as they were."""
    running = running_of(hangs=3)
    jobs = [running.engine.submit(volume(key)) for key in ("a", "bad", "c")]

    def spoil(claim: Claim, outcome: Outcome) -> Outcome:
        if claim.task.key != "bad" or not isinstance(outcome, Succeeded):
            return outcome
        assert outcome.operation is not None
        operation = attrs.evolve(outcome.operation, outputs={"id": {1, 2}})
        return attrs.evolve(outcome, outputs={"id": {1, 2}}, operation=operation)

    running.worker.answer = spoil
    running.start()
    running.until(lambda: len(running.worker.begun) == 3)
    running.worker.gate.set()
    running.until(running.ended(*jobs))

    engine = running.engine
    assert [engine.job(job).state for job in jobs] == ["succeeded", "failed", "succeeded"]
    assert "could not be written" in str(engine.job(jobs[1]).error)
    assert engine.task(jobs[1], "bad").sent_at is not None
    assert engine.recorded(jobs[1]) <= engine.in_cloud()
    assert len(engine.recorded(jobs[1])) == 1


def test_an_outcome_whose_resource_cannot_be_written_fails_its_task(
    running_of: Callable[..., Running],
) -> None:
    """Where nothing of it can be written, the job still ends."""
    running = running_of()
    job = running.engine.submit(volume())

    def spoil(_: Claim, outcome: Outcome) -> Outcome:
        assert isinstance(outcome, Succeeded)
        assert outcome.operation is not None
        unwritable: Any = object()
        operation = attrs.evolve(outcome.operation, resource_id=unwritable)
        return attrs.evolve(outcome, operation=operation)

    running.worker.answer = spoil
    running.start()
    running.until(running.ended(job))

    assert running.engine.job(job).state == "failed"


def test_a_plan_without_tasks_is_ended(running_of: Callable[..., Running]) -> None:
    """The heartbeat finds the job."""
    running = running_of()
    job = running.engine.submit(action=Action.DELETE)

    running.start()
    running.until(running.ended(job))

    assert running.engine.cluster(job).state == "deleted"


def test_a_silent_runners_tasks_are_taken_over(running_of: Callable[..., Running]) -> None:
    """The other runner's claim is freed, and the task is done."""
    running = running_of()
    job = running.engine.submit(volume())
    running.engine.claim("run-dead")
    running.engine.clock.advance(60)

    running.start()
    running.until(running.ended(job))

    assert running.engine.job(job).state == "succeeded"


def test_a_runner_taken_for_dead_goes_on_under_a_new_id(running_of: Callable[..., Running]) -> None:
    """What it held is refused; no slot is lost by that."""
    running = running_of(hangs=2, slots=2)
    held = [running.engine.submit(volume()) for _ in range(2)]
    running.start()
    running.until(lambda: len(running.worker.begun) == 2)
    with running.engine.store.begin() as tx:
        [old] = [task.id for task in _claimed(tx, held[0])]
        runner_id = running.runner._id
        tx.queue.remove_runner(runner_id)

    running.until(lambda: running.runner._id != runner_id)
    running.worker.gate.set()
    more = [running.engine.submit(volume()) for _ in range(4)]
    running.until(running.ended(*held, *more))
    running.until(lambda: running.runner._hands.are_empty)

    states = {running.engine.job(job).state for job in (*held, *more)}
    assert old
    assert states == {JobState.SUCCEEDED}
    assert len(running.engine.in_cloud()) == 6


def test_a_runner_that_was_silent_judges_nobody(
    running_of: Callable[..., Running],
) -> None:
    """After a pause of its own, the others get the time to show that they live."""
    running = running_of()
    job = running.engine.submit(volume())
    running.engine.claim("run-other")
    running.engine.clock.advance(60)
    with running.engine.store.begin() as tx:
        tx.queue.add_runner(running.runner._id, name="me")

    running.runner._beat_at_s = time.monotonic() - 60
    running.runner._beat()
    first = running.engine.states(job)
    running.runner._beat()
    second = running.engine.states(job)

    assert first == {"volume.create/1": "claimed"}
    assert second == {"volume.create/1": "ready"}


def test_a_hung_step_is_written_off_and_its_thread_replaced(
    running_of: Callable[..., Running],
) -> None:
    """The task is taken up again; the thread that comes back late ends."""
    running = running_of(hangs=1, slots=2, step_limit_s=0.1)
    job = running.engine.submit(volume())

    running.start()
    running.until(running.ended(job))
    written_off = running.runner._hands.written_off
    running.worker.gate.set()
    running.until(lambda: running.runner._hands.written_off == 0)

    assert running.engine.job(job).state == "succeeded"
    assert written_off == 1
    assert len(running.engine.in_cloud()) == 1
    assert running.errors == []


def test_too_many_hung_steps_end_the_runner(running_of: Callable[..., Running]) -> None:
    """It says why, so that its process is started anew."""
    running = running_of(hangs=100, slots=2, step_limit_s=0.05, drain_s=0.05)
    running.engine.submit(volume("a"), volume("b"), volume("c"))

    running.start()
    running.until(lambda: running.errors)

    assert "Too many calls hang" in str(running.errors[0])


def test_a_claim_that_grew_old_is_not_carried_out(
    running_of: Callable[..., Running],
) -> None:
    """A process that was stopped between claim and request sends none: others may have it."""
    running = running_of(lease_s=0.0)
    running.engine.submit(volume())
    [claim] = running.engine.claim()
    held = running.runner._hands.take([[claim]])
    for each in held:
        running.runner._todo.put(each)
    running.runner._todo.put(None)

    running.runner._work()

    finished = running.runner._done.get_nowait()
    assert finished is not None
    assert finished.outcome == Postponed(after_s=0.0)
    assert running.worker.begun == []


def test_leaving_waits_for_the_steps_under_way(running_of: Callable[..., Running]) -> None:
    """They are written, and the runner is off the list."""
    running = running_of(hangs=1)
    job = running.engine.submit(volume("a"), volume("b", after=("a",)))
    running.start()
    running.until(lambda: running.worker.begun)

    running.stop.set()
    running.until(running.runner._stopping.is_set)
    running.worker.gate.set()
    running.end()

    assert running.engine.states(job) == {"a": "succeeded", "b": "ready"}
    with running.engine.store.begin() as tx:
        assert not tx.queue.beat(running.runner._id)


def test_leaving_gives_back_what_hangs(running_of: Callable[..., Running]) -> None:
    """At once, so that others need not wait for the lease."""
    running = running_of(hangs=1, drain_s=0.05)
    job = running.engine.submit(volume("a"))
    running.start()
    running.until(lambda: running.worker.begun)

    running.stop.set()
    running.until(lambda: running.engine.states(job) == {"a": "ready"})

    assert running.engine.task(job, "a").sent_at is not None


def test_outcomes_that_came_before_the_end_are_written(
    running_of: Callable[..., Running],
) -> None:
    """The sign to end waits behind them in the queue, and ends the completer."""
    running = running_of()
    job = running.engine.submit(volume())
    [claim] = running.engine.claim()
    running.runner._done.put(Finished(claim, running.engine.step(claim)))
    running.runner._done.put(None)

    running.runner._complete()

    assert running.engine.job(job).state == "succeeded"


def test_an_outcome_that_cannot_be_written_at_the_end_is_dropped(
    running_of: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more attempt is made; then its task is left to whoever takes it over."""
    running = running_of()
    job = running.engine.submit(volume())
    [claim] = running.engine.claim()
    running.runner._left.set()
    errors: list[Exception] = [LOCKED, LOCKED]
    fail_begin(running.engine.store, monkeypatch, errors)
    running.runner._done.put(Finished(claim, Postponed(after_s=0.0)))
    running.runner._done.put(None)

    completer = threading.Thread(target=running.runner._complete, daemon=True)
    completer.start()
    completer.join(timeout=10)

    assert not completer.is_alive()
    assert errors == [LOCKED]
    assert running.engine.states(job) == {"volume.create/1": "claimed"}


def test_leaving_without_a_database_leaves_the_rest_to_others(
    running_of: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner ends all the same."""
    running = running_of(hangs=1, drain_s=0.05)
    job = running.engine.submit(volume("a"))
    running.start()
    running.until(lambda: running.worker.begun)

    fail_begin(running.engine.store, monkeypatch, [LOCKED] * 1000)
    running.end()

    assert running.errors == []
    assert running.engine.task(job, "a").state is TaskState.CLAIMED


def _claimed(tx: Transaction, job: Job) -> list[Any]:
    return [task for task in tx.jobs.tasks(job.id) if task.state is TaskState.CLAIMED]


def test_a_job_past_its_deadline_is_stopped(running_of: Callable[..., Running]) -> None:
    """The heart looks for it; nothing of the job has to happen for that."""
    running = running_of(hangs=1)
    after = volume("b", after=("a",))
    job = running.engine.submit(volume("a"), after, deadline_s=3600.0)
    running.start()
    running.until(lambda: running.worker.begun)

    running.engine.clock.advance(3600.0)
    running.until(lambda: running.engine.job(job).state is JobState.STOPPING)
    running.worker.gate.set()
    running.until(lambda: running.engine.job(job).state is JobState.FAILED)

    assert running.engine.job(job).error_code == "deadline"
    assert running.engine.states(job)["b"] == "skipped"
