"""How nodes are: the last report of their health checks, and what was measured on them.

A sample stands for one minute of one node, so that what comes twice, or too often, takes no room.
All of a day are kept, to look at what just happened; of older ones the first of each hour for two
weeks, to compare with last week. For a node that reports every five minutes, as drones do, that is
288 rows of the last day, and 312 of the 13 days before.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import NodeHealth, NodeState, Sample
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once
from pitrix_core.store.records import record

_EVERY_SAMPLE: Final = dt.timedelta(days=1)
_ONE_AN_HOUR: Final = dt.timedelta(days=14)


@attrs.frozen(kw_only=True)
class ReportedNode:
    """Whom a report is about, and what was reported before."""

    id: str
    cluster_id: str
    owner: str
    role: str
    sid: int
    health: NodeHealth | None


class SupervisionRepository:
    """What agents say of their nodes, and nothing else does."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def reported(self, node_id: str, *, reported_by: str) -> ReportedNode | None:
        """Return the node that a report is about, locked until the transaction ends.

        :param reported_by: the Frontgate.
        :returns: None where it does not serve the node's cluster, or the node is gone.
        """
        columns = tables.nodes.c
        query = (
            sa.select(tables.nodes)
            .join(tables.clusters, tables.clusters.c.id == columns.cluster_id)
            .where(
                columns.id == node_id,
                columns.state != NodeState.DELETED,
                tables.clusters.c.frontgate_id == reported_by,
            )
            .with_for_update(of=tables.nodes)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, ReportedNode)

    def set_health(self, node_id: str, health: NodeHealth) -> None:
        """Write what is known of a node."""
        self._connection.execute(
            tables.nodes.update()
            .where(tables.nodes.c.id == node_id)
            .values(health=convert.to_json(health))
        )

    def health(self, cluster_ids: Iterable[str]) -> dict[str, list[NodeHealth]]:
        """Return the health of the nodes that are checked: cluster's id → of each of them."""
        columns = tables.nodes.c
        query = sa.select(columns.cluster_id, columns.health).where(
            columns.cluster_id.in_(list(cluster_ids)),
            columns.state != NodeState.DELETED,
            columns.health.is_not(None),
        )
        found: dict[str, list[NodeHealth]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.cluster_id, []).append(convert.from_json(row.health, NodeHealth))
        return found

    def add_sample(self, sample: Sample, *, cluster_id: str) -> None:
        """Keep what was measured, unless something of the same minute of the node is kept."""
        at = sample.at.replace(second=0, microsecond=0)
        is_first = self._is_first_of_hour(sample.node_id, at)
        kept_for = _ONE_AN_HOUR if is_first else _EVERY_SAMPLE
        insert_once(
            self._connection,
            tables.samples,
            node_id=sample.node_id,
            at=at,
            cluster_id=cluster_id,
            measured={"values": convert.to_json(sample.values), "detail": sample.detail},
            expires_at=at + kept_for,
        )

    def samples(
        self, cluster_id: str, *, since: dt.datetime, node_id: str | None, limit: int
    ) -> list[Sample]:
        """Return what was measured on a cluster's nodes, the newest ``limit``, oldest first."""
        columns = tables.samples.c
        query = (
            sa.select(columns.node_id, columns.at, columns.measured)
            .where(columns.cluster_id == cluster_id, columns.at >= since)
            .order_by(columns.at.desc(), columns.node_id)
            .limit(limit)
        )
        if node_id is not None:
            query = query.where(columns.node_id == node_id)
        rows = self._connection.execute(query).all()
        return [record(row, Sample, **row.measured) for row in reversed(rows)]

    def _is_first_of_hour(self, node_id: str, at: dt.datetime) -> bool:
        columns = tables.samples.c
        query = sa.select(columns.at).where(
            columns.node_id == node_id, columns.at >= at.replace(minute=0), columns.at <= at
        )
        return self._connection.execute(query.limit(1)).first() is None
