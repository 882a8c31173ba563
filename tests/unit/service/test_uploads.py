"""Apps that are uploaded: drafts in a repo of their owner's, offered as other repos are."""

import threading
from collections.abc import Callable
from typing import Any

import core_world
import lives
import pytest
from lives import ADMIN, DAVE, DORA, OLGA, go, upload

from pitrix_core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PackageError,
    PackageInvalidError,
    PitrixError,
)
from pitrix_core.model import Cluster, ClusterState, Runtime
from pitrix_core.model.lifecycle import Move, VersionState
from pitrix_core.package import digest_of, read_index
from pitrix_core.service import apps, clusters, plans, repos, uploads, versions
from pitrix_core.service.inputs import ApplyInput, PlanInput, RepoChange
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.reviews import Transition

Release = Callable[..., str]
Register = Callable[..., Runtime]
Act = Callable[[Transaction], None]

#: Runs a test on both kinds of database.
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
#: Seconds in which a transaction that waits for nobody has long ended.
MOMENT_S = 0.15


def repo_of(services: Services, version: AppVersion) -> str:
    """Return the repo that a version is in."""
    return apps.get(services, ADMIN, version.app_id).repo_id


def test_what_is_uploaded_is_a_draft_with_its_findings(services: Services) -> None:
    """Who uploaded it owns it."""
    version = upload(services, name="mine", version="0.1.0", findings=["warning"])

    assert (version.owner, version.state, version.version) == ("dora", "draft", "0.1.0")
    assert [finding.message for finding in version.findings] == ["a warning"]
    assert apps.get(services, DORA, "mine").owner == "dora"


def test_the_same_archive_again_is_the_same_version(services: Services) -> None:
    """Whatever became of it meanwhile."""
    first = lives.released(services)

    again = upload(services)

    assert (again.id, again.state) == (first.id, "active")
    assert len(versions.transitions(services, DORA, first.id)) == 3


def test_another_archive_takes_a_drafts_place(services: Services) -> None:
    """Its id stays."""
    first = upload(services, findings=["warning"])

    second = upload(services)

    assert second.id == first.id
    assert second.digest == digest_of(core_world.note())
    assert second.findings == ()


@BOTH
def test_an_archive_that_was_replaced_is_kept_for_others_alone(services: Services) -> None:
    """Who tries many drafts must not fill the database."""
    mine, other = upload(services, DORA), upload(services, DAVE)
    held = [_bytes_of(services, mine)]

    for actor in (DORA, DAVE):
        upload(services, actor, findings=["info"])
        held.append(_bytes_of(services, other))

    assert held == [core_world.note(), core_world.note(), None]


def _bytes_of(services: Services, version: AppVersion) -> bytes | None:
    with services.store.read() as tx:
        try:
            return tx.catalog.package(str(version.digest))
        except NotFoundError:
            return None


def test_uploading_makes_a_rejected_version_a_draft(services: Services) -> None:
    """What was found wrong with it may be mended now."""
    reviewed = lives.reviewing(services, "technical")
    version = upload(reviewed)
    go(reviewed, version, DORA, "submit")
    go(reviewed, version, lives.RITA, "take", "reject")

    again = upload(reviewed, findings=["info"])

    assert (again.id, again.state) == (version.id, "draft")


def test_a_released_version_stays_as_it_is(services: Services) -> None:
    """Another archive is another version."""
    version = lives.released(services)

    with pytest.raises(ConflictError, match="is active, and keeps its archive"):
        upload(services, findings=["info"])

    assert versions.life(services, DORA, version.id).state == "active"


def test_a_draft_that_runs_keeps_its_archive(services: Services, register: Register) -> None:
    """Its clusters read it again and again."""
    register()
    version = upload(services)
    plan = plans.create(services, DORA, PlanInput(app_version_id=version.id))
    clusters.apply(services, DORA, ApplyInput(plan_id=plan.id))

    with pytest.raises(ConflictError, match="1 cluster is of"):
        upload(services, findings=["info"])


def test_a_plan_is_of_the_archive_it_was_made_from(services: Services, register: Register) -> None:
    """Another one may want other machines."""
    register()
    version = upload(services)
    plan = plans.create(services, DORA, PlanInput(app_version_id=version.id))
    upload(services, findings=["info"])

    with pytest.raises(ConflictError, match="another archive"):
        clusters.apply(services, DORA, ApplyInput(plan_id=plan.id))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", PackageError, id="nothing"),
        pytest.param(b"\x1f\x8b no archive", PackageError, id="no-archive"),
        pytest.param(core_world.note(findings=["error"]), PackageInvalidError, id="not-sound"),
        pytest.param(core_world.archive({"a/b.txt": "?"}), PackageError, id="of-no-type"),
    ],
)
def test_what_cannot_be_offered_is_refused(
    services: Services, content: bytes, error: type[PackageError]
) -> None:
    """Nothing is left of it."""
    with pytest.raises(error):
        uploads.add_app(services, DORA, content)

    with services.store.read() as tx:
        assert not tx.catalog.has_app({"a", "app"})


def test_who_may_not_write_versions_uploads_none(services: Services) -> None:
    """A user deploys."""
    with pytest.raises(ForbiddenError):
        uploads.add_app(services, core_world.USER, core_world.note())


def test_owners_names_are_their_own(services: Services) -> None:
    """Two may have an app of the same name."""
    mine, other = upload(services, DORA), upload(services, DAVE)

    assert mine.app_id != other.app_id
    assert {repos.get(services, ADMIN, repo_of(services, one)).owner for one in (mine, other)} == {
        "dora",
        "dave",
    }


def test_what_was_handed_over_is_not_uploaded_to(services: Services) -> None:
    """A new repo is made, whatever the other one is called."""
    given = upload(services)
    with services.store.begin() as tx:
        tx.belongings.hand_over("dora", to="dave")

    found = [upload(services, DORA, version=version) for version in ("2.0.0", "3.0.0")]

    assert {one.owner for one in found} == {"dora"}
    assert {repo_of(services, one) for one in found}.isdisjoint({repo_of(services, given)})
    assert len({repo_of(services, one) for one in found}) == 1


def test_another_version_goes_to_the_app_that_is_named(services: Services) -> None:
    """And nowhere else."""
    first = upload(services)

    second = uploads.add_version(services, DORA, first.app_id, core_world.note(version="2.0.0"))

    assert (second.app_id, second.version) == (first.app_id, "2.0.0")
    with pytest.raises(InvalidInputError, match="of app else"):
        uploads.add_version(services, DORA, first.app_id, core_world.note("else"))


def test_nobody_uploads_to_others_apps(services: Services) -> None:
    """Though they see them in the store."""
    version = lives.released(services)

    with pytest.raises(ForbiddenError):
        uploads.add_version(services, DAVE, version.app_id, core_world.note(version="2.0.0"))


def test_what_is_indexed_is_not_uploaded_to(services: Services, release: Release) -> None:
    """Its repo has the last word."""
    release()

    with pytest.raises(ConflictError, match="is indexed from repo notes"):
        uploads.add_version(services, ADMIN, "app", core_world.note(version="2.0.0"))


@BOTH
def test_of_two_uploads_at_once_there_is_one_version(services: Services) -> None:
    """Also where each is the owner's first, which makes the repo."""
    both = threading.Barrier(2)
    found: list[Any] = []

    def run() -> None:
        both.wait(60.0)
        found.append(upload(services))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)

    assert len(found) == 2
    assert len({one.id for one in found}) == 1


def while_uploading(services: Services, first: Act, then: Act) -> list[str]:
    """Upload another archive in the middle of a transaction; return how that was refused."""
    refusals: list[str] = []

    def run() -> None:
        try:
            upload(services, findings=["info"])
        except PitrixError as ex:
            refusals.append(ex.message)

    other = threading.Thread(target=run)
    with services.store.begin() as tx:
        first(tx)
        other.start()
        other.join(MOMENT_S)  # it waits for this one, or has not begun
        then(tx)
    other.join(60.0)
    return refusals


@BOTH
def test_what_is_submitted_meanwhile_keeps_its_archive(services: Services) -> None:
    """An upload waits for the move, and is told where that led; neither is broken off."""
    version = upload(services)

    def submit(tx: Transaction) -> None:
        tx.listings.refresh([version.app_id])
        tx.reviews.move(
            Transition(
                id=0,
                app_version_id=version.id,
                owner="dora",
                actor="dora",
                move=Move.SUBMIT,
                source=VersionState.DRAFT,
                target=VersionState.SUBMITTED,
                at=tx.now,
            )
        )

    refusals = while_uploading(services, lambda tx: tx.reviews.lock(version.id), submit)

    assert refusals == ["Version 1.0.0 is submitted, and keeps its archive."]
    assert apps.version(services, DORA, version.id).digest == version.digest


@BOTH
def test_what_a_cluster_is_made_of_meanwhile_keeps_its_archive(
    services: Services, register: Register
) -> None:
    """An upload waits for who holds the version, and counts their cluster."""
    runtime = register()
    version = upload(services)

    def deploy(tx: Transaction) -> None:
        tx.clusters.add(
            Cluster(
                id="cl-1",
                name="app",
                owner="dora",
                state=ClusterState.CREATING,
                runtime_id=runtime.id,
                app_version_id=version.id,
                config={},
                revision=1,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )

    refusals = while_uploading(services, lambda tx: tx.reviews.hold(version.id), deploy)

    assert refusals == ["Version 1.0.0 is what 1 cluster is of."]
    assert apps.version(services, DORA, version.id).digest == version.digest


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(repos.delete, id="deleted"),
        pytest.param(repos.index, id="indexed"),
        pytest.param(
            lambda services, actor, repo_id: repos.change(
                services, actor, repo_id, RepoChange(url="file:///tmp")
            ),
            id="moved",
        ),
    ],
)
def test_a_repo_of_uploads_is_not(services: Services, act: Callable[..., Any]) -> None:
    """There is nothing behind it."""
    repo_id = repo_of(services, upload(services))

    with pytest.raises(ConflictError, match="dora uploads"):
        act(services, ADMIN, repo_id)


def test_who_sees_a_repo_of_uploads_can_be_changed(services: Services) -> None:
    """Then its apps are for its owner alone, released or not."""
    version = lives.released(services)

    repos.change(services, ADMIN, repo_of(services, version), RepoChange(visibility="private"))

    with pytest.raises(NotFoundError):
        apps.get(services, DAVE, version.app_id)


def test_no_indexer_reads_a_repo_of_uploads(services: Services) -> None:
    """It is never due."""
    upload(services)

    assert services.indexer.index_due() == 0


# -- as a repo -------------------------------------------------------------------------------------


def test_what_is_active_is_offered_as_an_index(services: Services) -> None:
    """With the digest, and an address below the index."""
    version = lives.released(services, name="mine", version="1.0.0+a")
    upload(services, name="mine", version="2.0.0")
    repo_id = repo_of(services, version)

    index = read_index(uploads.index(services, DAVE, repo_id).decode())

    [entry] = index.entries
    assert index.findings == ()
    assert (entry.name, entry.version, entry.digest) == ("mine", "1.0.0+a", version.digest)
    assert entry.urls == (f"packages/{version.id}/mine-1.0.0%2Ba.tgz",)
    assert uploads.archive(services, DAVE, repo_id, version.id) == core_world.note(
        "mine", "1.0.0+a"
    )


def test_archives_of_drafts_are_their_owners(services: Services) -> None:
    """Others do not get them by their ids."""
    version = upload(services)

    with pytest.raises(NotFoundError):
        uploads.archive(services, DAVE, repo_of(services, version), version.id)


def test_archives_are_those_of_the_repo(services: Services, release: Release) -> None:
    """Another repo's have an address of their own."""
    others = release(name="other")
    mine = lives.released(services)

    with pytest.raises(NotFoundError):
        uploads.archive(services, ADMIN, repo_of(services, mine), others)


def test_other_repos_have_their_index_elsewhere(services: Services, release: Release) -> None:
    """The message says where."""
    release()

    with pytest.raises(NotFoundError, match="elsewhere"):
        uploads.index(services, OLGA, "notes")
