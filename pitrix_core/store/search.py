"""Searches the catalogue: listings by words, filters and order, and how many there are of each."""

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import NotFoundError
from pitrix_core.model import AppInfo, ClusterState
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.store import tables
from pitrix_core.store.access import allowed, seen_by
from pitrix_core.store.slices import Slice
from pitrix_core.store.texts import texts_on
from pitrix_core.store.words import phrases_of, words_of

#: Values of one kind that are counted, those with the most apps.
_COUNTED: Final = 50


class Sort(enum.StrEnum):
    """In which order apps are listed."""

    RELEVANCE = "relevance"  #: the best match first; by name where no words were asked for
    NAME = "name"
    NEWEST = "newest"  #: by the newest version


@attrs.frozen(kw_only=True)
class Wish:
    """Which apps are looked for."""

    #: Words, all of which an app has; see :mod:`pitrix_core.store.words`.
    text: str = ""
    #: ``category``, ``keyword``, ``maintainer``, ``app_type``, ``repo`` → values as
    #: :func:`~pitrix_core.store.summaries.term_of` writes them, one of which an app has.
    terms: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    sort: Sort = Sort.RELEVANCE


@attrs.frozen(kw_only=True)
class Listing:
    """An app as it is listed."""

    #: The app's.
    id: str
    owner: str
    repo_id: str
    name: str
    title: str
    description: str
    keywords: tuple[str, ...]
    #: Names of the categories it is in, and of those above them.
    categories: tuple[str, ...]
    #: None while no version was read, or none is on offer.
    app_type: str | None
    #: The newest release on offer; a pre-release only where there is no other.
    latest_id: str | None
    latest_version: str | None
    #: On offer, pre-releases among them.
    versions: int
    #: Where the icon is, as a path of the API; None where there is none.
    icon: str | None
    #: When the newest version was seen first.
    released_at: dt.datetime


@attrs.frozen(kw_only=True)
class Count:
    """How many of the apps that were looked for have something."""

    kind: str
    value: str
    apps: int


@attrs.frozen(kw_only=True)
class Page:
    """A listing with what only its own page shows."""

    listing: Listing
    info: AppInfo
    pre_releases: int


@attrs.frozen(kw_only=True)
class AppUse:
    """How an app is used, in numbers; clusters that the installation makes for itself left out."""

    #: Clusters there ever were.
    deployments: int
    #: Clusters that there are.
    clusters: int
    #: People who have one, or had.
    users: int


class SearchRepository:
    """What people find."""

    def __init__(self, connection: sa.Connection) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection

    def apps(self, wish: Wish, part: Slice, *, viewer: Actor) -> list[Listing]:
        """Return apps that somebody sees.

        :raises NotFoundError: the part begins after an app that is not found any more.
        """
        query = self._found(wish, viewer)
        if query is None:
            return []
        order = _order(query, wish)
        if part.after is not None:
            query = query.where(_beyond(order, self._place(query, order, part.after)))
        rows = self._connection.execute(query.order_by(*order.columns).limit(part.limit)).all()
        return self._listings(rows)

    def page(self, app_id: str, *, viewer: Actor) -> Page:
        """Return an app as somebody sees it.

        :raises NotFoundError: they do not: it is hidden, or has no version on offer.
        """
        query = (
            sa.select(*_COLUMNS, tables.app_listings.c.pre_releases)
            .select_from(_FROM)
            .where(tables.apps.c.id == app_id, _is_shown_to(viewer))
        )
        rows = self._connection.execute(query).all()
        if not rows:
            raise NotFoundError(
                f"There is no app {app_id!r}.", next_step="List them: pitrix app list"
            )
        return Page(
            listing=self._listings(rows)[0],
            info=convert.from_json(rows[0].info, AppInfo),
            pre_releases=rows[0].pre_releases,
        )

    def use_of(self, app_id: str) -> AppUse:
        """Return how an app is used, by everybody together."""
        clusters = tables.clusters.c
        is_there = clusters.state != ClusterState.DELETED
        of_app = sa.select(tables.app_versions.c.id).where(tables.app_versions.c.app_id == app_id)
        query = sa.select(
            sa.func.count(),
            sa.func.count().filter(is_there),
            sa.func.count(clusters.owner.distinct()),
        ).where(clusters.app_version_id.in_(of_app), ~clusters.hidden)
        deployments, there, users = self._connection.execute(query).one()
        return AppUse(deployments=deployments, clusters=there, users=users)

    def counts(self, wish: Wish, *, viewer: Actor) -> list[Count]:
        """Return how many apps that somebody sees have a term, the commonest of each kind first."""
        query = self._found(wish, viewer)
        if query is None:
            return []
        numbers = query.with_only_columns(tables.app_listings.c.number)
        terms = tables.app_terms.c
        apps = sa.func.count()
        place = sa.func.row_number().over(
            partition_by=terms.kind, order_by=(apps.desc(), terms.value)
        )
        counted = (
            sa.select(terms.kind, terms.value, apps.label("apps"), place.label("place"))
            .where(terms.number.in_(numbers), terms.kind != "named")
            .group_by(terms.kind, terms.value)
            .subquery()
        )
        best = sa.select(counted).where(counted.c.place <= _COUNTED)
        rows = self._connection.execute(best.order_by(counted.c.kind, counted.c.place))
        return [Count(kind=row.kind, value=row.value, apps=row.apps) for row in rows]

    def _found(self, wish: Wish, viewer: Actor) -> "sa.Select[Any] | None":
        """Return the query of all that is found; None where nothing can be."""
        query = sa.select(*_COLUMNS).select_from(_FROM)
        wanted = _wanted(wish, viewer)
        if not wish.text:
            return query.where(*wanted)
        phrases = phrases_of(wish.text)
        if not phrases:
            return None

        def among(number: "sa.ColumnElement[Any]") -> sa.ColumnElement[bool]:
            known = sa.select(sa.literal(1)).select_from(_WHERE)
            return known.where(tables.app_listings.c.number == number, *wanted).exists()

        found = texts_on(self._connection).matches(phrases, among).subquery("found")
        is_name = tables.app_listings.c.sort_name == " ".join(words_of(wish.text))
        rank = sa.case((is_name, 0), else_=found.c.rank)
        return query.join(found, found.c.number == tables.app_listings.c.number).add_columns(
            rank.label("rank"), found.c.score.label("score")
        )

    def _place(self, query: "sa.Select[Any]", order: "_Order", app_id: str) -> sa.Row[Any]:
        place = query.with_only_columns(*order.keys).where(tables.apps.c.id == app_id)
        row = self._connection.execute(place).one_or_none()
        if row is None:
            raise NotFoundError(
                f"The app {app_id!r}, with which the last page ended, is not found any more.",
                next_step="Begin with the first page again: leave the cursor out.",
            )
        return row

    def _listings(self, rows: "list[sa.Row[Any]] | Any") -> list[Listing]:
        categories = self._categories([row.number for row in rows])
        return [_listing(row, categories.get(row.number, ())) for row in rows]

    def _categories(self, numbers: list[int]) -> dict[int, tuple[str, ...]]:
        terms = tables.app_terms.c
        query = sa.select(terms.number, terms.value).where(
            terms.number.in_(numbers), terms.kind == "category"
        )
        found: dict[int, tuple[str, ...]] = {}
        for number, value in self._connection.execute(query.order_by(terms.value)):
            found[number] = (*found.get(number, ()), value)
        return found


_ICON: Final = tables.app_pictures.alias("icon")
_WHERE: Final = tables.app_listings.join(
    tables.apps, tables.apps.c.id == tables.app_listings.c.app_id
)
_FROM: Final = _WHERE.outerjoin(
    _ICON, sa.and_(_ICON.c.app_id == tables.apps.c.id, _ICON.c.place == 0)
)
_COLUMNS: Final = (
    tables.apps.c.id,
    tables.apps.c.owner,
    tables.apps.c.repo_id,
    tables.apps.c.name,
    tables.apps.c.description,
    *(
        tables.app_listings.c[name]
        for name in ("number", "app_type", "latest_id", "latest_version", "versions", "info")
    ),
    tables.app_listings.c.released_at,
    _ICON.c.digest.label("icon"),
)


@attrs.frozen
class _Order:
    """By what rows are ordered, and what a place in that order is."""

    columns: tuple["sa.ColumnElement[Any]", ...]
    keys: tuple["sa.ColumnElement[Any]", ...]
    is_descending: bool = False


def _order(query: "sa.Select[Any]", wish: Wish) -> _Order:
    listings = tables.app_listings.c
    if wish.sort is Sort.NEWEST:
        keys: tuple[sa.ColumnElement[Any], ...] = (listings.released_at, listings.number)
        return _Order((listings.released_at.desc(), listings.number.desc()), keys, True)
    if wish.sort is Sort.RELEVANCE and wish.text:
        chosen = query.selected_columns
        keys = (_bare(chosen.rank), _bare(chosen.score), listings.number)
    else:
        keys = (listings.sort_name, listings.number)
    return _Order(keys, keys)


def _bare(column: "sa.ColumnElement[Any]") -> "sa.ColumnElement[Any]":
    return column.element if isinstance(column, sa.Label) else column


def _beyond(order: _Order, place: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after a place."""
    values = [sa.literal(value, key.type) for key, value in zip(order.keys, place, strict=True)]
    here, there = sa.tuple_(*order.keys), sa.tuple_(*values)
    return here < there if order.is_descending else here > there


def _wanted(wish: Wish, viewer: Actor) -> "list[sa.ColumnElement[bool]]":
    """Return the conditions on an app, but for its words."""
    terms = tables.app_terms.c
    number = tables.app_listings.c.number
    having = (
        sa.exists().where(terms.kind == kind, terms.value.in_(values), terms.number == number)
        for kind, values in wish.terms.items()
    )
    return [_is_shown_to(viewer), _is_worth_a_line(), *having]


def _is_shown_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Return the condition that somebody sees an app; others do once a version is on offer."""
    has_offer = tables.app_listings.c.latest_id.is_not(None)
    is_theirs = allowed(viewer, Action.VERSIONS_READ, tables.apps.c.owner)
    return sa.and_(seen_by(viewer, tables.apps), sa.or_(has_offer, is_theirs))


def _is_worth_a_line() -> sa.ColumnElement[bool]:
    """Return the condition that an app has a version on offer, or one that may come to be: not only
    such as cannot be read, that no index lists any more, or that are deleted.
    """
    versions = tables.app_versions.c
    has_offer = tables.app_listings.c.latest_id.is_not(None)
    is_on_its_way = versions.state.not_in((VersionState.ACTIVE, VersionState.DELETED))
    return sa.or_(has_offer, sa.exists().where(versions.app_id == tables.apps.c.id, is_on_its_way))


def _listing(row: sa.Row[Any], categories: tuple[str, ...]) -> Listing:
    info = convert.from_json(row.info, AppInfo)
    return Listing(
        id=row.id,
        owner=row.owner,
        repo_id=row.repo_id,
        name=row.name,
        title=info.title,
        description=info.description or row.description,
        keywords=info.keywords,
        categories=categories,
        app_type=row.app_type,
        latest_id=row.latest_id,
        latest_version=row.latest_version,
        versions=row.versions,
        icon=None if row.icon is None else picture_path(row.id, 0, row.icon),
        released_at=row.released_at,
    )


def picture_path(app_id: str, place: int, digest: str) -> str:
    """Return where the API has a picture; the address changes with the picture.

    :param place: 0 for the icon, else the number of a screenshot.
    """
    name = "icon" if place == 0 else f"screenshots/{place}"
    return f"/v1/apps/{app_id}/{name}?digest={digest}"
