"""How long a job still takes."""

import datetime as dt
from collections.abc import Callable

import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.jobs.estimate import remaining_s, remaining_s_of
from pitrix_core.model import Job, TaskState
from pitrix_core.store.durations import TimedTask

NOW = dt.datetime(2026, 8, 21, 9, 30, tzinfo=dt.UTC)


def task(
    key: str, *after: str, state: TaskState = TaskState.WAITING, began_s: float | None = None
) -> TimedTask:
    """A task of the kind that its key begins with.

    :param began_s: seconds ago that it was started.
    """
    started_at = None if began_s is None else NOW - dt.timedelta(seconds=began_s)
    return TimedTask(
        key=key,
        kind=key.partition("/")[0],
        runtime_id="rt-1",
        after=after,
        state=state,
        started_at=started_at,
    )


DURATIONS = {"a": (1.0, 10.0, 12.0), "b": (5.0,), "c": (100.0, 300.0)}


def test_what_does_not_wait_for_anything_happens_at_once() -> None:
    """The longest of several counts."""
    assert remaining_s([task("a/1"), task("a/2"), task("b/1")], DURATIONS, now=NOW) == 10.0


def test_what_comes_after_is_added() -> None:
    """The longest way through the graph counts, in whatever order its tasks are listed."""
    tasks = [task("b/2", "a/1"), task("a/1"), task("b/1", "b/2"), task("c/1")]

    assert remaining_s(tasks, {**DURATIONS, "c": (1.0,)}, now=NOW) == 20.0


@pytest.mark.parametrize(
    ("began_s", "left_s"),
    [
        pytest.param(0.0, 10.0, id="just-started"),
        pytest.param(4.0, 7.0, id="longer-than-the-shortest"),
        pytest.param(11.0, 1.0, id="longer-than-the-median"),
        pytest.param(50.0, 0.0, id="longer-than-ever"),
    ],
)
def test_what_is_under_way_takes_as_long_as_those_that_took_longer(
    began_s: float, left_s: float
) -> None:
    """The median of the past ones that were not done by then, less the time so far."""
    tasks = [task("a/1", state=TaskState.READY, began_s=began_s)]

    assert remaining_s(tasks, DURATIONS, now=NOW) == left_s


@pytest.mark.parametrize("state", [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED])
def test_what_is_over_takes_no_time(state: TaskState) -> None:
    """It does not matter whether anything is known of its kind."""
    tasks = [task("unknown/1", state=state, began_s=900.0), task("b/1", "unknown/1")]

    assert remaining_s(tasks, DURATIONS, now=NOW) == 5.0


def test_nothing_is_said_where_a_kind_is_unknown() -> None:
    """Not even for the part that is known."""
    assert remaining_s([task("a/1"), task("unknown/1", "a/1")], DURATIONS, now=NOW) is None


def test_nothing_is_left_of_a_job_without_tasks() -> None:
    """It is as good as done."""
    assert remaining_s([], DURATIONS, now=NOW) == 0.0


def test_a_long_chain_is_estimated() -> None:
    """However many tasks come after one another."""
    tasks = [task("b/0"), *(task(f"b/{n}", f"b/{n - 1}") for n in range(1, 5000))]

    assert remaining_s(tasks, DURATIONS, now=NOW) == 25_000.0


# -- from the store --------------------------------------------------------------------------------


@pytest.fixture
def slow(make_engine_of: Callable[..., Engine]) -> Engine:
    """An engine on a cloud that takes 30 seconds for anything."""
    return make_engine_of(delay_s=30.0)


def left_of(engine: Engine, job: Job) -> float | None:
    """Return what the store's past says."""
    with engine.store.read() as tx:
        return remaining_s_of(tx, job.id)


def test_the_first_job_is_not_estimated(slow: Engine) -> None:
    """Nothing of its kinds was ever done."""
    job = slow.submit(volume())

    assert left_of(slow, job) is None


def test_a_job_is_estimated_from_those_before(slow: Engine) -> None:
    """Tasks that succeeded on the same runtime say how long the next ones take."""
    slow.run(slow.submit(volume()), step_s=10.0)
    job = slow.submit(volume("a"), volume("b", after=("a",)))

    assert left_of(slow, job) == pytest.approx(60.0, abs=1.0)


def test_an_estimate_falls_while_a_task_is_under_way(slow: Engine) -> None:
    """By the time that has passed."""
    slow.run(slow.submit(volume()), step_s=10.0)
    job = slow.submit(volume("a"), volume("b", after=("a",)))
    slow.turn()
    slow.clock.advance(12.0)

    assert left_of(slow, job) == pytest.approx(48.0, abs=1.0)


def test_a_kind_that_was_never_done_is_not_estimated(slow: Engine) -> None:
    """However well the others are known."""
    slow.run(slow.submit(volume()), step_s=10.0)
    job = slow.submit(volume("a"), machine("b"))

    assert left_of(slow, job) is None


def test_nothing_is_left_of_a_job_that_has_ended(slow: Engine) -> None:
    """All its tasks are over."""
    job = slow.submit(volume())
    slow.run(job, step_s=10.0)

    assert left_of(slow, job) == 0.0
