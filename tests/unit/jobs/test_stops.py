"""Jobs that are paused, stopped, or past their deadline: nothing new is begun, nothing is lost."""

from collections.abc import Callable

import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.jobs.effects import end_job, stop_overdue
from pitrix_core.jobs.outcome import Retry
from pitrix_core.model import ClusterState, Job, JobState
from pitrix_core.model.job import CANCELLED_CODE
from pitrix_core.testing.fake_provider import FakeEffect

BUSY = Retry(after_s=1.0, error="busy", error_code="provider_temporary")


def pause(engine: Engine, job: Job) -> None:
    """Pause a job."""
    with engine.store.begin() as tx:
        assert tx.courses.pause(job.id)


def resume(engine: Engine, job: Job) -> None:
    """Resume a job."""
    with engine.store.begin() as tx:
        assert tx.courses.resume(tx.jobs.get(job.id))


def stop(engine: Engine, job: Job) -> None:
    """Cancel a job gracefully."""
    with engine.store.begin() as tx:
        assert tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        end_job(tx, job.id)


def give_up(engine: Engine, job: Job) -> None:
    """Cancel a job by force."""
    with engine.store.begin() as tx:
        tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        tx.courses.give_up(job.id)
        end_job(tx, job.id)


# -- pausing ---------------------------------------------------------------------------------------


def test_a_paused_job_starts_nothing(engine: Engine) -> None:
    """No task of it can be claimed, not even one that was ready."""
    job = engine.submit(volume("a"), volume("b", after=("a",)))

    pause(engine, job)

    assert engine.claim() == []
    assert engine.states(job) == {"a": "waiting", "b": "waiting"}


def test_what_is_under_way_is_polled_on_while_paused(
    make_engine_of: Callable[..., Engine],
) -> None:
    """It ends, and what comes after it is not started."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.turn()

    pause(engine, job)
    engine.run(job, turns=3)

    assert engine.states(job) == {"a": "succeeded", "b": "waiting"}
    assert engine.job(job).state is JobState.PAUSED


def test_a_request_that_made_nothing_is_not_sent_again_while_paused(engine: Engine) -> None:
    """It is held, and its time begins anew when the job is resumed."""
    job = engine.submit(volume("a", timeout_s=60.0))
    [claim] = engine.claim()
    pause(engine, job)
    engine.write(claim, BUSY)
    held = engine.states(job)
    engine.clock.advance(3600.0)

    resume(engine, job)
    ended = engine.run(job)

    assert held == {"a": "waiting"}
    assert ended.state is JobState.SUCCEEDED


def test_a_resumed_job_goes_on(engine: Engine) -> None:
    """Everything it would have done without the pause is done."""
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    pause(engine, job)

    resume(engine, job)
    ended = engine.run(job)

    assert ended.state is JobState.SUCCEEDED
    assert engine.cluster(job).state is ClusterState.ACTIVE


def test_a_paused_job_of_which_everything_is_done_has_succeeded(
    make_engine_of: Callable[..., Engine],
) -> None:
    """Nobody has to resume it for that."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume("a"))
    engine.turn()
    pause(engine, job)

    engine.run(job, turns=3)

    assert engine.job(job).state is JobState.SUCCEEDED


def test_a_task_that_fails_while_paused_fails_the_job(
    make_engine_of: Callable[..., Engine],
) -> None:
    """What was held is skipped."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.turn()
    pause(engine, job)
    engine.fault("volume.poll", FakeEffect.PERMANENT)

    engine.run(job, turns=3)

    assert engine.job(job).state is JobState.FAILED
    assert engine.states(job) == {"a": "failed", "b": "skipped"}


# -- stopping --------------------------------------------------------------------------------------


def test_a_job_with_nothing_under_way_is_cancelled_at_once(engine: Engine) -> None:
    """Its cluster says so."""
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.turn()

    stop(engine, job)

    assert engine.job(job).state is JobState.CANCELLED
    assert engine.job(job).error_code == CANCELLED_CODE
    assert engine.cluster(job).state is ClusterState.CANCELLED
    assert engine.states(job) == {"a": "succeeded", "b": "skipped"}


def test_what_is_under_way_goes_on_to_its_end_when_cancelled(
    make_engine_of: Callable[..., Engine],
) -> None:
    """What it makes is on record, and only then is the job cancelled."""
    engine = make_engine_of(delay_polls=2)
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.turn()

    stop(engine, job)
    between = engine.job(job).state
    ended = engine.run(job)

    assert between is JobState.STOPPING
    assert ended.state is JobState.CANCELLED
    assert engine.recorded(job) == engine.in_cloud() != set()


def test_a_job_of_which_everything_was_done_is_not_cancelled(
    make_engine_of: Callable[..., Engine],
) -> None:
    """The cancel came too late to keep anything from being done."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume("a"))
    engine.turn()

    stop(engine, job)
    ended = engine.run(job)

    assert ended.state is JobState.SUCCEEDED
    assert ended.error is None
    assert engine.cluster(job).state is ClusterState.ACTIVE


def test_a_paused_job_can_be_cancelled(engine: Engine) -> None:
    """What was held is skipped."""
    job = engine.submit(volume("a"))
    pause(engine, job)

    stop(engine, job)

    assert engine.job(job).state is JobState.CANCELLED
    assert engine.states(job) == {"a": "skipped"}


def test_a_cancelled_job_goes_on_when_it_is_retried(engine: Engine) -> None:
    """What is done is not done again."""
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.turn()
    stop(engine, job)

    engine.retry(job)
    ended = engine.run(job)

    assert ended.state is JobState.SUCCEEDED
    assert len(engine.in_cloud()) == 2


def test_a_forced_cancel_ends_the_job_at_once(make_engine_of: Callable[..., Engine]) -> None:
    """What is under way is given up, and nobody polls it any more."""
    engine = make_engine_of(delay_polls=5)
    job = engine.submit(volume("a"))
    engine.turn()

    give_up(engine, job)

    assert engine.job(job).state is JobState.CANCELLED
    assert engine.task(job, "a").is_undecided
    engine.clock.advance(3600.0)
    assert engine.claim() == []


def test_a_runner_that_holds_a_task_given_up_cannot_write(engine: Engine) -> None:
    """What it found out is dropped; the key is kept, by which it can be found again."""
    job = engine.submit(volume("a"))
    [claim] = engine.claim()
    outcome = engine.step(claim)

    give_up(engine, job)
    engine.write(claim, outcome)

    assert engine.states(job) == {"a": "failed"}
    assert engine.task(job, "a").is_undecided
    assert engine.task(job, "a").request_key == claim.task.request_key


def test_a_retry_after_a_forced_cancel_makes_nothing_twice(engine: Engine) -> None:
    """It finds out first what the request had made."""
    job = engine.submit(volume("a"))
    [claim] = engine.claim()
    engine.step(claim)
    give_up(engine, job)

    engine.retry(job)
    ended = engine.run(job)

    assert ended.state is JobState.SUCCEEDED
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 1


def test_a_lost_answer_is_settled_before_a_cancelled_job_ends(engine: Engine) -> None:
    """A graceful cancel leaves nothing undecided."""
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.fault("volume.create", FakeEffect.LOST)
    engine.turn()

    stop(engine, job)
    ended = engine.run(job)

    assert ended.state is JobState.CANCELLED
    assert engine.recorded(job) == engine.in_cloud() != set()


# -- deadlines -------------------------------------------------------------------------------------


@pytest.fixture
def limited(engine: Engine) -> Job:
    """A job of two tasks that may be at work for a minute."""
    return engine.submit(machine("a"), volume("b", after=("a",)), deadline_s=60.0)


def stop_overdue_in(engine: Engine) -> None:
    """Look for deadlines that have passed, as runners do."""
    with engine.store.begin() as tx:
        stop_overdue(tx)


def test_a_job_past_its_deadline_fails(engine: Engine, limited: Job) -> None:
    """What is done stays; nothing new is started."""
    engine.turn()
    engine.clock.advance(60.0)

    stop_overdue_in(engine)

    ended = engine.job(limited)
    assert ended.state is JobState.FAILED
    assert (ended.error, ended.error_code) == (
        "Not done within its deadline of 60 s.",
        "deadline",
    )
    assert engine.states(limited) == {"a": "succeeded", "b": "skipped"}
    assert engine.cluster(limited).state is ClusterState.FAILED


def test_a_job_before_its_deadline_goes_on(engine: Engine, limited: Job) -> None:
    """Nothing is done to it."""
    engine.clock.advance(59.0)

    stop_overdue_in(engine)

    assert engine.job(limited).state is JobState.RUNNING


def test_a_deadline_stands_still_while_its_job_is_paused(engine: Engine, limited: Job) -> None:
    """It moves by as long as the job was paused."""
    pause(engine, limited)
    engine.clock.advance(3600.0)
    stop_overdue_in(engine)
    while_paused = engine.job(limited).state

    resume(engine, limited)
    stop_overdue_in(engine)

    assert while_paused is JobState.PAUSED
    assert engine.job(limited).state is JobState.RUNNING
    assert engine.run(limited).state is JobState.SUCCEEDED


def test_a_retried_job_has_its_deadlines_time_again(engine: Engine, limited: Job) -> None:
    """Else it would fail at once."""
    engine.clock.advance(60.0)
    stop_overdue_in(engine)

    engine.retry(limited)
    stop_overdue_in(engine)

    assert engine.job(limited).state is JobState.RUNNING
