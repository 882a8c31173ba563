"""Readings: which listed versions are to be read, and what came of it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.findings import Finding
from pitrix_core.model import AppInfo
from pitrix_core.store import tables
from pitrix_core.store.index_entries import APP_VERSION_LIMIT

_APPS = tables.apps.c
_VERSIONS = tables.app_versions.c
_ENTRIES = tables.index_entries.c


@attrs.frozen(kw_only=True)
class Unread:
    """A version that is to be read."""

    version_id: str
    app_id: str
    repo_id: str
    name: str
    version: str
    urls: tuple[str, ...]
    digest: str | None
    attempts: int
    is_unread: bool
    is_unreadable: bool


class ReadingRepository:
    """What is to be read of what indexes list."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def unread(self, repo_id: str, *, limit: int) -> list[Unread]:
        """Return versions of a repo that are listed and were not read, by app and version."""
        query = (
            self._query()
            .where(_ENTRIES.repo_id == repo_id, _ENTRIES.is_unread, _VERSIONS.removed_at.is_(None))
            .order_by(_APPS.name, _VERSIONS.version)
            .limit(limit)
        )
        return self._found(query)

    def take_due(self, *, limit: int, for_s: float) -> list[Unread]:
        """Take versions to read that are due, the newest of each app first.

        Not those of repos that were disabled or taken away.

        :param for_s: seconds in which nobody else gets them; who dies over them leaves them to
            whoever asks after that.
        """
        due = (
            sa.select(_ENTRIES.version_id)
            .join(tables.repos, tables.repos.c.id == _ENTRIES.repo_id)
            .where(_ENTRIES.is_unread, _ENTRIES.due_at <= self._now, tables.repos.c.is_enabled)
            .order_by(_ENTRIES.rank, _ENTRIES.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=tables.index_entries)
        )
        ids = self._connection.scalars(due).all()
        self._connection.execute(
            tables.index_entries.update()
            .where(_ENTRIES.version_id.in_(ids))
            .values(due_at=self._now + dt.timedelta(seconds=for_s))
        )
        return self._found(self._query().where(_ENTRIES.version_id.in_(ids)))

    def get(self, version_id: str) -> Unread | None:
        """Return what an index says of a version; None for one that came from none."""
        found = self._found(self._query().where(_ENTRIES.version_id == version_id))
        return found[0] if found else None

    def mark_read(
        self,
        version_id: str,
        *,
        digest: str,
        app_type: str,
        signed_by: str | None,
        info: AppInfo,
        findings: Sequence[Finding],
    ) -> str:
        """Write what was found in a version's archive, unless somebody else did before.

        :param digest: of a package that is stored.
        :returns: the digest of the archive that the version is.
        """
        self._connection.execute(
            tables.app_versions.update()
            .where(_VERSIONS.id == version_id, _VERSIONS.digest.is_(None))
            .values(
                digest=digest,
                app_type=app_type,
                signed_by=signed_by,
                app_version=info.app_version[:APP_VERSION_LIMIT] or _VERSIONS.app_version,
                info=convert.to_json(info),
                findings=convert.to_json(list(findings)),
            )
        )
        self._connection.execute(
            tables.index_entries.update()
            .where(_ENTRIES.version_id == version_id)
            .values(is_unread=False, is_unreadable=False, due_at=None)
        )
        self._describe(version_id, info)
        query = sa.select(_VERSIONS.digest).where(_VERSIONS.id == version_id)
        return str(self._connection.scalar(query))

    def mark_failed(
        self, version_id: str, *, findings: Sequence[Finding], is_unreadable: bool, due_s: float
    ) -> None:
        """Write why a version could not be read.

        :param is_unreadable: it is not the moment that is to blame: nobody is offered the version
            until it was read.
        :param due_s: seconds after which it is tried again.
        """
        columns = {"is_unreadable": True} if is_unreadable else {}
        self._connection.execute(
            tables.index_entries.update()
            .where(_ENTRIES.version_id == version_id, _ENTRIES.is_unread)
            .values(
                attempts=_ENTRIES.attempts + 1,
                due_at=self._now + dt.timedelta(seconds=due_s),
                **columns,
            )
        )
        self._connection.execute(
            tables.app_versions.update()
            .where(_VERSIONS.id == version_id, _VERSIONS.digest.is_(None))
            .values(findings=convert.to_json(list(findings)))
        )

    def findings(self, repo_id: str, *, limit: int) -> list[Finding]:
        """Return what was found in versions that a repo lists: first why some could not be read.

        By app and version.

        :param limit: of the versions.
        """
        query = (
            sa.select(_VERSIONS.findings)
            .select_from(self._joined())
            .where(
                _ENTRIES.repo_id == repo_id,
                _VERSIONS.removed_at.is_(None),
                sa.cast(_VERSIONS.findings, sa.Text) != "[]",
            )
            .order_by(_ENTRIES.is_unread.desc(), _APPS.name, _VERSIONS.version)
            .limit(limit)
        )
        return [
            finding
            for said in self._connection.scalars(query)
            for finding in convert.from_json(said, tuple[Finding, ...])
        ]

    def _describe(self, version_id: str, info: AppInfo) -> None:
        """Let an app be described by its newest version, and by any where no index does it."""
        entry = sa.select(_VERSIONS.app_id, _ENTRIES.rank).join(
            tables.index_entries, _ENTRIES.version_id == _VERSIONS.id
        )
        row = self._connection.execute(entry.where(_VERSIONS.id == version_id)).one()
        is_lacking = sa.true() if row.rank == 0 and info.description else _APPS.description == ""
        self._connection.execute(
            tables.apps.update()
            .where(_APPS.id == row.app_id, is_lacking)
            .values(description=info.description)
        )

    def _joined(self) -> sa.Join:
        return tables.index_entries.join(
            tables.app_versions, _VERSIONS.id == _ENTRIES.version_id
        ).join(tables.apps, _APPS.id == _VERSIONS.app_id)

    def _query(self) -> sa.Select[Any]:
        return sa.select(
            _ENTRIES.version_id,
            _VERSIONS.app_id,
            _ENTRIES.repo_id,
            _APPS.name,
            _VERSIONS.version,
            _ENTRIES.urls,
            _ENTRIES.digest,
            _ENTRIES.attempts,
            _ENTRIES.is_unread,
            _ENTRIES.is_unreadable,
        ).select_from(self._joined())

    def _found(self, query: sa.Select[Any]) -> list[Unread]:
        return [
            Unread(**{**row._mapping, "urls": tuple(row.urls)})  # noqa: SLF001 (documented API of SQLAlchemy, despite its name)
            for row in self._connection.execute(query)
        ]
