"""What people show to say who they are: API tokens, and sessions of browsers."""

import datetime as dt

import attrs
import sqlalchemy as sa

from pitrix_core.errors import NotFoundError
from pitrix_core.model.access import Action
from pitrix_core.store import tables
from pitrix_core.store.engine import Turn, insert_once, take_turn
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class ApiToken:
    """A token that programs show; what it looks like is stored nowhere."""

    id: str
    owner: str
    name: str = ""
    #: All that it allows, if its owner may do it; None for all that they may.
    actions: frozenset[Action] | None = None
    #: Only things of this group's people, and of those below; None for all.
    group_id: str | None = None
    expires_at: dt.datetime | None = None
    used_at: dt.datetime | None = None
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class Session:
    """A browser that somebody logged in with."""

    id: str
    owner: str
    #: Where they logged in from, and what their browser calls itself.
    address: str
    agent: str
    seen_at: dt.datetime
    expires_at: dt.datetime
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class SignIn:
    """Somebody who was sent to an issuer of OpenID Connect, and is to come back."""

    issuer: str
    nonce: str
    verifier: str = attrs.field(repr=False)
    expires_at: dt.datetime


class LoginRepository:
    """What is shown, by its digests, and how often it was shown in vain."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- tokens ------------------------------------------------------------------------------------

    def has_tokens(self) -> bool:
        """Say whether anybody can ask yet."""
        return self._connection.scalar(sa.select(tables.tokens.c.id).limit(1)) is not None

    def take_first_turn(self) -> bool:
        """Wait for others who prepare the installation; say whether nobody was let in yet."""
        take_turn(self._connection, Turn.INSTALLATION)
        return self._connection.scalar(sa.select(tables.users.c.id).limit(1)) is None

    def add_token(self, token: ApiToken, *, digest: str) -> None:
        """Let whoever shows the token with this digest act as its owner."""
        values = attrs.asdict(token)
        values["actions"] = None if token.actions is None else sorted(token.actions)
        self._connection.execute(tables.tokens.insert().values(**values, digest=digest, role=""))

    def token_of(self, digest: str) -> ApiToken | None:
        """Return the token with this digest, unless its time is over."""
        columns = tables.tokens.c
        query = sa.select(tables.tokens).where(columns.digest == digest, _is_alive(self._now))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, ApiToken)

    def tokens(self, owner: str) -> list[ApiToken]:
        """Return an owner's tokens, the oldest first; those whose time is over, too."""
        columns = tables.tokens.c
        query = sa.select(tables.tokens).where(columns.owner == owner)
        rows = self._connection.execute(query.order_by(columns.created_at, columns.id))
        return [record(row, ApiToken) for row in rows]

    def token(self, token_id: str, *, owner: str) -> ApiToken:
        """Return an owner's token.

        :raises NotFoundError: they have none of this id or name.
        """
        for found in self.tokens(owner):
            if token_id in (found.id, found.name):
                return found
        raise NotFoundError(
            f"There is no token {token_id!r}.", next_step="List them: pitrix token list"
        )

    def mark_used(self, token_id: str) -> None:
        """Write down that a token was shown."""
        self._connection.execute(
            tables.tokens.update().where(tables.tokens.c.id == token_id).values(used_at=self._now)
        )

    def drop_token(self, token_id: str) -> None:
        """Make a token worth nothing."""
        self._connection.execute(tables.tokens.delete().where(tables.tokens.c.id == token_id))

    def drop_expired_tokens(self, owner: str) -> None:
        """Drop an owner's tokens whose time is over."""
        dead = sa.and_(tables.tokens.c.owner == owner, ~_is_alive(self._now))
        self._connection.execute(tables.tokens.delete().where(dead))

    def drop_all(self, user_id: str, *, but: str | None = None) -> None:
        """End a user's sessions.

        :param but: id of one that goes on.
        """
        columns = tables.sessions.c
        self._connection.execute(
            tables.sessions.delete().where(columns.user_id == user_id, columns.id != (but or ""))
        )

    # -- sessions ----------------------------------------------------------------------------------

    def add_session(self, session: Session, *, user_id: str, digest: str) -> None:
        """Let the browser that shows the cookie with this digest act as a user."""
        values = attrs.asdict(session)
        del values["owner"]
        self._connection.execute(
            tables.sessions.insert().values(**values, user_id=user_id, digest=digest)
        )

    def session_of(self, digest: str, *, idle: dt.timedelta) -> Session | None:
        """Return the session with this digest, unless its time is over.

        :param idle: how long nothing may have been heard of it.
        """
        columns = tables.sessions.c
        query = _sessions().where(
            columns.digest == digest,
            columns.expires_at > self._now,
            columns.seen_at > self._now - idle,
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, Session)

    def sessions(self, owner: str) -> list[Session]:
        """Return a user's sessions that did not expire, the newest first."""
        columns = tables.sessions.c
        query = _sessions().where(tables.users.c.name == owner, columns.expires_at > self._now)
        rows = self._connection.execute(query.order_by(columns.created_at.desc(), columns.id))
        return [record(row, Session) for row in rows]

    def mark_seen(self, session_id: str) -> None:
        """Write down that something was heard of a session."""
        self._connection.execute(
            tables.sessions.update()
            .where(tables.sessions.c.id == session_id)
            .values(seen_at=self._now)
        )

    def drop_session(self, session_id: str) -> None:
        """End a session."""
        self._connection.execute(tables.sessions.delete().where(tables.sessions.c.id == session_id))

    # -- failures ----------------------------------------------------------------------------------

    def failures(self, key: str, *, since: dt.timedelta) -> int:
        """Return how often a login failed.

        :param since: where the last failure was longer ago, it begins anew.
        """
        columns = tables.failures.c
        query = sa.select(columns.count).where(
            columns.key == key, columns.last_at > self._now - since
        )
        return self._connection.scalar(query) or 0

    def forgive(self, key: str) -> None:
        """Count one failure less."""
        columns = tables.failures.c
        self._connection.execute(
            tables.failures.update()
            .where(columns.key == key, columns.count > 0)
            .values(count=columns.count - 1)
        )

    def count_failure(self, key: str, *, since: dt.timedelta) -> None:
        """Write down that a login failed."""
        table, columns = tables.failures, tables.failures.c
        if insert_once(self._connection, table, key=key, count=1, last_at=self._now):
            return
        is_old = columns.last_at <= self._now - since
        self._connection.execute(
            table.update()
            .where(columns.key == key)
            .values(count=sa.case((is_old, 1), else_=columns.count + 1), last_at=self._now)
        )

    def forget_failures(self, key: str) -> None:
        """Begin anew after a login that did not fail."""
        self._connection.execute(tables.failures.delete().where(tables.failures.c.key == key))

    # -- signing in elsewhere ----------------------------------------------------------------------

    def add_sign_in(self, sign_in: SignIn, *, state: str) -> None:
        """Write down that somebody was sent to an issuer.

        :param state: digest of what they come back with.
        """
        self._connection.execute(
            tables.sign_ins.insert().values(**attrs.asdict(sign_in), state=state)
        )

    def take_sign_in(self, state: str) -> SignIn | None:
        """Return what was written down, once, unless its time is over."""
        columns = tables.sign_ins.c
        taken = tables.sign_ins.delete().where(columns.state == state).returning(tables.sign_ins)
        row = self._connection.execute(taken).one_or_none()
        found = None if row is None else record(row, SignIn)
        return found if found is not None and found.expires_at > self._now else None

    def drop_old(self, *, since: dt.timedelta) -> None:
        """Drop what is over: sessions, failures, and sign-ins that nobody came back from."""
        for column in (tables.sessions.c.expires_at, tables.sign_ins.c.expires_at):
            self._connection.execute(sa.delete(column.table).where(column <= self._now))
        columns = tables.failures.c
        # who counts an attempt holds one row and waits for another, which may be among these
        old = sa.select(columns.key).where(columns.last_at <= self._now - since)
        free = old.with_for_update(skip_locked=True)
        self._connection.execute(tables.failures.delete().where(columns.key.in_(free)))


def _sessions() -> "sa.Select[tuple[object, ...]]":
    columns = [each for each in tables.sessions.c if each.name not in {"digest", "user_id"}]
    return sa.select(*columns, tables.users.c.name.label("owner")).join(
        tables.users, tables.users.c.id == tables.sessions.c.user_id
    )


def _is_alive(now: dt.datetime) -> sa.ColumnElement[bool]:
    column = tables.tokens.c.expires_at
    return sa.or_(column.is_(None), column > now)
