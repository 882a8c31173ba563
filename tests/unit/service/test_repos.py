"""Repos are looked at before they are taken, changed as a whole, and taken away without harm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PackageInvalidError,
    RepoNotFoundError,
)
from pitrix_core.model import Cluster, ClusterState, Runtime
from pitrix_core.model.access import Visibility
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.service import repos
from pitrix_core.service.inputs import RepoChange, RepoInput, RepoPlaceInput
from pitrix_core.service.services import Services
from pitrix_core.store import new_id
from pitrix_core.store.audit import Deed
from pitrix_core.store.repos import RepoStatus

ADMIN, USER = core_world.ADMIN, core_world.USER
PLANTED = "a-planted-password"


@attrs.frozen(kw_only=True)
class Place:
    """How a folder of the kind of these tests is reached."""

    endpoint: str = ""


@attrs.frozen(kw_only=True)
class Account:
    """What the kind of these tests asks for."""

    password: str = attrs.field(default="", repr=False)


class LockedKind(FileKind):
    """A folder that is read with a password."""

    schemes = ("locked",)
    settings = Place
    credential = Account
    reads_this_host = False
    #: What it was opened with, by all of them, and what happens while it is.
    opened: list[str] = []  # noqa: RUF012  # emptied by the fixture
    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, url: str, **given: Any) -> None:
        """Take the folder of the same path."""
        self.opened.append(given["credential"].password)
        self.meanwhile()
        super().__init__(url.replace("locked://", "file://"), **given)


@pytest.fixture
def locked(services: Services) -> Services:
    """The services, with a kind of repo that wants a password."""
    LockedKind.opened.clear()
    registry = core_world.registry_of(kinds={"locked": LockedKind})
    opener = RepoOpener(services.store, registry)
    return attrs.evolve(
        services,
        registry=registry,
        opener=opener,
        indexer=core_world.indexer_of(services.store, registry),
    )


def add(services: Services, url: str, name: str = "notes", **given: Any) -> Any:
    """Register a repo."""
    return repos.add(services, ADMIN, RepoInput(name=name, url=url, **given))


def versions(services: Services, name: str = "app") -> Any:
    """Return the versions of an app, as they are in the database."""
    with services.store.read() as tx:
        return tx.catalog.versions(tx.catalog.app(name).id)


def test_a_repo_is_looked_at_without_being_registered(services: Services, repo: Any) -> None:
    """What it lists, of which types, and what is wrong."""
    repo.add(core_world.note())
    repo.add(core_world.note("app", "2.0.0"), "app", "2.0.0")
    repo.add(b"no archive", "bad")

    found = repos.validate(services, ADMIN, RepoPlaceInput(url=repo.url))

    assert (found.kind, found.apps, found.versions, found.app_types) == ("file", 2, 3, ("note",))
    assert {(entry.name, entry.version) for entry in found.entries} == {
        ("app", "1.0.0"),
        ("app", "2.0.0"),
        ("bad", "1.0.0"),
    }
    assert [finding.file for finding in found.findings] == ["bad 1.0.0"]
    assert repos.search(services, ADMIN) == []


def test_a_folder_of_the_server_is_for_those_who_may_do_everything(
    services: Services, repo: Any
) -> None:
    """Somebody else's own repos are elsewhere."""
    own = attrs.evolve(USER, actions=ADMIN.actions)

    with pytest.raises(ForbiddenError):
        repos.add(services, own, RepoInput(name="notes", url=repo.url))


def test_a_credential_is_used_and_never_shown(locked: Services, repo: Any) -> None:
    """Neither in the record nor in the database as it is."""
    url = repo.url.replace("file://", "locked://")
    made = add(locked, url, credential={"password": PLANTED})

    repos.index(locked, ADMIN, made.id)

    assert set(LockedKind.opened) == {PLANTED}
    assert PLANTED not in repr(repos.get(locked, ADMIN, made.id))
    with locked.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM repos").all()
    assert PLANTED not in repr(rows)


def test_a_credential_of_another_form_is_refused_without_being_quoted(
    locked: Services, repo: Any
) -> None:
    """Before anything is read."""
    url = repo.url.replace("file://", "locked://")

    with pytest.raises(InvalidInputError) as caught:
        add(locked, url, credential={"password": [PLANTED]})

    assert caught.value.pointer == "/credential/password"
    assert PLANTED not in str(caught.value) + repr(caught.value.findings)


def test_a_credential_does_not_go_to_another_place(
    locked: Services, repo: Any, tmp_path: Path
) -> None:
    """Who changes the URL has to give it again."""
    made = add(locked, repo.url.replace("file://", "locked://"), credential={"password": PLANTED})
    other = core_world.RepoFolder(tmp_path / "other")
    LockedKind.opened.clear()

    change = RepoChange(url=other.url.replace("file://", "locked://"))
    repos.change(locked, ADMIN, made.id, change)
    repos.index(locked, ADMIN, made.id)

    assert set(LockedKind.opened) == {""}


def test_a_credential_does_not_go_where_other_settings_lead(locked: Services, repo: Any) -> None:
    """They may name another server, or trust another one."""
    url = repo.url.replace("file://", "locked://")
    made = add(locked, url, credential={"password": PLANTED})
    LockedKind.opened.clear()

    repos.change(locked, ADMIN, made.id, RepoChange(settings={"endpoint": "elsewhere"}))
    repos.index(locked, ADMIN, made.id)

    assert set(LockedKind.opened) == {""}


def test_a_change_that_another_one_came_before_is_refused(
    locked: Services, repo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would put the credential back that was there when it began."""
    url = repo.url.replace("file://", "locked://")
    made = add(locked, url, credential={"password": "first"})

    def change_it_too() -> None:
        monkeypatch.undo()
        repos.change(locked, ADMIN, made.id, RepoChange(credential={"password": "second"}))

    monkeypatch.setattr(LockedKind, "meanwhile", staticmethod(change_it_too))
    with pytest.raises(ConflictError, match="meanwhile"):
        repos.change(locked, ADMIN, made.id, RepoChange(credential={"password": "third"}))
    LockedKind.opened.clear()
    repos.index(locked, ADMIN, made.id)

    assert set(LockedKind.opened) == {"second"}


def test_each_change_of_a_repo_is_one_entry_of_the_audit(services: Services, repo: Any) -> None:
    """Which says what is another way."""
    deed = Deed(actor=ADMIN, action="changeRepo")
    acting = attrs.evolve(services, store=services.store.on_behalf(deed))

    made = repos.add(acting, ADMIN, RepoInput(name="notes", url=repo.url))
    repos.change(acting, ADMIN, made.id, RepoChange(labels={"team": "web"}))
    repos.delete(acting, ADMIN, made.id)

    with services.store.read() as tx:
        added, changed, deleted = tx.audit.entries()
    assert {entry.subject for entry in (added, changed, deleted)} == {made.id}
    assert (added.after["url"], deleted.before["url"]) == (repo.url, repo.url)
    assert (changed.before, changed.after) == ({"labels": {}}, {"labels": {"team": "web"}})


def test_what_is_left_out_of_a_change_stays(services: Services, repo: Any) -> None:
    """The rest is as it is given."""
    made = add(services, repo.url, labels={"team": "web"}, providers=("fake",))

    changed = repos.change(
        services, ADMIN, made.id, RepoChange(name="other", index_interval_s=60.0, labels={})
    )

    assert (changed.name, changed.labels, changed.index_interval_s) == ("other", {}, 60.0)
    assert (changed.url, changed.providers, changed.id) == (made.url, ("fake",), made.id)


def test_groups_go_with_the_visibility_that_named_them(services: Services, repo: Any) -> None:
    """Whoever makes a repo public need not name them again."""
    made = add(services, repo.url, visibility=Visibility.GROUPS, groups=("/",))

    changed = repos.change(services, ADMIN, made.id, RepoChange(visibility=Visibility.PUBLIC))

    assert made.groups != ()
    assert (changed.visibility, changed.groups) == (Visibility.PUBLIC, ())


def test_another_place_is_looked_at_before_it_is_taken(
    services: Services, repo: Any, tmp_path: Path
) -> None:
    """A repo that can be read does not become one that cannot."""
    made = add(services, repo.url)

    with pytest.raises(RepoNotFoundError) as caught:
        repos.change(services, ADMIN, made.id, RepoChange(url=(tmp_path / "gone").as_uri()))

    assert caught.value.pointer == "/url"
    assert repos.get(services, ADMIN, made.id) == made


def test_another_places_index_is_read(services: Services, repo: Any, tmp_path: Path) -> None:
    """Also where it is the same, byte by byte."""
    repo.add(core_world.note())
    made = add(services, repo.url)
    other = core_world.RepoFolder(tmp_path / "other")
    other.add(core_world.note("other"), "other")

    repos.change(services, ADMIN, made.id, RepoChange(url=other.url))
    repos.index(services, ADMIN, made.id)

    assert len(versions(services, "other")) == 1


def test_a_repo_is_shown_to_no_group_that_its_owner_does_not_see(
    services: Services, repo: Any
) -> None:
    """Such a group is as little there as one that is not; those that saw the repo go on to."""
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        mine, other = (tx.groups.add(new_id("grp"), n, parent=tx.groups.get("/")) for n in "ab")
        tx.users.add("olga", group_id=mine.id, role="operator")
        olga = tx.access.actor("olga")
        assert olga is not None
    made = add(services, repo.url, visibility=Visibility.GROUPS, groups=(other.id,))
    with services.store.begin() as tx:
        tx.belongings.hand_over("admin", to="olga")

    with pytest.raises(NotFoundError, match="There is no group '/b'"):
        repos.change(services, olga, made.id, RepoChange(groups=("/a", "/b")))
    changed = repos.change(services, olga, made.id, RepoChange(groups=("/a", other.id)))

    assert changed.groups == (mine.id, other.id)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        pytest.param({"name": "a/b"}, "/name", id="no-name"),
        pytest.param({"selectors": {"zone": ()}}, "/selectors/zone", id="no-values"),
        pytest.param({"trusted_keys": ("RWx",)}, "/trusted_keys/0", id="no-key"),
        pytest.param({"index_interval_s": 1.0}, "/index_interval_s", id="too-often"),
        pytest.param({"index_interval_s": 1e12}, "/index_interval_s", id="too-seldom"),
        pytest.param({"default_state": VersionState.DELETED}, "/default_state", id="no-beginning"),
        pytest.param({"visibility": Visibility.GROUPS}, "/groups", id="no-groups"),
        pytest.param({"groups": ("/",)}, "/groups", id="groups-for-nothing"),
        pytest.param({"settings": {"colour": "red"}}, "/settings/colour", id="no-setting"),
        pytest.param({"url": "gopher://host/"}, "/url", id="no-kind"),
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(
    services: Services, repo: Any, given: dict[str, Any], pointer: str
) -> None:
    """The message says where."""
    made = add(services, repo.url)

    with pytest.raises(InvalidInputError) as caught:
        repos.change(services, ADMIN, made.id, RepoChange(**given))

    assert caught.value.pointer == pointer
    assert repos.get(services, ADMIN, made.id) == made


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("NOTES", id="case"),
        pytest.param("ｎotes", id="width"),  # noqa: RUF001  # that is what it is about
    ],
)
def test_a_name_that_looks_like_anothers_is_refused(
    services: Services, repo: Any, name: str
) -> None:
    """People would take one for the other."""
    add(services, repo.url, "notes")

    with pytest.raises(ConflictError) as caught:
        add(services, repo.url, name)

    assert caught.value.pointer == "/name"


def test_a_name_that_is_composed_otherwise_is_refused(services: Services, repo: Any) -> None:
    """An accent may be a letter's own, or follow it."""
    add(services, repo.url, "caf\u00e9")

    with pytest.raises(ConflictError):
        add(services, repo.url, "cafe\u0301")


def test_a_disabled_repo_is_not_indexed_by_itself(services: Services, repo: Any) -> None:
    """It is once somebody asks for it."""
    made = add(services, repo.url)
    disabled = repos.change(services, ADMIN, made.id, RepoChange(is_enabled=False))
    with services.store.begin() as tx:
        tx.repos.read_anew(made.id)  # so that it would be due

    assert services.indexer.index_due() == 0
    assert disabled.status is RepoStatus.DISABLED
    assert repos.index(services, ADMIN, made.id).indexed_at is not None


def test_a_repo_that_fails_says_why_and_since_when(services: Services, repo: Any) -> None:
    """Until it can be read again; another failure does not begin anew."""
    made = add(services, repo.url)
    index = repo.path / "index.yaml"
    text = index.read_text()
    index.write_text("[]")
    with pytest.raises(PackageInvalidError):
        repos.index(services, ADMIN, made.id)
    first = repos.get(services, ADMIN, made.id)
    with pytest.raises(PackageInvalidError):
        repos.index(services, ADMIN, made.id)
    failing = repos.get(services, ADMIN, made.id)
    index.write_text(text)

    sound = repos.index(services, ADMIN, made.id)

    assert failing.status is RepoStatus.FAILING
    assert "index" in (failing.failure or "")
    assert failing.failing_since == first.failing_since is not None
    assert (sound.status, sound.failure, sound.failing_since) == (RepoStatus.OK, None, None)


def test_versions_enter_in_the_repos_state(services: Services, repo: Any) -> None:
    """An operator may want to look at them first."""
    repo.add(core_world.note())

    add(services, repo.url, default_state=VersionState.DRAFT)

    assert [version.state for version in versions(services)] == ["draft"]


def test_a_repo_is_taken_away_with_its_versions(services: Services, repo: Any) -> None:
    """Its name is free again."""
    repo.add(core_world.note())
    made = add(services, repo.url)

    repos.delete(services, ADMIN, made.id)

    assert repos.search(services, ADMIN) == []
    with pytest.raises(NotFoundError):
        repos.get(services, ADMIN, made.id)
    assert add(services, repo.url, "notes").id != made.id


@pytest.fixture
def used(services: Services, repo: Any) -> Any:
    """A repo with a version that a cluster is of."""
    repo.add(core_world.note())
    made = add(services, repo.url)
    [version] = versions(services)
    runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin", zone="")
    with services.store.begin() as tx:
        tx.runtimes.add(runtime, credential_id=None)
        tx.clusters.add(
            Cluster(
                id="cl-1",
                name="demo",
                owner="admin",
                state=ClusterState.ACTIVE,
                runtime_id=runtime.id,
                app_version_id=version.id,
                config={},
                revision=1,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
    return made


def test_a_repo_whose_versions_are_used_stays(services: Services, used: Any) -> None:
    """The clusters are named."""
    with pytest.raises(ConflictError, match="demo") as caught:
        repos.delete(services, ADMIN, used.id)

    assert "--keep-versions" in (caught.value.next_step or "")
    assert repos.get(services, ADMIN, used.id) == used


def test_a_repo_can_go_while_its_versions_stay_for_their_clusters(
    services: Services, used: Any
) -> None:
    """Marked as removed: they are not on offer, and can still be read."""
    repos.delete(services, ADMIN, used.id, keep_versions=True)

    [version] = versions(services)
    assert repos.search(services, ADMIN) == []
    assert version.removed_at is not None
    assert services.loader.load(version).spec.info.name == "app"


def test_the_credential_goes_with_its_repo(locked: Services, repo: Any) -> None:
    """Nobody needs it any more."""
    url = repo.url.replace("file://", "locked://")
    made = add(locked, url, credential={"password": PLANTED})
    with locked.store.read() as tx:
        secret_id = tx.repos.credential_id(made.id)
    assert secret_id is not None

    repos.delete(locked, ADMIN, made.id)

    with locked.store.read() as tx:
        assert json.loads(tx.secrets.get(secret_id)) == {}


def test_the_kinds_of_repos_say_what_can_be_set(locked: Services) -> None:
    """Forms are drawn from it."""
    found = {kind.scheme: kind for kind in repos.kinds(locked, ADMIN)}

    assert set(found) == {"file", "locked"}
    assert "password" in json.dumps(found["locked"].credential_schema)
