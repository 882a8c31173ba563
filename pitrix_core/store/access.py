"""The one rule for what somebody sees and may change, as a condition of SQL.

Somebody may do with a thing what their role allows with what is theirs, if it is theirs, and what
their grants allow with what belongs to the people of a group or of one below it. Beside that, who
may read such things at all sees those that are public, or visible to a group they are in. An app
that says nothing of its own is as visible as its repo, and a version as its app; but what is not
active, and an app without an active version, is for those alone who may see drafts. What belongs to
nobody who has an account, such as what the installation made for itself, is for those with a grant
on the root.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from pitrix_core.model.access import (
    ALL_ACTIONS,
    BUILT_IN_ROLES,
    ROOT_PATH,
    Action,
    Actor,
    Reach,
    Visibility,
    lineage_of,
)
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.store import tables

#: Table → what allows to see its rows.
READING: Final[Mapping[str, Action]] = {
    "app_versions": Action.APPS_READ,
    "apps": Action.APPS_READ,
    "clusters": Action.CLUSTERS_READ,
    "events": Action.EVENTS_READ,
    "jobs": Action.CLUSTERS_READ,
    "plans": Action.CLUSTERS_READ,
    "repos": Action.REPOS_READ,
    "runtimes": Action.RUNTIMES_READ,
}


def allowed(actor: Actor, action: Action, owner: "sa.ColumnElement[str]") -> sa.ColumnElement[bool]:
    """Return the condition that somebody may do this with what belongs to ``owner``."""
    if actor.may_everywhere(action):
        return sa.true()
    is_own = owner == actor.owner if action in actor.actions else sa.false()
    paths = [reach.path for reach in actor.reaches if action in reach.actions]
    if not paths:
        return is_own
    people = (
        sa.select(tables.users.c.name)
        .join(tables.groups, tables.groups.c.id == tables.users.c.group_id)
        .where(sa.or_(*(within(path) for path in paths)))
    )
    return sa.or_(is_own, owner.in_(people))


def seen_by(viewer: Actor, table: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that somebody sees a row of a table.

    :param table: has ``owner``, and ``visibility`` with ``groups`` if its rows may be shared.
    """
    return _seen(viewer, READING[table.name], table)


def _seen(actor: Actor, action: Action, table: sa.Table) -> sa.ColumnElement[bool]:
    released = _released(table)
    if released is None:
        return _shared(actor, action, table)
    drafts = allowed(actor, Action.VERSIONS_READ, table.c.owner)
    return sa.or_(drafts, sa.and_(released, _shared(actor, action, table)))


def _released(table: sa.Table) -> sa.ColumnElement[bool] | None:
    """Return the condition that an app or a version is in the store; None for other tables."""
    if table is tables.app_versions:
        return table.c.state == VersionState.ACTIVE
    if table is tables.apps:
        versions = tables.app_versions.alias().c
        is_active = versions.state == VersionState.ACTIVE
        return sa.exists().where(versions.app_id == table.c.id, is_active)
    return None


def _shared(actor: Actor, action: Action, table: sa.Table) -> sa.ColumnElement[bool]:
    if actor.may_everywhere(action):
        return sa.true()
    if table is tables.app_versions:
        return _of_shared(actor, action, table.c.app_id, tables.apps)
    ways = [allowed(actor, action, table.c.owner)]
    if "visibility" in table.c and actor.may(action):
        ways += _visible(actor, table)
    if table is tables.apps:
        follows = _of_shared(actor, action, table.c.repo_id, tables.repos)
        ways.append(sa.and_(table.c.visibility.is_(None), follows))
    return sa.or_(*ways)


def within(path: str) -> sa.ColumnElement[bool]:
    """Return the condition that a row of ``groups`` is one of this path, or below it."""
    column = tables.groups.c.path
    if path == ROOT_PATH:
        return sa.true()
    # No LIKE: SQLite's does not tell cases apart, and names may hold its wildcards.
    below = sa.func.substr(column, 1, len(path) + 1) == path + "/"
    return sa.or_(column == path, below)


def _visible(actor: Actor, table: sa.Table) -> "list[sa.ColumnElement[bool]]":
    named = sa.cast(table.c.groups, sa.Text)
    # ids are letters, digits and dashes: nothing to escape
    is_mine = sa.or_(sa.false(), *(named.contains(f'"{each}"') for each in actor.lineage))
    return [
        table.c.visibility == Visibility.PUBLIC,
        sa.and_(table.c.visibility == Visibility.GROUPS, is_mine),
    ]


def _of_shared(
    actor: Actor, action: Action, column: "sa.Column[Any]", table: sa.Table
) -> sa.ColumnElement[bool]:
    return column.in_(sa.select(table.c.id).where(_shared(actor, action, table)))


class AccessRepository:
    """Asks the rule about single things, and knows who may what."""

    def __init__(self, connection: sa.Connection) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection

    def may(self, actor: Actor, action: Action, *, owner: str) -> bool:
        """Say whether somebody may do this with what belongs to ``owner``."""
        condition = allowed(actor, action, sa.literal(owner))
        return self._connection.scalar(sa.select(sa.literal(1)).where(condition)) is not None

    def share(
        self, table: str, row_id: str, *, visibility: Visibility | None, groups: Sequence[str]
    ) -> None:
        """Write down who sees a row beside its owner.

        :param table: ``runtimes`` or ``apps``.
        :param groups: ids.
        """
        shared = tables.metadata.tables[table]
        self._connection.execute(
            shared.update()
            .where(shared.c.id == row_id)
            .values(visibility=visibility, groups=list(groups))
        )

    def actor(self, name: str) -> Actor | None:
        """Return a user as somebody who asks; None where there is none, or they are disabled."""
        query = (
            sa.select(tables.users.c.id, tables.users.c.role, tables.groups.c.path)
            .join(tables.groups, tables.groups.c.id == tables.users.c.group_id)
            .where(tables.users.c.name == name, tables.users.c.disabled_at.is_(None))
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        reaches = self._reaches(row.id)
        own = [reach.actions for reach in reaches if reach.covers(row.path)]
        return Actor(
            owner=name,
            actions=self.actions_of(row.role).union(*own),
            reaches=reaches,
            home=row.path,
            lineage=self._lineage(row.path),
        )

    def actions_of(self, role: str) -> frozenset[Action]:
        """Return what a role allows; nothing, if it is gone."""
        return self._actions_of({role})[role]

    def _reaches(self, user_id: str) -> tuple[Reach, ...]:
        query = (
            sa.select(tables.grants.c.role, tables.groups.c.path)
            .join(tables.groups, tables.groups.c.id == tables.grants.c.group_id)
            .where(tables.grants.c.user_id == user_id)
            .order_by(tables.groups.c.path, tables.grants.c.role)
        )
        rows = self._connection.execute(query).all()
        actions = self._actions_of({row.role for row in rows})
        return tuple(Reach(path=row.path, actions=actions[row.role]) for row in rows)

    def _actions_of(self, names: Collection[str]) -> Mapping[str, frozenset[Action]]:
        """Return what roles allow; one that is gone, or an action, allows nothing."""
        columns = tables.roles.c
        custom = [name for name in names if name not in BUILT_IN_ROLES]
        query = sa.select(columns.name, columns.actions).where(columns.name.in_(custom))
        rows = self._connection.execute(query).all() if custom else ()
        found = {row.name: ALL_ACTIONS.intersection(row.actions) for row in rows}
        return {name: BUILT_IN_ROLES.get(name, found.get(name, frozenset())) for name in names}

    def _lineage(self, path: str) -> tuple[str, ...]:
        query = sa.select(tables.groups.c.id).where(tables.groups.c.path.in_(lineage_of(path)))
        return tuple(self._connection.scalars(query.order_by(tables.groups.c.path)))
