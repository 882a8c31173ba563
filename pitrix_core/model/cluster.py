"""Clusters, their nodes, and what was made for them in a cloud."""

import datetime as dt
import enum
from collections.abc import Mapping

import attrs

from pitrix_core.model.json import JsonObject
from pitrix_core.model.supervision import HealthState, NodeHealth


class ClusterState(enum.StrEnum):
    """What a cluster is, or what is being done to it."""

    CREATING = "creating"
    ACTIVE = "active"
    DELETING = "deleting"
    DELETED = "deleted"
    ROLLING_BACK = "rolling_back"
    FAILED = "failed"  #: the last job failed; it can be retried or undone, or the cluster deleted
    CANCELLED = "cancelled"  #: the last job was cancelled; the same can be done


#: A job is at work; it ends in one of the others.
TRANSITION_STATES = frozenset(
    {ClusterState.CREATING, ClusterState.DELETING, ClusterState.ROLLING_BACK}
)
#: The last job was not carried out to its end; nothing is at work.
UNFINISHED_STATES = frozenset({ClusterState.FAILED, ClusterState.CANCELLED})


@attrs.frozen(kw_only=True)
class Cluster:
    """A deployed app version."""

    id: str
    name: str
    owner: str
    state: ClusterState
    runtime_id: str
    app_version_id: str
    #: User's configuration, with every secret replaced by a ``$secret`` marker.
    config: JsonObject
    #: Grows with each change; a plan is made for one revision.
    revision: int
    #: Made and removed by pitrix itself (a Frontgate); not shown in lists.
    hidden: bool = False
    endpoints: JsonObject = attrs.field(factory=dict)
    created_at: dt.datetime
    updated_at: dt.datetime
    #: When it was given up without asking its cloud, where its resources may still be.
    forgotten_at: dt.datetime | None = None
    #: The worst of its nodes', beside its state; None where none is checked. Told to who asks for
    #: it, and not stored.
    health: HealthState | None = None


class NodeState(enum.StrEnum):
    """What is known of a machine of a cluster."""

    PLANNED = "planned"
    RUNNING = "running"
    DELETED = "deleted"


@attrs.frozen(kw_only=True)
class Node:
    """One machine of a cluster."""

    #: ``cln-…``; never changes, unlike the cloud's id of the machine.
    id: str
    cluster_id: str
    #: Empty for the one role of a package that names none.
    role: str
    #: Number within the role, from 1 (the packages' ``sid``).
    sid: int
    #: Shared by a node and its replicas (the packages' ``gid``).
    gid: int
    #: Number within the installation (the packages' ``gsid``).
    gsid: int
    state: NodeState
    #: Outputs of the task that made its machine: ``id``, ``ip``, …; empty until then.
    facts: JsonObject = attrs.field(factory=dict)
    #: What was planned for it: ``cpu``, ``memory_mib``, …
    planned: JsonObject = attrs.field(factory=dict)
    #: Last report of its agent.
    agent: JsonObject = attrs.field(factory=dict)
    #: None where it is not checked.
    health: NodeHealth | None = None


@attrs.frozen(kw_only=True)
class OwnedResource:
    """A resource in a cloud that belongs to a cluster, as the database knows it."""

    cluster_id: str
    #: Kind of task that made it, such as ``volume.create``; ``orphan.volume`` of one that a sweep
    #: found.
    kind: str
    #: The cloud's id.
    resource_id: str
    #: Node it was made for, if for one.
    node_id: str | None
    request_key: str
    outputs: JsonObject = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ClusterSnapshot:
    """A cluster with everything that belongs to it, at one moment."""

    cluster: Cluster
    nodes: tuple[Node, ...]
    resources: tuple[OwnedResource, ...]
    #: Config that the metadata was last made from, and its revision.
    metadata_revision: int = 0
    labels: Mapping[str, str] = attrs.field(factory=dict)
