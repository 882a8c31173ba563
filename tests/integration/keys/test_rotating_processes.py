"""Keys are rotated beside processes that use them, and rotations are killed: nothing is lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pitrix_core import wiring
from pitrix_core.config import Config
from pitrix_core.store import Cipher, Store, make_engine

SCRIPT = Path(__file__).parent / "secret_user.py"
#: Seconds after which a rotation is killed: while it starts, while it is at work, or after its end.
INSTANTS_S = (0.4, 0.7, 1.0)
PATIENCE_S = 120


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """The settings of an installation that has begun."""
    database = "" if database_url.startswith("sqlite") else database_url
    config = Config(data_dir=tmp_path, database=database)
    wiring.prepare(config)
    return config


@pytest.fixture
def users(config: Config) -> Iterator[list["subprocess.Popen[str]"]]:
    """Two processes that store and read secrets."""
    command = [sys.executable, str(SCRIPT), config.database_url, str(config.key_file)]
    found = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in found:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
    yield found
    for process in found:
        process.kill()
        process.communicate()


def rotation(config: Config) -> "subprocess.Popen[bytes]":
    """Start a rotation as an operator does."""
    command = [sys.executable, "-m", "pitrix_core.cli.main", "secrets", "rotate", "--data-keys"]
    command += ["--data", str(config.data_dir), "--json"]
    if config.database:
        command += ["--database", config.database]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: "subprocess.Popen[Any]") -> Any:
    """Wait for the end of a process that has to succeed, and return what it wrote."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    return out


def test_nobody_notices_rotations_and_killed_ones(
    config: Config, users: "list[subprocess.Popen[str]]"
) -> None:
    """Everything stays readable all the time; in the end all of it is under new keys."""
    for instant_s in INSTANTS_S:
        cut_off = rotation(config)
        try:
            cut_off.communicate(timeout=instant_s)
        except subprocess.TimeoutExpired:
            cut_off.kill()
            cut_off.communicate()
    done = json.loads(ended(rotation(config)))

    for process in users:
        process.terminate()
    kept = {name: text for process in users for name, text in json.loads(ended(process)).items()}

    store = Store(make_engine(config.database_url), cipher=Cipher.from_file(config.key_file))
    with store.read() as tx:
        read = {secret_id: tx.secrets.get(secret_id) for secret_id in kept}
        uses = tx.data_keys.uses()
    store.close()
    assert read == kept
    assert done["unreadable"] == []
    assert all(use.is_current for use in uses)
    assert sum(use.secrets for use in uses) >= len(kept)
