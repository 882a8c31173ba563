"""The store: apps, their versions and pictures, and categories."""

import re
from collections.abc import Callable
from typing import Final

from pitrix_core.catalog.readme import Readme
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action
from pitrix_core.rest.operation import ACCEPT_LANGUAGE, Call, File, Operation, Parameter, Shape
from pitrix_core.rest.pagination import slice_in
from pitrix_core.service import apps, categories, sharing
from pitrix_core.service.categories import CategoriesInput, CategoryInput, RepoCategories
from pitrix_core.service.languages import preferred
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.categories import Category
from pitrix_core.store.search import Count, Listing, Sort

#: Of pictures, which strangers made: whatever is in one, a browser shows it and does nothing else.
#: Source: https://www.w3.org/TR/CSP3/, read 2026-11.
_SHOW_ONLY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LANGUAGE: Final = Parameter(
    name="language",
    description="Language of titles and descriptions: `en`, `zh-CN`; before Accept-Language.",
)
_DIGEST: Final = Parameter(
    name="digest",
    description="Of the picture, as the app's own address of it says: a copy of it stays good.",
)
#: How many values of one kind may be given, and characters of what is looked for.
_VALUES: Final = 20
_TEXT: Final = 200
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,2}")
_NO_PLACE: Final = -1


def _any_of(name: str, what: str) -> Parameter:
    values = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": _VALUES}
    return Parameter(name=name, description=f"{what} Given several times: any.", schema=values)


_FILTERS: Final = (
    Parameter(
        name="q",
        description="Words that an app has in its name, title, keywords, description, readme or "
        "maintainers' names. The last one may be its beginning only; words in quotes stand "
        "beside one another.",
        schema={"type": "string", "minLength": 1, "maxLength": _TEXT},
    ),
    _any_of("category", "Id or name of a category, those below it included."),
    _any_of("app_type", "App type."),
    _any_of("provider", "Provider that the app's repo lets it run on."),
    _any_of("keyword", "Keyword."),
    _any_of("maintainer", "Name of a maintainer."),
    _any_of("repo", "Id or name of a repo."),
)


def _wanted(call: Call) -> apps.AppFilter:
    asked = call.parameters
    return apps.AppFilter(
        text=asked.get("q", ""),
        categories=tuple(asked.get("category", ())),
        app_types=tuple(asked.get("app_type", ())),
        providers=tuple(asked.get("provider", ())),
        keywords=tuple(asked.get("keyword", ())),
        maintainers=tuple(asked.get("maintainer", ())),
        repos=tuple(asked.get("repo", ())),
        sort=Sort(asked.get("sort", Sort.RELEVANCE)),
    )


def _search(call: Call) -> list[Listing]:
    return apps.search(call.services, call.actor, _wanted(call), part=slice_in(call.parameters))


def _versions(call: Call) -> list[AppVersion]:
    which = apps.PreRelease(call.parameters["pre_release"])
    return apps.versions(call.services, call.actor, call.path["id"], pre_release=which)


def _picture(place_of: Callable[[Call], int]) -> Callable[[Call], File]:
    def shown(call: Call) -> File:
        asset = apps.picture(call.services, call.actor, call.path["id"], place_of(call))
        is_named = call.parameters.get("digest") == asset.digest
        kept = "private, max-age=31536000, immutable" if is_named else "private, no-cache"
        return File(
            content=asset.content,
            media_type=asset.media_type,
            headers={**_SHOW_ONLY, "Cache-Control": kept},
        )

    return shown


def _number(call: Call) -> int:
    text = call.path["number"]
    return int(text) if _NUMBER.fullmatch(text) else _NO_PLACE


def _language(call: Call) -> str:
    asked: str | None = call.parameters.get("language")
    return asked or preferred(call.parameters.get(ACCEPT_LANGUAGE.name))


def _config_schema(call: Call) -> JsonObject:
    return apps.config_schema(call.services, call.actor, call.path["id"], language=_language(call))


def _readme(call: Call) -> Readme:
    return apps.readme(call.services, call.actor, call.path["id"], language=_language(call))


_APPS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listApps",
        path="/v1/apps",
        summary="Search the apps of the store",
        needs=Action.APPS_READ,
        run=_search,
        shape=Shape.SLICE,
        answer=Listing,
        parameters=(
            *_FILTERS,
            Parameter(
                name="sort",
                description="Order: the best match, the name, or the newest version first.",
                schema={"type": "string", "enum": [*Sort], "default": Sort.RELEVANCE.value},
            ),
        ),
    ),
    Operation(
        id="listAppCounts",
        path="/v1/app_counts",
        summary="Count the apps that a search finds by category, app type, provider, keyword, "
        "maintainer and repo",
        needs=Action.APPS_READ,
        run=lambda c: apps.counts(c.services, c.actor, _wanted(c)),
        shape=Shape.PAGE,
        answer=Count,
        parameters=_FILTERS,
    ),
    Operation(
        id="shareApp",
        method="POST",
        path="/v1/apps/{id}/share",
        summary="Say who sees an app and its versions",
        needs=Action.APPS_WRITE,
        run=lambda c: sharing.share_app(c.services, c.actor, c.path["id"], c.body),
        input=sharing.ShareInput,
        answer=App,
    ),
    Operation(
        id="getApp",
        path="/v1/apps/{id}",
        summary="Show an app, by id or name",
        needs=Action.APPS_READ,
        run=lambda c: apps.get(c.services, c.actor, c.path["id"]),
        answer=apps.AppPage,
    ),
    Operation(
        id="getAppIcon",
        path="/v1/apps/{id}/icon",
        summary="Return an app's icon",
        needs=Action.APPS_READ,
        run=_picture(lambda _: 0),
        shape=Shape.FILE,
        media_type="image/*",
        parameters=(_DIGEST,),
    ),
    Operation(
        id="getAppScreenshot",
        path="/v1/apps/{id}/screenshots/{number}",
        summary="Return a screenshot of an app",
        needs=Action.APPS_READ,
        run=_picture(_number),
        shape=Shape.FILE,
        media_type="image/*",
        parameters=(_DIGEST,),
    ),
    Operation(
        id="listAppVersions",
        path="/v1/apps/{id}/versions",
        summary="List an app's versions, newest first",
        needs=Action.APPS_READ,
        run=_versions,
        shape=Shape.PAGE,
        answer=AppVersion,
        parameters=(
            Parameter(
                name="pre_release",
                description="Whether versions before a release (2.0.0-rc.1) are listed.",
                schema={
                    "type": "string",
                    "enum": [*apps.PreRelease],
                    "default": apps.PreRelease.EXCLUDE.value,
                },
            ),
        ),
    ),
    Operation(
        id="getReadme",
        path="/v1/app_versions/{id}/readme",
        summary="Return an app version's readme, as Markdown and as HTML that is safe to show",
        needs=Action.APPS_READ,
        run=_readme,
        answer=Readme,
        parameters=(_LANGUAGE, ACCEPT_LANGUAGE),
    ),
    Operation(
        id="getConfigSchema",
        path="/v1/app_versions/{id}/config_schema",
        summary="Return the JSON Schema of an app version's configuration",
        needs=Action.APPS_READ,
        run=_config_schema,
        parameters=(_LANGUAGE, ACCEPT_LANGUAGE),
    ),
)

_CATEGORIES: Final[tuple[Operation, ...]] = (
    Operation(
        id="listCategories",
        path="/v1/categories",
        summary="List the categories",
        needs=Action.APPS_READ,
        run=lambda c: categories.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Category,
    ),
    Operation(
        id="addCategory",
        method="POST",
        path="/v1/categories",
        summary="Make a category",
        needs=Action.APPS_SORT,
        run=lambda c: categories.add(c.services, c.actor, c.body),
        input=CategoryInput,
        answer=Category,
        status=201,
        location="/v1/categories/{id}",
    ),
    Operation(
        id="getCategory",
        path="/v1/categories/{id}",
        summary="Show a category, by id or name",
        needs=Action.APPS_READ,
        run=lambda c: categories.get(c.services, c.actor, c.path["id"]),
        answer=Category,
    ),
    Operation(
        id="replaceCategory",
        method="PUT",
        path="/v1/categories/{id}",
        summary="Change a category: its name, its place, its titles",
        needs=Action.APPS_SORT,
        run=lambda c: categories.replace(c.services, c.actor, c.path["id"], c.body),
        input=CategoryInput,
        answer=Category,
    ),
    Operation(
        id="deleteCategory",
        method="DELETE",
        path="/v1/categories/{id}",
        summary="Remove a category; apps that were in it stay",
        needs=Action.APPS_SORT,
        run=lambda c: categories.delete(c.services, c.actor, c.path["id"]),
        shape=Shape.NOTHING,
    ),
    Operation(
        id="putAppCategories",
        method="PUT",
        path="/v1/apps/{id}/categories",
        summary="Put an app into categories; with none, its package's words count again",
        needs=Action.APPS_WRITE,
        run=lambda c: categories.put_app(c.services, c.actor, c.path["id"], c.body),
        input=CategoriesInput,
        answer=Listing,
    ),
    Operation(
        id="putRepoCategories",
        method="PUT",
        path="/v1/repos/{id}/categories",
        summary="Put the apps of a repo into categories, but those that name some themselves",
        needs=Action.REPOS_WRITE,
        run=lambda c: categories.put_repo(c.services, c.actor, c.path["id"], c.body),
        input=CategoriesInput,
        answer=RepoCategories,
    ),
)

OPERATIONS: Final = (*_APPS, *_CATEGORIES)
