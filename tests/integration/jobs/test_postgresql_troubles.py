"""Runners as processes on a PostgreSQL that fails them: nothing is lost, and nothing made twice."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from installation import Installation, volume, wait_until

from pitrix_core.model import Job, JobState, Task
from pitrix_core.testing.postgresql_server import (
    PostgresqlMissingError,
    PostgresqlServer,
    postgresql_server,
)

QUICK = {"lease_s": 1.5, "slots": 8}


@pytest.fixture
def own_postgresql() -> Iterator[PostgresqlServer]:
    """A server that may be killed."""
    pytest.importorskip("psycopg", reason="pip install 'pitrix-core[postgresql]'")
    try:
        with postgresql_server() as server:
            yield server
    except PostgresqlMissingError as ex:
        pytest.skip(str(ex))


@pytest.fixture
def installation_on(tmp_path: Path) -> Iterator[Callable[[str], Installation]]:
    """Make an installation without a runner on a database."""
    made: list[Installation] = []

    def make(url: str) -> Installation:
        made.append(Installation(tmp_path, url))
        return made[-1]

    yield make
    for installation in made:
        installation.close()


def layers() -> list[Task]:
    """1 + 4 + 4 + 1 tasks."""
    first = [volume(f"b{number}", "a") for number in range(4)]
    second = [volume(f"c{number}", f"b{number}") for number in range(4)]
    return [volume("a"), *first, *second, volume("d", *(task.key for task in second))]


def end_well(installation: Installation, jobs: list[Job]) -> None:
    """Wait until all jobs have ended; each has made each of its things once."""
    wait_until(
        lambda: all(installation.job(job).state is not JobState.RUNNING for job in jobs),
        within_s=40,
        what="all jobs end",
    )
    things = installation.in_cloud()
    assert {installation.job(job).state for job in jobs} == {JobState.SUCCEEDED}
    assert len(things) == sum(len(installation.tasks(job)) for job in jobs)
    assert sorted(thing.id for thing in things) == installation.recorded(jobs)


def test_a_database_that_crashes_is_waited_for(
    own_postgresql: PostgresqlServer, installation_on: Callable[[str], Installation]
) -> None:
    """The server is killed twice while runners work, and is away for longer than a lease."""
    installation = installation_on(own_postgresql.url())
    jobs = [installation.submit(*layers()) for _ in range(4)]
    runners = [installation.start(delay_s=0.3, request_s=1.0, runner=QUICK) for _ in range(2)]

    for away_s in (0.2, 2.0):
        made = installation.calls("volume.create")
        wait_until(
            lambda made=made: installation.calls("volume.create") > made + 3,  # type: ignore[misc]
            within_s=30,
            what="runners work",
        )
        own_postgresql.kill()
        time.sleep(away_s)  # how long it is away is what is tried
        own_postgresql.start()

    end_well(installation, jobs)
    assert [runner.poll() for runner in runners] == [None, None]


def test_runners_that_are_cut_off_go_on(
    postgresql_url: str, installation_on: Callable[[str], Installation]
) -> None:
    """Connections end at any moment, also between a commit and its being heard of."""
    installation = installation_on(postgresql_url)
    jobs = [installation.submit(*layers()) for _ in range(4)]
    for _ in range(2):
        installation.start(delay_s=0.1, request_s=1.0, runner=QUICK)
    wait_until(lambda: installation.runners() == 2, within_s=30, what="two runners live")
    others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    cut_off: list[object] = []

    def cut_more_off() -> bool:
        with installation.store.engine.connect() as connection:
            cut_off.extend(connection.execute(others).all())
        time.sleep(0.1)  # the rhythm of the failures, not a wait
        return len(cut_off) > 40

    wait_until(cut_more_off, within_s=30, what="they are cut off again and again")

    end_well(installation, jobs)


def test_a_runner_with_nothing_to_do_is_quiet(
    postgresql_url: str, installation_on: Callable[[str], Installation]
) -> None:
    """It asks the database less than ten times a second."""
    installation = installation_on(postgresql_url)
    installation.start()
    wait_until(lambda: installation.runners() == 1, within_s=30, what="it lives")
    time.sleep(1.5)  # what it does at its start is not counted

    before, began_s = _transactions(installation), time.monotonic()
    time.sleep(3.0)  # how often it asks in that time is what is tried
    rate = (_transactions(installation) - before) / (time.monotonic() - began_s)

    assert rate < 10


def _transactions(installation: Installation) -> int:
    with installation.store.engine.connect() as connection:
        query = (
            "SELECT xact_commit + xact_rollback FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        return int(connection.execute(sa.text(query)).scalar_one())


def test_a_runner_is_told_of_its_tasks(
    postgresql_url: str, installation_on: Callable[[str], Installation]
) -> None:
    """It begins at once what was submitted, however seldom it looks by itself."""
    installation = installation_on(postgresql_url)
    installation.start(runner={"told_look_s": 60.0, "look_s": 0.05})
    wait_until(lambda: installation.runners() == 1, within_s=30, what="it lives")
    time.sleep(0.5)  # it has looked, and found nothing

    job = installation.submit(*layers())
    took_s = wait_until(
        lambda: installation.job(job).state is not JobState.RUNNING, within_s=50, what="it ends"
    )

    assert took_s < 30
