"""Listings: what people see of apps before they look closer, worked out of their versions.

The one place where the catalogue's index is written. Whoever changes an app, one of its versions or
its categories calls :meth:`ListingRepository.refresh` in the same transaction.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pitrix_core import convert
from pitrix_core.model import AppInfo
from pitrix_core.package import Version
from pitrix_core.store import tables
from pitrix_core.store.summaries import (
    Summary,
    is_offered,
    latest_of,
    newest_first,
    own_words,
    terms_of,
    text_of,
    unknown_info,
)
from pitrix_core.store.texts import texts_on
from pitrix_core.store.words import words_of

#: What a listing keeps of what it was.
_KEPT: Final = frozenset({"app_id", "readme", "gather_failures"})
#: Apps that are read at once.
_BATCH: Final = 500
#: Words of a readme that an app is found by; the beginning says what it is about.
README_WORDS: Final = 2_000


@attrs.frozen(kw_only=True)
class Ungathered:
    """A listing, some of whose readme and pictures are to be read."""

    app_id: str
    #: Whose package they are in.
    version_id: str | None
    has_readme: bool
    #: Place → source, of those that are not there.
    pictures: Mapping[int, str]
    failures: int
    #: Until when nobody else is given it.
    taken_until: dt.datetime


class ListingRepository:
    """Writes listings."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def refresh(self, app_ids: Collection[str]) -> None:
        """Make the listings of apps anew; those of apps that are gone went with them.

        Waits for others who are at one of them: each sees what the one before it wrote.
        """
        ids = sorted(set(app_ids))
        for start in range(0, len(ids), _BATCH):
            self._refresh(ids[start : start + _BATCH])

    def refresh_named(self, names: Collection[str]) -> None:
        """Make the listings of apps anew that name one of these categories, or are in one."""
        terms, listings = tables.app_terms.c, tables.app_listings.c
        query = (
            sa.select(listings.app_id)
            .join(tables.app_terms, terms.number == listings.number)
            .where(terms.kind.in_(["keyword", "named", "category"]), terms.value.in_(names))
        )
        self.refresh(self._connection.scalars(query).all())

    def refresh_repo(self, repo_id: str) -> None:
        """Make the listings of all apps of a repo anew."""
        query = sa.select(tables.apps.c.id).where(tables.apps.c.repo_id == repo_id)
        self.refresh(self._connection.scalars(query).all())

    def add_missing(self) -> None:
        """List some of the apps that have no listing: a process of the last release wrote them."""
        self.refresh(self._connection.scalars(_unlisted().limit(_BATCH)).all())

    # -- what is read later ------------------------------------------------------------------------

    def is_anything_ungathered(self) -> bool:
        """Say whether there is something to list, or to gather now."""
        columns = tables.app_listings.c
        waiting = sa.select(columns.number).where(columns.gather_at <= self._now).limit(1)
        return any(self._connection.scalar(q) is not None for q in (waiting, _unlisted().limit(1)))

    def take_ungathered(self, *, limit: int, for_s: float) -> list[Ungathered]:
        """Take listings with something to gather now, those that wait longest first.

        :param for_s: seconds in which nobody else gets them; who dies over them leaves them to
            whoever asks after that.
        """
        columns = tables.app_listings.c
        due = (
            sa.select(columns.number)
            .where(columns.gather_at <= self._now)
            .order_by(columns.gather_at, columns.number)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        numbers = self._connection.scalars(due).all()
        until = self._now + dt.timedelta(seconds=for_s)
        self._connection.execute(
            tables.app_listings.update().where(columns.number.in_(numbers)).values(gather_at=until)
        )
        query = (
            sa.select(tables.app_listings, tables.app_versions.c.digest.label("read_as"))
            .outerjoin(tables.app_versions, tables.app_versions.c.id == columns.latest_id)
            .where(columns.number.in_(numbers))
        )
        rows = self._connection.execute(query.order_by(columns.number)).all()
        missing = self._missing_pictures([row.app_id for row in rows])
        return [
            Ungathered(
                app_id=row.app_id,
                version_id=None if row.read_as is None else row.latest_id,
                has_readme=row.read_as is not None and row.gathered_from != row.latest_id,
                pictures=missing.get(row.app_id, {}),
                failures=row.gather_failures,
                taken_until=until,
            )
            for row in rows
        ]

    def mark_gathered(
        self, done: Ungathered, *, readme: str | None, again_after_s: float | None
    ) -> None:
        """Write down what came of gathering, and when to try the rest again.

        What changed meanwhile is gathered anew.

        :param readme: None where it was not read.
        :param again_after_s: None where nothing is missing.
        """
        columns = tables.app_listings.c
        again_at = None
        if again_after_s is not None:
            again_at = self._now + dt.timedelta(seconds=again_after_s)
        is_same = (columns.app_id == done.app_id) & (columns.gather_at == done.taken_until)
        self._connection.execute(
            tables.app_listings.update()
            .where(is_same)
            .values(
                gather_at=again_at, gather_failures=0 if again_at is None else done.failures + 1
            )
        )
        if readme is not None:
            words = " ".join(words_of(readme)[:README_WORDS])
            self._connection.execute(
                tables.app_listings.update()
                .where(columns.app_id == done.app_id)
                .values(readme=words, gathered_from=done.version_id)
            )
            self._put_texts(self._seen([done.app_id]))

    def _missing_pictures(self, app_ids: Sequence[str]) -> dict[str, dict[int, str]]:
        columns = tables.app_pictures.c
        query = sa.select(columns.app_id, columns.place, columns.source).where(
            columns.app_id.in_(app_ids), columns.digest.is_(None)
        )
        found: dict[str, dict[int, str]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.app_id, {})[row.place] = row.source
        return found

    # -- making listings ---------------------------------------------------------------------------

    def _refresh(self, app_ids: Sequence[str]) -> None:
        lock = sa.select(tables.apps.c.id).where(tables.apps.c.id.in_(app_ids))
        # NOTE(locks): who wrote a version of an app lets others do so, too, until both come here
        self._connection.execute(lock.order_by(tables.apps.c.id).with_for_update(key_share=True))
        seen = self._seen(app_ids)
        if not seen:
            return
        self._put([self._row(each) for each in seen])
        self._put_terms(seen)
        self._put_texts(seen)
        self._put_pictures(seen)

    def _put(self, rows: Sequence[Mapping[str, object]]) -> None:
        is_sqlite = self._connection.dialect.name == "sqlite"
        insert = (sqlite.insert if is_sqlite else postgresql.insert)(tables.app_listings)
        changed = {name: insert.excluded[name] for name in rows[0] if name not in _KEPT}
        self._connection.execute(
            insert.on_conflict_do_update(index_elements=["app_id"], set_=changed), rows
        )

    def _seen(self, app_ids: Sequence[str]) -> list[Summary]:
        apps = (
            sa.select(tables.apps).where(tables.apps.c.id.in_(app_ids)).order_by(tables.apps.c.id)
        )
        columns = tables.app_versions.c
        # NOTE(size): what versions say of themselves is long, and looked at for one of them only
        entries = tables.index_entries.c
        query: sa.Select[Any] = (
            sa.select(
                *(columns[name] for name in ("id", "app_id", "version", "app_type", "state")),
                columns.removed_at,
                columns.created_at,
                entries.is_unreadable,
            )
            .outerjoin(tables.index_entries, entries.version_id == columns.id)
            .where(columns.app_id.in_(app_ids))
        )
        of_app: dict[str, list[sa.Row[Any]]] = {}
        for row in self._connection.execute(query):
            of_app.setdefault(row.app_id, []).append(row)
        found = []
        for app in self._connection.execute(apps.order_by(tables.apps.c.id)).all():
            versions = newest_first(of_app.get(app.id, ()))
            found.append((app, versions, latest_of(versions)))
        told_by = [(latest or versions[0]).id for _, versions, latest in found if versions]
        infos = self._infos(told_by)
        return [
            Summary(
                app=app,
                versions=versions,
                latest=latest,
                info=infos[(latest or versions[0]).id] if versions else unknown_info(app),
            )
            for app, versions, latest in found
        ]

    def _infos(self, version_ids: Sequence[str]) -> dict[str, AppInfo]:
        columns = tables.app_versions.c
        query = sa.select(columns.id, columns.info).where(columns.id.in_(version_ids))
        return {
            row.id: convert.from_json(row.info, AppInfo) for row in self._connection.execute(query)
        }

    def _row(self, seen: Summary) -> dict[str, object]:
        offered = [row for row in seen.versions if is_offered(row)]
        newest = max((row.created_at for row in seen.versions), default=seen.app.created_at)
        return {
            "app_id": seen.app.id,
            "sort_name": seen.sort_name,
            "app_type": None if seen.latest is None else seen.latest.app_type,
            "latest_id": None if seen.latest is None else seen.latest.id,
            "latest_version": None if seen.latest is None else seen.latest.version,
            "versions": len(offered),
            "pre_releases": sum(bool(Version.parse(row.version).prerelease) for row in offered),
            "info": convert.to_json(seen.info),
            "released_at": newest,
            "readme": "",
            "gather_at": self._now,
            "gather_failures": 0,
        }

    def _numbers(self, seen: Iterable[Summary]) -> dict[str, sa.Row[Any]]:
        columns = tables.app_listings.c
        query: sa.Select[Any] = sa.select(columns.app_id, columns.number, columns.readme).where(
            columns.app_id.in_([each.app.id for each in seen])
        )
        return {row.app_id: row for row in self._connection.execute(query)}

    def _put_texts(self, seen: Sequence[Summary]) -> None:
        rows = self._numbers(seen)
        texts_on(self._connection).put(
            text_of(each, number=rows[each.app.id].number, readme=rows[each.app.id].readme)
            for each in seen
        )

    # -- terms -------------------------------------------------------------------------------------

    def _put_terms(self, seen: Sequence[Summary]) -> None:
        numbers = {app_id: row.number for app_id, row in self._numbers(seen).items()}
        terms = tables.app_terms
        self._connection.execute(terms.delete().where(terms.c.number.in_(numbers.values())))
        categories = self._categories(seen)
        rows = [
            {"kind": kind, "value": value, "number": numbers[each.app.id]}
            for each in seen
            for kind, value in {
                *terms_of(each),
                *(("category", c) for c in categories[each.app.id]),
            }
        ]
        if rows:
            self._connection.execute(terms.insert(), rows)

    def _categories(self, seen: Sequence[Summary]) -> dict[str, set[str]]:
        """Return the names of the categories each app is in, and of those above them.

        Chosen by hand, else named by the package, else its repo's.
        """
        table = tables.categories.c
        parents = {
            row.id: (row.name, row.parent_id)
            for row in self._connection.execute(sa.select(table.id, table.name, table.parent_id))
        }
        by_name = {name: category_id for category_id, (name, _) in parents.items()}
        by_app = self._chosen(tables.app_categories, "app_id", [s.app.id for s in seen])
        by_repo = self._chosen(tables.repo_categories, "repo_id", {s.app.repo_id for s in seen})
        found: dict[str, set[str]] = {}
        for each in seen:
            named = {by_name[word] for word in own_words(each.info) if word in by_name}
            ids = by_app.get(each.app.id) or named or by_repo.get(each.app.repo_id, set())
            above = {parents[category_id][1] for category_id in ids} - {None}
            found[each.app.id] = {parents[category_id][0] for category_id in ids | above}
        return found

    def _chosen(self, table: sa.Table, column: str, ids: Collection[str]) -> dict[str, set[str]]:
        query = sa.select(table.c[column], table.c.category_id).where(table.c[column].in_(ids))
        found: dict[str, set[str]] = {}
        for thing_id, category_id in self._connection.execute(query):
            found.setdefault(thing_id, set()).add(category_id)
        return found

    # -- pictures ----------------------------------------------------------------------------------

    def _put_pictures(self, seen: Sequence[Summary]) -> None:
        """Keep what is still wanted of the pictures; others are gathered."""
        columns = tables.app_pictures.c
        query = sa.select(columns.app_id, columns.place, columns.source).where(
            columns.app_id.in_([each.app.id for each in seen])
        )
        known = {tuple(row) for row in self._connection.execute(query)}
        wanted = {
            (each.app.id, place, source)
            for each in seen
            for place, source in each.pictures().items()
        }
        for app_id, place, _ in known - wanted:
            self._connection.execute(
                tables.app_pictures.delete().where(columns.app_id == app_id, columns.place == place)
            )
        new = [dict(zip(("app_id", "place", "source"), row, strict=True)) for row in wanted - known]
        if new:
            self._connection.execute(tables.app_pictures.insert(), new)


def _unlisted() -> "sa.Select[Any]":
    listings = tables.app_listings
    return (
        sa.select(tables.apps.c.id)
        .outerjoin(listings, listings.c.app_id == tables.apps.c.id)
        .where(listings.c.number.is_(None))
    )
