"""Repos: where packages are indexed from."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.findings import Finding
from pitrix_core.model.access import Actor, Visibility
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.engine import insert_once
from pitrix_core.store.records import record

#: URL of the repos of what people upload: there is nothing to be read elsewhere.
UPLOADS_URL: Final = "uploads:"


@attrs.frozen(kw_only=True)
class Repo:
    """A place packages are indexed from."""

    id: str
    owner: str
    name: str
    url: str
    #: Providers its apps may run on; empty for all.
    providers: tuple[str, ...] = ()
    #: Label key → values, one of which a runtime must have.
    selectors: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    #: Public keys of minisign, in one line each: one of them has to have signed each package; empty
    #: for packages that nobody has to have signed.
    trusted_keys: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PUBLIC
    #: Ids of the groups that see it, where only groups do.
    groups: tuple[str, ...] = ()
    index_digest: str | None = None
    indexed_at: dt.datetime | None = None
    #: What the last indexing found wrong.
    findings: tuple[Finding, ...] = ()
    created_at: dt.datetime

    @property
    def is_uploads(self) -> bool:
        """Says whether its apps were uploaded, so that there is no index to be read."""
        return self.url == UPLOADS_URL


class RepoRepository:
    """Where apps come from."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def add(self, repo: Repo) -> None:
        """Store a repo.

        :raises ConflictError: the name is taken.
        """
        row = {**convert.to_json(repo), "created_at": self._now, "indexed_at": None}
        if not insert_once(self._connection, tables.repos, **row):
            raise ConflictError(f"There is a repo {repo.name!r} already.", pointer="/name")

    def get(self, id_or_name: str, *, viewer: Actor | None = None) -> Repo:
        """Return a repo.

        :param viewer: who has to see it; None for nobody.
        :raises NotFoundError: there is none of this id or name that they see.
        """
        columns = tables.repos.c
        query = sa.select(tables.repos).where(
            sa.or_(columns.id == id_or_name, columns.name == id_or_name)
        )
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.repos))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no repo {id_or_name!r}.", next_step="List them: pitrix repo list"
            )
        return record(row, Repo)

    def all(self, *, viewer: Actor | None = None) -> list[Repo]:
        """Return every repo, by name.

        :param viewer: only those that they see; None for all.
        """
        query = sa.select(tables.repos).order_by(tables.repos.c.name)
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.repos))
        return [record(row, Repo) for row in self._connection.execute(query)]

    def mark_indexed(self, repo_id: str, *, digest: str, findings: Sequence[Finding]) -> None:
        """Write down which index was read last, and what was wrong in it."""
        self._connection.execute(
            tables.repos.update()
            .where(tables.repos.c.id == repo_id)
            .values(
                index_digest=digest, indexed_at=self._now, findings=convert.to_json(list(findings))
            )
        )
