"""Look at the catalogue: search it, and see what an app is before it is deployed."""

import enum
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.readme import Readme, readme_text, rendered
from pitrix_core.errors import NotFoundError
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.package import Version
from pitrix_core.service.languages import DEFAULT_LANGUAGE
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.assets import Asset
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.search import AppUse, Count, Listing, Sort, Wish
from pitrix_core.store.slices import WHOLE, Slice
from pitrix_core.store.summaries import term_of

#: What counts are for a provider: the apps of the repos that let theirs run on it.
_PROVIDER: Final = "provider"


class PreRelease(enum.StrEnum):
    """Whether versions before a release are listed."""

    EXCLUDE = "exclude"
    INCLUDE = "include"
    ONLY = "only"


@attrs.frozen(kw_only=True)
class AppFilter:
    """Which apps are looked for; of each list an app has one."""

    text: str = ""
    #: Ids or names.
    categories: tuple[str, ...] = ()
    app_types: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    #: Ids or names.
    repos: tuple[str, ...] = ()
    sort: Sort = Sort.RELEVANCE


EVERY: Final = AppFilter()


@attrs.frozen(kw_only=True)
class AppPage(Listing):
    """All that is shown of an app; what its latest version says, or the newest where none is on
    offer.
    """

    home: str
    sources: tuple[str, ...]
    maintainers: tuple[JsonObject, ...]
    #: Where they are, as paths of the API.
    screenshots: tuple[str, ...]
    #: Of the versions on offer.
    pre_releases: int
    #: By everybody together.
    use: AppUse


def search(
    services: Services, actor: Actor, wanted: AppFilter = EVERY, *, part: Slice = WHOLE
) -> list[Listing]:
    """Return apps that the actor sees.

    :raises NotFoundError: there is no such category or repo, or no such place to go on from.
    """
    with services.store.read() as tx:
        return tx.search.apps(_wish(tx, actor, wanted), part, viewer=actor)


def counts(services: Services, actor: Actor, wanted: AppFilter) -> list[Count]:
    """Return how many of the apps that would be found are of each kind.

    :raises NotFoundError: there is no such category or repo.
    """
    with services.store.read() as tx:
        found = tx.search.counts(_wish(tx, actor, wanted), viewer=actor)
        repos = tx.repos.all(viewer=actor)
    allowed = {repo.id: repo.providers for repo in repos}
    of_repos = [count for count in found if count.kind == "repo"]
    named = {name for names in allowed.values() for name in names}
    of_providers = [
        Count(kind=_PROVIDER, value=name, apps=apps)
        for name in sorted(named | set(services.registry.providers()))
        if (apps := _apps_on(name, of_repos, allowed))
    ]
    return [*found, *of_providers]


def get(services: Services, actor: Actor, app_id: str) -> AppPage:
    """Return an app by id or name.

    :raises NotFoundError: there is none.
    :raises ConflictError: several repos have an app of this name.
    """
    with services.store.read() as tx:
        app = tx.catalog.app(app_id, viewer=actor)
        shown = tx.search.page(app.id, viewer=actor)
        return AppPage(
            **attrs.asdict(shown.listing, recurse=False),
            home=shown.info.home,
            sources=shown.info.sources,
            maintainers=shown.info.maintainers,
            screenshots=tx.assets.screenshots(app.id),
            pre_releases=shown.pre_releases,
            use=tx.search.use_of(app.id),
        )


def versions(
    services: Services,
    actor: Actor,
    app_id: str,
    *,
    pre_release: PreRelease = PreRelease.EXCLUDE,
) -> list[AppVersion]:
    """Return an app's versions, the newest first; others than its people see those on offer.

    :raises NotFoundError: there is no such app.
    """
    with services.store.read() as tx:
        app = tx.catalog.app(app_id, viewer=actor)
        found = tx.catalog.versions(app.id)
        sees_all = tx.access.may(actor, Action.VERSIONS_READ, owner=app.owner)
    shown = [
        (Version.parse(one.version), one)
        for one in found
        if sees_all or (one.state == VersionState.ACTIVE and one.removed_at is None)
    ]
    wanted = [
        (semver, one)
        for semver, one in shown
        if pre_release is PreRelease.INCLUDE
        or bool(semver.prerelease) == (pre_release is PreRelease.ONLY)
    ]
    return [one for _, one in sorted(wanted, key=lambda pair: pair[0], reverse=True)]


def version(services: Services, actor: Actor, version_id: str) -> AppVersion:
    """Return a version.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        return tx.catalog.version(version_id, viewer=actor)


def readme(
    services: Services, actor: Actor, version_id: str, *, language: str = DEFAULT_LANGUAGE
) -> Readme:
    """Return what a version's package says about itself at length.

    :param language: where the package is translated into it; else the package's own.
    :raises NotFoundError: there is no such version, or no readme in it.
    :raises PackageError: its package cannot be read.
    """
    package = services.loader.load(version(services, actor, version_id))
    text, spoken = readme_text(package.reader, language=language)
    if not text:
        raise NotFoundError(f"The package of app version {version_id!r} has no readme.")
    return Readme(language=spoken, markdown=text, html=rendered(text))


def picture(services: Services, actor: Actor, app_id: str, place: int) -> Asset:
    """Return a picture of an app.

    :param place: 0 for the icon, else the number of a screenshot.
    :raises NotFoundError: there is no such app, or no such picture that could be read.
    """
    with services.store.read() as tx:
        return tx.assets.picture(tx.catalog.app(app_id, viewer=actor).id, place)


def config_schema(
    services: Services, actor: Actor, version_id: str, *, language: str = DEFAULT_LANGUAGE
) -> JsonObject:
    """Return the JSON Schema of a version's configuration.

    :param language: of titles and descriptions, as far as the package is translated.
    :raises NotFoundError: there is no such version.
    :raises PluginError: its app type is not installed any more.
    """
    package = services.loader.load(version(services, actor, version_id))
    with asking(package.app_type, to="describe the configuration"):
        schema: JsonObject = package.app_type.config_schema(package.spec, language=language)
    return schema


def _wish(tx: Transaction, actor: Actor, wanted: AppFilter) -> Wish:
    """Return what is looked for in the store's words.

    :raises NotFoundError: there is no such category or repo.
    """
    terms = {
        "category": tuple(tx.categories.get(each).name for each in wanted.categories),
        "app_type": wanted.app_types,
        "keyword": tuple(map(term_of, wanted.keywords)),
        "maintainer": tuple(map(term_of, wanted.maintainers)),
    }
    repos = _repos(tx, actor, wanted)
    found: Mapping[str, tuple[str, ...]] = {kind: each for kind, each in terms.items() if each}
    return Wish(
        text=wanted.text,
        terms=found if repos is None else {**found, "repo": repos},
        sort=wanted.sort,
    )


def _repos(tx: Transaction, actor: Actor, wanted: AppFilter) -> tuple[str, ...] | None:
    """Return the repos whose apps are looked for; None for all.

    :raises NotFoundError: there is no such repo.
    """
    if not wanted.repos and not wanted.providers:
        return None
    named = [tx.repos.get(each, viewer=actor) for each in wanted.repos]
    repos = named if wanted.repos else tx.repos.all(viewer=actor)
    return tuple(
        repo.id
        for repo in repos
        if not wanted.providers or not repo.providers or set(repo.providers) & set(wanted.providers)
    )


def _apps_on(name: str, counts: Iterable[Count], allowed: Mapping[str, tuple[str, ...]]) -> int:
    found = ((count.apps, allowed.get(count.value, ())) for count in counts)
    return sum(apps for apps, providers in found if not providers or name in providers)
