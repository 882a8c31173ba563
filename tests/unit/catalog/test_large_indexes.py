"""Large indexes are listed first and read later; what changes in them is all that is written."""

import itertools
from typing import Any

import core_world
import pytest

from pitrix_core.catalog.entries import EntryWriter
from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.errors import (
    PackageError,
    PackageInvalidError,
    RepoNotFoundError,
    RepoTemporaryError,
)
from pitrix_core.findings import Level
from pitrix_core.model.access import admin
from pitrix_core.package import digest_of
from pitrix_core.package.index import IndexReader
from pitrix_core.plugins.repo_kinds import OpenRepo
from pitrix_core.store import Store
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.repos import Repo, RepoStatus
from pitrix_core.store.search import Wish
from pitrix_core.store.slices import WHOLE

#: More than are read together with the index.
MANY = 60
ADMIN = admin("admin")
FIRST = Wish(text="first")


@pytest.fixture
def large(store: Store, repo: core_world.RepoFolder) -> Repo:
    """A registered repo with two apps of thirty versions each; their archives are all one."""
    for name in ("first", "second"):
        content = core_world.note(name)
        (repo.path / f"{name}.tgz").write_bytes(content)
        repo.entries[name] = [
            entry(name, f"1.{number}.0", content) for number in reversed(range(MANY // 2))
        ]
    repo.write()
    with store.begin() as tx:
        made = Repo(id="repo-1", owner="admin", name="r", url=repo.url, created_at=tx.now)
        tx.repos.add(made)
    return made


def entry(name: str, version: str, content: bytes) -> dict[str, Any]:
    """Return an entry of an index."""
    return {"version": version, "urls": [f"{name}.tgz"], "digest": digest_of(content)}


@pytest.fixture
def indexer(store: Store) -> Indexer:
    """An indexer."""
    return core_world.indexer_of(store, core_world.registry_of())


def versions(store: Store, name: str = "first") -> dict[str, AppVersion]:
    """Return what is offered of an app."""
    with store.read() as tx:
        return {each.version: each for each in tx.catalog.versions(tx.catalog.app(name).id)}


def read_versions(store: Store, name: str = "first") -> set[str]:
    """Return the versions of an app that were read."""
    return {each.version for each in versions(store, name).values() if each.digest is not None}


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """Return what happened."""
    with store.read() as tx:
        return [(event.kind, dict(event.data)) for event in tx.events.after(0, limit=99)]


def test_a_large_index_is_listed_without_its_packages(
    store: Store, large: Repo, indexer: Indexer
) -> None:
    """All of it can be seen at once."""
    found = indexer.index(large)

    assert len(versions(store)) == len(versions(store, "second")) == MANY // 2
    assert read_versions(store) == set()
    assert found.findings == ()
    assert told(store) == [
        ("repo.indexed", {"entries": MANY, "added": MANY, "removed": 0, "findings": 0})
    ]


def test_the_newest_versions_are_read_ahead(store: Store, large: Repo, indexer: Indexer) -> None:
    """The others wait until somebody asks for one."""
    indexer.index(large)

    while indexer.reading.read_due():
        pass

    newest = {"1.29.0", "1.28.0", "1.27.0"}
    assert (read_versions(store), read_versions(store, "second")) == (newest, newest)


def test_what_an_indexer_did_not_come_to_is_read_ahead_later(
    store: Store, large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """It died when the versions were listed, and before the newest were known."""
    indexer.index(large)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE index_entries SET rank = 1000000, due_at = NULL")
    repo.list("third", "1.0.0", urls=["first.tgz"])
    indexer.index(large)

    while indexer.reading.read_due():
        pass

    assert read_versions(store) == {"1.29.0", "1.28.0", "1.27.0"}


def test_an_app_of_which_only_a_part_is_written_is_listed_by_that_part(
    store: Store, large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """Whoever wrote it may die before the rest of it comes."""
    content = core_world.note("first")
    repo.entries = {"first": [entry("first", f"2.0.{n}", content) for n in reversed(range(600))]}
    repo.write()
    with store.begin() as tx:
        turn = tx.indexing.take(large.id, lease_s=600.0)

    def dying() -> Any:
        with (repo.path / "index.yaml").open("rb") as file:
            yield from itertools.islice(IndexReader(file), 550)
        raise SystemExit

    with pytest.raises(SystemExit):
        EntryWriter(store, large, turn, lease_s=600.0).write(dying())

    with store.read() as tx:
        [listing] = tx.search.apps(FIRST, WHOLE, viewer=ADMIN)
    assert (listing.latest_version, listing.versions) == ("2.0.599", 500)


def test_nothing_more_is_read_once_the_process_is_to_end(
    store: Store, large: Repo, indexer: Indexer
) -> None:
    """Others read it, when it is due again."""
    indexer.index(large)

    indexer.reading.read_due(lambda: True)

    assert read_versions(store) == set()


def test_who_asks_for_a_version_has_it_read(store: Store, large: Repo, indexer: Indexer) -> None:
    """Once: it is stored from then on."""
    indexer.index(large)
    loader = PackageLoader(store, core_world.registry_of(), indexer.reading)
    asked_for = versions(store)["1.3.0"]

    package = loader.load(asked_for)

    assert package.app_type.name == "note"
    assert read_versions(store) == {"1.3.0"}
    assert loader.load(versions(store)["1.3.0"]) is package


def test_a_version_that_was_not_read_is_no_package_yet(
    store: Store, large: Repo, indexer: Indexer
) -> None:
    """Where nobody reads it, that is said."""
    indexer.index(large)
    loader = PackageLoader(store, core_world.registry_of())

    with pytest.raises(PackageError, match="not read yet"):
        loader.load(versions(store)["1.3.0"])


def test_what_changes_is_all_that_is_written(
    store: Store, large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """A version more, one less, and one that is back."""
    indexer.index(large)
    listed = repo.entries["first"]
    newest = entry("first", "2.0.0", core_world.note("first"))
    gone = listed.pop()
    listed.insert(0, newest)
    repo.write()
    indexer.index(large)
    removed_at = versions(store)["1.0.0"].removed_at
    listed.append(gone)
    repo.write()
    indexer.index(large)

    changes = [(data["added"], data["removed"]) for _, data in told(store)[1:]]
    assert changes == [(1, 1)]
    assert removed_at is not None
    assert versions(store)["1.0.0"].removed_at is None


def test_an_index_that_breaks_off_takes_nothing_away(
    store: Store, large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """What it lists before that place is there; the repo says what is wrong."""
    indexer.index(large)
    whole = (repo.path / "index.yaml").read_text()
    new = '{"entries": {"first": [{"version": "9.0.0", "urls": ["first.tgz"]}],'
    (repo.path / "index.yaml").write_text(new + ' "second": [{"version": ')

    with pytest.raises(PackageInvalidError):
        indexer.index(large)

    with store.read() as tx:
        failing = tx.repos.get(large.id)
        before = [each.latest_version for each in tx.search.apps(FIRST, WHOLE, viewer=ADMIN)]
    (repo.path / "index.yaml").write_text(whole)
    after = indexer.index(large)
    assert (failing.status, after.status) == (RepoStatus.FAILING, RepoStatus.OK)
    assert before == ["9.0.0"]
    assert "not YAML" in (failing.failure or "")
    assert [kind for kind, _ in told(store)] == ["repo.indexed", "repo.failed", "repo.indexed"]
    assert all(each.removed_at is None for each in versions(store, "second").values())


def test_what_fails_again_is_told_once(
    store: Store, large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """It is tried again later and later, and does not stop other repos."""
    other = core_world.RepoFolder(repo.path.with_name("other"))
    with store.begin() as tx:
        tx.repos.add(Repo(id="repo-2", owner="admin", name="s", url=other.url, created_at=tx.now))
    (repo.path / "index.yaml").unlink()

    count = indexer.index_due()

    for _ in range(2):
        with pytest.raises(RepoNotFoundError):
            indexer.index(large)
    assert count == 2
    assert [kind for kind, _ in told(store)] == ["repo.failed", "repo.indexed"]
    with store.read() as tx:
        assert tx.indexing.due(limit=9) == []


def test_a_thousand_faults_are_counted_and_not_all_kept(
    large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """Who repairs the index begins with the first."""
    repo.entries["bad"] = [{"version": "none", "urls": ["x"]}] * 1000
    repo.write()

    found = indexer.index(large)

    assert len(found.findings) == 101
    assert "900 findings more" in found.findings[-1].message


def test_a_package_that_cannot_be_read_is_told(
    store: Store, large: Repo, indexer: Indexer, repo: core_world.RepoFolder
) -> None:
    """Once, by an event; and with the repo, until it can be."""
    good = (repo.path / "first.tgz").read_bytes()
    (repo.path / "first.tgz").write_bytes(b"no archive")
    indexer.index(large)
    while indexer.reading.read_due():
        pass
    offered = set(versions(store))
    with store.read() as tx:
        found = tx.repos.get(large.id).findings
        failed = [each for each in tx.readings.unread(large.id, limit=MANY) if each.attempts]
    (repo.path / "first.tgz").write_bytes(good)
    for each in failed:
        indexer.reading.read(each.version_id)

    reasons = [data["reason"] for kind, data in told(store) if kind == "version.unreadable"]
    assert len(reasons) == 3
    assert all("promises" in reason for reason in reasons)
    assert {f.file for f in found if f.level is Level.ERROR} == {
        f"first 1.{number}.0" for number in (27, 28, 29)
    }
    assert offered == {f"1.{number}.0" for number in range(27)}
    with store.read() as tx:
        assert tx.repos.get(large.id).findings == ()


def test_a_storage_that_is_away_for_a_moment_hides_nothing(
    store: Store, large: Repo, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The versions stay on offer, and are read when it is back."""
    indexer.index(large)

    def away(*_: object, **__: object) -> bytes:
        raise RepoTemporaryError("Nobody answered.")

    with monkeypatch.context() as patched:
        patched.setattr(OpenRepo, "read", away)
        indexer.reading.read_due()

    assert len(versions(store)) == MANY // 2
    version = versions(store)["1.29.0"]
    loader = PackageLoader(store, core_world.registry_of(), indexer.reading)
    assert loader.load(version).app_type.name == "note"
