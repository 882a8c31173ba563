"""Writes down from when until when a resource was there, how large, and at which price.

A resource that a request made is metered from the moment at which its id is written down until it
is released; once, however often the outcome of its task is written, for its rows bear the request's
key. A row is closed and the next one begun where it changes: a machine that is stopped uses
nothing, while its volumes go on. What was *ensured* is shared, and not metered.
"""

import datetime as dt
import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import sqlalchemy as sa

from pitrix_core.model import OwnedResource, Price
from pitrix_core.model.quota import MOST
from pitrix_core.model.usage import Size
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once

_MILLION: Final = 1_000_000
#: ISO 4217.
CURRENCY: Final = re.compile(r"[A-Z]{3}")


class MeteringRepository:
    """What is used from when until when."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def begin(
        self,
        resource: OwnedResource,
        *,
        owner: str,
        runtime_id: str,
        size: Size,
        price: Price | None,
    ) -> None:
        """Begin to count a resource; does nothing for one that is, or was, counted."""
        versions, clusters = tables.app_versions.c, tables.clusters.c
        query = (
            sa.select(clusters.app_version_id, versions.app_id)
            .outerjoin(tables.app_versions, versions.id == clusters.app_version_id)
            .where(clusters.id == resource.cluster_id)
        )
        cluster = self._connection.execute(query).one_or_none()
        if cluster is None:
            return
        self._insert(
            request_key=resource.request_key,
            number=1,
            began_at=self._now,
            ended_at=None,
            cluster_id=resource.cluster_id,
            owner=owner,
            app_id=cluster.app_id,
            app_version_id=cluster.app_version_id,
            runtime_id=runtime_id,
            interface=resource.kind.partition(".")[0],
            resource_id=resource.resource_id,
            **_sized(size, price),
        )

    def stop(self, cluster_id: str, *, interface: str, resource_id: str) -> None:
        """Stop counting a resource that uses nothing while it stands still."""
        self._end(*_resource(cluster_id, interface, resource_id))

    def resume(self, cluster_id: str, *, interface: str, resource_id: str) -> None:
        """Count a resource again that was stopped; one that is counted, or gone, is left alone."""
        last = self._last(cluster_id, interface, resource_id)
        if last is not None and last["ended_at"] is not None:
            self._insert(**{**last, **self._next(last), "ended_at": None})

    def resize(
        self, cluster_id: str, *, interface: str, resource_id: str, size: Size, price: Price | None
    ) -> None:
        """Count a resource as another size; one that is stopped is of it when it is resumed."""
        last = self._last(cluster_id, interface, resource_id)
        if last is None:
            return
        self.stop(cluster_id, interface=interface, resource_id=resource_id)
        following = self._next(last)
        ended_at = None if last["ended_at"] is None else following["began_at"]
        sized = {**last, **following, **_sized(size, price), "ended_at": ended_at}
        self._insert(**sized)

    def end_released(self, interface: str, resource_id: str) -> None:
        """Stop counting a resource that is written down as released, of whichever cluster it is."""
        columns, resources = tables.meters.c, tables.resources.c
        released = sa.select(resources.request_key).where(
            resources.resource_id == resource_id, resources.released_at.is_not(None)
        )
        self._end(
            columns.resource_id == resource_id,
            columns.interface == interface,
            columns.request_key.in_(released),
        )

    def end_of(self, cluster_id: str) -> None:
        """Stop counting all of a cluster that was given up."""
        self._end(tables.meters.c.cluster_id == cluster_id)

    def hand_over(self, owner: str, *, to: str) -> None:
        """Count all that somebody has as another's from now on."""
        columns = tables.meters.c
        query = sa.select(tables.meters).where(columns.owner == owner, columns.ended_at.is_(None))
        for row in self._connection.execute(query.with_for_update()).mappings().all():
            self._end(columns.request_key == row["request_key"])
            self._insert(**{**row, **self._next(row), "owner": to})

    def _last(self, cluster_id: str, interface: str, resource_id: str) -> "sa.RowMapping | None":
        """Return the newest row of a resource that is not released; others wait for its lock."""
        columns, resources = tables.meters.c, tables.resources.c
        there = sa.select(resources.request_key).where(
            resources.resource_id == resource_id, resources.released_at.is_(None)
        )
        query = (
            sa.select(tables.meters)
            .where(*_resource(cluster_id, interface, resource_id), columns.request_key.in_(there))
            .order_by(columns.number.desc())
            .limit(1)
            .with_for_update()
        )
        return self._connection.execute(query).mappings().one_or_none()

    def _next(self, row: "sa.RowMapping") -> dict[str, Any]:
        """Return what the row after another one begins with: times must not run backwards."""
        began_at = max(self._now, row["ended_at"] or row["began_at"])
        return {"number": row["number"] + 1, "began_at": began_at}

    def _end(self, *which: "sa.ColumnElement[bool]") -> None:
        """End rows now; one that began later, for the clock went back, is of no period then."""
        going_on = tables.meters.c.ended_at.is_(None)
        self._connection.execute(
            tables.meters.update().where(going_on, *which).values(ended_at=self._now)
        )

    def _insert(self, **values: object) -> None:
        insert_once(self._connection, tables.meters, **values)


def millionths(price: Price | None) -> tuple[int | None, str | None]:
    """Return a price a month as a whole number, and its currency.

    :returns: neither for a price that is not known, or makes no sense.
    """
    if price is None or not CURRENCY.fullmatch(price.currency):
        return None, None
    amount = price.amount_per_month
    if not amount.is_finite() or not 0 <= amount <= MOST:
        return None, None
    whole = (amount * _MILLION).to_integral_value(ROUND_HALF_EVEN)
    return int(whole), price.currency


def amount_of(number: int) -> Decimal:
    """Return the amount that a number of millionths is."""
    return Decimal(number) / _MILLION


def _resource(
    cluster_id: str, interface: str, resource_id: str
) -> "tuple[sa.ColumnElement[bool], ...]":
    columns = tables.meters.c
    return (
        columns.cluster_id == cluster_id,
        columns.resource_id == resource_id,
        columns.interface == interface,
    )


def _sized(size: Size, price: Price | None) -> dict[str, Any]:
    # What a plugin says must neither keep an outcome from being written nor make sums overflow.
    amount, currency = millionths(price)
    return {
        "cpu": min(max(size.cpu, 0), MOST),
        "memory_mib": min(max(size.memory_mib, 0), MOST),
        "disk_gib": min(max(size.disk_gib, 0), MOST),
        "price_millionths": amount,
        "currency": currency,
    }
