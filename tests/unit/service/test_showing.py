"""What people show to say who they are: passwords, cookies and tokens, and when these end."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from pitrix_core.model.access import Action, Actor
from pitrix_core.service import (
    identity,
    passwords,
    roles,
    sessions,
    tokens,
    users,
)
from pitrix_core.service.roles import GrantInput
from pitrix_core.service.services import Services
from pitrix_core.service.tokens import TokenInput
from pitrix_core.service.users import PasswordInput, UserChange
from pitrix_core.store.audit import Deed
from pitrix_core.store.logins import ApiToken

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "staple battery horse"

pytestmark = pytest.mark.usefixtures("people")


def log_in(services: Services, password: str = PASSWORD, **more: Any) -> sessions.Opened:
    """Log in as ada, unless more is said."""
    said = {"name": "ada", "address": "192.0.2.1", **more}
    data = sessions.LoginInput(name=said["name"], password=password)
    return sessions.log_in(services, data, address=said["address"], agent="a browser")


def _fail(services: Services, key: str, *, times: int) -> None:
    with services.store.begin() as tx:
        for _ in range(times):
            tx.logins.count_failure(identity.digest_of(key), since=dt.timedelta(minutes=15))


@pytest.fixture
def _with_password(services: Services, people: None) -> None:
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
    _fail(services, "name:ada", times=10)

    with pytest.raises(sessions.TooManyAttemptsError):
        log_in(services)
    assert log_in(services, name="eve").session.owner == "eve"


@pytest.mark.usefixtures("_with_password")
def test_an_address_does_not_try_for_ever(services: Services) -> None:
    """Whatever names it tries; others go on logging in."""
    _fail(services, "address:192.0.2.1", times=100)

    with pytest.raises(sessions.TooManyAttemptsError):
        log_in(services)
    assert log_in(services, address="192.0.2.2").session.owner == "ada"


@pytest.mark.usefixtures("_with_password")
def test_the_password_before_is_not_tried_for_ever(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """Or an open session would be a way to find it; one that is right leaves nothing of those."""
    ada = actor("ada")
    wrong = PasswordInput(password=OTHER_PASSWORD, current="wrong password!!")
    right = PasswordInput(password=PASSWORD, current=PASSWORD)
    _fail(services, "name:ada", times=9)
    users.set_password(services, ada, "ada", right)
    _fail(services, "name:ada", times=9)
    with pytest.raises(UnauthorizedError, match="current password"):
        users.set_password(services, ada, "ada", wrong)

    with pytest.raises(sessions.TooManyAttemptsError):
        users.set_password(services, ada, "ada", right)


@pytest.mark.usefixtures("_with_password")
def test_a_password_that_was_not_set_is_not_in_the_audit(
    services: Services, actor: Callable[[str], Actor]
) -> None:
    """That it was tried is counted, and nothing more."""
    ada = actor("ada")
    asked = services.store.on_behalf(Deed(actor=ada, action="setPassword", subject="ada"))
    wrong = PasswordInput(password=OTHER_PASSWORD, current="wrong password!!")

    with pytest.raises(UnauthorizedError):
        users.set_password(attrs.evolve(services, store=asked), ada, "ada", wrong)

    with services.store.read() as tx:
        assert "setPassword" not in [entry.action for entry in tx.audit.entries()]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_attempts_at_the_same_moment_are_all_counted(services: Services) -> None:
    """However many look before the first is written down; SQLite lets them in one by one."""
    start = threading.Barrier(4)

    def is_admitted(_number: int) -> bool:
        try:
            with services.store.begin() as tx:
                assert tx.now  # it has begun
                start.wait(timeout=60)
                sessions.count_attempt(tx, {"key": 1})
        except sessions.TooManyAttemptsError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        admitted = list(pool.map(is_admitted, range(4)))

    assert admitted.count(True) == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_drops_what_is_over_waits_for_nobody(services: Services) -> None:
    """An attempt that is being counted may wait for them: both would wait for ever."""
    no_time = dt.timedelta()

    def drop_old() -> None:
        with services.store.begin() as tx:
            tx.logins.drop_old(since=no_time)

    for key in ("being counted", "over"):
        _fail(services, key, times=1)
    with ThreadPoolExecutor(1) as pool, services.store.begin() as counting:
        counting.logins.count_failure(identity.digest_of("being counted"), since=no_time)
        pool.submit(drop_old).result(timeout=60)

    with services.store.read() as tx:
        day = dt.timedelta(days=1)
        left = [
            tx.logins.failures(identity.digest_of(key), since=day)
            for key in ("being counted", "over")
        ]
    assert left == [1, 0]


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


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda s: users.set_password(s, ADMIN, "eve", PasswordInput(password=OTHER_PASSWORD)),
            id="another-password",
        ),
        pytest.param(
            lambda s: users.change(s, ADMIN, "eve", UserChange(is_disabled=True)), id="disabled"
        ),
    ],
)
def test_a_password_is_not_set_past_an_admin(
    services: Services,
    actor: Callable[[str], Actor],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Services], object],
) -> None:
    """Who knew the one before is too late when an admin does something about that meanwhile."""
    users.set_password(services, ADMIN, "eve", PasswordInput(password=PASSWORD))
    eve, is_right = actor("eve"), passwords.is_right

    def checked_slowly(kept: str | None, password: str) -> bool:
        monkeypatch.undo()
        change(services)
        return is_right(kept, password)

    monkeypatch.setattr(passwords, "is_right", checked_slowly)
    mine = PasswordInput(password="whatever eve likes", current=PASSWORD)

    with pytest.raises(ConflictError, match="meanwhile"):
        users.set_password(services, eve, "eve", mine)


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
    services: Services, actor: Callable[[str], Actor], adas_runtime: Runtime
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


def test_tokens_that_are_over_make_room(
    services: Services, actor: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each login makes one: they neither use up names nor how many there may be."""
    monkeypatch.setattr(tokens, "MOST", 1)
    ada = actor("ada")
    with services.store.begin() as tx:
        over = ApiToken(id="tok-1", owner="ada", name="ci", expires_at=tx.now, created_at=tx.now)
        tx.logins.add_token(over, digest="over")
    tokens.add(services, ada, TokenInput(name="ci", expires_in_days=1))

    with pytest.raises(ConflictError, match="You have 1 tokens"):
        tokens.add(services, ada, TokenInput(name="another"))
    assert [each.name for each in tokens.search(services, ada)] == ["ci"]


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
