"""Indexing: which repo is due, and who is at it; several indexers share the repos."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import LeaseLostError
from pitrix_core.findings import Finding
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once
from pitrix_core.store.repos import UPLOADS_URL

_COLUMNS = tables.indexing.c


@attrs.frozen(kw_only=True)
class Turn:
    """An indexer's turn at a repo; it is over when somebody else's begins."""

    repo_id: str
    #: Larger than that of every turn before.
    fence: int
    #: Tag of the index that was read last.
    tag: str | None
    #: How often in a row the repo could not be indexed, and why the last time.
    failures: int
    failure: str | None


class IndexingRepository:
    """Whose turn it is."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def due(self, *, limit: int) -> list[str]:
        """Return repos that are due and that no indexer is at; those that wait longest first.

        Not those that are disabled: somebody may index these, and nobody does by himself.
        """
        repos = tables.repos.c
        query = (
            sa.select(repos.id)
            .select_from(tables.repos.outerjoin(tables.indexing, _COLUMNS.repo_id == repos.id))
            .where(
                repos.url != UPLOADS_URL,
                repos.is_enabled,
                repos.removed_at.is_(None),
                sa.or_(_COLUMNS.due_at.is_(None), _COLUMNS.due_at <= self._now),
                self._is_free(),
            )
            .order_by(sa.func.coalesce(_COLUMNS.due_at, repos.created_at), repos.id)
            .limit(limit)
        )
        return list(self._connection.scalars(query))

    def take(self, repo_id: str, *, lease_s: float) -> Turn | None:
        """Begin a turn at a repo; None where another indexer is at it, or the repo is gone."""
        is_there = sa.select(tables.repos.c.id).filter_by(id=repo_id, removed_at=None)
        if self._connection.scalar(is_there) is None:
            return None
        insert_once(
            self._connection,
            tables.indexing,
            repo_id=repo_id,
            due_at=self._now,
            fence=0,
            failures=0,
            findings=[],
        )
        row = self._connection.execute(
            tables.indexing.update()
            .where(_COLUMNS.repo_id == repo_id, self._is_free())
            .values(fence=_COLUMNS.fence + 1, leased_until=self._later(lease_s))
            .returning(_COLUMNS.fence, _COLUMNS.tag, _COLUMNS.failures, _COLUMNS.failure)
        ).one_or_none()
        return None if row is None else Turn(repo_id=repo_id, **row._mapping)  # noqa: SLF001 (documented API of SQLAlchemy, despite its name)

    def hold(self, turn: Turn, *, lease_s: float) -> None:
        """Go on with a turn; what is written in this transaction is written in it.

        :raises LeaseLostError: another indexer's turn has begun, or the repo is gone.
        """
        self._write(turn, leased_until=self._later(lease_s))

    def leave(self, turn: Turn) -> None:
        """Leave a turn to somebody else, at once.

        :raises LeaseLostError: it was over before.
        """
        self._write(turn, leased_until=None)

    def end(self, turn: Turn, *, due_s: float, tag: str, findings: Sequence[Finding]) -> None:
        """End a turn in which the index was read.

        :param due_s: seconds until the next turn.
        :raises LeaseLostError: it was over before.
        """
        self._write(
            turn,
            leased_until=None,
            due_at=self._later(due_s),
            tag=tag,
            failures=0,
            failure=None,
            failing_since=None,
            findings=convert.to_json(list(findings)),
        )

    def pause(self, turn: Turn, *, due_s: float) -> None:
        """End a turn that had nothing to read.

        :raises LeaseLostError: it was over before.
        """
        self._write(
            turn,
            leased_until=None,
            due_at=self._later(due_s),
            failures=0,
            failure=None,
            failing_since=None,
        )

    def fail(self, turn: Turn, *, due_s: float, failure: str) -> None:
        """End a turn in which the index could not be read.

        :raises LeaseLostError: it was over before.
        """
        self._write(
            turn,
            leased_until=None,
            due_at=self._later(due_s),
            failures=turn.failures + 1,
            failure=failure,
            failing_since=sa.func.coalesce(_COLUMNS.failing_since, self._now),
        )

    def forget(self, repo_id: str) -> None:
        """Let the next turn read the index, whatever its tag says."""
        self._connection.execute(
            tables.indexing.update().where(_COLUMNS.repo_id == repo_id).values(tag=None)
        )

    def findings(self, repo_id: str) -> tuple[Finding, ...]:
        """Return what was wrong in the index that was read last."""
        found = self._connection.scalar(sa.select(_COLUMNS.findings).filter_by(repo_id=repo_id))
        return convert.from_json(found or [], tuple[Finding, ...])

    def _write(self, turn: Turn, **values: Any) -> None:
        is_own = (_COLUMNS.repo_id == turn.repo_id, _COLUMNS.fence == turn.fence)
        at_it = _COLUMNS.leased_until.is_not(None)
        if not self._connection.execute(
            tables.indexing.update().where(*is_own, at_it).values(**values)
        ).rowcount:
            raise LeaseLostError(
                f"Repo {turn.repo_id} is indexed by another process by now.",
                next_step="Nothing has to be done: what that one finds is what counts.",
            )

    def _is_free(self) -> "sa.ColumnElement[bool]":
        return sa.or_(_COLUMNS.leased_until.is_(None), _COLUMNS.leased_until <= self._now)

    def _later(self, seconds: float) -> dt.datetime:
        return self._now + dt.timedelta(seconds=seconds)
