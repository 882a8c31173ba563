"""Clusters, their nodes, and what was made for them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import NotFoundError, RevisionConflictError
from pitrix_core.model import (
    Cluster,
    ClusterSnapshot,
    ClusterState,
    JsonObject,
    MadeResource,
    Node,
    NodeState,
    OwnedResource,
    PlannedNode,
)
from pitrix_core.model.access import Actor
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.engine import Turn, take_turn
from pitrix_core.store.records import record
from pitrix_core.store.slices import WHOLE, Slice, oldest_first

#: Number of the installation's first node: nine digits, as packages expect of a ``gsid``.
#: Source: OpenPitrix's metadata tree counts global server ids from here.
_FIRST_GSID: Final = 100_000_000


@attrs.frozen(kw_only=True)
class NodeLogin:
    """How a node's agent gets in."""

    #: Its password with version 1 of the agent protocol, a one-time token with version 2.
    secret_id: str
    protocol: int
    #: Of the password that it got for the token; None until it has one.
    credential_sha256: str | None


class ClusterRepository:
    """Deployed app versions."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- clusters ----------------------------------------------------------------------------------

    def add(self, cluster: Cluster) -> None:
        """Store a cluster."""
        values = {
            **convert.to_json(cluster),
            "metadata_revision": 0,
            "created_at": self._now,
            "updated_at": self._now,
        }
        del values["health"]  # its nodes'
        self._connection.execute(tables.clusters.insert().values(**values))

    def get(self, id_or_name: str, *, viewer: Actor | None = None) -> Cluster:
        """Return a cluster; by name only while it is not deleted, the newest first.

        :param viewer: who has to see it; None for nobody.
        :raises NotFoundError: there is none of this id or name that they see.
        """
        columns = tables.clusters.c
        named = sa.and_(columns.name == id_or_name, columns.state != ClusterState.DELETED)
        query = (
            sa.select(tables.clusters)
            .where(sa.or_(columns.id == id_or_name, named))
            .order_by(columns.created_at.desc())
            .limit(1)
        )
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.clusters))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no cluster {id_or_name!r}.", next_step="List them: pitrix cluster list"
            )
        return record(row, Cluster)

    def named(self, name: str, *, owner: str) -> Cluster | None:
        """Return an owner's cluster of a name that is not deleted, the newest of several."""
        columns = tables.clusters.c
        query = (
            sa.select(tables.clusters)
            .where(
                columns.name == name, columns.owner == owner, columns.state != ClusterState.DELETED
            )
            .order_by(columns.created_at.desc(), columns.id.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, Cluster)

    def search(
        self,
        *,
        owner: str | None = None,
        viewer: Actor | None = None,
        runtime_id: str | None = None,
        hidden: bool | None = None,
        part: Slice = WHOLE,
    ) -> list[Cluster]:
        """Return clusters that are not deleted, oldest first.

        :param owner: only this owner's; None for everybody's.
        :param viewer: only those that they see; None for all.
        :param runtime_id: only those on this runtime.
        :param hidden: only those that are, or are not, hidden; None for both.
        :param part: which of them.
        :raises NotFoundError: there is no cluster that the part begins after.
        """
        columns = tables.clusters.c
        query = oldest_first(self._connection, tables.clusters, part).where(
            columns.state != ClusterState.DELETED
        )
        if hidden is not None:
            query = query.where(columns.hidden.is_(hidden))
        if owner is not None:
            query = query.where(columns.owner == owner)
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.clusters))
        if runtime_id is not None:
            query = query.where(columns.runtime_id == runtime_id)
        return [record(row, Cluster) for row in self._connection.execute(query)]

    def mentioning(self, word: str, *, owner: str) -> list[Cluster]:
        """Return an owner's clusters that have a word in their configuration, oldest first; deleted
        ones left out. Looks through the configurations of all of them.

        :param word: such as an id: letters, digits and dashes.
        """
        columns = tables.clusters.c
        query = (
            sa.select(tables.clusters)
            .where(
                columns.owner == owner,
                columns.state != ClusterState.DELETED,
                sa.cast(columns.config, sa.Text).contains(word, autoescape=True),
            )
            .order_by(columns.created_at, columns.id)
        )
        return [record(row, Cluster) for row in self._connection.execute(query)]

    def snapshot(self, cluster_id: str) -> ClusterSnapshot:
        """Return a cluster with everything that belongs to it.

        :raises NotFoundError: there is no such cluster.
        """
        query = sa.select(tables.clusters).where(tables.clusters.c.id == cluster_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no cluster {cluster_id!r}.")
        return ClusterSnapshot(
            cluster=record(row, Cluster),
            nodes=tuple(self.nodes(cluster_id)),
            resources=tuple(self._resources(cluster_id)),
            metadata_revision=row.metadata_revision,
        )

    def start_change(self, cluster_id: str, *, state: ClusterState, expected_revision: int) -> None:
        """Put a cluster into a transition state under its next revision.

        :raises RevisionConflictError: the cluster changed since the plan was made.
        """
        columns = tables.clusters.c
        changed = self._connection.execute(
            tables.clusters.update()
            .where(columns.id == cluster_id, columns.revision == expected_revision)
            .values(state=state, revision=columns.revision + 1, updated_at=self._now)
        ).rowcount
        if not changed:
            raise RevisionConflictError(
                "The cluster changed since the plan was made.",
                pointer="/plan_id",
                next_step="Make a new plan.",
            )

    def set_state(self, cluster_id: str, state: ClusterState) -> None:
        """Write a cluster's state."""
        self._update(cluster_id, state=state)

    def forget(self, cluster_id: str) -> None:
        """Write down that a cluster was given up; its resources stay recorded as they were."""
        self._update(cluster_id, forgotten_at=self._now)
        self._connection.execute(
            tables.nodes.update()
            .where(tables.nodes.c.cluster_id == cluster_id)
            .values(state=NodeState.DELETED)
        )

    def next_metadata_revision(self, cluster_id: str) -> int:
        """Return the number of the cluster's next metadata, 1 for the first."""
        columns = tables.clusters.c
        self._update(cluster_id, metadata_revision=columns.metadata_revision + 1)
        query = sa.select(columns.metadata_revision).where(columns.id == cluster_id)
        return int(self._connection.execute(query).scalar_one())

    def _update(self, cluster_id: str, **values: object) -> None:
        self._connection.execute(
            tables.clusters.update()
            .where(tables.clusters.c.id == cluster_id)
            .values(updated_at=self._now, **values)
        )

    # -- nodes -------------------------------------------------------------------------------------

    def add_nodes(
        self,
        cluster_id: str,
        planned: Iterable[PlannedNode],
        *,
        owner: str,
        secret_ids: Mapping[str, str],
    ) -> None:
        """Store the nodes of a plan, with the next numbers of the installation.

        :param secret_ids: node id → secret its agent logs in with.
        """
        gsid = self._next_gsid()
        for offset, node in enumerate(planned):
            self._connection.execute(
                tables.nodes.insert().values(
                    id=node.id,
                    cluster_id=cluster_id,
                    owner=owner,
                    role=node.role,
                    sid=node.sid,
                    gid=node.gid,
                    gsid=gsid + offset,
                    state=NodeState.PLANNED,
                    planned=convert.to_json(node.planned),
                    facts={},
                    agent={},
                    secret_id=secret_ids.get(node.id),
                )
            )

    def nodes(self, cluster_id: str) -> list[Node]:
        """Return a cluster's nodes by role and number, deleted ones left out."""
        columns = tables.nodes.c
        query = (
            sa.select(tables.nodes)
            .where(columns.cluster_id == cluster_id, columns.state != NodeState.DELETED)
            .order_by(columns.role, columns.sid)
        )
        return [record(row, Node) for row in self._connection.execute(query)]

    def node_logins(self, cluster_id: str) -> dict[str, NodeLogin]:
        """Return node id → how its agent gets in."""
        columns = tables.nodes.c
        query = sa.select(
            columns.id, columns.secret_id, columns.agent_protocol, columns.credential_sha256
        ).where(
            columns.cluster_id == cluster_id,
            columns.state != NodeState.DELETED,
            columns.secret_id.is_not(None),
        )
        return {
            row.id: NodeLogin(
                secret_id=row.secret_id,
                protocol=row.agent_protocol,
                credential_sha256=row.credential_sha256,
            )
            for row in self._connection.execute(query)
        }

    def set_agent_protocol(self, cluster_id: str, protocol: int) -> None:
        """Write which version of the agent protocol machines are to start with that are not made
        yet.
        """
        columns = tables.nodes.c
        self._connection.execute(
            tables.nodes.update()
            .where(columns.cluster_id == cluster_id, columns.state == NodeState.PLANNED)
            .values(agent_protocol=protocol)
        )

    def set_node_credential(self, node_id: str, sha256: str, *, reported_by: str) -> None:
        """Write the digest of what a node logs in with since it enrolled.

        :param reported_by: the Frontgate; see :meth:`set_node_agent`.
        """
        self._report(node_id, reported_by, credential_sha256=sha256)

    def set_node_facts(self, node_id: str, facts: JsonObject) -> None:
        """Write what its machine turned out to be."""
        self._update_node(node_id, state=NodeState.RUNNING, facts=convert.to_json(facts))

    def set_node_deleted(self, node_id: str) -> None:
        """Write that its machine is gone."""
        self._update_node(node_id, state=NodeState.DELETED)

    def set_node_agent(self, node_id: str, report: JsonObject, *, reported_by: str) -> None:
        """Write the last report of its agent.

        :param reported_by: the Frontgate; a report of one that does not serve the node's cluster is
            dropped.
        """
        self._report(node_id, reported_by, agent=convert.to_json(report))

    def _report(self, node_id: str, reported_by: str, **values: object) -> None:
        columns = tables.nodes.c
        served = sa.select(tables.clusters.c.id).where(
            tables.clusters.c.frontgate_id == reported_by
        )
        self._connection.execute(
            tables.nodes.update()
            .where(columns.id == node_id, columns.cluster_id.in_(served))
            .values(**values)
        )

    def _update_node(self, node_id: str, **values: object) -> None:
        self._connection.execute(
            tables.nodes.update().where(tables.nodes.c.id == node_id).values(**values)
        )

    def _next_gsid(self) -> int:
        take_turn(self._connection, Turn.NODE_NUMBERS)
        highest = self._connection.scalar(sa.select(sa.func.max(tables.nodes.c.gsid)))
        return _FIRST_GSID if highest is None else highest + 1

    # -- resources ---------------------------------------------------------------------------------

    def put_resource(
        self,
        resource: OwnedResource,
        *,
        owner: str,
        runtime_id: str,
        task_id: str | None = None,
    ) -> bool:
        """Write down what a request made, or what is newly known of it.

        :param task_id: task whose request it was.
        :returns: whether nothing was known of it.
        """
        columns = tables.resources.c
        same = columns.request_key == resource.request_key
        values = {
            **convert.to_json(resource),
            "owner": owner,
            "runtime_id": runtime_id,
            "task_id": task_id,
        }
        changed = self._connection.execute(tables.resources.update().where(same).values(**values))
        if changed.rowcount:
            return False
        self._connection.execute(tables.resources.insert().values(created_at=self._now, **values))
        return True

    def release_resource(self, cluster_id: str, *, interface: str, resource_id: str) -> str | None:
        """Write down that a resource is gone; return the node it was made for."""
        columns = tables.resources.c
        which = (
            columns.cluster_id == cluster_id,
            columns.resource_id == resource_id,
            columns.kind.like(f"{interface}.%"),
        )
        self._connection.execute(
            tables.resources.update().where(*which).values(released_at=self._now)
        )
        node_id: str | None = self._connection.scalar(sa.select(columns.node_id).where(*which))
        return node_id

    def made_by(self, job_id: str) -> list[MadeResource]:
        """Return what a job made and is still there, of all attempts of its tasks, oldest first."""
        columns, tasks = tables.resources.c, tables.tasks
        query = (
            sa.select(tables.resources, tasks.c.key.label("task"))
            .join(tasks, tasks.c.id == columns.task_id)
            .where(tasks.c.job_id == job_id, columns.released_at.is_(None))
            .order_by(columns.created_at, columns.request_key)
        )
        return [record(row, MadeResource) for row in self._connection.execute(query)]

    def recorded_since(self, cluster_id: str, since: dt.datetime) -> list[OwnedResource]:
        """Return what is there of a cluster and was not known before, oldest first."""
        return self._resources(cluster_id, tables.resources.c.created_at >= since)

    def _resources(self, cluster_id: str, *which: "sa.ColumnElement[bool]") -> list[OwnedResource]:
        columns = tables.resources.c
        query = (
            sa.select(tables.resources)
            .where(columns.cluster_id == cluster_id, columns.released_at.is_(None), *which)
            .order_by(columns.created_at, columns.request_key)
        )
        return [record(row, OwnedResource) for row in self._connection.execute(query)]
