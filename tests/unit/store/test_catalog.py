"""Repos, apps, versions and packages as they are kept."""

import pytest

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import AppInfo
from pitrix_core.store import Store
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.repos import Repo
from pitrix_core.testing.manual_clock import ManualClock

FINDING = Finding(level=Level.WARNING, code="x", message="strange")


@pytest.fixture
def repos(store: Store, manual_clock: ManualClock) -> list[Repo]:
    """Two stored repos."""
    made = [
        Repo(
            id=f"repo-{name}",
            owner="admin",
            name=name,
            url="file:///x",
            selectors={"tier": ("prod",)},
            trusted_keys=("RWQ",),
            created_at=manual_clock(),
        )
        for name in ("a", "b")
    ]
    with store.begin() as tx:
        for repo in reversed(made):
            tx.repos.add(repo)
    return made


def app(repo: Repo, name: str = "etcd") -> App:
    """An app of a repo."""
    return App(
        id=f"app-{repo.name}-{name}",
        owner="admin",
        repo_id=repo.id,
        name=name,
        description="first",
        created_at=repo.created_at,
    )


def test_repos_are_found_by_id_and_by_name(store: Store, repos: list[Repo]) -> None:
    """And listed by name."""
    with store.read() as tx:
        assert tx.repos.get("repo-a") == tx.repos.get("a") == repos[0]
        assert tx.repos.all() == repos
        with pytest.raises(NotFoundError, match="no repo 'c'"):
            tx.repos.get("c")


def test_a_repos_name_is_taken_once(store: Store, repos: list[Repo]) -> None:
    """The error points at the name."""
    with store.begin() as tx, pytest.raises(ConflictError) as caught:
        tx.repos.add(repos[0])

    assert caught.value.pointer == "/name"


def test_an_indexing_is_written_down(
    store: Store, repos: list[Repo], manual_clock: ManualClock
) -> None:
    """With its time, its digest and what was wrong."""
    with store.begin() as tx:
        tx.repos.mark_indexed("repo-a", digest="sha256:1", findings=[FINDING])
        found = tx.repos.get("a")

    assert (found.index_digest, found.indexed_at) == ("sha256:1", manual_clock())
    assert found.findings == (FINDING,)


def test_a_package_is_kept_once(store: Store) -> None:
    """Under its digest."""
    with store.begin() as tx:
        tx.catalog.add_package("sha256:1", b"bytes")
        tx.catalog.add_package("sha256:1", b"bytes")
        content = tx.catalog.package("sha256:1")
        with pytest.raises(NotFoundError, match="no package sha256:2"):
            tx.catalog.package("sha256:2")

    assert content == b"bytes"


def test_an_app_is_brought_up_to_date(store: Store, repos: list[Repo]) -> None:
    """It keeps its id."""
    with store.begin() as tx:
        first = tx.catalog.put_app(app(repos[0]))
        newer = App(
            id="app-other",
            owner="admin",
            repo_id=repos[0].id,
            name="etcd",
            description="second",
            created_at=repos[0].created_at,
        )
        second = tx.catalog.put_app(newer)
        stored = tx.catalog.app("etcd")

    assert (first.id, first.description) == (second.id, "first")
    assert second == stored
    assert stored.description == "second"


def test_an_app_of_several_repos_has_to_be_named_by_id(store: Store, repos: list[Repo]) -> None:
    """The error names the ids."""
    with store.begin() as tx:
        for repo in repos:
            tx.catalog.put_app(app(repo))
        known = [tx.catalog.has_app([name]) for name in ("etcd", "app-a-etcd", "mysql")]
        with pytest.raises(ConflictError) as caught:
            tx.catalog.app("etcd")
        with pytest.raises(NotFoundError):
            tx.catalog.app("mysql")

    assert known == [True, True, False]
    assert "app-a-etcd, app-b-etcd" in str(caught.value.next_step)


def test_versions_are_found(store: Store, repos: list[Repo]) -> None:
    """By id, by repo, name and number, and by their app."""
    version = AppVersion(
        id="ver-1",
        owner="admin",
        app_id="app-a-etcd",
        version="1.0.0",
        app_version="3.5",
        app_type="vm",
        digest="sha256:1",
        signed_by="55A8EB85AD736964",
        state="active",
        info=AppInfo(name="etcd", version="1.0.0"),
        findings=(FINDING,),
        created_at=repos[0].created_at,
    )
    with store.begin() as tx:
        tx.catalog.add_package("sha256:1", b"bytes")
        tx.catalog.put_app(app(repos[0]))
        tx.catalog.add_version(version)

    with store.read() as tx:
        assert tx.catalog.version("ver-1") == version
        assert tx.catalog.version_of("repo-a", "etcd", "1.0.0") == version
        assert tx.catalog.version_of("repo-b", "etcd", "1.0.0") is None
        assert tx.catalog.versions("app-a-etcd") == [version]
        with pytest.raises(NotFoundError, match="no app version 'ver-2'"):
            tx.catalog.version("ver-2")
