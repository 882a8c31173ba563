"""Drops what has served its purpose, a bounded number of rows at a time.

Nothing is dropped that something may still need: the answer to a task that is not done, the tasks
of a job that can go on. The newest event and message stay whatever their age, since who follows
them goes by their numbers, and SQLite would begin anew below one that was seen.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from pitrix_core.model import ClusterState, JobState, TaskState
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.store import tables

#: What a task is without what it needed to be carried out.
_NO_PAYLOAD: Final[Mapping[str, Any]] = {"input": {}, "outputs": {}, "operation": None}


class RetentionRepository:
    """What is old enough to go. Every method drops at most ``limit`` rows and says how many."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def drop_sent(self, older_s: float, *, limit: int) -> int:
        """Drop messages that their Frontgates have acknowledged, and nobody waits for."""
        columns = tables.outbox.c
        newest = sa.select(sa.func.max(columns.sequence)).scalar_subquery()
        return self._drop(
            columns.sequence,
            columns.acked_at < self._before(older_s),
            columns.sequence < newest,
            ~_is_awaited(columns.id),
            limit=limit,
        )

    def drop_received(self, older_s: float, *, limit: int) -> int:
        """Drop messages of Frontgates, but answers to tasks that are not done."""
        columns = tables.inbox.c
        is_free = columns.reply_to.is_(None) | ~_is_awaited(columns.reply_to)
        return self._drop(columns.id, columns.at < self._before(older_s), is_free, limit=limit)

    def drop_answers(self, older_s: float, *, limit: int) -> int:
        """Drop what requests with an idempotency key were answered."""
        columns = tables.idempotency_keys.c
        old = (
            sa.select(columns.owner, columns.key)
            .where(columns.created_at < self._before(older_s))
            .limit(limit)
        )
        return self._connection.execute(
            tables.idempotency_keys.delete().where(sa.tuple_(columns.owner, columns.key).in_(old))
        ).rowcount

    def drop_events(self, older_s: float, *, limit: int) -> int:
        """Drop events; looks at the oldest only, for their numbers grow with their times."""
        columns = tables.events.c
        newest = sa.select(sa.func.max(columns.id)).scalar_subquery()
        oldest = sa.select(columns.id, columns.at).order_by(columns.id).limit(limit).subquery()
        old = sa.select(oldest.c.id).where(oldest.c.at < self._before(older_s))
        return self._connection.execute(
            tables.events.delete().where(columns.id.in_(old), columns.id < newest)
        ).rowcount

    def drop_samples(self, *, limit: int) -> int:
        """Drop what was measured; each sample knows until when it is kept."""
        columns = tables.samples.c
        old = (
            sa.select(columns.node_id, columns.at)
            .where(columns.expires_at < self._now)
            .order_by(columns.expires_at)
            .limit(limit)
        )
        return self._connection.execute(
            tables.samples.delete().where(sa.tuple_(columns.node_id, columns.at).in_(old))
        ).rowcount

    def drop_payloads(self, older_s: float, *, limit: int) -> int:
        """Drop inputs, operations and outputs of the tasks of jobs that can never go on: those that
        succeeded, and all of deleted clusters. Their states and times stay.

        :returns: the number of jobs.
        """
        jobs, clusters = tables.jobs.c, tables.clusters.c
        is_over = jobs.cluster_id.in_(
            sa.select(clusters.id).where(clusters.state == ClusterState.DELETED)
        )
        old = (
            sa.select(jobs.id)
            .where(
                jobs.pruned_at.is_(None),
                jobs.finished_at < self._before(older_s),
                jobs.state.in_(JOB_FINAL_STATES),
                (jobs.state == JobState.SUCCEEDED) | is_over,
            )
            .order_by(jobs.finished_at, jobs.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = self._connection.scalars(old).all()
        self._connection.execute(
            tables.tasks.update().where(tables.tasks.c.job_id.in_(ids)).values(**_NO_PAYLOAD)
        )
        self._connection.execute(
            tables.jobs.update().where(jobs.id.in_(ids)).values(pruned_at=self._now)
        )
        return len(ids)

    def _before(self, older_s: float) -> dt.datetime:
        return self._now - dt.timedelta(seconds=older_s)

    def _drop(
        self, key: "sa.Column[Any]", *conditions: "sa.ColumnElement[bool]", limit: int
    ) -> int:
        old = sa.select(key).where(*conditions).limit(limit)
        return self._connection.execute(key.table.delete().where(key.in_(old))).rowcount


def _is_awaited(message_id: "sa.Column[Any]") -> "sa.ColumnElement[bool]":
    """Say whether a task that sent a message may still look for its answer."""
    tasks, clusters = tables.tasks.c, tables.clusters.c
    return sa.exists().where(
        tasks.request_key == message_id,
        tasks.state != TaskState.SUCCEEDED,
        tasks.cluster_id == clusters.id,
        clusters.state != ClusterState.DELETED,
    )
