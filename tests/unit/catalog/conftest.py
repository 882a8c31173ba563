"""Shares the world of the services' tests: their store, their app type, their packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from collections.abc import Iterator

import core_world
import pytest

from pitrix_core.store import Store, make_engine, migrations


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with this version's tables and nothing in them."""
    path = tmp_path_factory.mktemp("catalog") / "empty.db"
    engine = make_engine(f"sqlite:///{path}")
    migrations.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def store(empty_database: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with this version's tables and nothing in them."""
    store = core_world.open_store(empty_database, tmp_path)
    yield store
    store.close()


@pytest.fixture
def repo(tmp_path: Path) -> core_world.RepoFolder:
    """A folder with an index of no package."""
    return core_world.RepoFolder(tmp_path / "repo")
