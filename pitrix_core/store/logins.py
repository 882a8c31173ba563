"""What people show to say who they are: API tokens, and sessions of browsers."""

import datetime as dt

import attrs
import sqlalchemy as sa

from pitrix_core.errors import NotFoundError
from pitrix_core.model.access import Action
from pitrix_core.store import tables
from pitrix_core.store.engine import Turn, take_turn
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


class LoginRepository:
    """Tokens and sessions, by the digests of what is shown."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- tokens ------------------------------------------------------------------------------------

    def has_tokens(self) -> bool:
        """Say whether anybody can ask yet."""
        return self._connection.scalar(sa.select(tables.tokens.c.id).limit(1)) is not None

    def take_first_turn(self) -> bool:
        """Wait for others who prepare the installation; say whether there is no token yet."""
        take_turn(self._connection, Turn.INSTALLATION)
        return not self.has_tokens()

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


def _is_alive(now: dt.datetime) -> sa.ColumnElement[bool]:
    column = tables.tokens.c.expires_at
    return sa.or_(column.is_(None), column > now)
