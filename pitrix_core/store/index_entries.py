"""Index entries: versions as repos' indexes list them; written in batches, and only what changed.

A version has two steps: it is *listed* with what the index says, and later *read*, when its archive
was fetched and found sound; that one is the business of :mod:`pitrix_core.store.readings`.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.model import AppInfo
from pitrix_core.store import tables
from pitrix_core.store.ids import new_id
from pitrix_core.store.repos import Repo

_APPS = tables.apps.c
_VERSIONS = tables.app_versions.c
_ENTRIES = tables.index_entries.c
#: What the column has room for.
APP_VERSION_LIMIT: Final = 255
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
    #: Ids of apps of which something changed.
    changed: frozenset[str]
    #: Entries whose version is known by another digest, which stays → that digest.
    differing: Mapping[int, str]


class IndexEntryRepository:
    """What indexes list."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

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
        changed = {app_id for app_id, _ in added}
        for number, (key, entry) in enumerate(zip(keys, entries, strict=True)):
            if key not in known:
                continue
            row = known[key]
            if row.digest and entry.digest not in (None, row.digest):
                differing[number] = row.digest
            if self._renew(repo, row, entry):
                changed.add(key[0])
        return Kept(
            ids=tuple(ids[key] for key in keys),
            added=frozenset(added.values()),
            changed=frozenset(changed),
            differing=differing,
        )

    def unlisted(self, repo_id: str, *, listed: Collection[str]) -> Mapping[str, str]:
        """Return the versions that an index does not list any more, and that are not marked so.

        :param listed: ids of all that it lists.
        :returns: id of each of them → its app's.
        """
        query = (
            sa.select(_VERSIONS.id, _VERSIONS.app_id)
            .join(tables.index_entries, _VERSIONS.id == _ENTRIES.version_id)
            .where(_ENTRIES.repo_id == repo_id, _VERSIONS.removed_at.is_(None))
        )
        found = self._connection.execute(query)
        return {row.id: row.app_id for row in found if row.id not in listed}

    def mark_removed(self, version_ids: Sequence[str]) -> None:
        """Mark versions as not listed any more.

        :param version_ids: a few hundred, for a transaction's sake.
        """
        of = sa.select(_VERSIONS.app_id).where(_VERSIONS.id.in_(version_ids))
        self._locked(sa.select(_APPS.id).where(_APPS.id.in_(of)))
        self._connection.execute(
            tables.app_versions.update()
            .where(_VERSIONS.id.in_(version_ids))
            .values(removed_at=self._now)
        )
        self._connection.execute(
            tables.index_entries.update()
            .where(_ENTRIES.version_id.in_(version_ids))
            .values(due_at=None)
        )

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

    def _apps(self, repo: Repo, entries: Sequence[Listed]) -> dict[str, str]:
        """Return the ids of entries' apps by their names; makes those that are missing."""
        about = {entry.info.name: entry.info.description for entry in reversed(entries)}
        query = sa.select(_APPS.name, _APPS.id).where(
            _APPS.repo_id == repo.id, _APPS.name.in_(about)
        )
        found = {row.name: row.id for row in self._locked(query)}
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

    def _locked(self, apps: sa.Select[Any]) -> sa.CursorResult[Any]:
        """Find apps, and wait for others who are at one: apps come before their versions."""
        return self._connection.execute(
            apps.order_by(_APPS.id).with_for_update(key_share=True, of=tables.apps)
        )

    def _known(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
        columns = [_VERSIONS[name] for name in ("id", "app_id", "version", "digest", "removed_at")]
        query = (
            sa.select(*columns, _ENTRIES.fingerprint)
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
                "app_version": entry.info.app_version[:APP_VERSION_LIMIT],
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

    def _renew(self, repo: Repo, row: sa.Row[Any], entry: Listed) -> bool:
        """Write what changed of a version that is known; say whether anything did."""
        if row.removed_at is not None:
            again = tables.app_versions.update().where(_VERSIONS.id == row.id)
            self._connection.execute(again.values(removed_at=None))
        if row.fingerprint is None:  # indexed before there were entries
            self._add_entries(repo, [row.id], [entry], is_unread=row.digest is None)
        is_same = row.fingerprint in (None, entry.fingerprint)
        if not is_same and not (row.digest and entry.digest not in (None, row.digest)):
            self._update(row, entry)
            return True
        return row.removed_at is not None

    def _update(self, row: sa.Row[Any], entry: Listed) -> None:
        is_ahead = _ENTRIES.rank < UNRANKED
        due_at = sa.case((is_ahead, sa.literal(self._now, _ENTRIES.due_at.type)), else_=None)
        again = {"is_unreadable": False, "attempts": 0, "due_at": due_at}
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
                    app_version=entry.info.app_version[:APP_VERSION_LIMIT],
                    findings=[],
                )
            )


def _said(entry: Listed) -> dict[str, Any]:
    """Return the columns of what an index says."""
    return {"fingerprint": entry.fingerprint, "digest": entry.digest, "urls": list(entry.urls)}
