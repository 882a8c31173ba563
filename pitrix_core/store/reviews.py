"""The lives of app versions: reviews under way, and every move that was made."""

import datetime as dt

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import ClusterState
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.lifecycle import Move, Phase, VersionState
from pitrix_core.store import tables
from pitrix_core.store.access import allowed, seen_by
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class Review:
    """A review under way."""

    app_version_id: str
    #: Whose version it is.
    owner: str
    #: Phases that are left, the one it is in first; at least one.
    phases: tuple[Phase, ...]
    #: Who has taken that phase; None where nobody has.
    reviewer: str | None = None
    #: Who has passed the phases before.
    passed_by: tuple[str, ...] = ()
    submitted_by: str
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class OpenReview(Review):
    """A review under way, and what it is of."""

    app_id: str
    app_name: str
    version: str


@attrs.frozen(kw_only=True)
class Transition:
    """A move that a version has made."""

    id: int
    app_version_id: str
    owner: str
    #: Who made it.
    actor: str
    move: Move
    #: None for a version that is new.
    source: VersionState | None
    target: VersionState
    #: Of the review, where the move is about one.
    phase: Phase | None = None
    reason: str = ""
    at: dt.datetime


class ReviewRepository:
    """Where versions are in their lives, and how they came there."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- states ------------------------------------------------------------------------------------

    def lock(self, version_id: str) -> None:
        """Be the only one to change a version until the transaction ends; read it after that.

        Its app comes first, as for uploads and the indexer, who begin with apps.
        """
        versions, apps = tables.app_versions.c, tables.apps.c
        its_app = sa.select(versions.app_id).where(versions.id == version_id).scalar_subquery()
        for query in (
            sa.select(apps.id).where(apps.id == its_app),
            sa.select(versions.id).where(versions.id == version_id),
        ):
            self._connection.execute(query.with_for_update()).all()

    def hold(self, version_id: str) -> None:
        """Keep a version from being moved until the transaction ends; several may."""
        columns = tables.app_versions.c
        query = sa.select(columns.id).where(columns.id == version_id).with_for_update(read=True)
        self._connection.execute(query).all()

    def clusters_of(self, version_id: str) -> int:
        """Return how many clusters that are not deleted are of a version."""
        columns = tables.clusters.c
        query = sa.select(sa.func.count()).where(
            columns.app_version_id == version_id, columns.state != ClusterState.DELETED
        )
        return self._connection.scalar(query) or 0

    def replace(self, version: AppVersion) -> None:
        """Give a version another archive; its id, state and time stay."""
        values = convert.to_json(version)
        for name in ("id", "state", "created_at"):
            del values[name]
        self._connection.execute(
            tables.app_versions.update()
            .where(tables.app_versions.c.id == version.id)
            .values(values)
        )

    def move(self, transition: Transition) -> None:
        """Write down a move, and where it leads; its number and time are made here."""
        columns = tables.app_versions.c
        self._connection.execute(
            tables.app_versions.update()
            .where(columns.id == transition.app_version_id)
            .values(state=transition.target)
        )
        values = {**convert.to_json(transition), "at": self._now}
        del values["id"]
        self._connection.execute(tables.transitions.insert().values(values))

    def transitions(self, version_id: str) -> list[Transition]:
        """Return every move of a version, oldest first."""
        columns = tables.transitions.c
        query = (
            sa.select(tables.transitions)
            .where(columns.app_version_id == version_id)
            .order_by(columns.id)
        )
        return [record(row, Transition) for row in self._connection.execute(query)]

    def released(self, repo_id: str, *, viewer: Actor) -> list[AppVersion]:
        """Return the active versions of a repo that somebody sees."""
        columns = tables.app_versions.c
        query = (
            sa.select(tables.app_versions)
            .join(tables.apps, tables.apps.c.id == columns.app_id)
            .where(
                tables.apps.c.repo_id == repo_id,
                columns.state == VersionState.ACTIVE,
                seen_by(viewer, tables.app_versions),
            )
            .order_by(columns.id)
        )
        return [record(row, AppVersion) for row in self._connection.execute(query)]

    # -- reviews -----------------------------------------------------------------------------------

    def get(self, version_id: str) -> Review | None:
        """Return the review of a version; None where none is under way."""
        columns = tables.reviews.c
        query = sa.select(tables.reviews).where(columns.app_version_id == version_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, Review)

    def put(self, review: Review) -> None:
        """Begin a review, or write down how it stands; when it began stays."""
        values = convert.to_json(review)
        del values["created_at"]
        columns = tables.reviews.c
        changed = self._connection.execute(
            tables.reviews.update()
            .where(columns.app_version_id == review.app_version_id)
            .values(values)
        )
        if changed.rowcount == 0:
            self._connection.execute(
                tables.reviews.insert().values({**values, "created_at": self._now})
            )

    def open(self, *, viewer: Actor) -> list[OpenReview]:
        """Return the reviews under way, oldest first.

        :param viewer: only of versions whose drafts they see.
        """
        versions, apps = tables.app_versions.c, tables.apps.c
        query = (
            sa.select(
                tables.reviews, versions.app_id, versions.version, apps.name.label("app_name")
            )
            .join(tables.app_versions, versions.id == tables.reviews.c.app_version_id)
            .join(tables.apps, apps.id == versions.app_id)
            .where(allowed(viewer, Action.VERSIONS_READ, versions.owner))
            .order_by(tables.reviews.c.created_at, tables.reviews.c.app_version_id)
        )
        return [record(row, OpenReview) for row in self._connection.execute(query)]

    def end(self, version_id: str) -> None:
        """Forget the review of a version; its moves stay."""
        columns = tables.reviews.c
        self._connection.execute(
            tables.reviews.delete().where(columns.app_version_id == version_id)
        )
