"""Sign in with OpenID Connect: a browser is sent to an issuer, and comes back with a code.

Who comes back has to be the browser that was sent (a cookie holds the state), once, and in time.
A user is known by issuer and subject, and by nothing else: names and addresses can be taken.
"""

import datetime as dt
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import attrs

from pitrix_core.errors import PitrixError, UnauthorizedError
from pitrix_core.model.issuer import Issuer
from pitrix_core.service.identity import digest_of
from pitrix_core.service.people import require_person_name
from pitrix_core.service.services import Services
from pitrix_core.service.sessions import COUNTED_FOR, Opened, count_attempt, open_session
from pitrix_core.store import Transaction
from pitrix_core.store.logins import SignIn
from pitrix_core.store.users import User

#: How long somebody may take to come back.
_PATIENCE: Final = dt.timedelta(minutes=10)
#: From one address; many people may share it. Those who come back are not counted.
MOST_UNDER_WAY: Final = 1000
_CODE_BYTES: Final = 48


@attrs.frozen(kw_only=True)
class IssuerInfo:
    """An issuer to choose."""

    name: str
    title: str


@attrs.frozen(kw_only=True)
class Departure:
    """Where a browser is sent, and what it has to come back with."""

    url: str
    state: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Return:
    """What a browser came back with."""

    code: str | None = attrs.field(default=None, repr=False)
    state: str = attrs.field(default="", repr=False)
    #: What its cookie says that it was sent with.
    kept_state: str = attrs.field(default="", repr=False)
    #: Whom it says to come from (RFC 9207), and what went wrong there.
    issuer: str | None = None
    error: str | None = None
    address: str = ""
    agent: str = ""


def issuers(services: Services) -> list[IssuerInfo]:
    """Return whom people can sign in with."""
    return [
        IssuerInfo(name=each.name, title=each.title or each.name) for each in services.issuers.all()
    ]


def depart(services: Services, name: str, *, address: str) -> Departure:
    """Send somebody to an issuer.

    :param address: from where they ask; a proxy's, where there is one.
    :raises TooManyAttemptsError: too many were sent from there, and have not come back.
    :raises NotFoundError: there is no such issuer.
    :raises IssuerUnavailableError: it does not answer as it should.
    """
    issuer = services.issuers.get(name)
    state, nonce, verifier = (secrets.token_urlsafe(_CODE_BYTES) for _ in range(3))
    with services.store.read() as tx:
        until = tx.now + _PATIENCE
    sent = SignIn(issuer=name, nonce=nonce, verifier=verifier, expires_at=until)
    url = services.issuers.sign_in_url(issuer, sent, state=state)
    with services.store.begin() as tx:
        count_attempt(tx, {_key_of(address): MOST_UNDER_WAY})
        tx.logins.drop_old(since=COUNTED_FOR)
        tx.logins.add_sign_in(sent, state=digest_of(state))
    return Departure(url=url, state=state)


def take_back(services: Services, name: str, back: Return) -> Opened:
    """Open a session for somebody who comes back.

    :raises NotFoundError: there is no such issuer.
    :raises UnauthorizedError: they were not sent, or too long ago, or the issuer does not vouch for
        them, or nobody has let them in.
    :raises IssuerUnavailableError: it does not answer as it should.
    """
    issuer = services.issuers.get(name)
    sent = _sent(services, name, back)
    if back.issuer not in {None, issuer.url}:
        _refuse("Another issuer has answered")
    if back.error is not None or not back.code:
        _refuse(f"{issuer.name} says {back.error or 'nothing'!r}"[:200])
    claims = services.issuers.claims(issuer, sent, back.code)
    with services.store.begin() as tx:
        tx.groups.take_turn()
        user = _user_of(tx, issuer, claims)
        tx.logins.forgive(_key_of(back.address))
        return open_session(tx, user, address=back.address, agent=back.agent)


def _key_of(address: str) -> str:
    return digest_of(f"sign-in:{address}")


def _sent(services: Services, name: str, back: Return) -> SignIn:
    is_same = hmac.compare_digest(back.state.encode(), back.kept_state.encode())
    if not back.state or not is_same:
        _refuse("This browser was not sent to sign in")
    with services.store.begin() as tx:
        sent = tx.logins.take_sign_in(digest_of(back.state))
    if sent is None or sent.issuer != name:
        _refuse("That was too long ago, or came back before")
    return sent


def _user_of(tx: Transaction, issuer: Issuer, claims: Mapping[str, Any]) -> User:
    """Return whom an issuer vouches for: known by its own name for them, and by nothing else."""
    user = tx.users.vouched_for(issuer.url, str(claims["sub"]))
    path = _group_of(issuer, claims)
    if user is None:
        user = _new_user(tx, issuer, claims, path=path or issuer.group)
    if user.disabled_at is not None:
        _refuse("The account was disabled")
    if path is not None and path != user.group:
        tx.users.change(user.id, group_id=tx.groups.get(path).id)
        tx.audit.add(user.id, before=user, after=tx.users.get(user.id), user=user.name)
        tx.events.add("user.changed", user.id, owner=user.name, data={"group": path})
    return tx.users.get(user.id)


def _new_user(tx: Transaction, issuer: Issuer, claims: Mapping[str, Any], *, path: str) -> User:
    if not issuer.creates_users:
        _refuse("Nobody has let you in here yet")
    name = claims.get(issuer.name_claim)
    email = claims.get("email") if claims.get("email_verified") is True else None
    try:
        require_person_name(str(name or ""))
        group = tx.groups.get(path)
        user = tx.users.add(
            str(name),
            group_id=group.id,
            role=issuer.role,
            email=email and str(email)[:255],
            issuer=issuer.url,
            subject=str(claims["sub"]),
        )
    except PitrixError as ex:
        _refuse(f"No account could be made: {ex.message}", cause=ex)
    what = {"name": user.name, "group": user.group, "role": user.role, "issuer": issuer.url}
    tx.audit.add(user.id, after=user, user=user.name)
    tx.events.add("user.added", user.id, owner=user.name, data=what)
    return user


def _group_of(issuer: Issuer, claims: Mapping[str, Any]) -> str | None:
    named = claims.get(issuer.groups_claim)
    theirs = set(map(str, named)) if isinstance(named, list) else {str(named)}
    return next((path for name, path in issuer.groups.items() if name in theirs), None)


def _refuse(why: str, *, cause: Exception | None = None) -> NoReturn:
    raise UnauthorizedError(f"{why}.", next_step="Sign in again.") from cause
