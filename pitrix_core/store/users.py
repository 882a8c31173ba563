"""Users, and what they were granted."""

import datetime as dt

import attrs
import sqlalchemy as sa

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model.access import folded
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once
from pitrix_core.store.ids import new_id
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class User:
    """Somebody who may ask; what is theirs bears their name."""

    id: str
    name: str
    #: Path of their group.
    group: str
    #: What they may do with what is theirs.
    role: str
    email: str | None = None
    #: Who vouches for them: an issuer of OpenID Connect; None for a password here.
    issuer: str | None = None
    #: Since when nothing they show is worth anything.
    disabled_at: dt.datetime | None = None
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class Grant:
    """What somebody may do with the things of a group's people, and of those of all below."""

    id: str
    user: str
    role: str
    #: Path of the group.
    group: str
    created_at: dt.datetime


class UserRepository:
    """Who there is."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def add(self, name: str, *, group_id: str, role: str, email: str | None = None) -> User:
        """Store a user.

        :raises ConflictError: there is one who is called so, or looks so.
        """
        is_new = insert_once(
            self._connection,
            tables.users,
            id=new_id("usr"),
            name=name,
            folded_name=folded(name),
            group_id=group_id,
            role=role,
            email=email,
            created_at=self._now,
        )
        if not is_new:
            raise ConflictError(
                f"There is a user {name!r} already, or one whose name looks the same.",
                pointer="/name",
            )
        return self.get(name)

    def get(self, id_or_name: str) -> User:
        """Return a user.

        :raises NotFoundError: there is none of this id or name.
        """
        columns = tables.users.c
        query = _users().where(sa.or_(columns.id == id_or_name, columns.name == id_or_name))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no user {id_or_name!r}.", next_step="List them: pitrix user list"
            )
        return record(row, User)

    def grant(self, user_id: str, *, role: str, group_id: str) -> None:
        """Let a user do with the things of a group's people what a role allows; once is enough."""
        insert_once(
            self._connection,
            tables.grants,
            id=new_id("grt"),
            user_id=user_id,
            role=role,
            group_id=group_id,
            created_at=self._now,
        )


def _users() -> "sa.Select[tuple[object, ...]]":
    columns = [column for column in tables.users.c if column.name != "password_hash"]
    return sa.select(*columns, tables.groups.c.path.label("group")).join(
        tables.groups, tables.groups.c.id == tables.users.c.group_id
    )
