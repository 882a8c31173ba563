"""Indexers have turns at repos, and take what is to be read; on both kinds of database."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from pitrix_core.errors import LeaseLostError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import AppInfo
from pitrix_core.store import Store, Transaction
from pitrix_core.store.index_entries import Kept, Listed
from pitrix_core.store.indexing import Turn
from pitrix_core.store.repos import Repo
from pitrix_core.testing.manual_clock import ManualClock

DIGEST = "sha256:" + "0" * 64
OTHER_DIGEST = "sha256:" + "1" * 64
FOUND = Finding(level=Level.WARNING, code="note", message="It is odd.")
WRONG = Finding(level=Level.ERROR, code="package_archive", message="It is none.")


@pytest.fixture
def repo(store: Store, manual_clock: ManualClock) -> Repo:
    """A repo that was never indexed."""
    made = Repo(id="repo-1", owner="admin", name="r", url="file:///r", created_at=manual_clock())
    with store.begin() as tx:
        tx.repos.add(made)
    return made


def take(store: Store, repo_id: str = "repo-1", *, lease_s: float = 20.0) -> Turn | None:
    """Try to begin a turn."""
    with store.begin() as tx:
        return tx.indexing.take(repo_id, lease_s=lease_s)


def taken(store: Store, **values: Any) -> Turn:
    """Begin a turn that is free."""
    turn = take(store, **values)
    assert turn is not None
    return turn


def due(store: Store) -> list[str]:
    """Return which repos are due."""
    with store.read() as tx:
        return tx.indexing.due(limit=9)


# -- turns -----------------------------------------------------------------------------------------


def test_a_turn_is_one_indexers(store: Store, repo: Repo) -> None:
    """Nobody else gets one meanwhile, and the repo is not due."""
    before = due(store)
    first = take(store)

    assert before == ["repo-1"]
    assert first is not None
    assert take(store) is None
    assert due(store) == []


def test_who_dies_is_followed_when_the_lease_has_run_out(
    store: Store, repo: Repo, manual_clock: ManualClock
) -> None:
    """The late one writes nothing more, whatever it tries."""
    late = taken(store, lease_s=20.0)
    manual_clock.advance(21.0)

    successor = taken(store)

    assert successor.fence > late.fence
    for write in (
        lambda tx: tx.indexing.hold(late, lease_s=20.0),
        lambda tx: tx.indexing.end(late, due_s=1.0, tag="t", findings=[]),
        lambda tx: tx.indexing.pause(late, due_s=1.0),
        lambda tx: tx.indexing.fail(late, due_s=1.0, failure="x"),
    ):
        with pytest.raises(LeaseLostError), store.begin() as tx:
            write(tx)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda tx, _: tx.repos.read_anew("repo-1"), id="its-place-changed"),
        pytest.param(lambda tx, _: tx.repos.take_off("repo-1"), id="it-is-taken-away"),
        pytest.param(lambda tx, turn: tx.indexing.leave(turn), id="its-indexer-is-to-stop"),
    ],
)
def test_who_has_lost_the_turn_writes_nothing_more(
    store: Store, repo: Repo, end: Callable[[Transaction, Turn], object]
) -> None:
    """And somebody else may have it at once."""
    late = taken(store)

    with store.begin() as tx:
        end(tx, late)

    with pytest.raises(LeaseLostError), store.begin() as tx:
        tx.indexing.hold(late, lease_s=20.0)
    assert taken(store).fence > late.fence


def test_who_holds_a_turn_keeps_it(store: Store, repo: Repo, manual_clock: ManualClock) -> None:
    """However long it takes."""
    turn = taken(store, lease_s=20.0)
    for _ in range(3):
        manual_clock.advance(15.0)
        with store.begin() as tx:
            tx.indexing.hold(turn, lease_s=20.0)

    assert take(store) is None


def test_a_repo_is_due_again_when_its_time_has_come(
    store: Store, repo: Repo, manual_clock: ManualClock
) -> None:
    """The next turn knows which index was read, and that nothing is wrong any more."""
    with store.begin() as tx:
        turn = tx.indexing.take("repo-1", lease_s=20.0)
        assert turn is not None
        tx.indexing.fail(turn, due_s=60.0, failure="nobody answered")
    failed = taken(store)
    with store.begin() as tx:
        tx.indexing.end(failed, due_s=600.0, tag="tag-1", findings=[WRONG])
    before = due(store)
    manual_clock.advance(601.0)

    assert (failed.failures, failed.failure) == (1, "nobody answered")
    assert before == []
    assert due(store) == ["repo-1"]
    assert attrs.evolve(taken(store), fence=0) == Turn(
        repo_id="repo-1", fence=0, tag="tag-1", failures=0, failure=None
    )
    with store.read() as tx:
        assert tx.indexing.findings("repo-1") == (WRONG,)


def test_a_repo_that_is_gone_has_no_turns(store: Store) -> None:
    """Nor is anything left of it."""
    assert take(store, "repo-gone") is None


# -- what indexes list -----------------------------------------------------------------------------


def listed(name: str, version: str, *, digest: str | None = DIGEST, **info: Any) -> Listed:
    """Return an entry of an index."""
    about = AppInfo(name=name, version=version, **info)
    fingerprint = f"{name} {version} {digest} {info}"
    return Listed(info=about, urls=("x.tgz",), digest=digest, fingerprint=fingerprint[:64])


def put(store: Store, repo: Repo, *entries: Listed) -> Kept:
    """Write entries."""
    with store.begin() as tx:
        return tx.index_entries.put(repo, entries, state="active")


def read(
    store: Store, version_id: str, *, digest: str = DIGEST, findings: Sequence[Finding] = ()
) -> str:
    """Say that a version was read; return the digest that counts."""
    with store.begin() as tx:
        tx.catalog.add_package(digest, b"bytes")
        return tx.readings.mark_read(
            version_id,
            digest=digest,
            app_type="note",
            signed_by=None,
            info=AppInfo(name="a", version="1.0.0", description="as packaged"),
            findings=findings,
        )


def fail(store: Store, version_id: str, *, is_unreadable: bool = True) -> None:
    """Say that a version could not be read."""
    with store.begin() as tx:
        tx.readings.mark_failed(
            version_id, findings=[WRONG], is_unreadable=is_unreadable, due_s=60.0
        )


def offered(store: Store, app: str = "a") -> list[str]:
    """Return the versions of an app that are offered."""
    with store.read() as tx:
        return sorted(each.version for each in tx.catalog.versions(tx.catalog.app(app).id))


def test_what_is_listed_is_there_at_once(store: Store, repo: Repo) -> None:
    """Before its package was read, and with what the index says of it."""
    kept = put(store, repo, listed("a", "1.0.0", description="d"), listed("b", "1.0.0"))

    with store.read() as tx:
        version = tx.catalog.version(kept.ids[0])
        assert (version.app_type, version.digest, version.state) == (None, None, "active")
        assert version.info.description == "d"
        assert tx.catalog.app("a").description == "d"
        apps = {tx.catalog.app(name).id for name in "ab"}
    assert kept.added == frozenset(kept.ids)
    assert kept.changed == apps


def test_what_did_not_change_is_not_written(store: Store, repo: Repo) -> None:
    """Only looked at."""
    first = put(store, repo, listed("a", "1.0.0"))

    again = put(store, repo, listed("a", "1.0.0"), listed("a", "2.0.0"))

    assert again.ids[0] == first.ids[0]
    assert again.added == {again.ids[1]}


def test_what_is_not_read_yet_may_change(store: Store, repo: Repo) -> None:
    """Nobody has used it; who repairs an index is heard."""
    [version_id] = put(store, repo, listed("a", "1.0.0")).ids
    fail(store, version_id)

    kept = put(store, repo, listed("a", "1.0.0", digest=OTHER_DIGEST, home="h"))

    with store.read() as tx:
        entry = tx.readings.get(version_id)
        assert entry is not None
        assert (entry.digest, entry.attempts, entry.is_unreadable) == (OTHER_DIGEST, 0, False)
        version = tx.catalog.version(version_id)
    assert version.info.home == "h"
    assert (dict(kept.differing), kept.changed) == ({}, {version.app_id})


def test_what_was_read_stays(store: Store, repo: Repo) -> None:
    """Another digest is told, and changes nothing."""
    [version_id] = put(store, repo, listed("a", "1.0.0")).ids
    read(store, version_id)

    kept = put(store, repo, listed("a", "1.0.0", digest=OTHER_DIGEST, home="h"))

    with store.read() as tx:
        version = tx.catalog.version(version_id)
    assert kept.differing == {0: DIGEST}
    assert (version.digest, version.info.home) == (DIGEST, "")


def test_what_is_not_listed_any_more_is_marked_and_comes_back(store: Store, repo: Repo) -> None:
    """Clusters of it go on."""
    first, second = put(store, repo, listed("a", "1.0.0"), listed("a", "2.0.0")).ids
    with store.begin() as tx:
        gone = tx.index_entries.unlisted(repo.id, listed={second})
        tx.index_entries.mark_removed(list(gone))
        again = tx.index_entries.unlisted(repo.id, listed={second})
    with store.read() as tx:
        removed_at = tx.catalog.version(first).removed_at

    kept = put(store, repo, listed("a", "1.0.0"), listed("a", "2.0.0"))

    assert (list(gone), dict(again)) == ([first], {})
    assert removed_at is not None
    with store.read() as tx:
        version = tx.catalog.version(first)
    assert version.removed_at is None
    assert (kept.added, kept.changed) == (frozenset(), {version.app_id})


def test_versions_from_before_there_were_entries_are_taken_on(store: Store, repo: Repo) -> None:
    """An older release indexed them; they are not read again."""
    [version_id] = put(store, repo, listed("a", "1.0.0")).ids
    read(store, version_id)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM index_entries")

    kept = put(store, repo, listed("a", "1.0.0"))

    assert kept.ids == (version_id,)
    with store.begin() as tx:
        assert tx.readings.unread(repo.id, limit=9) == []
        assert list(tx.index_entries.unlisted(repo.id, listed=())) == [version_id]


# -- what is to be read ----------------------------------------------------------------------------


def take_due(store: Store, *, limit: int = 9) -> list[str]:
    """Take versions to read; return their ids."""
    with store.begin() as tx:
        return [entry.version_id for entry in tx.readings.take_due(limit=limit, for_s=300.0)]


def rank(store: Store, *apps: Sequence[str]) -> None:
    """Have the newest versions of apps read."""
    with store.begin() as tx:
        tx.index_entries.rank(apps)


def test_the_newest_of_every_app_comes_first(store: Store, repo: Repo) -> None:
    """And what is not among the newest waits until somebody asks for it."""
    versions = [listed(name, version) for name in "ab" for version in ("3.0.0", "2.0.0", "1.0.0")]
    a3, a2, _a1, b3, b2, _b1 = put(store, repo, *versions).ids
    rank(store, (a3, a2), (b3, b2))

    first, second, third = (set(take_due(store, limit=2)) for _ in range(3))

    assert (first, second, third) == ({a3, b3}, {a2, b2}, set())


def test_who_dies_over_a_reading_leaves_it_to_others(
    store: Store, repo: Repo, manual_clock: ManualClock
) -> None:
    """After a while."""
    [version_id] = put(store, repo, listed("a", "1.0.0")).ids
    rank(store, (version_id,))
    first, meanwhile = take_due(store), take_due(store)
    manual_clock.advance(301.0)

    assert (first, meanwhile, take_due(store)) == ([version_id], [], [version_id])


def test_nothing_is_read_of_repos_that_are_disabled(
    store: Store, repo: Repo, manual_clock: ManualClock
) -> None:
    """Nor are they due."""
    rank(store, put(store, repo, listed("a", "1.0.0")).ids)
    with store.begin() as tx:
        tx.repos.change(attrs.evolve(repo, is_enabled=False), credential_id=None)

    assert (take_due(store), due(store)) == ([], [])


def test_what_cannot_be_read_is_not_offered_and_tried_again(
    store: Store, repo: Repo, manual_clock: ManualClock
) -> None:
    """Why is kept with it, and told with its repo."""
    [version_id] = put(store, repo, listed("a", "1.0.0")).ids
    fail(store, version_id)
    with store.read() as tx:
        findings = (tx.catalog.version(version_id).findings, tx.readings.findings(repo.id, limit=9))
    hidden = offered(store)
    manual_clock.advance(61.0)
    again = take_due(store)
    read(store, version_id)

    assert findings == ((WRONG,), [WRONG])
    assert (hidden, again, offered(store)) == ([], [version_id], ["1.0.0"])


def test_what_keeps_versions_from_being_read_is_told_first(store: Store, repo: Repo) -> None:
    """Then what was found in others; nothing of those that are not listed any more."""
    first, second, third = put(store, repo, *(listed(name, "1.0.0") for name in "abc")).ids
    read(store, first, findings=[FOUND])
    for version_id in (second, third):
        fail(store, version_id)
    with store.begin() as tx:
        tx.index_entries.mark_removed([third])

    with store.read() as tx:
        found = tx.readings.findings(repo.id, limit=9)

    assert found == [WRONG, FOUND]


def test_what_cannot_be_fetched_now_stays_on_offer(store: Store, repo: Repo) -> None:
    """Its storage may be away for a moment."""
    [version_id] = put(store, repo, listed("a", "1.0.0")).ids

    fail(store, version_id, is_unreadable=False)

    assert offered(store) == ["1.0.0"]


def test_the_first_reading_counts(store: Store, repo: Repo) -> None:
    """The second is told which digest the version has."""
    [version_id] = put(store, repo, listed("a", "1.0.0", digest=None)).ids

    first = read(store, version_id, digest=DIGEST)
    second = read(store, version_id, digest=OTHER_DIGEST)

    assert (first, second) == (DIGEST, DIGEST)
    assert take_due(store) == []


def test_an_app_is_described_by_its_newest_package(store: Store, repo: Repo) -> None:
    """The index's words are there until then."""
    [version_id] = put(store, repo, listed("a", "1.0.0", description="as listed")).ids
    rank(store, (version_id,))

    read(store, version_id)

    with store.read() as tx:
        assert tx.catalog.app("a").description == "as packaged"
