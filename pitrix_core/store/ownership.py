"""What the database knows of resources in a cloud account, whichever cluster or job they are of."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.model import Cluster, ClusterState, Lost, OperationState, Orphan, TaskState
from pitrix_core.model.cluster import TRANSITION_STATES
from pitrix_core.model.job import TASK_FINAL_STATES
from pitrix_core.store import tables
from pitrix_core.store.ids import new_id

#: First half of the kind that an orphan is recorded under while a sweep removes it.
ORPHAN: Final = "orphan"
#: Written where a cluster names its app version: what a sweep has found is of no app.
NO_APP_VERSION: Final = "orphans"

#: Values in one statement; SQLite takes 32,766. Source: https://sqlite.org/limits.html, section 9.
_CHUNK: Final = 500
_OPEN_STATES: Final = tuple(state for state in TaskState if state not in TASK_FINAL_STATES)


@attrs.frozen(kw_only=True)
class RecordedResource:
    """A row about a resource of this id; there may be several, of clusters that share it."""

    resource_id: str
    #: Such as ``compute``; ``orphan`` for one that a sweep is about to remove.
    interface: str
    cluster_id: str
    cluster_state: ClusterState
    released_at: dt.datetime | None


@attrs.frozen(kw_only=True)
class KnownRequest:
    """The task that has sent a request."""

    request_key: str
    cluster_id: str
    sent_at: dt.datetime | None
    #: It goes on by itself.
    is_open: bool
    #: It ended without its request being decided: what goes on from there looks for it first.
    may_go_on: bool


class OwnershipRepository:
    """Whose a resource is."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- looking -----------------------------------------------------------------------------------

    def recorded(self, resource_ids: Collection[str]) -> list[RecordedResource]:
        """Return what is written down about resources, released ones among it.

        Of all runtimes: two of them may be of one account.
        """
        resources, clusters = tables.resources.c, tables.clusters.c
        query = sa.select(
            resources.resource_id,
            resources.kind,
            resources.cluster_id,
            resources.released_at,
            clusters.state,
        ).join(tables.clusters, clusters.id == resources.cluster_id)
        return [
            RecordedResource(
                resource_id=row.resource_id,
                interface=row.kind.partition(".")[0],
                cluster_id=row.cluster_id,
                cluster_state=ClusterState(row.state),
                released_at=row.released_at,
            )
            for chunk in _chunks(resource_ids)
            for row in self._connection.execute(query.where(resources.resource_id.in_(chunk)))
        ]

    def requests(self, request_keys: Collection[str]) -> dict[str, KnownRequest]:
        """Return the tasks that have sent requests, by their keys; not those that are not known."""
        columns = tables.tasks.c
        query = sa.select(
            columns.request_key,
            columns.cluster_id,
            columns.state,
            columns.sent_at,
            columns.operation,
        )
        return {
            row.request_key: KnownRequest(
                request_key=row.request_key,
                cluster_id=row.cluster_id,
                sent_at=row.sent_at,
                is_open=row.state in _OPEN_STATES,
                may_go_on=row.state != TaskState.SUCCEEDED
                and _may_go_on(row.sent_at, row.operation),
            )
            for chunk in _chunks(request_keys)
            for row in self._connection.execute(query.where(columns.request_key.in_(chunk)))
        }

    def open_requests(self, cluster_id: str) -> dict[str, str]:
        """Return the requests for a cluster of which it is not known what they made: key → title
        of the task.
        """
        columns, jobs = tables.tasks.c, tables.jobs.c
        recorded = sa.select(tables.resources.c.request_key)
        query = (
            sa.select(columns.request_key, columns.title, columns.sent_at, columns.operation)
            .where(
                columns.job_id.in_(sa.select(jobs.id).where(jobs.cluster_id == cluster_id)),
                columns.state == TaskState.FAILED,
                columns.kind.like("%.create") | columns.kind.like("%.ensure"),
                columns.request_key.not_in(recorded),
            )
            .order_by(columns.number)
        )
        return {
            row.request_key: row.title
            for row in self._connection.execute(query)
            if _may_go_on(row.sent_at, row.operation)
        }

    def live_clusters(self, cluster_ids: Collection[str]) -> frozenset[str]:
        """Return those of the clusters that are there, and not deleted."""
        columns = tables.clusters.c
        query = sa.select(columns.id).where(columns.state != ClusterState.DELETED)
        return frozenset(
            found
            for chunk in _chunks(cluster_ids)
            for found in self._connection.scalars(query.where(columns.id.in_(chunk)))
        )

    def frontgate_networks(self) -> frozenset[str]:
        """Return the networks that Frontgates are in."""
        columns = tables.frontgates.c
        query = sa.select(columns.network_id).where(columns.removed_at.is_(None))
        return frozenset(self._connection.scalars(query))

    def ensured_interfaces(self) -> frozenset[str]:
        """Return the interfaces of which a task is about to answer for something that may be there
        already, made under another key.
        """
        kind = tables.tasks.c.kind
        query = sa.select(kind).where(kind.like("%.ensure"), tables.tasks.c.state.in_(_OPEN_STATES))
        return frozenset(found.partition(".")[0] for found in self._connection.scalars(query))

    def missing(
        self, runtime_id: str, *, listed: Collection[tuple[str, str]], settled_before: dt.datetime
    ) -> list[Lost]:
        """Return what is recorded for a runtime's clusters, at which no job works, and not listed.

        Networks are left out: one that was there before carries no tag.

        :param listed: interface and id of what the account has.
        :param settled_before: what was recorded later need not be visible yet.
        """
        resources, clusters = tables.resources.c, tables.clusters.c
        query = (
            sa.select(
                resources.kind,
                resources.resource_id,
                resources.node_id,
                clusters.id.label("cluster_id"),
                clusters.name,
            )
            .join(tables.clusters, clusters.id == resources.cluster_id)
            .where(
                resources.runtime_id == runtime_id,
                resources.released_at.is_(None),
                resources.created_at < settled_before,
                sa.not_(resources.kind.like("network.%")),
                clusters.state.not_in([*TRANSITION_STATES, ClusterState.DELETED]),
            )
            .order_by(resources.created_at, resources.request_key)
        )
        return [
            Lost(
                cluster_id=row.cluster_id,
                cluster_name=row.name,
                kind=row.kind,
                resource_id=row.resource_id,
                node_id=row.node_id,
            )
            for row in self._connection.execute(query)
            if (row.kind.partition(".")[0], row.resource_id) not in listed
        ]

    # -- what sweeps write -------------------------------------------------------------------------

    def adopt(self, orphans: Iterable[Orphan], *, cluster: Cluster) -> None:
        """Record orphans under the hidden cluster that a sweep removes them with."""
        rows = [
            {
                "request_key": new_id("swp"),  # the tag's own may be recorded: one of two is left
                "cluster_id": cluster.id,
                "owner": cluster.owner,
                "runtime_id": cluster.runtime_id,
                "kind": f"{ORPHAN}.{orphan.interface}",
                "resource_id": orphan.id,
                "outputs": {"id": orphan.id, "request_key": orphan.request_key},
                "created_at": self._now,
            }
            for orphan in orphans
        ]
        self._connection.execute(tables.resources.insert(), rows)

    def gone(self, interface: str, resource_id: str) -> None:
        """Release what clusters that are deleted have left behind, and is not there any more."""
        columns = tables.resources.c
        deleted = sa.select(tables.clusters.c.id).where(
            tables.clusters.c.state == ClusterState.DELETED
        )
        self._connection.execute(
            tables.resources.update()
            .where(
                columns.resource_id == resource_id,
                columns.kind.like(f"{interface}.%"),
                columns.released_at.is_(None),
                columns.cluster_id.in_(deleted),
            )
            .values(released_at=self._now)
        )

    def let_go(self, cluster_id: str) -> None:
        """Release what a sweep that failed has recorded, so that another one may find it."""
        columns = tables.resources.c
        self._connection.execute(
            tables.resources.update()
            .where(columns.cluster_id == cluster_id, columns.released_at.is_(None))
            .values(released_at=self._now)
        )


def _may_go_on(sent_at: dt.datetime | None, operation: Any) -> bool:
    if sent_at is None:
        return False
    return operation is None or operation["state"] != OperationState.FAILED


def _chunks(values: Collection[str]) -> Iterator[Sequence[str]]:
    rest = iter(sorted(set(values)))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
