"""How long tasks of a kind took."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pitrix_core.store import Cipher, Store, make_engine, migrations


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite, which plans by the tables' indexes and not by what is in them."""
    store = Store(
        make_engine(f"sqlite:///{tmp_path}/pitrix.db"), cipher=Cipher(Fernet.generate_key())
    )
    migrations.upgrade(store.engine)
    yield store
    store.close()


def test_past_tasks_are_found_by_an_index(small_store: Store) -> None:
    """What it costs to look at the last ones does not grow with what has been done before."""
    seen: list[tuple[str, object]] = []

    def keep(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    sa.event.listen(small_store.engine, "before_cursor_execute", keep)
    with small_store.read() as tx:
        tx.durations.of_kinds("rt-1", ["volume.create"])

    [(statement, parameters)] = [each for each in seen if "finished_at" in each[0]]
    with small_store.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    [(*_, step)] = plan
    assert "USING INDEX ix_tasks_durations (runtime_id=? AND kind=?" in step
