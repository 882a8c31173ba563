"""Fixtures of the engine that a test drives by hand (``driven_engine.py``, beside this file)."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from driven_engine import RUNTIME, Engine
from scripted import Scripted

from pitrix_core.model import Operation, Task
from pitrix_core.store import Cipher, Store, make_engine, migrations, new_id
from pitrix_core.store.queue import Claim
from pitrix_core.testing.fake_provider import FakeSettings
from pitrix_core.testing.manual_clock import ManualClock


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with this version's tables and one runtime."""
    path = tmp_path_factory.mktemp("jobs") / "empty.db"
    engine = make_engine(f"sqlite:///{path}")
    migrations.upgrade(engine)
    store = Store(engine, cipher=Cipher(Fernet.generate_key()))
    with store.begin() as tx:
        tx.runtimes.add(RUNTIME, credential_id=None)
    store.close()
    return path


@pytest.fixture
def open_store(empty_database: Path) -> Iterator[Callable[[Path, ManualClock], Store]]:
    """Open a new database at a path, on a clock."""
    opened: list[Store] = []

    def open_one(path: Path, clock: ManualClock) -> Store:
        shutil.copy(empty_database, path)
        engine = make_engine(f"sqlite:///{path}")
        cipher = Cipher(Fernet.generate_key())
        opened.append(Store(engine, cipher=cipher, clock=lambda _: clock()))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def make_engine_of(
    open_store: Callable[[Path, ManualClock], Store], tmp_path: Path, manual_clock: ManualClock
) -> Callable[..., Engine]:
    """Build an engine on a fake cloud with these settings."""

    def make(**settings: Any) -> Engine:
        path = tmp_path / f"{new_id('db')}.db"
        return Engine(open_store(path, manual_clock), FakeSettings(**settings), manual_clock)

    return make


@pytest.fixture
def make_engine_on_postgresql(
    postgresql_url: str, empty_tables: Callable[[sa.Engine], None], manual_clock: ManualClock
) -> Iterator[Callable[..., Engine]]:
    """The same on PostgreSQL; each engine has the database of the one before, emptied."""
    database = make_engine(postgresql_url)

    def make(**settings: Any) -> Engine:
        empty_tables(database)
        cipher = Cipher(Fernet.generate_key())
        store = Store(database, cipher=cipher, clock=lambda _: manual_clock())
        with store.begin() as tx:
            tx.runtimes.add(RUNTIME, credential_id=None)
        return Engine(store, FakeSettings(**settings), manual_clock)

    yield make
    database.dispose()


@pytest.fixture
def engine(make_engine_of: Callable[..., Engine]) -> Engine:
    """An engine on a cloud that does not remember request keys."""
    return make_engine_of(honours_keys=False)


@pytest.fixture
def scripted(engine: Engine) -> Scripted:
    """The handler of the kind ``thing.do``."""
    handler = Scripted()
    engine.kinds.known["thing.do"] = handler
    return handler


@pytest.fixture
def claim_of(engine: Engine) -> Callable[..., Claim]:
    """Submit a task of the kind ``thing.do`` and claim it."""

    def claimed(*, operation: Operation | None = None, **values: Any) -> Claim:
        engine.submit(Task(key="do", kind="thing.do", title="Do it", **values))
        [claim] = engine.claim()
        return attrs.evolve(claim, task=attrs.evolve(claim.task, operation=operation))

    return claimed
