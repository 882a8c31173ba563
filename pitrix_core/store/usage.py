"""Adds up what was used in a period, for bills and for the vendors of apps.

The database adds up times, which are whole microseconds; they are multiplied with sizes and prices
here, where numbers have no end, and each sum is rounded once.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.errors import InvalidInputError
from pitrix_core.model import ClusterState
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.usage import Amounts, DayCount, UsageBy
from pitrix_core.store import tables
from pitrix_core.store.access import allowed

_MICROSECONDS_PER_HOUR: Final = 3_600_000_000
#: What is priced by the month is counted as this many hours of it, as clouds do.
#: Source: https://docs.aws.amazon.com/pricing-calculator/latest/userguide/what-is-pricing-calculator.html
#: (730 hours a month: 365 days of 24 hours, divided by 12), read 2026-11.
HOURS_PER_MONTH: Final = 730
_MIB_PER_GIB: Final = 1024
_MILLION: Final = 1_000_000

#: Rows that one answer is added up of, and most lines that it has: so many fit into memory.
MOST_ROWS: Final = 100_000

#: What use is added up for → the meter's column.
_KEYS: Final[Mapping[UsageBy, "sa.Column[Any]"]] = {
    UsageBy.CLUSTER: tables.meters.c.cluster_id,
    UsageBy.APP: tables.meters.c.app_id,
    UsageBy.VERSION: tables.meters.c.app_version_id,
    UsageBy.OWNER: tables.meters.c.owner,
    UsageBy.GROUP: tables.meters.c.owner,  # whose groups are looked up for the sums
    UsageBy.RUNTIME: tables.meters.c.runtime_id,
}
#: What has an id and a name → its name.
_NAMES: Final[Mapping[UsageBy, "sa.Column[Any]"]] = {
    UsageBy.CLUSTER: tables.clusters.c.name,
    UsageBy.APP: tables.apps.c.name,
    UsageBy.VERSION: tables.app_versions.c.version,
    UsageBy.RUNTIME: tables.runtimes.c.name,
}


@attrs.frozen(kw_only=True)
class Period:
    """From when until when; the end is not in it."""

    began_at: dt.datetime
    ended_at: dt.datetime


@attrs.define
class Sum:
    """What was used, as whole numbers; ``cost`` is in millionths times microseconds."""

    core_us: int = 0
    memory_mib_us: int = 0
    disk_gib_us: int = 0
    cost: int = 0

    def add(self, other: "Sum") -> None:
        """Add what somebody else used."""
        self.core_us += other.core_us
        self.memory_mib_us += other.memory_mib_us
        self.disk_gib_us += other.disk_gib_us
        self.cost += other.cost

    def amounts(self, currency: str | None) -> Amounts:
        """Return it in hours."""
        month = HOURS_PER_MONTH * _MICROSECONDS_PER_HOUR * _MILLION
        return Amounts(
            core_hours=_rounded(self.core_us, _MICROSECONDS_PER_HOUR),
            memory_gib_hours=_rounded(self.memory_mib_us, _MIB_PER_GIB * _MICROSECONDS_PER_HOUR),
            disk_gib_hours=_rounded(self.disk_gib_us, _MICROSECONDS_PER_HOUR),
            cost=None if currency is None else _rounded(self.cost, month),
            currency=currency,
        )


@attrs.frozen(kw_only=True)
class UsedBy:
    """What one key used at the prices of one currency."""

    #: Empty for what is of no app.
    key: str
    owner: str
    currency: str | None
    sum: Sum


class UsageRepository:
    """What was used."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def used(
        self,
        by: UsageBy,
        period: Period,
        *,
        viewer: Actor | None = None,
        app_id: str | None = None,
        most_rows: int = MOST_ROWS,
    ) -> list[UsedBy]:
        """Add up what was used in a period, by key and currency, in their order.

        :param viewer: only what this one may look at; None for all.
        :param app_id: only by clusters of this app.
        :param most_rows: how many times, sizes and prices may differ by key.
        :raises InvalidInputError: there is more to tell than fits into one answer.
        """
        which = _rows_of(period, viewer=viewer, app_id=app_id)
        keys = [_KEYS[by]] + [tables.meters.c.owner] * (by is UsageBy.CLUSTER)
        sums: dict[tuple[str, str, str | None], Sum] = defaultdict(Sum)
        rows = self._times(keys, period, which, limit=most_rows + 1)
        if len(rows) > most_rows:
            raise InvalidInputError(
                "This is more than fits into one answer.",
                next_step="Ask for a shorter period, or by owner, app or runtime.",
            )
        for row in rows:
            owner = row.owner if by is UsageBy.CLUSTER else ""
            sums[row[0] or "", owner, row.currency].add(_sum_of(row))
        return [
            UsedBy(key=key, owner=owner, currency=currency, sum=sums[key, owner, currency])
            for key, owner, currency in sorted(sums, key=lambda each: (*each[:2], each[2] or ""))
        ]

    def names(
        self,
        by: UsageBy,
        period: Period,
        *,
        viewer: Actor | None = None,
        app_id: str | None = None,
    ) -> dict[str, str]:
        """Return what is called how of that which was used; not what is gone.

        :param viewer: as for :meth:`used`.
        :param app_id: as for :meth:`used`.
        """
        if by not in _NAMES:
            return {}
        name = _NAMES[by]
        used = sa.select(_KEYS[by]).where(*_rows_of(period, viewer=viewer, app_id=app_id))
        query = sa.select(name.table.c.id, name).where(name.table.c.id.in_(used))
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def groups(self) -> dict[str, str]:
        """Return the path of each user's group."""
        users, groups = tables.users.c, tables.groups.c
        query = sa.select(users.name, groups.path).join(tables.groups, groups.id == users.group_id)
        return {row.name: row.path for row in self._connection.execute(query)}

    # -- of apps -----------------------------------------------------------------------------------

    def live_clusters(self, app_id: str) -> dict[str, int]:
        """Return how many clusters there are of each version of an app."""
        clusters, versions = tables.clusters.c, tables.app_versions.c
        query = (
            sa.select(versions.id, sa.func.count())
            .join(tables.clusters, versions.id == clusters.app_version_id)
            .where(versions.app_id == app_id, clusters.state != ClusterState.DELETED)
            .group_by(versions.id)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def deployments(self, app_id: str, period: Period) -> dict[str, list[DayCount]]:
        """Return on which days how many clusters were made of each version of an app, in order."""
        clusters, versions = tables.clusters.c, tables.app_versions.c
        day = self._day(clusters.created_at)
        query = (
            sa.select(versions.id, day.label("day"), sa.func.count().label("deployments"))
            .join(tables.app_versions, versions.id == clusters.app_version_id)
            .where(
                versions.app_id == app_id,
                clusters.created_at >= period.began_at,
                clusters.created_at < period.ended_at,
            )
            .group_by(versions.id, day)
            .order_by(versions.id, day)
        )
        days: dict[str, list[DayCount]] = defaultdict(list)
        for row in self._connection.execute(query):
            days[row.id].append(DayCount(day=str(row.day), deployments=row.deployments))
        return days

    def users(self, app_id: str, period: Period) -> dict[str | None, int]:
        """Return how many owners' clusters used anything, by version; under None of the app."""
        columns = tables.meters.c
        users = sa.func.count(columns.owner.distinct())
        which = (columns.app_id == app_id, *_overlap(period))
        of_versions = (
            sa.select(columns.app_version_id, users).where(*which).group_by(columns.app_version_id)
        )
        counted: dict[str | None, int] = {
            row[0]: row[1] for row in self._connection.execute(of_versions)
        }
        of_app = self._connection.scalar(sa.select(users).where(*which))
        return {**counted, None: of_app or 0}

    def _times(
        self,
        keys: Iterable["sa.Column[Any]"],
        period: Period,
        which: Iterable["sa.ColumnElement[bool]"],
        *,
        limit: int,
    ) -> "list[sa.Row[Any]]":
        """Return for how long there was anything of each size and price, by some columns."""
        columns = tables.meters.c
        kind = columns.began_at.type
        first, last = sa.literal(period.began_at, kind), sa.literal(period.ended_at, kind)
        ended = sa.func.coalesce(columns.ended_at, last)
        # NOTE(types): numbers, which is what these times are in the database
        length = sa.type_coerce(
            sa.case((ended > last, last), else_=ended), sa.BigInteger
        ) - sa.type_coerce(
            sa.case((columns.began_at < first, first), else_=columns.began_at), sa.BigInteger
        )
        sizes = (
            columns.cpu,
            columns.memory_mib,
            columns.disk_gib,
            columns.price_millionths,
            columns.currency,
        )
        query = (
            sa.select(*keys, *sizes, sa.func.sum(length).label("length"))
            .where(*which)
            .group_by(*keys, *sizes)
            .limit(limit)
        )
        return list(self._connection.execute(query))

    def _day(self, time: "sa.Column[Any]") -> "sa.ColumnElement[Any]":
        """Return the day of a time, in UTC."""
        if self._connection.dialect.name == "sqlite":
            return sa.func.date(time)
        return sa.cast(sa.func.timezone("UTC", time), sa.Date)


def _rows_of(
    period: Period, *, viewer: Actor | None, app_id: str | None
) -> "list[sa.ColumnElement[bool]]":
    """Return the conditions that a row is of a period, for this viewer, and of this app."""
    columns = tables.meters.c
    which = list(_overlap(period))
    if viewer is not None:
        which.append(allowed(viewer, Action.USAGE_READ, columns.owner))
    if app_id is not None:
        which.append(columns.app_id == app_id)
    return which


def _overlap(period: Period) -> "tuple[sa.ColumnElement[bool], ...]":
    """Return the conditions that a row is of more than an instant of a period."""
    columns = tables.meters.c
    ended = columns.ended_at
    is_later = sa.and_(ended > period.began_at, ended > columns.began_at)
    return (columns.began_at < period.ended_at, sa.or_(ended.is_(None), is_later))


def _sum_of(row: "sa.Row[Any]") -> Sum:
    length = int(row.length)  # PostgreSQL's sums of whole numbers are decimals
    return Sum(
        core_us=row.cpu * length,
        memory_mib_us=row.memory_mib * length,
        disk_gib_us=row.disk_gib * length,
        cost=(row.price_millionths or 0) * length,
    )


def _rounded(number: int, unit: int) -> Decimal:
    """Divide whole numbers, and round to six digits."""
    scaled, rest = divmod(number * _MILLION, unit)
    is_up = 2 * rest > unit or (2 * rest == unit and scaled % 2 == 1)  # half to even
    return Decimal(scaled + is_up).scaleb(-6)
