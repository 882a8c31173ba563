"""What clusters use, are promised, and may have: meters, allotments, quotas."""

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String

from pitrix_core.store.columns import ID, identity, json, owner
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


class Moment(sa.types.TypeDecorator[dt.datetime]):
    """An aware time, kept as microseconds since 1970, so that every database adds up the same."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> int | None:
        """Turn a time into a number."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Any) -> dt.datetime | None:
        """Turn a number into a time."""
        return None if value is None else _EPOCH + value * _MICROSECOND


meters = sa.Table(  # one row for each time in which a resource was what it was
    "meters",
    metadata,
    Column("request_key", String(64), primary_key=True),  # the resource's
    Column("number", Integer, primary_key=True),  # from 1; counts up with every change
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("cluster_id", ID, nullable=False, index=True),
    owner(),
    Column("app_id", ID),  # None for what is of no app
    Column("app_version_id", ID, nullable=False),
    Column("runtime_id", ID, nullable=False),
    Column("interface", String(64), nullable=False),
    Column("resource_id", String(1024), nullable=False),
    Column("cpu", Integer, nullable=False),
    Column("memory_mib", Integer, nullable=False),
    Column("disk_gib", Integer, nullable=False),
    Column("price_millionths", BigInteger),  # a month; None where no price is known
    Column("currency", String(3)),
    Index("ix_meters_period", "ended_at", "began_at"),
    Index("ix_meters_resource", "resource_id", "cluster_id"),
    Index("ix_meters_app", "app_id", "ended_at"),
)

allotments = sa.Table(  # what a cluster counts for against quotas until it is deleted
    "allotments",
    metadata,
    Column("cluster_id", ID, ForeignKey("clusters.id"), primary_key=True),
    Column("nodes", Integer, nullable=False),
    Column("cpu", Integer, nullable=False),
    Column("memory_mib", BigInteger, nullable=False),
    Column("disk_gib", BigInteger, nullable=False),
    Column("price_millionths", BigInteger),  # a month; None where no price is known
    Column("currency", String(3)),
)

quotas = sa.Table(
    "quotas",
    metadata,
    identity(),
    Column("scope", String(32), nullable=False),
    Column("subject", String(255), nullable=False),  # a group's id, a user's name, or nothing
    json("limits"),
    json("budgets"),
    Column("unpriced", String(32), nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    sa.UniqueConstraint("scope", "subject"),
)
