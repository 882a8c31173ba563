"""Look at how clusters are: their nodes' health, and what was measured on them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.errors import InvalidInputError
from pitrix_core.model import (
    Cluster,
    ClusterSnapshot,
    MeasuredItem,
    NodeHealth,
    Sample,
    health_of,
)
from pitrix_core.model.access import Actor
from pitrix_core.service.access import find_cluster
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction

#: Samples in one answer: a day of six nodes that report every five minutes, or an hour of 166.
_MOST_SAMPLES: Final = 2000


@attrs.frozen(kw_only=True)
class Measures:
    """What was measured on a cluster's nodes."""

    #: Role → its items, in the order the package shows them.
    items: Mapping[str, tuple[MeasuredItem, ...]]
    #: The oldest first.
    samples: tuple[Sample, ...]
    #: There were more of the time asked for; the oldest are left out.
    is_cut: bool


def measured(
    services: Services,
    actor: Actor,
    cluster_id: str,
    *,
    minutes: int,
    node_id: str | None = None,
) -> Measures:
    """Return what was measured on a cluster's nodes.

    :param cluster_id: or its name.
    :param minutes: of how long until now.
    :param node_id: only on this node.
    :raises NotFoundError: there is no such cluster.
    :raises InvalidInputError: it has no such node.
    :raises PackageError: its package cannot be read any more.
    """
    with services.store.read() as tx:
        cluster = find_cluster(tx, actor, cluster_id)
        _require_node(tx, cluster, node_id)
        version = tx.catalog.version(cluster.app_version_id)
        since = tx.now - dt.timedelta(minutes=minutes)
        samples = tx.supervision.samples(
            cluster.id, since=since, node_id=node_id, limit=_MOST_SAMPLES + 1
        )
    package = services.loader.load(version)
    with asking(package.app_type, to="say what is measured"):
        items = package.app_type.measured_items(package.spec, cluster.config)
    return Measures(
        items=items,
        samples=tuple(samples[-_MOST_SAMPLES:]),
        is_cut=len(samples) > _MOST_SAMPLES,
    )


def with_health(tx: Transaction, clusters: Iterable[Cluster]) -> list[Cluster]:
    """Return clusters with what is known of their health now."""
    found = list(clusters)
    known = tx.supervision.health(cluster.id for cluster in found)
    return [_with(tx, cluster, known.get(cluster.id, ())) for cluster in found]


def snapshot_with_health(tx: Transaction, snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """Return a cluster with what is known of its nodes' health now."""
    nodes = tuple(
        node if node.health is None else attrs.evolve(node, health=node.health.at(tx.now))
        for node in snapshot.nodes
    )
    known = [node.health for node in nodes if node.health is not None]
    cluster = _with(tx, snapshot.cluster, known)
    return attrs.evolve(snapshot, cluster=cluster, nodes=nodes)


def _with(tx: Transaction, cluster: Cluster, known: Iterable[NodeHealth]) -> Cluster:
    return attrs.evolve(cluster, health=health_of(each.at(tx.now).state for each in known))


def _require_node(tx: Transaction, cluster: Cluster, node_id: str | None) -> None:
    if node_id is not None and all(node.id != node_id for node in tx.clusters.nodes(cluster.id)):
        raise InvalidInputError(
            f"Cluster {cluster.id} has no node {node_id!r}.",
            next_step=f"See: pitrix cluster show {cluster.id}",
        )
