"""Indexing stores what is new and sound, says what is not, and never stops half-way."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.contracts.repo import IndexFile
from pitrix_core.errors import (
    ConflictError,
    NotFoundError,
    PackageDigestError,
    PackageError,
    PackageInvalidError,
    PluginNotFoundError,
    RepoNotFoundError,
)
from pitrix_core.findings import Finding, Level
from pitrix_core.package import digest_of
from pitrix_core.store import Store
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.repos import Repo

Index = Callable[..., Repo]


@pytest.fixture
def registered(store: Store, repo: core_world.RepoFolder) -> Repo:
    """The folder as a repo."""
    with store.begin() as tx:
        made = Repo(id="repo-1", owner="admin", name="notes", url=repo.url, created_at=tx.now)
        tx.repos.add(made)
    return made


@pytest.fixture
def index(store: Store, registered: Repo) -> Index:
    """Return a function that indexes the repo as it is in the database."""

    def run(registry: Any = None) -> Repo:
        with store.read() as tx:
            known = tx.repos.get(registered.id)
        return core_world.indexer_of(store, registry or core_world.registry_of()).index(known)

    return run


def versions(store: Store, name: str = "app") -> list[AppVersion]:
    """Return what was stored of an app."""
    with store.read() as tx:
        try:
            return tx.catalog.versions(tx.catalog.app(name).id)
        except NotFoundError:
            return []


def events(store: Store) -> list[str]:
    """Return the kinds of what happened."""
    with store.read() as tx:
        return [event.kind for event in tx.events.after(0, limit=100)]


def test_a_package_becomes_a_version(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """With its type, its digest and its bytes."""
    content = core_world.note()
    repo.add(content)

    found = index()

    [version] = versions(store)
    assert (version.version, version.app_type, version.state) == ("1.0.0", "note", "active")
    assert found.findings == ()
    assert found.indexed_at is not None
    with store.read() as tx:
        assert tx.catalog.package(version.digest) == content


def test_an_unchanged_index_is_only_read(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Nothing is written, also when the archives are gone by now."""
    repo.add(core_world.note())
    first = index()
    (repo.path / "app-1.0.0.tgz").unlink()

    second = index()

    assert second == first
    assert events(store) == ["repo.indexed"]


BAD = [
    pytest.param({"raises": "parse"}, "failed to read", id="raises-in-parse"),
    pytest.param({"raises": "validate"}, "failed to look", id="raises-in-validate"),
    pytest.param({"invalid": True}, "The note is bad", id="invalid"),
    pytest.param({"nothing": True}, "NoneType", id="parsed-as-nothing"),
    pytest.param({"findings": ["warning", "error"]}, "cannot be offered", id="an-error-found"),
]


@pytest.mark.parametrize(("says", "reason"), BAD)
def test_a_bad_package_does_not_stop_the_others(
    store: Store, repo: core_world.RepoFolder, index: Index, says: dict[str, Any], reason: str
) -> None:
    """It is named, with what is wrong, and nothing of it is stored."""
    repo.add(core_world.note("bad", **says), "bad")
    repo.add(core_world.note("good"), "good")

    found = index()

    assert reason in found.findings[0].message
    assert found.findings[0].file == "bad 1.0.0"
    assert len(versions(store, "good")) == 1
    assert versions(store, "bad") == []


def evil(name: str) -> bytes:
    """Return an archive with one member of a bad name."""
    return core_world.archive({name: "{}"})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"no archive", "package_archive", id="malformed"),
        pytest.param(core_world.note()[:60], "package_archive", id="cut-off"),
        pytest.param(evil("../../etc/x"), "package_archive", id="path-traversal"),
        pytest.param(evil("/etc/x"), "package_archive", id="absolute-path"),
        pytest.param(
            core_world.archive({"a/note.json": "0" * 20_000_000}), "package_archive", id="bomb"
        ),
        pytest.param(core_world.archive({"a/readme": "x"}), "package_unknown", id="no-type"),
        pytest.param(core_world.archive({"a/note.json": "{"}), "package_invalid", id="no-json"),
    ],
)
def test_a_hostile_archive_is_left_out(
    store: Store, repo: core_world.RepoFolder, index: Index, content: bytes, code: str
) -> None:
    """By the code of what is wrong with it, beside a good one."""
    repo.add(content, "bad")
    repo.add(core_world.note("good"), "good")

    found = index()

    assert found.findings[0].code == code
    assert versions(store, "bad") == []
    assert len(versions(store, "good")) == 1


def test_entries_that_are_none_are_left_out(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """What the index reader finds is kept with the repo."""
    repo.list("bad", "not a version", urls=["x"])
    repo.list("nowhere", "1.0.0")
    repo.list("outside", "1.0.0", urls=["../x.tgz"])
    repo.add(core_world.note("good"), "good")

    found = index()

    assert len(found.findings) == 3
    assert len(versions(store, "good")) == 1


def test_an_archive_with_another_digest_is_refused(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """The index promises what is to be run."""
    content = core_world.note()
    repo.add(content, digest="sha256:" + "0" * 64)

    [finding] = index().findings

    assert finding.code == "package_digest"
    assert f"promises sha256:{'0' * 64}, and the archive has {digest_of(content)}" in (
        finding.message
    )
    assert finding.next_step is not None
    assert versions(store) == []


def test_an_archive_that_was_repaired_is_fetched_and_compared_again(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """What was left out for its digest is offered once the bytes are the promised ones."""
    content = core_world.note()
    repo.add(content)
    archive = repo.path / "app-1.0.0.tgz"
    archive.write_bytes(content[:-1] + b"!")
    before = index()
    archive.write_bytes(content)

    after = index()

    assert [finding.code for finding in before.findings] == ["package_digest"]
    assert after.findings == ()
    assert [version.digest for version in versions(store)] == [digest_of(content)]


class UntellingKind(FileKind):
    """A folder whose index has one tag for ever, as the tags of a registry say no digests."""

    schemes = ("untelling",)

    def __init__(self, url: str, **given: Any) -> None:
        """Take the folder of the same path."""
        super().__init__(url.replace("untelling://", "file://"), **given)

    def read_index(self, known: str | None) -> IndexFile | None:
        """Read it where somebody has no tag."""
        found = None if known == "same" else super().read_index(None)
        return found and attrs.evolve(found, tag="same")


def test_an_index_that_promises_other_bytes_is_read_anew(
    store: Store, repo: core_world.RepoFolder
) -> None:
    """An artifact may be pushed again under its tag, of which a list of tags says nothing."""
    repo.add(core_world.note(), digest="sha256:" + "0" * 64)
    made = Repo(
        id="repo-1",
        owner="admin",
        name="notes",
        url=repo.url.replace("file://", "untelling://"),
        created_at=dt.datetime.now(dt.UTC),
    )
    with store.begin() as tx:
        tx.repos.add(made)
    indexer = core_world.indexer_of(
        store, core_world.registry_of(kinds={"untelling": UntellingKind})
    )
    indexer.index(made)
    again = core_world.note()
    repo.add(again, digest=digest_of(again))

    indexer.index(made)  # what it reads is not what was promised
    found = indexer.index(made)

    assert found.findings == ()
    assert [version.digest for version in versions(store)] == [digest_of(again)]


def test_a_released_version_never_changes(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """A new digest for a known version is told; the first package stays."""
    repo.add(core_world.note())
    index()
    [before] = versions(store)
    repo.add(core_world.note(more="words"))

    [finding] = index().findings

    assert finding.code == "package_digest"
    assert "release another version" in (finding.next_step or "")
    assert versions(store) == [before]


def test_an_index_may_name_no_digest(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Then the version that is known is taken for the one that is listed."""
    repo.add(core_world.note(), digest="")
    index()
    repo.add(core_world.note("app", "2.0.0"), "app", "2.0.0")

    assert index().findings == ()
    assert {version.version for version in versions(store)} == {"1.0.0", "2.0.0"}


def test_warnings_stay_with_the_version(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """They keep nothing from being offered."""
    repo.add(core_world.note(findings=["warning"]))

    found = index()

    [version] = versions(store)
    assert version.findings == found.findings != ()


def test_a_package_is_tried_again_once_its_type_is_installed(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """The index has not changed, but what can read it has."""
    repo.add(core_world.note())
    before = index(core_world.registry_of(core_world.NoteType("other", "other.json")))

    after = index()

    assert [finding.code for finding in before.findings] == ["package_unknown"]
    assert after.findings == ()
    assert len(versions(store)) == 1


def test_what_stays_wrong_is_told_once(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Looking at it again and again is no news."""
    repo.add(core_world.note(invalid=True))
    first = index()

    assert index() == first
    assert events(store) == ["repo.indexed"]


def test_a_folder_that_vanished_keeps_what_was_indexed(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """The packages are in the database by then."""
    repo.add(core_world.note())
    index()
    repo.path.rename(repo.path.with_name("away"))

    with pytest.raises(RepoNotFoundError, match="No index"):
        index()

    [version] = versions(store)
    assert PackageLoader(store, core_world.registry_of()).load(version).spec.info.name == "app"


@pytest.mark.parametrize("text", ["[]", "entries", "\x00", "{", "a: b"])
def test_what_is_no_index_changes_nothing(
    store: Store, repo: core_world.RepoFolder, index: Index, text: str
) -> None:
    """It is an error, and the repo stays as it was indexed."""
    repo.add(core_world.note())
    index()
    (repo.path / "index.yaml").write_text(text)

    with pytest.raises(PackageInvalidError):
        index()

    assert len(versions(store)) == 1


def test_who_comes_second_waits_for_the_one_at_it(
    store: Store, repo: core_world.RepoFolder, registered: Repo
) -> None:
    """And finds everything done: nothing is read twice."""
    for number in range(4):
        repo.add(core_world.note("app", f"1.0.{number}"), "app", f"1.0.{number}")
    looked_at: list[int] = []

    class Counting(core_world.NoteType):
        def validate(self, spec: Any) -> Any:
            looked_at.append(1)
            return super().validate(spec)

    indexer = core_world.indexer_of(store, core_world.registry_of(Counting()))
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(indexer.index, [registered] * 2))

    assert [each.findings for each in found] == [(), ()]
    assert len(versions(store)) == len(looked_at) == 4


def test_who_comes_while_another_is_at_it_for_long_is_told(store: Store, registered: Repo) -> None:
    """Instead of waiting for ever."""
    with store.begin() as tx:
        tx.indexing.take(registered.id, lease_s=600.0)
    registry = core_world.registry_of()
    impatient = Indexer(store, registry, RepoOpener(store, registry), lease_s=0.1)

    with pytest.raises(ConflictError, match="being indexed") as caught:
        impatient.index(registered)

    assert "pitrix repo show notes" in (caught.value.next_step or "")


def test_a_turn_lasts_as_long_as_the_work(
    store: Store, repo: core_world.RepoFolder, registered: Repo
) -> None:
    """Signs of life are given while a package is looked at."""
    repo.add(core_world.note())

    def leased_until() -> Any:
        with store.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT leased_until FROM indexing").scalar()

    class Thorough(core_world.NoteType):
        def validate(self, spec: Any) -> Any:
            before, end = leased_until(), time.monotonic() + 60
            while leased_until() == before and time.monotonic() < end:
                time.sleep(0.01)
            return [Finding(level=Level.INFO, code="renewed", message=str(leased_until() > before))]

    registry = core_world.registry_of(Thorough())
    indexer = Indexer(store, registry, RepoOpener(store, registry), lease_s=0.4)

    found = indexer.index(registered)

    assert [finding.message for finding in found.findings] == ["True"]
    assert leased_until() is None


def test_who_is_to_stop_leaves_the_turn_to_others(
    store: Store, repo: core_world.RepoFolder, registered: Repo
) -> None:
    """At once, and reads nothing more: what it is at may take minutes."""
    repo.add(core_world.note())
    repo.add(core_world.note("app", "2.0.0"), "app", "2.0.0")
    stop, turns = threading.Event(), []

    class Slow(core_world.NoteType):
        def validate(self, spec: Any) -> Any:
            stop.set()
            end = time.monotonic() + 60
            while not any(turns) and time.monotonic() < end:
                time.sleep(0.01)
                with store.begin() as tx:
                    turns.append(tx.indexing.take(registered.id, lease_s=600.0))
            return []

    registry = core_world.registry_of(Slow())
    indexer = Indexer(store, registry, RepoOpener(store, registry), lease_s=4.0)

    indexer.index_due(stop.is_set)

    assert turns[-1] is not None
    assert [each.digest is not None for each in versions(store)].count(True) == 1


def test_two_who_read_different_bytes_keep_the_first(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Without a digest in the index, what is stored first is the version."""
    repo.add(core_world.note(), digest="")
    index(core_world.registry_of(core_world.NoteType("other", "other.json")))
    with store.read() as tx:
        [entry] = tx.readings.unread("repo-1", limit=9)
    other = core_world.note(more="words")

    class Overtaken(core_world.NoteType):
        def validate(self, spec: Any) -> Any:
            repo.add(other, digest="")
            core_world.indexer_of(store, core_world.registry_of()).reading.read(entry.version_id)
            return []

    reading = core_world.indexer_of(store, core_world.registry_of(Overtaken())).reading
    with pytest.raises(PackageDigestError, match="the first one stays"):
        reading.read(entry.version_id)

    assert [version.digest for version in versions(store)] == [digest_of(other)]


def test_a_reading_waits_for_who_moves_the_version(
    postgresql_url: str, tmp_path: Path, repo: core_world.RepoFolder
) -> None:
    """And not each for the other, where several write at a time."""
    repo.add(core_world.note())
    store = core_world.open_store(postgresql_url, tmp_path)
    with store.begin() as tx:
        made = Repo(id="repo-1", owner="admin", name="r", url=repo.url, created_at=tx.now)
        tx.repos.add(made)
    core_world.indexer_of(store, core_world.registry_of(core_world.NoteType("x", "x"))).index(made)
    with store.read() as tx:
        [entry] = tx.readings.unread(made.id, limit=9)
    reading = core_world.indexer_of(store, core_world.registry_of()).reading

    with ThreadPoolExecutor(1) as threads:
        with store.begin() as tx:
            tx.listings.refresh([entry.app_id])  # as who writes a version of the same app
            read = threads.submit(reading.read, entry.version_id)
            wait_until_somebody_waits(store)
            tx.reviews.lock(entry.version_id)
        read.result(timeout=60)

    assert [each.version for each in versions(store)] == ["1.0.0"]
    store.close()


def wait_until_somebody_waits(store: Store) -> None:
    """Return once a transaction is held up by another one."""
    end = time.monotonic() + 60
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with store.engine.connect() as connection:
        while not connection.exec_driver_sql(waiting).scalar():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_package_is_read_once_and_kept(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Plans of one version do not read it again and again."""
    repo.add(core_world.note())
    index()
    [version] = versions(store)
    loader = PackageLoader(store, core_world.registry_of())

    assert loader.load(version) is loader.load(version)


def test_bytes_that_changed_in_the_database_are_not_read(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """A version is what was indexed, or nothing; both digests are told."""
    repo.add(core_world.note())
    index()
    [version] = versions(store)
    other = core_world.note(more="words")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE packages SET content = ?", (other,))

    with pytest.raises(PackageDigestError, match=version.digest) as caught:
        PackageLoader(store, core_world.registry_of()).load(version)

    assert digest_of(other) in caught.value.message
    assert "backup" in (caught.value.next_step or "")


def test_a_version_whose_type_is_gone_is_named(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Its plugin was uninstalled."""
    repo.add(core_world.note())
    index()
    [version] = versions(store)
    registry = core_world.registry_of(core_world.NoteType("other", "other.json"))

    with pytest.raises(PluginNotFoundError, match="'note'"):
        PackageLoader(store, registry).load(version)


def test_a_version_its_type_cannot_read_any_more_is_a_package_error(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Another version of the plugin may be installed by now."""
    repo.add(core_world.note())
    index()
    [version] = versions(store)

    class Newer(core_world.NoteType):
        def parse(self, reader: Any) -> Any:
            raise KeyError("colour")

    with pytest.raises(PackageError, match="failed to read the package: KeyError"):
        PackageLoader(store, core_world.registry_of(Newer())).load(version)
