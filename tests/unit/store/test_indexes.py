"""What is looked for again and again is found by an index, and not among all there ever was."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pitrix_core.errors import NotFoundError
from pitrix_core.store import Cipher, Store, Transaction, make_engine, migrations


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite, which plans by the tables' indexes and not by what is in them."""
    store = Store(
        make_engine(f"sqlite:///{tmp_path}/pitrix.db"), cipher=Cipher(Fernet.generate_key())
    )
    migrations.upgrade(store.engine)
    yield store
    store.close()


def searches_of(
    store: Store, act: Callable[[Transaction], object], *, table: str = "tasks"
) -> list[str]:
    """How SQLite goes about looking into a table for something that is done in a transaction."""
    seen: list[tuple[str, object]] = []

    def keep(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", keep)
    with store.begin() as tx:
        act(tx)
    sa.event.remove(store.engine, "before_cursor_execute", keep)
    steps: list[str] = []
    with store.engine.connect() as connection:
        for statement, parameters in seen:
            if f" {table} " in statement.replace("\n", " "):
                explained = f"EXPLAIN QUERY PLAN {statement}"
                steps += [row[-1] for row in connection.exec_driver_sql(explained, parameters)]
    return [step for step in steps if f" {table} " in f"{step} "]


def test_past_tasks_of_a_kind_are_found_by_an_index(small_store: Store) -> None:
    """What it costs to look at the last ones does not grow with what has been done before."""
    [search] = searches_of(small_store, lambda tx: tx.durations.of_kinds("rt-1", ["volume.create"]))

    assert "USING INDEX ix_tasks_durations (runtime_id=? AND kind=?" in search


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda tx: tx.courses.skip_unsent("job-1"), id="skip-what-was-not-sent"),
        pytest.param(lambda tx: tx.courses.idle(), id="end"),
        pytest.param(lambda tx: tx.courses.give_up("job-1"), id="give-up"),
        pytest.param(lambda tx: tx.jobs.failed_tasks("job-1"), id="look-at-failures"),
        pytest.param(lambda tx: tx.jobs.tasks("job-1"), id="look-at-all"),
        pytest.param(lambda tx: tx.durations.tasks("job-1"), id="estimate"),
    ],
)
def test_tasks_of_a_job_are_found_by_the_job(
    small_store: Store, act: Callable[[Transaction], object]
) -> None:
    """And not by their state, which they share with those of all other jobs."""
    searches = searches_of(small_store, act)

    assert searches
    assert all("(job_id=?" in search for search in searches), searches


def look_for_one(tx: Transaction) -> None:
    """Ask for an app that is not there."""
    with contextlib.suppress(NotFoundError):
        tx.catalog.app("etcd")


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(look_for_one, id="one"),
        pytest.param(lambda tx: tx.catalog.has_app({"etcd", "redis"}), id="any-of-several"),
    ],
)
def test_apps_are_found_by_name(small_store: Store, act: Callable[[Transaction], object]) -> None:
    """A catalogue has tens of thousands."""
    searches = searches_of(small_store, act, table="apps")

    assert searches
    assert not [search for search in searches if search.startswith("SCAN")], searches
