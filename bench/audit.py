"""Compares a fake cloud with the database that is meant to know everything in it."""

import collections
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
import sqlalchemy as sa

from bench.toy_installation import ToyInstallation
from pitrix_core.model import (
    ClusterSnapshot,
    ClusterState,
    NodeState,
    OwnedResource,
)
from pitrix_core.model.cluster import TRANSITION_STATES
from pitrix_core.model.job import JOB_FINAL_STATES, TASK_FINAL_STATES
from pitrix_core.store import tables
from pitrix_core.testing.fake_cloud import Thing

#: What a row need not tell of a column.
_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})


@attrs.frozen(kw_only=True)
class Audit:
    """What does not agree; every list is empty where nothing went wrong."""

    #: On record as there, or a running node's machine, and not in the cloud.
    lost: tuple[str, ...]
    #: In the cloud, made once more under a key that something else was made under.
    duplicated: tuple[str, ...]
    #: In the cloud, and on record with no cluster that is there.
    orphaned: tuple[str, ...]
    #: Clusters in a transition state without a job that will end it.
    stuck: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether all agrees."""
        return not any(attrs.astuple(self))


def audit(installation: ToyInstallation, cluster_ids: Iterable[str]) -> Audit:
    """Compare, once no job is at work and whatever was made can be seen.

    :param cluster_ids: of every cluster there ever was.
    """
    with installation.store.read() as tx:
        snapshots = [tx.clusters.snapshot(cluster_id) for cluster_id in cluster_ids]
        busy = {s.cluster.id for s in snapshots if tx.jobs.running_on(s.cluster.id)}
        installation_id = tx.identity.installation_id()
    with installation.cloud.rows() as rows:
        things = {thing.id: thing for thing in rows.of(installation_id)}
    # A network is shared: it outlives the cluster that asked for it first.
    kept = [r for s in snapshots for r in s.resources if _is_there(s) or _is_shared(r)]
    recorded = {resource.resource_id for resource in kept}
    states = {s.cluster.id: s.cluster.state for s in snapshots}
    return Audit(
        lost=tuple(sorted((recorded | _machines(snapshots)) - things.keys())),
        duplicated=tuple(_surplus(things.values())),
        orphaned=tuple(sorted(things.keys() - recorded)),
        stuck=tuple(c for c in states if states[c] in TRANSITION_STATES and c not in busy),
    )


def what_decides(installation: ToyInstallation) -> Iterator[str]:
    """Return a line for every row that decides whether jobs go on: jobs and tasks that have not
    ended, lanes and runners; the first says what time it is by the database.
    """
    queries = {
        "job": _rows_in(tables.jobs, but=JOB_FINAL_STATES),
        "task": _rows_in(tables.tasks, but=TASK_FINAL_STATES),
        "lane": sa.select(tables.lanes),
        "runner": sa.select(tables.runners),
    }
    with installation.store.read() as tx:
        yield f"it is {tx.now.isoformat()}"
    with installation.store.engine.connect() as connection:
        for name, query in queries.items():
            for row in connection.execute(query).mappings():
                told = {column: value for column, value in row.items() if value not in _NOTHING}
                yield f"{name}: {', '.join(f'{column}={told[column]}' for column in told)}"


def _rows_in(table: sa.Table, *, but: Iterable[str]) -> "sa.Select[Any]":
    return sa.select(table).where(table.c.state.not_in(list(but)))


def _is_there(snapshot: ClusterSnapshot) -> bool:
    return snapshot.cluster.state is not ClusterState.DELETED


def _is_shared(resource: OwnedResource) -> bool:
    return resource.kind == "network.ensure"


def _machines(snapshots: Iterable[ClusterSnapshot]) -> set[str]:
    nodes = [node for s in snapshots if _is_there(s) for node in s.nodes]
    return {node.facts["id"] for node in nodes if node.state is NodeState.RUNNING}


def _surplus(things: Iterable[Thing]) -> Iterable[str]:
    of_key: dict[str, list[str]] = collections.defaultdict(list)
    for thing in things:
        of_key[thing.tags.request_key].append(thing.id)
    return [thing_id for same in of_key.values() for thing_id in same[1:]]
