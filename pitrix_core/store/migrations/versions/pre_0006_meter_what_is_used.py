"""Meter what is used; what is there already is counted from its start. Keep quotas."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0006"
down_revision = "0005"

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_JSON: Final = sa.JSON(none_as_null=True)
#: Rows that are written by one statement.
_BATCH: Final = 500


def upgrade() -> None:
    """Do it."""
    with op.batch_alter_table("tasks") as table:
        table.add_column(sa.Column("price", _JSON))
    op.create_index("ix_clusters_app_version", "clusters", ["app_version_id"])
    meters = op.create_table(
        "meters",
        sa.Column("request_key", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("cluster_id", sa.String(64), nullable=False, index=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("app_id", sa.String(64)),
        sa.Column("app_version_id", sa.String(64), nullable=False),
        sa.Column("runtime_id", sa.String(64), nullable=False),
        sa.Column("interface", sa.String(64), nullable=False),
        sa.Column("resource_id", sa.String(1024), nullable=False),
        sa.Column("cpu", sa.Integer, nullable=False),
        sa.Column("memory_mib", sa.Integer, nullable=False),
        sa.Column("disk_gib", sa.Integer, nullable=False),
        sa.Column("price_millionths", sa.BigInteger),
        sa.Column("currency", sa.String(3)),
        sa.Index("ix_meters_period", "ended_at", "began_at"),
        sa.Index("ix_meters_resource", "resource_id", "cluster_id"),
        sa.Index("ix_meters_app", "app_id", "ended_at"),
    )
    allotments = op.create_table(
        "allotments",
        sa.Column("cluster_id", sa.String(64), sa.ForeignKey("clusters.id"), primary_key=True),
        sa.Column("nodes", sa.Integer, nullable=False),
        sa.Column("cpu", sa.Integer, nullable=False),
        sa.Column("memory_mib", sa.BigInteger, nullable=False),
        sa.Column("disk_gib", sa.BigInteger, nullable=False),
        sa.Column("price_millionths", sa.BigInteger),
        sa.Column("currency", sa.String(3)),
    )
    op.create_table(
        "quotas",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("limits", _JSON, nullable=False),
        sa.Column("budgets", _JSON, nullable=False),
        sa.Column("unpriced", sa.String(32), nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.UniqueConstraint("scope", "subject"),
    )
    _insert(meters, _metered())
    _insert(allotments, _allotted())


def _insert(table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    every = list(rows)
    for first in range(0, len(every), _BATCH):
        op.bulk_insert(table, every[first : first + _BATCH])


def _metered() -> Iterator[dict[str, Any]]:
    """Yield a row for each resource, of the size that its task, or its node, was planned with."""
    resources = _table("resources", "request_key", "cluster_id", "owner", "runtime_id", "kind")
    for name, kind in (("created_at", UtcTime), ("released_at", UtcTime)):
        resources.append_column(sa.column(name, kind))
    for name in ("resource_id", "node_id", "task_id"):
        resources.append_column(sa.column(name))
    clusters = _table("clusters", "id", "app_version_id")
    clusters.append_column(sa.column("forgotten_at", UtcTime))
    versions = _table("app_versions", "id", "app_id")
    tasks, nodes = _table("tasks", "id"), _table("nodes", "id")
    tasks.append_column(sa.column("input", _JSON))
    nodes.append_column(sa.column("planned", _JSON))
    joined = (
        resources.join(clusters, clusters.c.id == resources.c.cluster_id)
        .outerjoin(versions, versions.c.id == clusters.c.app_version_id)
        .outerjoin(tasks, tasks.c.id == resources.c.task_id)
        .outerjoin(nodes, nodes.c.id == resources.c.node_id)
    )
    query = sa.select(
        resources,
        clusters.c.app_version_id,
        clusters.c.forgotten_at,
        versions.c.app_id,
        tasks.c.input,
        nodes.c.planned,
    ).select_from(joined)
    for row in op.get_bind().execute(query.where(resources.c.kind.like("%.create"))):
        interface = row.kind.partition(".")[0]
        ended_at = row.released_at or row.forgotten_at
        yield {
            "request_key": row.request_key,
            "number": 1,
            "began_at": _microseconds(row.created_at),
            "ended_at": None if ended_at is None else _microseconds(ended_at),
            **{name: getattr(row, name) for name in ("cluster_id", "owner", "runtime_id")},
            "app_id": row.app_id,
            "app_version_id": row.app_version_id,
            "interface": interface,
            "resource_id": row.resource_id,
            **_size(interface, {**(row.planned or {}), **(row.input or {})}),
            "price_millionths": None,
            "currency": None,
        }


def _size(interface: str, given: dict[str, Any]) -> dict[str, int]:
    is_machine, is_volume = interface == "compute", interface == "volume"
    disk_gib = _number(given.get("size_gib", given.get("volume_gib")))
    return {
        "cpu": _number(given.get("cpu")) if is_machine else 0,
        "memory_mib": _number(given.get("memory_mib")) if is_machine else 0,
        "disk_gib": disk_gib if is_volume else 0,
    }


def _allotted() -> Iterator[dict[str, Any]]:
    """Yield what each cluster counts for that is not deleted, from its nodes' plans."""
    clusters = _table("clusters", "id", "state", "hidden")
    nodes = _table("nodes", "cluster_id", "state")
    nodes.append_column(sa.column("planned", _JSON))
    is_there = sa.and_(nodes.c.cluster_id == clusters.c.id, nodes.c.state != "deleted")
    query = sa.select(clusters.c.id, nodes.c.cluster_id, nodes.c.planned).select_from(
        clusters.outerjoin(nodes, is_there)
    )
    of_people = query.where(clusters.c.state != "deleted", sa.not_(clusters.c.hidden))
    sums: dict[str, dict[str, int]] = {}
    for row in op.get_bind().execute(of_people):
        total = sums.setdefault(row.id, {"nodes": 0, "cpu": 0, "memory_mib": 0, "disk_gib": 0})
        planned = row.planned or {}
        total["nodes"] += row.cluster_id is not None
        for name, of in (("cpu", "cpu"), ("memory_mib", "memory_mib"), ("disk_gib", "volume_gib")):
            total[name] += _number(planned.get(of))
    for cluster_id, total in sums.items():
        yield {"cluster_id": cluster_id, **total, "price_millionths": None, "currency": None}


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns))


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _microseconds(time: dt.datetime) -> int:
    return (time - _EPOCH) // dt.timedelta(microseconds=1)
