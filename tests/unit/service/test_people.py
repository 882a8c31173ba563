"""Users, groups, roles and grants: nobody gets, gives or takes over more than they may."""

from collections.abc import Callable
from typing import Any

import core_world
import pytest
from core_world import ADMIN

from pitrix_core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from pitrix_core.model import Runtime
from pitrix_core.model.access import BUILT_IN_ROLES, Action, Actor, Visibility
from pitrix_core.service import (
    apps,
    categories,
    groups,
    repos,
    roles,
    sharing,
    users,
)
from pitrix_core.service.categories import CategoryInput
from pitrix_core.service.groups import GroupChange, GroupInput
from pitrix_core.service.inputs import RepoInput
from pitrix_core.service.roles import GrantInput, RoleInput
from pitrix_core.service.services import Services
from pitrix_core.service.sharing import ShareInput
from pitrix_core.service.users import PasswordInput, UserChange, UserInput

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("people")


def test_an_admin_of_a_group_sees_its_people(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """And of the groups below; nobody else."""
    seen = [user.name for user in users.search(services, actor("boss"))]

    assert seen == ["ada", "boss"]
    with pytest.raises(NotFoundError):
        users.get(services, actor("boss"), "eve")


def test_groups_are_seen_up_from_ones_own(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """And those below a grant."""
    adas = [group.path for group in groups.search(services, actor("ada"))]
    bosses = [group.path for group in groups.search(services, actor("boss"))]

    assert adas == ["/", "/acme", "/acme/web"]
    assert bosses == ["/", "/acme", "/acme/web"]
    with pytest.raises(NotFoundError):
        groups.get(services, actor("boss"), "/other")


def test_who_moves_takes_their_things_along(
    services: Services, actor: Callable[[str], Actor], adas_runtime: Runtime
) -> None:
    """Whoever has a grant where they are now sees them; whoever had one before does not."""
    with services.store.read() as tx:
        before = tx.runtimes.all(viewer=actor("boss"))
    users.change(services, ADMIN, "ada", UserChange(group="/other"))
    with services.store.read() as tx:
        after = tx.runtimes.all(viewer=actor("boss"))

    assert ([each.id for each in before], after) == (["rt-1"], [])


def test_a_group_that_moves_takes_all_along(
    services: Services, actor: Callable[[str], Actor], adas_runtime: Runtime
) -> None:
    """The groups below it, their people, and their things."""
    groups.change(services, ADMIN, "/acme", GroupChange(name="company", parent="/other"))

    found = [group.path for group in groups.search(services, ADMIN)]
    assert found == ["/", "/other", "/other/company", "/other/company/web"]
    assert actor("ada").home == "/other/company/web"
    with services.store.read() as tx:
        assert tx.access.may(actor("boss"), Action.RUNTIMES_READ, owner="ada")


@pytest.mark.parametrize("below", ["/acme", "/acme/web"])
def test_a_group_is_not_put_below_itself(services: Services, below: str) -> None:
    """The tree stays one."""
    with pytest.raises(ConflictError, match="itself"):
        groups.change(services, ADMIN, "/acme", GroupChange(parent=below))


@pytest.mark.parametrize("name", ["ACME", "\N{FULLWIDTH LATIN SMALL LETTER A}cme", "acme"])
def test_two_groups_do_not_look_alike(services: Services, name: str) -> None:
    """In whatever case, and whatever form of Unicode."""
    with pytest.raises(ConflictError, match="looks the same"):
        groups.add(services, ADMIN, GroupInput(name=name))


@pytest.mark.parametrize("name", ["Ada", "\N{FULLWIDTH LATIN SMALL LETTER A}da", "ada"])
def test_two_users_do_not_look_alike(services: Services, name: str) -> None:
    """In whatever case, and whatever form of Unicode."""
    with pytest.raises(ConflictError, match="looks the same"):
        users.add(services, ADMIN, UserInput(name=name))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a/b",
        "system",
        "System",
        "\N{FULLWIDTH LATIN SMALL LETTER S}ystem",
        "usr-aaaaaaaaaaaaaaaa",
        " a",
    ],
)
def test_nobody_is_called_what_means_another(services: Services, name: str) -> None:
    """Such as the installation itself, a path or an id."""
    with pytest.raises(InvalidInputError):
        users.add(services, ADMIN, UserInput(name=name))


def test_a_group_that_is_used_stays(services: Services) -> None:
    """By people, or by groups below it."""
    for path in ("/acme", "/acme/web"):
        with pytest.raises(ConflictError, match="belong to the group"):
            groups.delete(services, ADMIN, path)


def test_the_root_stays_as_it_is(services: Services) -> None:
    """It is neither moved nor deleted."""
    with pytest.raises(InvalidInputError):
        groups.delete(services, ADMIN, "/")
    with pytest.raises(InvalidInputError):
        groups.change(services, ADMIN, "/", GroupChange(name="x"))


@pytest.mark.parametrize(
    ("data", "seers"),
    [
        pytest.param(ShareInput(visibility=Visibility.PRIVATE), ["ada", "boss"], id="private"),
        pytest.param(ShareInput(visibility=Visibility.PUBLIC), ["ada", "boss", "eve"], id="public"),
        pytest.param(
            ShareInput(visibility=Visibility.GROUPS, groups=("/other",)),
            ["ada", "boss", "eve"],
            id="theirs",
        ),
        pytest.param(
            ShareInput(visibility=Visibility.GROUPS, groups=("/acme/web",)),
            ["ada", "boss"],
            id="own",
        ),
    ],
)
def test_a_runtime_is_seen_by_whom_it_is_shared_with(
    services: Services,
    actor: Callable[[str], Actor],
    adas_runtime: Runtime,
    data: ShareInput,
    seers: list[str],
) -> None:
    """Beside its owner, and the admin of the owner's group."""
    shared = sharing.share_runtime(services, ADMIN, "adas", data)

    with services.store.read() as tx:
        found = [
            name for name in ("ada", "boss", "eve") if tx.runtimes.all(viewer=actor(name)) != []
        ]
    assert found == seers
    assert shared.visibility == data.visibility


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ShareInput(), id="nobody-named"),
        pytest.param(ShareInput(visibility=Visibility.GROUPS), id="groups-without-any"),
        pytest.param(ShareInput(visibility=Visibility.PUBLIC, groups=("/",)), id="all-and-some"),
    ],
)
def test_sharing_that_does_not_say_with_whom_is_refused(
    services: Services, adas_runtime: Runtime, data: ShareInput
) -> None:
    """And changes nothing."""
    with pytest.raises(InvalidInputError):
        sharing.share_runtime(services, ADMIN, "adas", data)


def test_who_sees_a_runtime_does_not_share_it(
    services: Services, actor: Callable[[str], Actor], adas_runtime: Runtime
) -> None:
    """That is for those who may change it."""
    public = ShareInput(visibility=Visibility.PUBLIC)
    sharing.share_runtime(services, ADMIN, "adas", public)

    with pytest.raises(ForbiddenError):
        sharing.share_runtime(services, actor("eve"), "adas", public)


def test_an_app_is_as_visible_as_its_repo_until_it_says_otherwise(
    services: Services, actor: Callable[[str], Actor], release: Callable[..., str]
) -> None:
    """And its versions with it."""
    version_id = release()
    eve = actor("eve")
    before = apps.version(services, eve, version_id)
    sharing.share_app(services, ADMIN, "app", ShareInput(visibility=Visibility.PRIVATE))

    assert before.id == version_id
    with pytest.raises(NotFoundError):
        apps.get(services, eve, "app")
    with pytest.raises(NotFoundError):
        apps.version(services, eve, version_id)


# -- nobody gives more than they have --------------------------------------------------------------


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(
            lambda s, a: roles.grant(s, a, "ada", GrantInput(role="admin", group="/")),
            id="a-role-on-everything",
        ),
        pytest.param(
            lambda s, a: users.add(s, a, UserInput(name="new", group="/")),
            id="a-user-outside",
        ),
        pytest.param(
            lambda s, a: groups.add(s, a, GroupInput(name="new", parent="/")),
            id="a-group-outside",
        ),
        pytest.param(
            lambda s, a: groups.change(s, a, "/acme/web", GroupChange(parent="/")),
            id="a-group-moved-out",
        ),
        pytest.param(
            lambda s, a: roles.add(s, a, RoleInput(name="mine", actions=(Action.APPS_READ,))),
            id="a-role-for-everybody",
        ),
    ],
)
def test_an_admin_of_a_group_is_none_elsewhere(
    services: Services, actor: Callable[[str], Actor], attempt: Callable[..., Any]
) -> None:
    """Whatever they try."""
    with pytest.raises(ForbiddenError):
        attempt(services, actor("boss"))


def test_nobody_grants_what_they_do_not_have(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """Who may let people in, lets nobody in who may do more."""
    rights = (*BUILT_IN_ROLES["user"], Action.USERS_READ, Action.USERS_WRITE)
    roles.add(services, ADMIN, RoleInput(name="doorkeeper", actions=rights))
    roles.grant(services, ADMIN, "ada", GrantInput(role="doorkeeper", group="/acme"))
    ada = actor("ada")

    users.add(services, ada, UserInput(name="new", group="/acme/web"))
    for attempt in (
        lambda: users.add(services, ada, UserInput(name="newer", group="/acme/web", role="admin")),
        lambda: users.change(services, ada, "new", UserChange(role="operator")),
        lambda: roles.grant(services, ada, "new", GrantInput(role="admin", group="/acme")),
        lambda: users.set_password(services, ada, "boss", PasswordInput(password=PASSWORD)),
        lambda: users.change(services, ada, "boss", UserChange(is_disabled=True)),
        lambda: users.delete(services, ada, "boss"),
    ):
        with pytest.raises(ForbiddenError, match="Nobody gives"):
            attempt()


def test_nobody_moves_people_to_where_they_may_do_more(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """Who may only move the groups of others gains nothing by it."""
    rights = (Action.GROUPS_READ, Action.GROUPS_WRITE)
    roles.add(services, ADMIN, RoleInput(name="mover", actions=rights))
    roles.grant(services, ADMIN, "eve", GrantInput(role="mover", group="/"))
    roles.grant(services, ADMIN, "eve", GrantInput(role="admin", group="/other"))
    eve = actor("eve")

    with pytest.raises(ForbiddenError, match="Nobody gives"):
        groups.change(services, eve, "/acme/web", GroupChange(parent="/other"))
    moved = groups.change(services, ADMIN, "/acme/web", GroupChange(parent="/other"))

    assert moved.path == "/other/web"


def test_the_last_admin_stays(services: Services) -> None:
    """Neither disabled, nor deleted, nor without the grant."""
    [grant] = roles.grants(services, ADMIN, "admin")

    for attempt in (
        lambda: users.change(services, ADMIN, "admin", UserChange(is_disabled=True)),
        lambda: users.delete(services, ADMIN, "admin"),
        lambda: roles.take_back(services, ADMIN, grant.id),
    ):
        with pytest.raises(ConflictError, match="nobody who may do everything"):
            attempt()

    roles.grant(services, ADMIN, "eve", GrantInput(role="admin", group="/"))
    roles.take_back(services, ADMIN, grant.id)


def test_a_grant_counts_at_once_and_until_it_is_taken_back(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """It is asked for with each request; granting twice is granting once."""
    first = roles.grant(services, ADMIN, "eve", GrantInput(role="operator", group="/acme"))
    again = roles.grant(services, ADMIN, "eve", GrantInput(role="operator", group="/acme"))
    during = actor("eve").may_within(Action.CLUSTERS_WRITE, "/acme/web")
    roles.take_back(services, ADMIN, first.id)

    assert first.id == again.id
    assert (during, actor("eve").may_within(Action.CLUSTERS_WRITE, "/acme/web")) == (True, False)


def test_a_role_that_somebody_has_stays(services: Services) -> None:
    """And so does a built-in one."""
    roles.add(services, ADMIN, RoleInput(name="reader", actions=(Action.APPS_READ,)))
    users.change(services, ADMIN, "eve", UserChange(role="reader"))

    with pytest.raises(ConflictError, match="Somebody has"):
        roles.delete(services, ADMIN, "reader")
    with pytest.raises(InvalidInputError, match="built in"):
        roles.delete(services, ADMIN, "user")

    users.change(services, ADMIN, "eve", UserChange(role="user"))
    roles.delete(services, ADMIN, "reader")


@pytest.mark.parametrize(
    ("role", "group"),
    [
        pytest.param("operator", "/acme", id="operator-of-a-group"),
        pytest.param("developer", "/", id="developer-of-all-groups"),
    ],
)
def test_categories_are_for_operators_of_the_whole_installation(
    services: Services, actor: Callable[[str], Actor], role: str, group: str
) -> None:
    """All apps are in them, not those of some people."""
    data = CategoryInput(name="stores")
    roles.grant(services, ADMIN, "eve", GrantInput(role=role, group=group))
    eve = actor("eve")

    for change in (
        lambda: categories.add(services, eve, data),
        lambda: categories.replace(services, eve, "stores", data),
        lambda: categories.delete(services, eve, "stores"),
    ):
        with pytest.raises(ForbiddenError, match="whole installation"):
            change()
    roles.grant(services, ADMIN, "ada", GrantInput(role="operator", group="/"))
    assert categories.add(services, actor("ada"), data).name == "stores"


# -- going -----------------------------------------------------------------------------------------


def test_who_owns_something_does_not_just_go(services: Services, adas_runtime: Runtime) -> None:
    """What it is, is named, and how to give it to somebody."""
    with pytest.raises(ConflictError, match=r"runtime adas \(rt-1\)") as refused:
        users.delete(services, ADMIN, "ada")

    assert refused.value.next_step == "Say who gets it: pitrix user delete ada --to USER"


def test_what_was_taken_away_keeps_nobody(
    services: Services, actor: Callable[[str], Actor], repo: core_world.RepoFolder
) -> None:
    """A repo leaves rows behind, and so do its apps; none of them is anybody's any more."""
    users.change(services, ADMIN, "ada", UserChange(role="operator"))
    roles.grant(services, ADMIN, "ada", GrantInput(role="operator", group="/"))
    repo.add(core_world.note(), "app", "1.0.0")
    repos.add(services, actor("ada"), RepoInput(name="adas", url=repo.url))
    with pytest.raises(ConflictError, match=r"repo adas .* app app "):
        users.delete(services, ADMIN, "ada")
    repos.delete(services, actor("ada"), "adas")

    users.delete(services, ADMIN, "ada")

    assert "ada" not in [user.name for user in users.search(services, ADMIN)]


def test_what_is_handed_over_is_the_heirs(services: Services, adas_runtime: Runtime) -> None:
    """With its secrets, which are sealed with whose they are."""
    users.delete(services, ADMIN, "ada", to="eve")

    with services.store.read() as tx:
        credential = tx.runtimes.credential_id("rt-1")
        assert credential is not None
        assert tx.runtimes.get("rt-1").owner == "eve"
        assert tx.secrets.get_own(credential, owner="eve") == "hunter2"
    with pytest.raises(NotFoundError):
        users.get(services, ADMIN, "ada")


@pytest.mark.parametrize("name", ["ada", "Ada"])
def test_a_name_is_nobody_elses_afterwards(services: Services, name: str) -> None:
    """Events, usage and audit go by it: whoever got it would see those of the one before."""
    users.delete(services, ADMIN, "ada")

    with pytest.raises(ConflictError, match="who is gone"):
        users.add(services, ADMIN, UserInput(name=name))
