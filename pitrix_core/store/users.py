"""Users, and what they were granted."""

import datetime as dt
from collections.abc import Collection

import attrs
import sqlalchemy as sa

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.model.access import ADMIN_ROLE, folded
from pitrix_core.store import tables
from pitrix_core.store.access import within
from pitrix_core.store.engine import UtcTime, insert_once
from pitrix_core.store.groups import ROOT_ID
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

    def add(
        self,
        name: str,
        *,
        group_id: str,
        role: str,
        email: str | None = None,
        issuer: str | None = None,
        subject: str | None = None,
    ) -> User:
        """Store a user.

        :param issuer: of OpenID Connect, who vouches for them.
        :param subject: the issuer's own name for them.
        :raises ConflictError: there is one who is called so, or looks so; or there was one whom
            nobody vouches to be the same.
        """
        if self._is_of_another(name, issuer=issuer, subject=subject):
            raise ConflictError(
                f"{name!r} was somebody's who is gone, or looks like it.",
                pointer="/name",
                next_step="Take another: what happened in that name stays theirs.",
            )
        is_new = insert_once(
            self._connection,
            tables.users,
            id=new_id("usr"),
            name=name,
            folded_name=folded(name),
            group_id=group_id,
            role=role,
            email=email,
            issuer=issuer,
            subject=subject,
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

    def within(self, paths: Collection[str], *, name: str) -> list[User]:
        """Return the users of groups and of those below them, by name, and whoever bears a name."""
        reached = sa.or_(tables.users.c.name == name, *(within(path) for path in paths))
        query = _users().where(reached).order_by(tables.users.c.name)
        return [record(row, User) for row in self._connection.execute(query)]

    def vouched_for(self, issuer: str, subject: str) -> User | None:
        """Return whom an issuer of OpenID Connect knows by a name of its own."""
        columns = tables.users.c
        query = _users().where(columns.issuer == issuer, columns.subject == subject)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, User)

    def change(self, user_id: str, **values: object) -> None:
        """Write down what is different about a user: columns by their names."""
        self._connection.execute(
            tables.users.update().where(tables.users.c.id == user_id).values(**values)
        )

    def password_hash(self, name: str) -> str | None:
        """Return what a user's password is checked with; None for no such user, or no password."""
        columns = tables.users.c
        query = sa.select(columns.password_hash).where(columns.name == name)
        found: str | None = self._connection.scalar(query)
        return found

    def delete(self, user: User) -> None:
        """Delete a user to whom nothing belongs, with all they show and were granted.

        Their name is nobody else's afterwards.
        """
        former, known = tables.former_users, tables.users.c
        kept = sa.select(
            known.folded_name, known.issuer, known.subject, sa.literal(self._now, UtcTime)
        ).where(known.id == user.id)
        self._connection.execute(former.insert().from_select(list(former.c), kept))
        for table in (tables.sessions, tables.grants):
            self._connection.execute(table.delete().where(table.c.user_id == user.id))
        tokens, users = tables.tokens, tables.users
        self._connection.execute(tokens.delete().where(tokens.c.owner == user.name))
        self._connection.execute(users.delete().where(users.c.id == user.id))

    def _is_of_another(self, name: str, *, issuer: str | None, subject: str | None) -> bool:
        """Say whether a name is of somebody who is gone, and takes it along if it is they."""
        columns = tables.former_users.c
        is_of_them = columns.folded_name == folded(name)
        if issuer is not None:
            vouched = (columns.issuer == issuer, columns.subject == subject)
            self._connection.execute(tables.former_users.delete().where(is_of_them, *vouched))
        return self._connection.scalar(sa.select(columns.deleted_at).where(is_of_them)) is not None

    # -- grants ------------------------------------------------------------------------------------

    def has_admin(self) -> bool:
        """Say whether anybody who is not disabled may do everything everywhere."""
        query = (
            sa.select(tables.users.c.id)
            .join(tables.grants, tables.grants.c.user_id == tables.users.c.id)
            .where(
                tables.users.c.disabled_at.is_(None),
                tables.grants.c.role == ADMIN_ROLE,
                tables.grants.c.group_id == ROOT_ID,
            )
        )
        return self._connection.scalar(query.limit(1)) is not None

    def grants(self, user_id: str) -> list[Grant]:
        """Return what a user was granted, by group and role."""
        query = _grants().where(tables.grants.c.user_id == user_id)
        query = query.order_by(tables.groups.c.path, tables.grants.c.role)
        return [record(row, Grant) for row in self._connection.execute(query)]

    def granted(self, grant_id: str) -> Grant:
        """Return a grant.

        :raises NotFoundError: there is none of this id.
        """
        query = _grants().where(tables.grants.c.id == grant_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no grant {grant_id!r}.", next_step="List them: pitrix grant list USER"
            )
        return record(row, Grant)

    def take_back(self, grant_id: str) -> None:
        """Delete a grant."""
        self._connection.execute(tables.grants.delete().where(tables.grants.c.id == grant_id))

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


def _grants() -> "sa.Select[tuple[object, ...]]":
    columns = [tables.grants.c.id, tables.grants.c.role, tables.grants.c.created_at]
    name, path = tables.users.c.name.label("user"), tables.groups.c.path.label("group")
    return (
        sa.select(*columns, name, path)
        .join(tables.users, tables.users.c.id == tables.grants.c.user_id)
        .join(tables.groups, tables.groups.c.id == tables.grants.c.group_id)
    )


def _users() -> "sa.Select[tuple[object, ...]]":
    columns = [column for column in tables.users.c if column.name != "password_hash"]
    return sa.select(*columns, tables.groups.c.path.label("group")).join(
        tables.groups, tables.groups.c.id == tables.users.c.group_id
    )
