"""Runners as processes: killed, taken over from, stopped, and kept from their database."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from typing import Any

import pytest
from installation import RUNTIME, Installation, volume, wait_until

from pitrix_core.model import Job, JobState, RuntimeLimits, TaskState

QUICK = {"lease_s": 1.5, "slots": 8}


def graph() -> list[Any]:
    """1 + 4 + 4 + 1 tasks."""
    first = [volume(f"b{number}", "a") for number in range(4)]
    second = [volume(f"c{number}", f"b{number}") for number in range(4)]
    return [volume("a"), *first, *second, volume("d", *(task.key for task in second))]


def all_ended(installation: Installation, jobs: list[Job]) -> bool:
    """Say whether nothing runs any more."""
    return all(installation.job(job).state is not JobState.RUNNING for job in jobs)


def assert_done(installation: Installation, jobs: list[Job]) -> None:
    """Every job succeeded, and made each of its things once."""
    things = installation.in_cloud()
    assert {installation.job(job).state for job in jobs} == {JobState.SUCCEEDED}
    assert len(things) == sum(len(installation.tasks(job)) for job in jobs)
    assert sorted(thing.id for thing in things) == installation.recorded(jobs)


@pytest.mark.parametrize("honours_keys", [True, False], ids=["keys-kept", "keys-forgotten"])
def test_killing_runners_at_any_moment_loses_and_doubles_nothing(
    installation: Installation, honours_keys: bool
) -> None:
    """Two runners on one file are killed with SIGKILL again and again, and started anew."""
    settings = {"honours_keys": honours_keys, "delay_s": 0.1, "request_s": 1.0, "runner": QUICK}
    jobs = [installation.submit(*graph()) for _ in range(4)]
    runners = [installation.start(**settings) for _ in range(2)]
    chance = random.Random(4711)  # noqa: S311  # a test that can be repeated
    ends_s = time.monotonic() + 4.0

    while time.monotonic() < ends_s and not all_ended(installation, jobs):
        time.sleep(chance.uniform(0.3, 1.0))  # the moment of the kill, not a wait
        victim = chance.randrange(2)
        runners[victim].kill()
        runners[victim] = installation.start(**settings)

    wait_until(lambda: all_ended(installation, jobs), within_s=30, what="all jobs end")
    assert_done(installation, jobs)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_dead_runners_tasks_are_taken_over_within_ten_seconds(
    installation: Installation,
) -> None:
    """With the settings of an installation, another runner has them, and ends the job."""
    hang = {"operation": "volume.create", "effect": "hang", "seconds": 60.0}
    dying = installation.start(faults=[hang])
    job = installation.submit(volume("a"))
    wait_until(lambda: installation.calls("volume.create") == 1, within_s=30, what="a call hangs")
    installation.start()
    wait_until(lambda: installation.runners() == 2, within_s=30, what="two runners live")

    [held] = installation.tasks(job)
    dying.kill()
    took_s = wait_until(
        lambda: installation.tasks(job)[0].fence > held.fence, within_s=30, what="it is taken over"
    )

    assert took_s < 10
    wait_until(lambda: all_ended(installation, [job]), within_s=30, what="the job ends")
    assert_done(installation, [job])


def test_a_stopped_runner_finishes_its_steps(installation: Installation) -> None:
    """SIGTERM ends it with exit code 0 and with nothing in its hands; no new step is begun."""
    hang = {"operation": "volume.create", "effect": "hang", "count": 3, "seconds": 1.0}
    runner = installation.start(faults=[hang], runner={"lease_s": 1.0})
    job = installation.submit(volume("a"), volume("b"), volume("c"), volume("d", "a", "b", "c"))
    wait_until(lambda: installation.calls("volume.create") == 3, within_s=30, what="calls hang")

    runner.terminate()
    code = runner.wait(timeout=30)

    states = {task.key: task.state for task in installation.tasks(job)}
    assert code == 0
    assert states == {
        "a": TaskState.SUCCEEDED,
        "b": TaskState.SUCCEEDED,
        "c": TaskState.SUCCEEDED,
        "d": TaskState.READY,
    }
    assert installation.runners() == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stopped_runner_gives_back_what_hangs(installation: Installation) -> None:
    """What is not done in time is there for others at once, and not after the lease."""
    hang = {"operation": "volume.create", "effect": "hang", "seconds": 60.0}
    runner = installation.start(faults=[hang], runner={"drain_s": 0.3})
    job = installation.submit(volume("a"))
    wait_until(lambda: installation.calls("volume.create") == 1, within_s=30, what="a call hangs")

    runner.send_signal(signal.SIGTERM)
    runner.wait(timeout=30)

    [task] = installation.tasks(job)
    assert task.state is TaskState.READY
    assert task.sent_at is not None


def test_runners_share_the_limits_of_a_cloud(installation: Installation) -> None:
    """However many they are; a cloud that throttles slows all of them down at once."""
    with installation.store.begin() as tx:
        tx.runtimes.set_limits(RUNTIME.id, RuntimeLimits(concurrency=4, rate_per_s=16.0))
    throttled = {"operation": "volume.create", "effect": "throttled", "skip": 28, "count": 1}
    for _ in range(3):
        installation.start(runner=QUICK, faults=[throttled])
    wait_until(lambda: installation.runners() == 3, within_s=30, what="three runners live")
    began_s = time.monotonic()
    job = installation.submit(*(volume(f"v{number}") for number in range(32)))

    most = 0
    while not all_ended(installation, [job]):
        states = [task.state for task in installation.tasks(job)]
        most = max(most, states.count(TaskState.CLAIMED))
        assert time.monotonic() - began_s < 60

    took_s = time.monotonic() - began_s
    with installation.store.read() as tx:
        pace = tx.lanes.pace(RUNTIME.id)
    assert_done(installation, [job])
    assert most <= 4
    assert took_s >= (32 - 16) / 16  # what is in the bucket comes at once
    assert pace.throttled_at is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_locked_database_is_waited_for(installation: Installation) -> None:
    """Whoever locks the file for longer than a lease delays the jobs, and nothing else."""
    jobs = [installation.submit(*graph()) for _ in range(2)]
    for _ in range(2):
        installation.start(delay_s=0.05, runner=QUICK)
    wait_until(lambda: installation.calls("volume.create") > 2, within_s=30, what="jobs run")

    connection = _opened(installation, timeout_s=10)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(2.5)  # the lock's length is what is tried
    connection.execute("COMMIT")
    connection.close()

    wait_until(lambda: all_ended(installation, jobs), within_s=40, what="all jobs end")
    assert_done(installation, jobs)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_runner_that_was_frozen_comes_back(installation: Installation) -> None:
    """Taken for dead, it is refused what it still held, and goes on under a new id."""
    jobs = [installation.submit(*graph()) for _ in range(2)]
    frozen = installation.start(delay_s=0.1, runner=QUICK)
    other = installation.start(delay_s=0.1, runner=QUICK)
    wait_until(lambda: installation.calls("volume.create") > 2, within_s=30, what="jobs run")

    wait_until(lambda: installation.runners() == 2, within_s=30, what="two runners live")
    _freeze(installation, frozen)
    wait_until(lambda: installation.runners() == 1, within_s=30, what="it is taken for dead")
    frozen.send_signal(signal.SIGCONT)
    wait_until(lambda: installation.runners() == 2, within_s=30, what="it is back")
    other.kill()

    wait_until(lambda: all_ended(installation, jobs), within_s=40, what="all jobs end")
    assert_done(installation, jobs)
    assert frozen.poll() is None


def _freeze(installation: Installation, process: "subprocess.Popen[str]") -> None:
    """Stop a process at a moment at which it does not hold the database's lock."""
    for _ in range(100):
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)  # its last thread stands still
        if not _is_locked(installation):
            return
        process.send_signal(signal.SIGCONT)
    raise AssertionError("it always holds the lock")


def _is_locked(installation: Installation) -> bool:
    """Say whether somebody holds the database's lock who does not give it back soon."""
    connection = _opened(installation, timeout_s=1)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


def _opened(installation: Installation, *, timeout_s: float) -> sqlite3.Connection:
    path = str(installation.store.engine.url.database)
    return sqlite3.connect(path, isolation_level=None, timeout=timeout_s)
