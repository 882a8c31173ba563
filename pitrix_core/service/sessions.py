"""Log in and out with a browser.

A session is a cookie of which the database has the digest. Who sends a changing request along with
the cookie has to show a second token, which is derived from it: pages of others can make a browser
send the cookie, but cannot read that token.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.errors import NotFoundError, TooManyAttemptsError, UnauthorizedError
from pitrix_core.model.access import Actor, Reach, folded
from pitrix_core.model.audit import Origin
from pitrix_core.service import passwords
from pitrix_core.service.identity import digest_of
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction, new_id
from pitrix_core.store.logins import Session
from pitrix_core.store.users import User

#: How long nothing may be heard of a session, and how long one lasts at most.
#: Source: OWASP's Session Management Cheat Sheet, read 2026-11, for what is of value.
IDLE: Final = dt.timedelta(hours=1)
LASTS: Final = dt.timedelta(hours=12)
#: It is written down at most so often that something was heard.
_SEEN_EVERY: Final = dt.timedelta(minutes=1)

#: After so many failures for a name, or from an address, logins are refused for a while. Many
#: people may share an address.
MOST_FOR_NAME: Final = 10
_MOST_FROM_ADDRESS: Final = 100
COUNTED_FOR: Final = dt.timedelta(minutes=15)

_COOKIE_BYTES: Final = 32
#: Of what a browser says it is.
_AGENT_LENGTH: Final = 255


@attrs.frozen(kw_only=True)
class LoginInput:
    """Who somebody says they are."""

    name: str
    password: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Opened:
    """A session that was opened."""

    session: Session
    cookie: str = attrs.field(repr=False)

    @property
    def csrf_token(self) -> str:
        """What changing requests have to show beside the cookie."""
        return csrf_token_of(self.cookie)


@attrs.frozen(kw_only=True)
class LoggedIn:
    """What a browser is told of its new session, beside the cookie."""

    session: Session
    #: What changing requests have to show in ``X-CSRF-Token``.
    csrf_token: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class WhoAmI:
    """Who asks, and what they may do."""

    name: str
    #: Path of their group.
    group: str
    #: What they may do with what is theirs.
    actions: tuple[str, ...]
    #: And with what is others'.
    reaches: tuple[Reach, ...]
    is_admin: bool
    #: For browsers: what changing requests have to show in ``X-CSRF-Token``.
    csrf_token: str | None = None


def who_am_i(actor: Actor, *, cookie: str | None) -> WhoAmI:
    """Say who asks."""
    return WhoAmI(
        name=actor.owner,
        group=actor.home,
        actions=tuple(sorted(actor.actions)),
        reaches=actor.reaches,
        is_admin=actor.is_admin,
        csrf_token=None if cookie is None else csrf_token_of(cookie),
    )


def log_in(services: Services, data: LoginInput, *, address: str, agent: str) -> Opened:
    """Open a session for who knows a password.

    A wrong name and a wrong password are not told apart, nor do they take different times.

    :param address: from where; a proxy's, where there is one.
    :param agent: what the browser calls itself.
    :raises UnauthorizedError: no such user, another password, or they were disabled.
    :raises TooManyAttemptsError: there were too many of these, for the name or from the address.
    """
    name_key = name_key_of(data.name)
    address_key = digest_of(f"address:{address}")
    with services.store.begin() as tx:
        count_attempt(tx, {name_key: MOST_FOR_NAME, address_key: _MOST_FROM_ADDRESS})
        kept = tx.users.password_hash(data.name)
    is_right = passwords.is_right(kept, data.password)
    with services.store.begin() as tx:
        user = _enabled(tx, data.name) if is_right else None
        if user is None or tx.users.password_hash(data.name) != kept:
            raise UnauthorizedError(
                "Name or password is wrong.", next_step="Ask an admin for a new password."
            )
        tx.logins.forget_failures(name_key)
        tx.logins.forgive(address_key)
        if kept is not None and passwords.is_outdated(kept):
            tx.users.change(user.id, password_hash=passwords.hashed(data.password))
        return open_session(tx, user, address=address, agent=agent)


def name_key_of(name: str) -> str:
    """Return what attempts to know somebody's password are counted under."""
    return digest_of(f"name:{folded(name)}")


def count_attempt(tx: Transaction, limits: Mapping[str, int]) -> None:
    """Count an attempt as failed before it is looked at, so that many at once are no way around.

    :param limits: what it is counted under → how many may have failed; names before addresses, for
        one waits there for others who are counted under the same.
    :raises TooManyAttemptsError: there were too many.
    """
    for key, most in limits.items():
        tx.logins.count_failure(key, since=COUNTED_FOR)
        if tx.logins.failures(key, since=COUNTED_FOR) > most:
            minutes = COUNTED_FOR // dt.timedelta(minutes=1)
            raise TooManyAttemptsError(
                "Too many logins have failed.", next_step=f"Try again in {minutes} minutes."
            )


def open_session(tx: Transaction, user: User, *, address: str, agent: str) -> Opened:
    """Open a session for somebody who showed who they are."""
    tx.logins.drop_old(since=COUNTED_FOR)
    cookie = secrets.token_urlsafe(_COOKIE_BYTES)
    session = Session(
        id=new_id("ses"),
        owner=user.name,
        address=address,
        agent=agent[:_AGENT_LENGTH],
        seen_at=tx.now,
        expires_at=tx.now + LASTS,
        created_at=tx.now,
    )
    tx.logins.add_session(session, user_id=user.id, digest=digest_of(cookie))
    tx.audit.add(session.id, after=session, user=user.name)
    return Opened(session=session, cookie=cookie)


def actor_of_cookie(services: Services, cookie: str) -> Actor:
    """Return who shows a cookie.

    :raises UnauthorizedError: nobody does, it is over, or its user was disabled.
    """
    with services.store.read() as tx:
        session = tx.logins.session_of(digest_of(cookie), idle=IDLE)
        actor = None if session is None else tx.access.actor(session.owner)
        now = tx.now
    if session is None or actor is None:
        raise UnauthorizedError("The session is over.", next_step="Log in again.")
    if now - session.seen_at > _SEEN_EVERY:
        with services.store.begin() as tx:
            tx.logins.mark_seen(session.id)
    return attrs.evolve(actor, origin=Origin(token_id=session.id))


def csrf_token_of(cookie: str) -> str:
    """Return what changing requests have to show beside a cookie."""
    return hmac.new(cookie.encode(), b"pitrix csrf", hashlib.sha256).hexdigest()


def search(services: Services, actor: Actor) -> list[Session]:
    """Return the actor's own sessions, the newest first."""
    with services.store.read() as tx:
        return tx.logins.sessions(actor.owner)


def end(services: Services, actor: Actor, session_id: str) -> None:
    """End one of the actor's sessions.

    :raises NotFoundError: they have none of this id.
    """
    with services.store.begin() as tx:
        if session_id not in {each.id for each in tx.logins.sessions(actor.owner)}:
            raise NotFoundError(f"There is no session {session_id!r}.")
        tx.logins.drop_session(session_id)


def _enabled(tx: Transaction, name: str) -> User | None:
    user = tx.users.get(name)
    return user if user.disabled_at is None else None
