"""How much people may have, and what of it is used or promised."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import NotFoundError
from pitrix_core.model import ClusterState, Plan, Totals
from pitrix_core.model.access import BUILT_IN_ROLES, ROOT_PATH, Action, lineage_of
from pitrix_core.model.quota import MOST, Quota, Scope, Use
from pitrix_core.store import tables
from pitrix_core.store.access import within
from pitrix_core.store.engine import insert_once
from pitrix_core.store.ids import new_id
from pitrix_core.store.metering import amount_of, millionths
from pitrix_core.store.records import record

_MIB_PER_GIB: Final = 1024
_SUM: Final = tuple(
    sa.func.sum(tables.allotments.c[name]).label(name)
    for name in ("nodes", "cpu", "memory_mib", "disk_gib", "price_millionths")
)


class QuotaRepository:
    """Quotas, and what counts for them."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- quotas ------------------------------------------------------------------------------------

    def put(self, quota: Quota, *, group_id: str | None) -> Quota:
        """Store a quota in the place of the one that its subject has, if it has one.

        :param group_id: of the group that is its subject.
        """
        columns = tables.quotas.c
        key = {"scope": quota.scope, "subject": group_id or quota.subject}
        values = {
            "limits": convert.to_json(quota.limits),
            "budgets": convert.to_json(quota.budgets),
            "unpriced": quota.unpriced,
            "updated_at": self._now,
        }
        insert_once(self._connection, tables.quotas, id=new_id("quo"), **key, **values)
        which = (columns.scope == key["scope"], columns.subject == key["subject"])
        self._connection.execute(tables.quotas.update().where(*which).values(**values))
        [stored] = self._select(*which)
        return stored

    def get(self, quota_id: str) -> Quota:
        """Return a quota.

        :raises NotFoundError: there is none of this id.
        """
        for found in self._select(tables.quotas.c.id == quota_id):
            return found
        raise NotFoundError(
            f"There is no quota {quota_id!r}.", next_step="List them: pitrix quota list"
        )

    def all(self) -> list[Quota]:
        """Return every quota: of groups by path, of users by name, and of every user."""
        return sorted(self._select(), key=lambda quota: (quota.scope, quota.subject))

    def remove(self, quota_id: str) -> None:
        """Delete a quota."""
        self._connection.execute(tables.quotas.delete().where(tables.quotas.c.id == quota_id))

    def remove_of(self, user: str) -> None:
        """Delete the quota of a user who goes."""
        columns = tables.quotas.c
        which = (columns.scope == Scope.USER, columns.subject == user)
        self._connection.execute(tables.quotas.delete().where(*which))

    def counting_for(self, owner: str) -> list[Quota]:
        """Return the quotas that count for an owner: of their group and those above, from the root
        down, and their own.
        """
        columns, groups = tables.quotas.c, tables.groups.c
        ids = sa.select(groups.id).where(groups.path.in_(lineage_of(self._home(owner))))
        found = self._select(
            sa.or_(
                sa.and_(columns.scope == Scope.GROUP, columns.subject.in_(ids)),
                sa.and_(columns.scope == Scope.USER, columns.subject == owner),
                columns.scope == Scope.EVERY_USER,
            )
        )
        ordered = sorted(found, key=lambda quota: (quota.scope != Scope.GROUP, quota.subject))
        has_own = any(quota.scope is Scope.USER for quota in ordered)
        return [quota for quota in ordered if not has_own or quota.scope is not Scope.EVERY_USER]

    def lock(self, quotas: Iterable[Quota]) -> None:
        """Have others who are held to one of these quotas wait until the transaction ends."""
        columns = tables.quotas.c
        ids = [quota.id for quota in quotas]
        query = sa.select(columns.id).where(columns.id.in_(ids)).order_by(columns.id)
        self._connection.execute(query.with_for_update()).all()

    def kept_at(self, quota: Quota) -> str:
        """Return the path of the group on which one needs the right to change a quota: the one
        above a group that is limited, and a user's own.
        """
        match quota.scope:
            case Scope.GROUP:
                return quota.subject.rpartition("/")[0] or ROOT_PATH
            case Scope.USER:
                return self._home(quota.subject)
            case Scope.EVERY_USER:
                return ROOT_PATH

    def keepers(self, quota: Quota, *, limit: int) -> list[str]:
        """Return the names of some who may change a quota; those nearest to its group first."""
        users, grants, groups = tables.users.c, tables.grants.c, tables.groups.c
        names = (
            sa.select(users.name)
            .join(tables.grants, grants.user_id == users.id)
            .join(tables.groups, groups.id == grants.group_id)
            .where(groups.path.in_(lineage_of(self.kept_at(quota))))
            .where(grants.role.in_(self._keeping_roles()), users.disabled_at.is_(None))
            .order_by(sa.func.length(groups.path).desc(), users.name)
        )
        return list(dict.fromkeys(self._connection.scalars(names)))[:limit]

    # -- what counts -------------------------------------------------------------------------------

    def used(self, quota: Quota, *, owner: str) -> Use:
        """Return what counts for a quota.

        :param owner: whose, where it is for each user alone.
        """
        clusters, allotments = tables.clusters.c, tables.allotments.c
        query = (
            sa.select(sa.func.count().label("clusters"), allotments.currency, *_SUM)
            .select_from(tables.clusters)
            .outerjoin(tables.allotments, allotments.cluster_id == clusters.id)
            .where(clusters.state != ClusterState.DELETED, clusters.hidden.is_(False))
            .where(_is_of(quota, owner))
            .group_by(allotments.currency)
        )
        return _use_of(self._connection.execute(query).all())

    def allot(self, plan: Plan) -> None:
        """Count what a plan makes from now on, until its cluster is deleted."""
        columns = tables.allotments.c
        amount, currency = millionths(plan.price)
        added = _added(plan.totals)
        price = {"price_millionths": amount, "currency": currency}
        is_new = insert_once(
            self._connection, tables.allotments, cluster_id=plan.cluster_id, **added, **price
        )
        if not is_new:
            more = {name: columns[name] + number for name, number in added.items()}
            same = columns.cluster_id == plan.cluster_id
            self._connection.execute(tables.allotments.update().where(same).values(**more))

    def _select(self, *which: "sa.ColumnElement[bool]") -> list[Quota]:
        """Return quotas with their groups' paths; those of groups that are gone are left out."""
        columns, groups = tables.quotas.c, tables.groups.c
        of_group = sa.and_(columns.scope == Scope.GROUP, groups.id == columns.subject)
        query = (
            sa.select(tables.quotas, groups.path)
            .outerjoin(tables.groups, of_group)
            .where(sa.or_(columns.scope != Scope.GROUP, groups.id.is_not(None)), *which)
        )
        return [
            record(row, Quota, subject=row.subject if row.path is None else row.path)
            for row in self._connection.execute(query)
        ]

    def _home(self, owner: str) -> str:
        """Return the path of an owner's group; who has no account is of the installation."""
        users, groups = tables.users.c, tables.groups.c
        query = (
            sa.select(groups.path)
            .join(tables.users, users.group_id == groups.id)
            .where(users.name == owner)
        )
        return self._connection.scalar(query) or ROOT_PATH

    def _keeping_roles(self) -> list[str]:
        action = Action.QUOTAS_WRITE
        rows: Sequence[Any] = self._connection.execute(
            sa.select(tables.roles.c.name, tables.roles.c.actions)
        ).all()
        built_in = [name for name, actions in BUILT_IN_ROLES.items() if action in actions]
        return built_in + [row.name for row in rows if action in row.actions]


def _is_of(quota: Quota, owner: str) -> "sa.ColumnElement[bool]":
    """Return the condition that a cluster counts for a quota."""
    column = tables.clusters.c.owner
    if quota.scope is not Scope.GROUP:
        return column == (quota.subject or owner)
    if quota.subject == ROOT_PATH:
        return sa.true()
    people = (
        sa.select(tables.users.c.name)
        .join(tables.groups, tables.groups.c.id == tables.users.c.group_id)
        .where(within(quota.subject))
    )
    return column.in_(people)


def _use_of(rows: "Sequence[sa.Row[Any]]") -> Use:
    def total(name: str) -> int:
        return sum(int(getattr(row, name) or 0) for row in rows)

    return Use(
        clusters=total("clusters"),
        nodes=total("nodes"),
        cores=total("cpu"),
        memory_gib=Decimal(total("memory_mib")) / _MIB_PER_GIB,
        disk_gib=total("disk_gib"),
        costs={row.currency: amount_of(int(row.price_millionths)) for row in rows if row.currency},
        unpriced_clusters=sum(row.clusters for row in rows if row.currency is None),
    )


def _added(totals: Totals) -> dict[str, int]:
    """Return what is added; what is freed counts until it is gone."""
    added = {
        "nodes": totals.machines,
        "cpu": totals.cpu,
        "memory_mib": totals.memory_mib,
        "disk_gib": totals.volume_gib,
    }
    return {name: min(max(number, 0), MOST) for name, number in added.items()}
