"""Indexers are processes: one that dies, or sleeps for too long, is in nobody's way."""

import contextlib
import datetime as dt
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import core_world
import pytest
from indexer_process import FolderKind

from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.store.engine import db_now
from pitrix_core.store.repos import Repo

#: Seconds until anything that is waited for has to have happened.
LIMIT_S = 60
#: Longer than a turn lasts without a sign of life.
LATER = dt.timedelta(seconds=25)


@pytest.fixture
def repo(tmp_path: Path) -> core_world.RepoFolder:
    """A folder with a package."""
    made = core_world.RepoFolder(tmp_path / "repo")
    made.add(core_world.note())
    return made


@pytest.fixture
def store(database_url: str, tmp_path: Path, repo: core_world.RepoFolder) -> Iterator[Store]:
    """A database in which the folder is a repo, as everybody sees it now."""
    store = core_world.open_store(database_url, tmp_path)
    with store.begin() as tx:
        url = repo.url.replace("file:", "wait:", 1)
        tx.repos.add(Repo(id="repo-1", owner="admin", name="r", url=url, created_at=tx.now))
    yield store
    store.close()


@pytest.fixture
def later(store: Store, database_url: str, tmp_path: Path) -> Iterator[Store]:
    """The same database, as it is seen when a turn without a sign of life has run out."""
    cipher = Cipher.from_file(tmp_path / "key")
    later = Store(make_engine(database_url), cipher=cipher, clock=lambda c: db_now(c) + LATER)
    yield later
    later.close()


@contextlib.contextmanager
def indexer_at_work(database_url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start an indexer that has its turn, and waits with the index before it."""
    command = [sys.executable, str(Path(__file__).with_name("indexer_process.py"))]
    with subprocess.Popen(
        [*command, database_url, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert said_by(process) == "reading"
            yield process
        finally:
            process.kill()


def said_by(process: subprocess.Popen[str]) -> str:
    """Return the next line a process says."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], LIMIT_S)
    assert ready, "the process says nothing"
    return process.stdout.readline().strip()


def index_due(store: Store) -> int:
    """Index what is due, as another process does; return how much it was."""
    registry = core_world.registry_of(kinds={"wait": FolderKind})
    return core_world.indexer_of(store, registry).index_due()


def versions(store: Store) -> list[str]:
    """Return the versions that are offered."""
    with store.read() as tx:
        app = tx.catalog.app("app")
        return [each.version for each in tx.catalog.versions(app.id)]


def events(store: Store) -> list[Any]:
    """Return the kinds of what happened."""
    with store.read() as tx:
        return [event.kind for event in tx.events.after(0, limit=9)]


def test_an_indexer_that_is_killed_blocks_nothing(
    store: Store, later: Store, database_url: str, tmp_path: Path
) -> None:
    """Its turn runs out, and the next indexer does the work."""
    with indexer_at_work(database_url, tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)

    count = index_due(later)

    assert count == 1
    assert versions(store) == ["1.0.0"]


def test_an_indexer_that_wakes_up_late_writes_nothing(
    store: Store,
    later: Store,
    database_url: str,
    tmp_path: Path,
    repo: core_world.RepoFolder,
) -> None:
    """It finds that its turn is over, whatever it has read."""
    with indexer_at_work(database_url, tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        index_due(later)
        repo.add(core_world.note("app", "2.0.0"), "app", "2.0.0")
        process.send_signal(signal.SIGCONT)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        said = said_by(process)

    assert said == "lease_lost"
    assert versions(store) == ["1.0.0"]
    assert events(store) == ["repo.indexed"]
