"""The Pilots of these tests (``pilots.py``, beside this file)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from pilots import Pilots


@pytest.fixture
def pilots(tmp_path: Path, database_url: str) -> Iterator[Pilots]:
    """An installation of two Pilots, of which none runs yet."""
    pilots = Pilots(tmp_path, database_url)
    yield pilots
    pilots.close()
