"""Apps, app versions, and the packages' bytes."""

import datetime as dt
from collections.abc import Collection

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.findings import Finding
from pitrix_core.model import AppInfo
from pitrix_core.model.access import Actor, Visibility
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.engine import insert_once
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class App:
    """A catalogue entry."""

    id: str
    owner: str
    repo_id: str
    name: str
    description: str = ""
    #: None for its repo's.
    visibility: Visibility | None = None
    #: Ids of the groups that see it, where only groups do.
    groups: tuple[str, ...] = ()
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class AppVersion:
    """One packaged release of an app."""

    id: str
    owner: str
    app_id: str
    version: str
    app_version: str
    #: None until the package was read: an index does not say it.
    app_type: str | None = None
    #: ``sha256:…`` of the package; None until it was read.
    digest: str | None = None
    #: Id of the trusted key that it was signed with; None where its repo trusts no key.
    signed_by: str | None = None
    state: str
    info: AppInfo
    findings: tuple[Finding, ...] = ()
    #: Since when its repo does not list it any more; it can still be looked at.
    removed_at: dt.datetime | None = None
    created_at: dt.datetime


class CatalogRepository:
    """What can be deployed."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- packages ----------------------------------------------------------------------------------

    def add_package(self, digest: str, content: bytes) -> None:
        """Store a package's bytes, once; nobody drops them until the transaction ends."""
        known = sa.select(tables.packages.c.digest).where(tables.packages.c.digest == digest)
        known = known.with_for_update(read=True)
        if self._connection.scalar(known) is None:  # before so many bytes are sent
            insert_once(
                self._connection,
                tables.packages,
                digest=digest,
                content=content,
                created_at=self._now,
            )

    def drop_package(self, digest: str) -> None:
        """Forget a package's bytes, unless a version is of them, or is about to be."""
        columns, versions = tables.packages.c, tables.app_versions.c
        free = sa.select(columns.digest).where(columns.digest == digest)
        for found in self._connection.scalars(free.with_for_update(skip_locked=True)).all():
            unused = ~sa.exists().where(versions.digest == found)
            self._connection.execute(
                tables.packages.delete().where(columns.digest == found, unused)
            )

    def package(self, digest: str) -> bytes:
        """Return a package's bytes.

        :raises NotFoundError: it is not stored.
        """
        query = sa.select(tables.packages.c.content).where(tables.packages.c.digest == digest)
        content: bytes | None = self._connection.scalar(query)
        if content is None:
            raise NotFoundError(f"There is no package {digest}.")
        return content

    # -- apps --------------------------------------------------------------------------------------

    def put_app(self, app: App) -> App:
        """Store an app, or bring the one of the same repo and name up to date; return it."""
        values = {**convert.to_json(app), "created_at": self._now}
        if insert_once(self._connection, tables.apps, **values):
            return app
        columns = tables.apps.c
        row = self._connection.execute(
            tables.apps.update()
            .where(columns.repo_id == app.repo_id, columns.name == app.name)
            .values(description=app.description)
            .returning(tables.apps)
        ).one()
        return record(row, App)

    def app(self, id_or_name: str, *, viewer: Actor | None = None) -> App:
        """Return an app.

        :param viewer: who has to see it; None for nobody.
        :raises NotFoundError: there is none of this id or name that they see.
        :raises ConflictError: several repos have an app of this name.
        """
        columns = tables.apps.c
        query = sa.select(tables.apps).where(
            sa.or_(columns.id == id_or_name, columns.name == id_or_name)
        )
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.apps))
        rows = self._connection.execute(query).all()
        if not rows:
            raise NotFoundError(
                f"There is no app {id_or_name!r}.", next_step="List them: pitrix app list"
            )
        if len(rows) > 1:
            ids = ", ".join(row.id for row in rows)
            raise ConflictError(
                f"Several repos have an app {id_or_name!r}.", next_step=f"Name one by id: {ids}"
            )
        return record(rows[0], App)

    def has_app(self, ids_or_names: Collection[str]) -> bool:
        """Say whether there is an app of one of these ids or names."""
        columns = tables.apps.c
        query = sa.select(columns.id).where(
            sa.or_(columns.id.in_(ids_or_names), columns.name.in_(ids_or_names))
        )
        return self._connection.scalar(query.limit(1)) is not None

    # -- versions ----------------------------------------------------------------------------------

    def add_version(self, version: AppVersion) -> None:
        """Store a version; one that is known stays as it is."""
        values = {**convert.to_json(version), "created_at": self._now}
        insert_once(self._connection, tables.app_versions, **values)

    def version(self, version_id: str, *, viewer: Actor | None = None) -> AppVersion:
        """Return a version.

        :param viewer: who has to see it; None for nobody.
        :raises NotFoundError: there is no such version that they see.
        """
        query = sa.select(tables.app_versions).where(tables.app_versions.c.id == version_id)
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.app_versions))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no app version {version_id!r}.",
                next_step="List those of an app: pitrix app versions APP",
            )
        return record(row, AppVersion)

    def version_of(self, repo_id: str, name: str, version: str) -> AppVersion | None:
        """Return the version of a repo's app, if it is known."""
        query = (
            sa.select(tables.app_versions)
            .join(tables.apps, tables.apps.c.id == tables.app_versions.c.app_id)
            .where(
                tables.apps.c.repo_id == repo_id,
                tables.apps.c.name == name,
                tables.app_versions.c.version == version,
            )
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, AppVersion)

    def versions(self, app_id: str) -> list[AppVersion]:
        """Return an app's versions that can be offered, in the order they were indexed.

        Not those of which reading found that they cannot: their repo says why.
        """
        query = (
            sa.select(tables.app_versions)
            .where(tables.app_versions.c.app_id == app_id, ~_is_unreadable())
            .order_by(tables.app_versions.c.created_at, tables.app_versions.c.id)
        )
        return [record(row, AppVersion) for row in self._connection.execute(query)]


def _is_unreadable() -> "sa.ColumnElement[bool]":
    entries = tables.index_entries.c
    return sa.exists().where(entries.version_id == tables.app_versions.c.id, entries.is_unreadable)
