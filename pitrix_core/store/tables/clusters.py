"""Runtimes, plans, clusters, and what belongs to these."""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String

from pitrix_core.store.columns import ID, created_at, identity, json, owner, visibility
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

runtimes = sa.Table(
    "runtimes",
    metadata,
    identity(),
    owner(),
    Column("name", String(255), nullable=False, unique=True),
    Column("provider", String(64), nullable=False),
    Column("zone", String(255), nullable=False),
    json("settings"),
    json("labels"),
    json("limits"),
    Column("throw_away", Boolean, nullable=False),
    visibility(),
    json("groups", default="[]"),
    Column("credential_id", ID, ForeignKey("secrets.id")),
    Column("state", String(32), nullable=False),
    created_at(),
)

lanes = sa.Table(  # what shares the limits of a runtime; its row is locked by every claim
    "lanes",
    metadata,
    identity(),  # the runtime's; empty for tasks that ask nothing of a cloud
    Column("concurrency", Integer),
    Column("ceiling_per_s", Float),
    Column("slowed_to_per_s", Float),
    Column("slowed_at", UtcTime),
    Column("tokens", Float, nullable=False),
    Column("filled_at", UtcTime),
)

plans = sa.Table(
    "plans",
    metadata,
    identity(),
    owner(),
    Column("cluster_id", ID, nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    json("document"),
    Column("applied_job_id", ID),
    created_at(),
)

clusters = sa.Table(
    "clusters",
    metadata,
    identity(),
    owner(),
    Column("name", String(255), nullable=False),
    Column("state", String(32), nullable=False),
    Column("runtime_id", ID, ForeignKey("runtimes.id"), nullable=False, index=True),
    Column("app_version_id", ID, nullable=False),
    Column("frontgate_id", ID),  # which Frontgate serves its machines
    Column("hidden", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("metadata_revision", Integer, nullable=False),
    json("config"),
    json("endpoints"),
    created_at(),
    Column("updated_at", UtcTime, nullable=False),
    Column("forgotten_at", UtcTime),
    Index("ix_clusters_owner", "owner", "state"),
    Index("ix_clusters_created_at", "created_at", "id"),
    Index("ix_clusters_name", "name"),
    Index("ix_clusters_app_version", "app_version_id"),
)

nodes = sa.Table(
    "nodes",
    metadata,
    identity(),
    Column("cluster_id", ID, ForeignKey("clusters.id"), nullable=False, index=True),
    owner(),
    Column("role", String(255), nullable=False),
    Column("sid", Integer, nullable=False),
    Column("gid", Integer, nullable=False),
    Column("gsid", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    json("planned"),
    json("facts"),
    json("agent"),
    Column("health", sa.JSON(none_as_null=True)),  # None where it is not checked
    Column("secret_id", ID, ForeignKey("secrets.id")),  # what its agent logs in or enrols with
    Column("agent_protocol", Integer, nullable=False, server_default="1"),
    Column("credential_sha256", String(64)),  # of what its agent got when it enrolled
)

samples = sa.Table(  # what was measured on nodes
    "samples",
    metadata,
    Column("node_id", ID, primary_key=True),
    Column("at", UtcTime, primary_key=True),  # to the minute
    Column("cluster_id", ID, nullable=False),
    json("measured"),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Index("ix_samples_cluster", "cluster_id", "at"),
)

resources = sa.Table(
    "resources",
    metadata,
    Column("request_key", String(64), primary_key=True),
    Column("cluster_id", ID, nullable=False, index=True),
    owner(),
    Column("runtime_id", ID, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("resource_id", String(1024), nullable=False, index=True),
    Column("node_id", ID),
    Column("task_id", ID, index=True),  # which made it
    json("outputs"),
    Column("released_at", UtcTime),
    created_at(),
)
