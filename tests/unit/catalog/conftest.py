"""Shares the world of the services' tests: their store, their app type, their packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
sys.path.insert(0, str(Path(__file__).parent))

from collections.abc import Iterator

import core_world
import pytest

from pitrix_core.store import Store


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A store with this version's tables and nothing in them."""
    store = core_world.open_store(database, tmp_path)
    yield store
    store.close()


@pytest.fixture
def repo(tmp_path: Path) -> core_world.RepoFolder:
    """A folder with an index of no package."""
    return core_world.RepoFolder(tmp_path / "repo")
