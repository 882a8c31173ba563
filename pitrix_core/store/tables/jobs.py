"""Jobs, their tasks, and who carries them out."""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Text

from pitrix_core.store.columns import ID, created_at, identity, json, owner
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

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
    Column("price", sa.JSON(none_as_null=True)),  # of what it makes
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
