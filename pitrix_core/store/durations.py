"""How long tasks take: those of a job in short, and what others of their kinds took before."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

import attrs
import sqlalchemy as sa

from pitrix_core.model import TaskState
from pitrix_core.store import tables
from pitrix_core.store.records import record

#: Past tasks of a kind that are looked at: enough for a median, and soon others when a cloud gets
#: slower.
_REMEMBERED: Final = 25


@attrs.frozen(kw_only=True)
class TimedTask:
    """What an estimate needs to know of a task."""

    key: str
    kind: str
    runtime_id: str
    after: tuple[str, ...]
    state: TaskState
    started_at: dt.datetime | None


class DurationRepository:
    """Reads how long tasks take; all of it is in the tasks themselves."""

    def __init__(self, connection: sa.Connection) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection

    def tasks(self, job_id: str) -> list[TimedTask]:
        """Return the tasks of a job, in the order of its plan."""
        columns = tables.tasks.c
        fields = [columns[field.name] for field in attrs.fields(TimedTask)]
        query = sa.select(*fields).where(columns.job_id == job_id).order_by(columns.number)
        return [record(row, TimedTask) for row in self._connection.execute(query)]

    def of_kinds(self, runtime_id: str, kinds: Iterable[str]) -> Mapping[str, tuple[float, ...]]:
        """Return seconds that the last tasks of each kind took on a runtime, pauses between two
        tries included; nothing for a kind that none has succeeded of.

        One look into an index for each kind, whatever has been done before.
        """
        return {
            kind: durations
            for kind in sorted(set(kinds))
            if (durations := self._durations_s(runtime_id, kind))
        }

    def _durations_s(self, runtime_id: str, kind: str) -> tuple[float, ...]:
        columns = tables.tasks.c
        query = (
            sa.select(columns.started_at, columns.finished_at)
            .where(
                columns.runtime_id == runtime_id,
                columns.kind == kind,
                tables.HAS_SUCCEEDED,
                columns.finished_at.is_not(None),
                columns.started_at.is_not(None),
            )
            .order_by(columns.finished_at.desc())
            .limit(_REMEMBERED)
        )
        rows = self._connection.execute(query)
        return tuple((row.finished_at - row.started_at).total_seconds() for row in rows)
