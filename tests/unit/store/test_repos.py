"""Repos as the database keeps them, on both kinds of it."""

import threading

import attrs
import pytest

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model.access import Visibility
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.store import Store
from pitrix_core.store.repos import Repo, RepoStatus


@pytest.fixture
def repo(store: Store) -> Repo:
    """A repo with a credential."""
    with store.begin() as tx:
        made = Repo(
            id="repo-1",
            owner="admin",
            name="notes",
            kind="https",
            url="https://host/x",
            settings={"verify": False},
            labels={"team": "web"},
            visibility=Visibility.PRIVATE,
            default_state=VersionState.DRAFT,
            index_interval_s=60.0,
            created_at=tx.now,
        )
        secret = tx.secrets.add("{}", owner="admin")
        tx.repos.add(made, credential_id=secret.id)
        return tx.repos.get("repo-1")


def test_what_was_stored_is_read(store: Store, repo: Repo) -> None:
    """By id and by name, with its credential beside it."""
    with store.read() as tx:
        found = tx.repos.get("notes")
        credential_id = tx.repos.credential_id("repo-1")

    assert found == repo
    assert (found.settings, found.labels) == ({"verify": False}, {"team": "web"})
    assert (found.default_state, found.index_interval_s) == (VersionState.DRAFT, 60.0)
    assert found.status is RepoStatus.NEW
    assert credential_id is not None


def test_a_change_leaves_what_indexing_found(store: Store, repo: Repo) -> None:
    """Two processes are at it, each at its own."""
    with store.begin() as tx:
        tx.repos.mark_indexed("repo-1", digest="sha256:0", findings=[])
    with store.begin() as tx:
        tx.repos.change(attrs.evolve(repo, name="other", is_enabled=False), credential_id=None)

    with store.read() as tx:
        found = tx.repos.get("other")
        assert tx.repos.credential_id("repo-1") is None
    assert (found.index_digest, found.status) == ("sha256:0", RepoStatus.DISABLED)


def test_a_repo_that_is_taken_away_is_known_by_its_id_alone(store: Store, repo: Repo) -> None:
    """To what came from it; its name is free."""
    with store.begin() as tx:
        tx.repos.remove("repo-1")

    with store.begin() as tx:
        assert tx.repos.all() == []
        assert tx.repos.get("repo-1").url == repo.url
        with pytest.raises(NotFoundError):
            tx.repos.get("notes")
        tx.repos.add(attrs.evolve(repo, id="repo-2"))
        assert [found.id for found in tx.repos.all()] == ["repo-2"]


def test_a_name_that_looks_the_same_is_taken(store: Store, repo: Repo) -> None:
    """Whether it is another repo's when it is made, or later."""
    with store.begin() as tx:
        with pytest.raises(ConflictError):
            tx.repos.add(attrs.evolve(repo, id="repo-2", name="Notes"))
        tx.repos.add(attrs.evolve(repo, id="repo-2", name="others"))
        with pytest.raises(ConflictError):
            tx.repos.change(attrs.evolve(repo, id="repo-2", name="NOTES"), credential_id=None)


def test_who_holds_a_repo_is_waited_for(store: Store, repo: Repo) -> None:
    """Who comes second sees what the first has changed."""
    seen: list[str] = []

    def come_second() -> None:
        with store.begin() as tx:
            tx.repos.lock("repo-1")
            seen.append(tx.repos.get("repo-1").name)

    second = threading.Thread(target=come_second)
    with store.begin() as tx:
        tx.repos.lock("repo-1")
        second.start()
        second.join(0.3)  # it would be over, did it not wait
        tx.repos.change(attrs.evolve(repo, name="changed"), credential_id=None)
    second.join(60)

    assert seen == ["changed"]


def test_a_repo_may_change_the_case_of_its_own_name(store: Store, repo: Repo) -> None:
    """It is nobody else's."""
    with store.begin() as tx:
        tx.repos.change(attrs.evolve(repo, name="Notes"), credential_id=None)

    with store.read() as tx:
        assert tx.repos.get("Notes").id == "repo-1"


def test_a_repo_without_versions_has_no_clusters(store: Store, repo: Repo) -> None:
    """Nothing keeps it from being taken away."""
    with store.read() as tx:
        assert tx.repos.clusters("repo-1") == []
