"""Users, groups, roles and grants: nobody gets, gives or takes over more than they may."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from core_world import ADMIN

from pitrix_core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthorizedError,
)
from pitrix_core.model import Runtime
from pitrix_core.model.access import BUILT_IN_ROLES, Action, Actor, Visibility
from pitrix_core.service import (
    apps,
    groups,
    identity,
    passwords,
    roles,
    sessions,
    sharing,
    tokens,
    users,
)
from pitrix_core.service.groups import GroupChange, GroupInput
from pitrix_core.service.roles import GrantInput, RoleInput
from pitrix_core.service.services import Services
from pitrix_core.service.sharing import ShareInput
from pitrix_core.service.tokens import TokenInput
from pitrix_core.service.users import PasswordInput, UserChange, UserInput
from pitrix_core.store.groups import ROOT_ID

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def people(services: Services) -> None:
    """``/acme`` with a boss who is its admin, ``/acme/web`` with ada, and ``/other`` with eve."""
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        tx.users.add("admin", group_id=ROOT_ID, role="admin")
        tx.users.grant(tx.users.get("admin").id, role="admin", group_id=ROOT_ID)
    for name, parent in (("acme", "/"), ("web", "/acme"), ("other", "/")):
        groups.add(services, ADMIN, GroupInput(name=name, parent=parent))
    for name, group in (("boss", "/acme"), ("ada", "/acme/web"), ("eve", "/other")):
        users.add(services, ADMIN, UserInput(name=name, group=group))
    roles.grant(services, ADMIN, "boss", GrantInput(role="admin", group="/acme"))


@pytest.fixture
def actor(services: Services) -> Callable[[str], Actor]:
    """Return a user as somebody who asks."""

    def found(name: str) -> Actor:
        with services.store.read() as tx:
            known = tx.access.actor(name)
        assert known is not None
        return known

    return found


@pytest.fixture
def runtime(services: Services) -> Runtime:
    """A private runtime of ada's, with a credential."""
    made = Runtime(
        id="rt-1", name="adas", provider="fake", owner="ada", visibility=Visibility.PRIVATE
    )
    with services.store.begin() as tx:
        credential = tx.secrets.add("hunter2", owner="ada")
        tx.runtimes.add(made, credential_id=credential.id)
    return made


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
    services: Services, actor: Callable[[str], Actor], runtime: Runtime
) -> None:
    """Whoever has a grant where they are now sees them; whoever had one before does not."""
    with services.store.read() as tx:
        before = tx.runtimes.all(viewer=actor("boss"))
    users.change(services, ADMIN, "ada", UserChange(group="/other"))
    with services.store.read() as tx:
        after = tx.runtimes.all(viewer=actor("boss"))

    assert ([each.id for each in before], after) == (["rt-1"], [])


def test_a_group_that_moves_takes_all_along(
    services: Services, actor: Callable[[str], Actor], runtime: Runtime
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


@pytest.mark.parametrize("name", ["", "a/b", "system", "System", "usr-aaaaaaaaaaaaaaaa", " a"])
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
    runtime: Runtime,
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
    services: Services, runtime: Runtime, data: ShareInput
) -> None:
    """And changes nothing."""
    with pytest.raises(InvalidInputError):
        sharing.share_runtime(services, ADMIN, "adas", data)


def test_who_sees_a_runtime_does_not_share_it(
    services: Services, actor: Callable[[str], Actor], runtime: Runtime
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


# -- going -----------------------------------------------------------------------------------------


def test_who_owns_something_does_not_just_go(services: Services, runtime: Runtime) -> None:
    """What it is, is named, and how to give it to somebody."""
    with pytest.raises(ConflictError, match=r"runtime adas \(rt-1\)") as refused:
        users.delete(services, ADMIN, "ada")

    assert refused.value.next_step == "Say who gets it: pitrix user delete ada --to USER"


def test_what_is_handed_over_is_the_heirs(services: Services, runtime: Runtime) -> None:
    """With its secrets, which are sealed with whose they are."""
    users.delete(services, ADMIN, "ada", to="eve")

    with services.store.read() as tx:
        credential = tx.runtimes.credential_id("rt-1")
        assert credential is not None
        assert tx.runtimes.get("rt-1").owner == "eve"
        assert tx.secrets.get_own(credential, owner="eve") == "hunter2"
    with pytest.raises(NotFoundError):
        users.get(services, ADMIN, "ada")


# -- passwords and sessions ------------------------------------------------------------------------


def log_in(services: Services, password: str = PASSWORD, **more: Any) -> sessions.Opened:
    """Log in as ada, unless more is said."""
    said = {"name": "ada", "address": "192.0.2.1", **more}
    data = sessions.LoginInput(name=said["name"], password=password)
    return sessions.log_in(services, data, address=said["address"], agent="a browser")


@pytest.fixture
def _with_password(services: Services) -> None:
    users.set_password(services, ADMIN, "ada", PasswordInput(password=PASSWORD))


@pytest.mark.usefixtures("_with_password")
def test_who_knows_the_password_gets_a_session(services: Services) -> None:
    """In which they are themselves; of the cookie only a digest is kept."""
    opened = log_in(services)

    actor = sessions.actor_of_cookie(services, opened.cookie)
    [listed] = sessions.search(services, actor)
    assert actor.owner == "ada"
    assert (listed.id, listed.address, listed.agent) == (
        opened.session.id,
        "192.0.2.1",
        "a browser",
    )


@pytest.mark.usefixtures("_with_password")
@pytest.mark.parametrize("name", ["ada", "nobody", "eve"])
def test_a_wrong_password_is_refused(services: Services, name: str) -> None:
    """In the same words for a name that nobody has, or that has no password."""
    with pytest.raises(UnauthorizedError, match="Name or password is wrong"):
        log_in(services, "wrong password!!", name=name)


@pytest.mark.usefixtures("_with_password")
def test_a_name_is_not_tried_for_ever(services: Services) -> None:
    """After ten failures not even the right password is looked at; others go on logging in."""
    users.set_password(services, ADMIN, "eve", PasswordInput(password=PASSWORD))
    with services.store.begin() as tx:
        key = identity.digest_of("name:ada")
        for _ in range(10):
            tx.logins.count_failure(key, since=dt.timedelta(minutes=15))

    with pytest.raises(sessions.TooManyAttemptsError):
        log_in(services)
    assert log_in(services, name="eve").session.owner == "eve"


@pytest.mark.usefixtures("_with_password")
def test_an_address_does_not_try_for_ever(services: Services) -> None:
    """Whatever names it tries; others go on logging in."""
    with services.store.begin() as tx:
        key = identity.digest_of("address:192.0.2.1")
        for _ in range(100):
            tx.logins.count_failure(key, since=dt.timedelta(minutes=15))

    with pytest.raises(sessions.TooManyAttemptsError):
        log_in(services)
    assert log_in(services, address="192.0.2.2").session.owner == "ada"


@pytest.mark.usefixtures("_with_password")
def test_logins_that_succeed_do_not_add_up(services: Services) -> None:
    """Nothing is left of the attempts that they were counted as."""
    log_in(services)

    with services.store.read() as tx:
        for key in ("name:ada", "address:192.0.2.1"):
            assert tx.logins.failures(identity.digest_of(key), since=dt.timedelta(days=1)) == 0


@pytest.mark.usefixtures("_with_password")
def test_another_password_ends_what_was_open(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """Who changes their own has to know the one before."""
    opened = log_in(services)
    new = PasswordInput(password="another long password")

    with pytest.raises(UnauthorizedError, match="current password"):
        users.set_password(services, actor("ada"), "ada", new)
    users.set_password(services, actor("ada"), "ada", attrs.evolve(new, current=PASSWORD))

    with pytest.raises(UnauthorizedError, match="over"):
        sessions.actor_of_cookie(services, opened.cookie)


@pytest.mark.usefixtures("_with_password")
def test_a_session_ends(services: Services, actor: Callable[[str], Actor]) -> None:
    """By its user; nobody ends another's."""
    opened = log_in(services)

    with pytest.raises(NotFoundError):
        sessions.end(services, actor("eve"), opened.session.id)
    sessions.end(services, actor("ada"), opened.session.id)

    with pytest.raises(UnauthorizedError, match="over"):
        sessions.actor_of_cookie(services, opened.cookie)


@pytest.mark.usefixtures("_with_password")
@pytest.mark.parametrize(
    "late",
    [
        pytest.param(lambda now: {"seen_at": now - sessions.IDLE}, id="idle"),
        pytest.param(lambda now: {"expires_at": now}, id="as-long-as-one-lasts"),
    ],
)
def test_a_session_is_over_after_a_time(services: Services, late: Callable[..., Any]) -> None:
    """When nothing was heard of it, and however much was."""
    with services.store.begin() as tx:
        user = tx.users.get("ada")
        opened = sessions.open_session(tx, user, address="", agent="")
        tx.logins.drop_session(opened.session.id)
        old = attrs.evolve(opened.session, **late(tx.now))
        tx.logins.add_session(old, user_id=user.id, digest=identity.digest_of(opened.cookie))

    with pytest.raises(UnauthorizedError, match="over"):
        sessions.actor_of_cookie(services, opened.cookie)


@pytest.mark.usefixtures("_with_password")
def test_who_is_disabled_shows_nothing_of_worth(
    services: Services, actor: Callable[[str], Actor], runtime: Runtime
) -> None:
    """Neither password, nor cookie, nor token; what is theirs stays, and they can come back."""
    opened = log_in(services)
    token = tokens.add(services, actor("ada"), TokenInput(name="mine")).token

    users.change(services, ADMIN, "ada", UserChange(is_disabled=True))

    for attempt in (
        lambda: log_in(services),
        lambda: sessions.actor_of_cookie(services, opened.cookie),
        lambda: identity.actor_of(services, token),
    ):
        with pytest.raises(UnauthorizedError):
            attempt()
    users.change(services, ADMIN, "ada", UserChange(is_disabled=False))
    assert identity.actor_of(services, token).owner == "ada"


@pytest.mark.parametrize("password", ["", "too short", "x" * 2000])
def test_a_password_that_is_none_is_refused(services: Services, password: str) -> None:
    """Too short to be safe, or too long to be hashed."""
    with pytest.raises(InvalidInputError, match="15 to 1024"):
        users.set_password(services, ADMIN, "ada", PasswordInput(password=password))


def test_a_password_is_the_same_in_every_form_of_unicode() -> None:
    """Keyboards write the same character in several ways."""
    kept = passwords.hashed("caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait")

    assert passwords.is_right(kept, "cafe\N{COMBINING ACUTE ACCENT} au lait")
    assert not passwords.is_right(kept, "cafe au lait")


def test_an_old_hash_is_made_anew_at_the_next_login(services: Services) -> None:
    """With the parameters of today."""
    weak = passwords.argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with services.store.begin() as tx:
        tx.users.change(tx.users.get("ada").id, password_hash=weak.hash(PASSWORD))

    log_in(services)

    with services.store.read() as tx:
        kept = tx.users.password_hash("ada")
    assert kept is not None
    assert not passwords.is_outdated(kept)
    assert passwords.is_right(kept, PASSWORD)


# -- tokens ----------------------------------------------------------------------------------------


def test_a_token_does_what_its_owner_may(services: Services, actor: Callable[[str], Actor]) -> None:
    """Of now, not of when it was made."""
    token = tokens.add(services, actor("eve"), TokenInput(name="mine")).token
    before = identity.actor_of(services, token).may(Action.RUNTIMES_WRITE)
    roles.grant(services, ADMIN, "eve", GrantInput(role="operator", group="/acme"))
    after = identity.actor_of(services, token).may_within(Action.RUNTIMES_WRITE, "/acme")

    assert (before, after) == (False, True)


def test_a_token_with_a_scope_does_no_more(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """Than what it names, with the people of the group it names."""
    data = TokenInput(name="narrow", actions=(Action.CLUSTERS_READ,), group="/acme/web")
    token = tokens.add(services, actor("boss"), data).token

    shown = identity.actor_of(services, token)

    assert shown.actions == frozenset()  # the boss is not in that group
    assert shown.may_within(Action.CLUSTERS_READ, "/acme/web")
    assert not shown.may_within(Action.CLUSTERS_READ, "/acme")
    assert not shown.may(Action.CLUSTERS_WRITE)


def test_a_token_with_a_scope_makes_no_token(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """Or it would be a way around its scope."""
    data = TokenInput(name="narrow", actions=(Action.ACCOUNT_WRITE,))
    narrow = identity.actor_of(services, tokens.add(services, actor("ada"), data).token)

    with pytest.raises(ForbiddenError, match="makes no other"):
        tokens.add(services, narrow, TokenInput(name="wide"))


def test_a_token_is_worth_nothing_once_it_is_over(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """After its time, or when it was taken back, by its owner alone."""
    ada = actor("ada")
    revoked = tokens.add(services, ada, TokenInput(name="one")).token
    late = tokens.add(services, ada, TokenInput(name="two", expires_in_days=1))
    with services.store.begin() as tx:
        known = tx.logins.token("two", owner="ada")
        tx.logins.drop_token(known.id)
        over = attrs.evolve(known, expires_at=tx.now)
        tx.logins.add_token(over, digest=identity.digest_of(late.token))

    with pytest.raises(NotFoundError):
        tokens.revoke(services, actor("eve"), "one")
    tokens.revoke(services, ada, "one")

    for token in (revoked, late.token):
        with pytest.raises(UnauthorizedError):
            identity.actor_of(services, token)


def test_when_a_token_was_used_is_known(services: Services, actor: Callable[[str], Actor]) -> None:
    """To the minute."""
    token = tokens.add(services, actor("ada"), TokenInput(name="mine")).token
    [before] = tokens.search(services, actor("ada"))
    identity.actor_of(services, token)
    [first] = tokens.search(services, actor("ada"))
    identity.actor_of(services, token)
    [second] = tokens.search(services, actor("ada"))

    assert before.used_at is None
    assert first.used_at is not None
    assert second.used_at == first.used_at


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TokenInput(name="mine", expires_in_days=0), id="over-at-once"),
        pytest.param(TokenInput(name="mine", expires_in_days=100_000), id="for-centuries"),
        pytest.param(TokenInput(name=""), id="without-a-name"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    services: Services, actor: Callable[[str], Actor], data: TokenInput
) -> None:
    """Before anything is stored."""
    with pytest.raises(InvalidInputError):
        tokens.add(services, actor("ada"), data)


def test_two_tokens_of_one_user_are_not_called_the_same(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """They are revoked by their names; others' may be called so."""
    tokens.add(services, actor("ada"), TokenInput(name="ci"))
    tokens.add(services, actor("eve"), TokenInput(name="ci"))

    with pytest.raises(ConflictError):
        tokens.add(services, actor("ada"), TokenInput(name="ci"))
