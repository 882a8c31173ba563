"""Repos: where packages are indexed from."""

import datetime as dt
import enum
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.findings import Finding
from pitrix_core.model import ClusterState, JsonObject
from pitrix_core.model.access import Actor, Visibility
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.store import tables
from pitrix_core.store.access import seen_by
from pitrix_core.store.engine import insert_once
from pitrix_core.store.records import record

#: URL of the repos of what people upload: there is nothing to be read elsewhere.
UPLOADS_URL: Final = "uploads:"


class RepoStatus(enum.StrEnum):
    """Whether a repo is read."""

    NEW = "new"  #: it was not indexed yet
    OK = "ok"
    FAILING = "failing"  #: its index could not be read the last time; what was indexed stays
    DISABLED = "disabled"  #: by its owner


@attrs.frozen(kw_only=True)
class Repo:
    """A place packages are indexed from."""

    id: str
    owner: str
    name: str
    #: How it is read: the scheme of its URL.
    kind: str = "file"
    url: str
    #: As the kind has them; its credential is a secret.
    settings: JsonObject = attrs.field(factory=dict)
    labels: Mapping[str, str] = attrs.field(factory=dict)
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
    #: State in which its versions enter the catalogue.
    default_state: VersionState = VersionState.ACTIVE
    #: Seconds between looks at its index; None for what the installation says.
    index_interval_s: float | None = None
    #: Whether its index is looked at now and then.
    is_enabled: bool = True
    status: RepoStatus = RepoStatus.NEW
    #: Why its index could not be read the last time.
    failure: str | None = None
    #: Since when it could not be; None while it can.
    failing_since: dt.datetime | None = None
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

    def add(self, repo: Repo, *, credential_id: str | None = None) -> None:
        """Store a repo.

        :param credential_id: of the secret that holds its credential as JSON.
        :raises ConflictError: the name is taken, or looks like one that is.
        """
        self._require_new_name(repo)
        row = {name: value for name, value in _row(repo).items() if name not in _WORKED_OUT}
        row |= {"created_at": self._now, "indexed_at": None, "credential_id": credential_id}
        if not insert_once(self._connection, tables.repos, **row):
            raise ConflictError(f"There is a repo {repo.name!r} already.", pointer="/name")

    def change(self, repo: Repo, *, credential_id: str | None) -> None:
        """Put another record in a repo's place, of the same id; what indexing found stays.

        :raises ConflictError: the name is taken, or looks like one that is.
        """
        self._require_new_name(repo)
        values = {name: value for name, value in _row(repo).items() if name not in _OF_INDEXING}
        self._connection.execute(
            tables.repos.update()
            .where(tables.repos.c.id == repo.id)
            .values(**values, credential_id=credential_id)
        )

    def credential_id(self, repo_id: str) -> str | None:
        """Return the id of the secret that holds a repo's credential as JSON."""
        query = sa.select(tables.repos.c.credential_id).where(tables.repos.c.id == repo_id)
        found: str | None = self._connection.scalar(query)
        return found

    def read_anew(self, repo_id: str) -> None:
        """Forget which index was read last: another place has another one.

        Who reads the old one just now writes nothing more.
        """
        self._connection.execute(
            tables.indexing.update()
            .where(tables.indexing.c.repo_id == repo_id)
            .values(tag=None, due_at=self._now, leased_until=None)
        )

    def clusters(self, repo_id: str) -> list[str]:
        """Return the names of the clusters that are of a repo's versions."""
        clusters, versions, apps = tables.clusters.c, tables.app_versions.c, tables.apps.c
        query = (
            sa.select(clusters.name)
            .join(tables.app_versions, versions.id == clusters.app_version_id)
            .join(tables.apps, apps.id == versions.app_id)
            .where(apps.repo_id == repo_id, clusters.state != ClusterState.DELETED)
            .order_by(clusters.name)
        )
        return list(self._connection.scalars(query))

    def take_off(self, repo_id: str) -> list[str]:
        """Mark every version of a repo as removed, for its apps to be listed anew.

        :returns: the ids of its apps.
        """
        self.read_anew(repo_id)
        apps, versions, entries = tables.apps.c, tables.app_versions.c, tables.index_entries.c
        own = sa.select(apps.id).where(apps.repo_id == repo_id)
        self._connection.execute(
            tables.app_versions.update()
            .where(versions.app_id.in_(own), versions.removed_at.is_(None))
            .values(removed_at=self._now)
        )
        self._connection.execute(
            tables.index_entries.update().where(entries.repo_id == repo_id).values(due_at=None)
        )
        return list(self._connection.scalars(own.order_by(apps.id)))

    def remove(self, repo_id: str) -> None:
        """Take a repo away and free its name; the row stays, for what came from it."""
        columns = tables.repos.c
        self._connection.execute(
            tables.repos.update()
            .where(columns.id == repo_id)
            .values(
                name=columns.name + "~" + repo_id,
                is_enabled=False,
                credential_id=None,
                removed_at=self._now,
            )
        )

    def get(self, id_or_name: str, *, viewer: Actor | None = None) -> Repo:
        """Return a repo.

        :param viewer: who has to see it; None for nobody.
        :raises NotFoundError: there is none of this id or name that they see.
        """
        columns = tables.repos.c
        query = _QUERY.where(sa.or_(columns.id == id_or_name, columns.name == id_or_name))
        if viewer is not None:  # what came from one that is gone goes on knowing it
            query = query.where(seen_by(viewer, tables.repos), columns.removed_at.is_(None))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"There is no repo {id_or_name!r}.", next_step="List them: pitrix repo list"
            )
        return _repo(row)

    def uploads_of(self, owner: str) -> Repo | None:
        """Return the repo that somebody's uploads go to; None where there is none yet.

        Of several, as where others' were handed over, their first.
        """
        columns = tables.repos.c
        query = _QUERY.where(columns.owner == owner, columns.url == UPLOADS_URL)
        row = self._connection.execute(query.order_by(columns.created_at, columns.id)).first()
        return None if row is None else _repo(row)

    def all(self, *, viewer: Actor | None = None) -> list[Repo]:
        """Return every repo, by name.

        :param viewer: only those that they see; None for all.
        """
        query = _QUERY.where(tables.repos.c.removed_at.is_(None)).order_by(tables.repos.c.name)
        if viewer is not None:
            query = query.where(seen_by(viewer, tables.repos))
        return [_repo(row) for row in self._connection.execute(query)]

    def mark_indexed(self, repo_id: str, *, digest: str, findings: Sequence[Finding]) -> None:
        """Write down which index was read last, and what was wrong in it."""
        self._connection.execute(
            tables.repos.update()
            .where(tables.repos.c.id == repo_id)
            .values(
                index_digest=digest, indexed_at=self._now, findings=convert.to_json(list(findings))
            )
        )

    def mark_found(self, repo_id: str, findings: Sequence[Finding]) -> None:
        """Write down what is wrong with a repo."""
        self._connection.execute(
            tables.repos.update()
            .where(tables.repos.c.id == repo_id)
            .values(findings=convert.to_json(list(findings)))
        )

    def lock(self, repo_id: str) -> None:
        """Be the only one to change a repo until the transaction ends; read it after that."""
        query = sa.select(tables.repos.c.id).where(tables.repos.c.id == repo_id)
        self._connection.execute(query.with_for_update(key_share=True))

    def _require_new_name(self, repo: Repo) -> None:
        """Refuse a name that people would take for another repo's.

        :raises ConflictError: it differs from one in case or in how Unicode writes it only.
        """
        columns = tables.repos.c
        query = sa.select(columns.name).where(columns.id != repo.id, columns.removed_at.is_(None))
        for name in self._connection.scalars(query):
            if _seen(name) == _seen(repo.name):
                raise ConflictError(f"There is a repo {name!r} already.", pointer="/name")


#: Fields that no column holds.
_WORKED_OUT: Final = frozenset({"status", "failure", "failing_since"})
#: Fields that only indexing, or the first write, sets.
_OF_INDEXING: Final = _WORKED_OUT | {"id", "index_digest", "indexed_at", "findings", "created_at"}
_QUERY: Final = sa.select(
    tables.repos, tables.indexing.c.failure, tables.indexing.c.failing_since
).outerjoin(tables.indexing, tables.indexing.c.repo_id == tables.repos.c.id)


def _row(repo: Repo) -> dict[str, Any]:
    row: dict[str, Any] = convert.to_json(repo)
    return row


def _repo(row: sa.Row[Any]) -> Repo:
    if not row.is_enabled:
        status = RepoStatus.DISABLED
    elif row.failure is not None:
        status = RepoStatus.FAILING
    else:
        status = RepoStatus.NEW if row.indexed_at is None else RepoStatus.OK
    return record(row, Repo, status=status)


def _seen(name: str) -> str:
    """Return what a name looks like, whatever its letters are made of."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
