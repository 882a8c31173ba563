"""Clusters as they stand in the database, for tests that need one and not how it came to be."""

from typing import Any

from pitrix_core.model import Cluster, ClusterState, PlannedNode
from pitrix_core.store import Transaction


def add_cluster(tx: Transaction, cluster_id: str, **changes: Any) -> Cluster:
    """Add a cluster without nodes: active, the admin's, on ``rt-1``, unless told otherwise."""
    values = {
        "id": cluster_id,
        "name": cluster_id,
        "owner": "admin",
        "state": ClusterState.ACTIVE,
        "runtime_id": "rt-1",
        "app_version_id": "appv-1",
        "config": {},
        "revision": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    cluster = Cluster(**{**values, **changes})
    tx.clusters.add(cluster)
    return cluster


def add_nodes(tx: Transaction, cluster_id: str, *node_ids: str, secret_id: str = "") -> None:
    """Add nodes of the unnamed role to a cluster of the admin's."""
    nodes = [PlannedNode(id=node_id, role="", sid=1, gid=1) for node_id in node_ids]
    secret_ids = dict.fromkeys(node_ids, secret_id) if secret_id else {}
    tx.clusters.add_nodes(cluster_id, nodes, owner="admin", secret_ids=secret_ids)
