"""Index entries: versions as repos' indexes list them, and which of them are to be read.

A version has two steps: it is *listed* with what the index says, and later *read*, when its archive
was fetched and found sound. Written in batches, and only what changed.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.findings import Finding
from pitrix_core.model import AppInfo
from pitrix_core.store import tables
from pitrix_core.store.ids import new_id
from pitrix_core.store.repos import Repo

_APPS = tables.apps.c
_VERSIONS = tables.app_versions.c
_ENTRIES = tables.index_entries.c
#: What the column has room for.
_APP_VERSION_LIMIT: Final = 255
#: Rank of versions that nobody reads before they are asked for.
UNRANKED: Final = 1_000_000


@attrs.frozen(kw_only=True)
class Listed:
    """A version as an index lists it."""

    info: AppInfo
    urls: tuple[str, ...]
    #: ``sha256:…``; None where the index names none.
    digest: str | None
    #: Of everything else in this record; tells whether something changed.
    fingerprint: str


@attrs.frozen(kw_only=True)
class Kept:
    """What became of entries that were written."""

    #: Ids of the entries' versions, in their order.
    ids: tuple[str, ...]
    #: Of those, the ones that are new.
    added: frozenset[str]
    #: Apps of which something changed, name → id.
    changed: Mapping[str, str]
    #: Entries whose version is known by another digest, which stays → that digest.
    differing: Mapping[int, str]


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


class IndexEntryRepository:
    """What indexes list."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- listing -----------------------------------------------------------------------------------

    def put(self, repo: Repo, entries: Sequence[Listed], *, state: str) -> Kept:
        """Write what an index lists; what is known and did not change is only looked at.

        A version that was read stays what it is; of one that was not, the index may say something
        else. One that was marked as removed is not any more.

        :param entries: no two of one app and version; a few hundred, for a transaction's sake.
        :param state: of versions that are new.
        """
        apps = self._apps(repo, entries)
        keys = [(apps[entry.info.name], entry.info.version) for entry in entries]
        known = self._known(keys)
        new = [entry for key, entry in zip(keys, entries, strict=True) if key not in known]
        ids = {key: row.id for key, row in known.items()}
        added = self._add(repo, apps, new, state)
        ids |= added
        differing: dict[int, str] = {}
        changed = {entry.info.name: apps[entry.info.name] for entry in new}
        for number, (key, entry) in enumerate(zip(keys, entries, strict=True)):
            row = known.get(key)
            if row is None:
                continue
            if row.fingerprint is None:  # indexed before there were entries
                self._add_entries(repo, [row.id], [entry], is_unread=row.digest is None)
            if row.removed_at is not None:
                self._bring_back(row.id)
                changed[entry.info.name] = key[0]
            if row.digest and entry.digest not in (None, row.digest):
                differing[number] = row.digest
            elif row.fingerprint not in (None, entry.fingerprint):
                self._update(row, entry)
                changed[entry.info.name] = key[0]
        return Kept(
            ids=tuple(ids[key] for key in keys),
            added=frozenset(added.values()),
            changed=changed,
            differing=differing,
        )

    def mark_removed(self, repo_id: str, *, listed: Collection[str]) -> Mapping[str, str]:
        """Mark the versions that an index does not list any more.

        :param listed: ids of all that it lists.
        :returns: id of each of them → its app's.
        """
        query = (
            sa.select(_VERSIONS.id, _VERSIONS.app_id)
            .join(tables.index_entries, _VERSIONS.id == _ENTRIES.version_id)
            .where(_ENTRIES.repo_id == repo_id, _VERSIONS.removed_at.is_(None))
        )
        found = self._connection.execute(query)
        gone = {row.id: row.app_id for row in found if row.id not in listed}
        if gone:
            rows = [{"gone": id_} for id_ in gone]
            is_gone = sa.bindparam("gone")
            self._connection.execute(
                tables.app_versions.update()
                .where(_VERSIONS.id == is_gone)
                .values(removed_at=self._now),
                rows,
            )
            self._connection.execute(
                tables.index_entries.update()
                .where(_ENTRIES.version_id == is_gone)
                .values(due_at=None),
                rows,
            )
        return gone

    def _apps(self, repo: Repo, entries: Sequence[Listed]) -> dict[str, str]:
        """Return the ids of entries' apps by their names; makes those that are missing."""
        about = {entry.info.name: entry.info.description for entry in reversed(entries)}
        query = sa.select(_APPS.name, _APPS.id).where(
            _APPS.repo_id == repo.id, _APPS.name.in_(about)
        )
        found = {row.name: row.id for row in self._connection.execute(query)}
        new = {name: new_id("app") for name in about if name not in found}
        if new:
            common = {"owner": repo.owner, "repo_id": repo.id, "created_at": self._now}
            self._connection.execute(
                tables.apps.insert(),
                [
                    {"id": id_, "name": name, "description": about[name], **common}
                    for name, id_ in new.items()
                ],
            )
        return found | new

    def _known(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], sa.Row[Any]]:
        query = (
            sa.select(
                _VERSIONS.id,
                _VERSIONS.app_id,
                _VERSIONS.version,
                _VERSIONS.digest,
                _VERSIONS.removed_at,
                _ENTRIES.fingerprint,
            )
            .select_from(
                tables.app_versions.outerjoin(
                    tables.index_entries, _ENTRIES.version_id == _VERSIONS.id
                )
            )
            .where(sa.tuple_(_VERSIONS.app_id, _VERSIONS.version).in_(keys))
        )
        return {(row.app_id, row.version): row for row in self._connection.execute(query)}

    def _add(
        self, repo: Repo, apps: Mapping[str, str], entries: Sequence[Listed], state: str
    ) -> dict[tuple[str, str], str]:
        ids = {(apps[e.info.name], e.info.version): new_id("appv") for e in entries}
        if not entries:
            return ids
        versions = [
            {
                "id": id_,
                "owner": repo.owner,
                "app_id": app_id,
                "version": version,
                "app_version": entry.info.app_version[:_APP_VERSION_LIMIT],
                "state": state,
                "info": attrs.asdict(entry.info),
                "findings": [],
                "created_at": self._now,
            }
            for ((app_id, version), id_), entry in zip(ids.items(), entries, strict=True)
        ]
        self._connection.execute(tables.app_versions.insert(), versions)
        self._add_entries(repo, list(ids.values()), entries, is_unread=True)
        return ids

    def _add_entries(
        self, repo: Repo, version_ids: Sequence[str], entries: Sequence[Listed], *, is_unread: bool
    ) -> None:
        common = {"repo_id": repo.id, "rank": UNRANKED, "is_unreadable": False, "attempts": 0}
        self._connection.execute(
            tables.index_entries.insert(),
            [
                {"version_id": id_, "is_unread": is_unread, **common, **_said(entry)}
                for id_, entry in zip(version_ids, entries, strict=True)
            ],
        )

    def _bring_back(self, version_id: str) -> None:
        self._connection.execute(
            tables.app_versions.update().where(_VERSIONS.id == version_id).values(removed_at=None)
        )

    def _update(self, row: sa.Row[Any], entry: Listed) -> None:
        again = {"is_unreadable": False, "attempts": 0, "due_at": None}
        self._connection.execute(
            tables.index_entries.update()
            .where(_ENTRIES.version_id == row.id)
            .values(**_said(entry), **({} if row.digest else again))
        )
        if not row.digest:
            self._connection.execute(
                tables.app_versions.update()
                .where(_VERSIONS.id == row.id)
                .values(
                    info=attrs.asdict(entry.info),
                    app_version=entry.info.app_version[:_APP_VERSION_LIMIT],
                    findings=[],
                )
            )

    # -- reading -----------------------------------------------------------------------------------

    def rank(self, apps: Sequence[Sequence[str]]) -> None:
        """Have the newest versions of apps read soon, the first of each before all second ones.

        :param apps: for each app ids of its newest versions, the newest first; those that were
            read, or tried, stay as they are.
        """
        rows = [{"id_": id_, "place": place} for ids in apps for place, id_ in enumerate(ids)]
        if rows:
            self._connection.execute(
                tables.index_entries.update()
                .where(
                    _ENTRIES.version_id == sa.bindparam("id_"),
                    _ENTRIES.is_unread,
                    _ENTRIES.due_at.is_(None),
                )
                .values(rank=sa.bindparam("place"), due_at=self._now),
                rows,
            )

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

        :param for_s: seconds in which nobody else gets them; who dies over them leaves them to
            whoever asks after that.
        """
        due = (
            sa.select(_ENTRIES.version_id)
            .where(_ENTRIES.is_unread, _ENTRIES.due_at <= self._now)
            .order_by(_ENTRIES.rank, _ENTRIES.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
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
                app_version=info.app_version[:_APP_VERSION_LIMIT] or _VERSIONS.app_version,
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

    def failures(self, repo_id: str, *, limit: int) -> list[Finding]:
        """Return why versions of a repo could not be read, by app and version.

        :param limit: of the versions.
        """
        query = (
            sa.select(_VERSIONS.findings)
            .select_from(self._joined())
            .where(
                _ENTRIES.repo_id == repo_id,
                _ENTRIES.is_unread,
                _ENTRIES.attempts > 0,
                _VERSIONS.removed_at.is_(None),
            )
            .order_by(_APPS.name, _VERSIONS.version)
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


def _said(entry: Listed) -> dict[str, Any]:
    """Return the columns of what an index says."""
    return {"fingerprint": entry.fingerprint, "digest": entry.digest, "urls": list(entry.urls)}
