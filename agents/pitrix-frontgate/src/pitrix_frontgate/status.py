"""Tells what a Frontgate on this machine holds, from its etcd and its own notes."""

import json
import os
from typing import Any

from pitrix_drone.etcd import EtcdClient, KeyValue
from pitrix_frontgate import tree
from pitrix_frontgate.config import Places
from pitrix_frontgate.errors import FrontgateError


def collect(places: Places) -> dict[str, Any]:
    """Ask the running Frontgate's etcd.

    :raises FrontgateError: none is running here.
    :raises EtcdError: its etcd does not answer.
    """
    running = _running(places)
    password = places.root_password.read_text(encoding="utf-8").strip()
    client = EtcdClient([running["endpoint"]], user="root", password=password)
    try:
        found = client.read([tree.CLUSTERS, tree.USERS]).items
    finally:
        client.close()
    return {
        "connected": running["connected_to"] is not None,
        "pilot_url": running["connected_to"],
        "endpoint": running["endpoint"],
        "pid": running["pid"],
        "unacknowledged_reports": running["unacknowledged"],
        "clusters": _clusters(found),
    }


def _running(places: Places) -> dict[str, Any]:
    try:
        running: dict[str, Any] = json.loads(places.running.read_bytes())
        os.kill(running["pid"], 0)
    except (FileNotFoundError, ProcessLookupError) as ex:
        raise FrontgateError(
            f"no Frontgate is running with its state in {places.state}; start one with "
            "`frontgate.pyz run`, or set PITRIX_ROOT as it was set for the one that runs"
        ) from ex
    return running


def _clusters(items: tuple[KeyValue, ...]) -> dict[str, Any]:
    clusters: dict[str, Any] = {}
    for item in items:
        if item.key.startswith(tree.CLUSTERS):
            cluster_id, _, path = item.key.removeprefix(tree.CLUSTERS).partition("/")
            _count(_cluster(clusters, cluster_id), path, item.value)
        else:
            cluster_id = json.loads(item.value)["cluster_id"]
            _cluster(clusters, cluster_id)["nodes"].append(item.key.removeprefix(tree.USERS))
    return clusters


def _cluster(clusters: dict[str, Any], cluster_id: str) -> dict[str, Any]:
    empty = {"revision": 0, "nodes": [], "commands_outstanding": 0, "results_unacknowledged": 0}
    found: dict[str, Any] = clusters.setdefault(cluster_id, empty)
    return found


def _count(cluster: dict[str, Any], path: str, value: str) -> None:
    if path == "shared/revision":
        cluster["revision"] = int(value)
    elif path.startswith("commands/"):
        cluster["commands_outstanding"] += 1
    elif path.startswith("reports/") and "/results/" in path:
        cluster["results_unacknowledged"] += 1
