"""Every table. Changing one needs a migration beside it (``migrations/versions``)."""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Text

from pitrix_core.store.columns import BIG_SERIAL, ID, created_at, identity, json, owner
from pitrix_core.store.engine import UtcTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# -- the installation ------------------------------------------------------------------------------

installation = sa.Table("installation", metadata, identity(), created_at())

tokens = sa.Table(
    "tokens",
    metadata,
    identity(),
    owner(),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the token
    Column("role", String(32), nullable=False),
    created_at(),
)

secrets = sa.Table(
    "secrets",
    metadata,
    identity(),
    owner(),
    Column("ciphertext", LargeBinary, nullable=False),
    created_at(),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("status", String(32)),  # None while the first request is at work
    Column("headers", sa.JSON(none_as_null=True)),
    Column("body", Text),
    created_at(),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

chores = sa.Table(
    "chores",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("done_at", UtcTime, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    Column("id", BIG_SERIAL, primary_key=True),
    owner(),
    Column("kind", String(64), nullable=False),
    Column("subject", ID, nullable=False),
    json("data"),
    Column("at", UtcTime, nullable=False),
    Index("ix_events_subject", "subject", "id"),
)

# -- the catalogue ---------------------------------------------------------------------------------

repos = sa.Table(
    "repos",
    metadata,
    identity(),
    owner(),
    Column("name", String(255), nullable=False, unique=True),
    Column("url", Text, nullable=False),
    json("providers"),
    json("selectors"),
    json("trusted_keys"),
    Column("index_digest", String(80)),
    Column("indexed_at", UtcTime),
    json("findings"),
    created_at(),
)

packages = sa.Table(
    "packages",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    created_at(),
)

apps = sa.Table(
    "apps",
    metadata,
    identity(),
    owner(),
    Column("repo_id", ID, ForeignKey("repos.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    created_at(),
    sa.UniqueConstraint("repo_id", "name"),
)

app_versions = sa.Table(
    "app_versions",
    metadata,
    identity(),
    owner(),
    Column("app_id", ID, ForeignKey("apps.id"), nullable=False),
    Column("version", String(255), nullable=False),
    Column("app_version", String(255), nullable=False),
    Column("app_type", String(64), nullable=False),
    Column("digest", String(80), ForeignKey("packages.digest"), nullable=False),
    Column("signed_by", String(16)),  # the id of a key of minisign's
    Column("state", String(32), nullable=False),
    json("info"),
    json("findings"),
    created_at(),
    sa.UniqueConstraint("app_id", "version"),
)

# -- places and clusters ---------------------------------------------------------------------------

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

# -- jobs ------------------------------------------------------------------------------------------

jobs = sa.Table(
    "jobs",
    metadata,
    identity(),
    owner(),
    Column("action", String(32), nullable=False),
    Column("plan_id", ID, nullable=False),
    Column("cluster_id", ID, nullable=False, index=True),
    Column("state", String(32), nullable=False, index=True),
    Column("error", Text),
    Column("error_code", String(64)),
    Column("undoes", ID, index=True),  # the job that a roll back undoes
    Column("deadline_s", Float),
    Column("deadline_at", UtcTime),
    created_at(),
    Column("started_at", UtcTime),
    Column("paused_at", UtcTime),
    Column("finished_at", UtcTime, index=True),
    Column("pruned_at", UtcTime),  # when its tasks' inputs, operations and outputs were dropped
    Index("ix_jobs_created_at", "created_at", "id"),
)

tasks = sa.Table(
    "tasks",
    metadata,
    identity(),
    Column("job_id", ID, ForeignKey("jobs.id"), nullable=False),
    owner(),
    Column("cluster_id", ID, nullable=False),
    Column("runtime_id", ID, nullable=False),
    Column("number", Integer, nullable=False),  # place in the plan
    Column("key", String(255), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("title", Text, nullable=False),
    json("input"),
    json("after"),
    Column("node_id", ID),
    Column("timeout_s", Float, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unfinished_before", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("runner_id", ID),
    Column("lane", ID, nullable=False),  # whose limits it shares
    Column("rides", Boolean, nullable=False),  # on the request of another task, while claimed
    Column("woken", Boolean, nullable=False),  # something happened while it was claimed
    Column("request_key", String(64)),
    Column("sent_at", UtcTime),
    Column("sent_fence", Integer),  # claim under which it was sent
    Column("operation", sa.JSON(none_as_null=True)),
    json("outputs"),
    Column("error", Text),
    Column("error_code", String(64)),
    Column("vendor_code", String(255)),
    Column("vendor_request_id", String(255)),
    Column("run_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    sa.UniqueConstraint("job_id", "key"),
    Index("ix_tasks_claim", "state", "lane", "run_at", "job_id"),
    Index("ix_tasks_job", "job_id", "state"),
    Index("ix_tasks_runner", "runner_id"),
    Index("ix_tasks_request", "request_key"),
    Index(  # how long tasks of a kind took
        "ix_tasks_durations",
        "runtime_id",
        "kind",
        "finished_at",
        sqlite_where=sa.text("state = 'succeeded'"),
        postgresql_where=sa.text("state = 'succeeded'"),
    ),
)

#: Written out and not bound: only so is the index used that has these tasks alone.
HAS_SUCCEEDED = tasks.c.state == sa.literal_column("'succeeded'")

task_edges = sa.Table(
    "task_edges",
    metadata,
    Column("task_id", ID, ForeignKey("tasks.id"), primary_key=True),
    Column("before_id", ID, ForeignKey("tasks.id"), primary_key=True, index=True),
)

runners = sa.Table(
    "runners",
    metadata,
    identity(),
    Column("name", String(255), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

# -- agents ----------------------------------------------------------------------------------------

frontgates = sa.Table(
    "frontgates",
    metadata,
    identity(),
    owner(),
    Column("cluster_id", ID, ForeignKey("clusters.id"), nullable=False, unique=True),
    Column("runtime_id", ID, nullable=False),
    Column("network_id", String(255), nullable=False),
    Column("secret_id", ID, ForeignKey("secrets.id"), nullable=False),  # the first it shows
    json("endpoints"),
    Column("protocol", Integer, nullable=False, server_default="1"),
    Column("version", String(64)),
    # tokens of other generations are worth nothing
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("enrolment_sha256", String(64)),  # None once it was used
    Column("enrolment_expires_at", UtcTime),
    Column("token_expires_at", UtcTime),  # of the last one that was given
    Column("pilot_id", ID),
    # counts up with every connection, and when one is no longer wanted
    Column("connection", Integer, nullable=False, server_default="0"),
    Column("connected_at", UtcTime),
    Column("seen_at", UtcTime),
    Column("removed_at", UtcTime),
    Index(
        "uq_frontgates_place",
        "runtime_id",
        "network_id",
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    ),
)

outbox = sa.Table(
    "outbox",
    metadata,
    Column("sequence", BIG_SERIAL, primary_key=True),
    Column("id", String(128), nullable=False, unique=True),  # the frame's id
    Column("frontgate_id", ID, ForeignKey("frontgates.id"), nullable=False),
    Column("type", String(64), nullable=False),
    json("body"),
    created_at(),
    Column("acked_at", UtcTime, index=True),
    Index("ix_outbox_pending", "frontgate_id", "acked_at"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    Column("id", String(255), primary_key=True),  # frontgate's id and the frame's
    Column("frontgate_id", ID, nullable=False),
    Column("type", String(64), nullable=False),
    Column("reply_to", String(128), index=True),
    json("body"),
    Column("at", UtcTime, nullable=False, index=True),
)
