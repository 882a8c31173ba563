"""The installation of these tests (``installation.py``, beside this file)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[3]))  # last: the packages are tested as installed

from installation import Installation


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """An installation without a runner."""
    installation = Installation(tmp_path, database_url)
    yield installation
    installation.close()
