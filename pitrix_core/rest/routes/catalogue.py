"""The store: apps and their versions."""

from typing import Final

from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action
from pitrix_core.rest.operation import ACCEPT_LANGUAGE, Call, Operation, Parameter, Shape
from pitrix_core.service import apps
from pitrix_core.service.languages import preferred
from pitrix_core.store.catalog import App, AppVersion


def _config_schema(call: Call) -> JsonObject:
    language = call.parameters.get("language") or preferred(
        call.parameters.get(ACCEPT_LANGUAGE.name)
    )
    return apps.config_schema(call.services, call.actor, call.path["id"], language=language)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listApps",
        method="GET",
        path="/v1/apps",
        summary="List the apps of the store",
        needs=Action.APPS_READ,
        run=lambda c: apps.search(c.services, c.actor, text=c.parameters.get("search")),
        shape=Shape.PAGE,
        answer=App,
        parameters=(Parameter(name="search", description="Words to look for."),),
    ),
    Operation(
        id="getApp",
        method="GET",
        path="/v1/apps/{id}",
        summary="Show an app, by id or name",
        needs=Action.APPS_READ,
        run=lambda c: apps.get(c.services, c.actor, c.path["id"]),
        answer=App,
    ),
    Operation(
        id="listAppVersions",
        method="GET",
        path="/v1/apps/{id}/versions",
        summary="List an app's versions, newest first",
        needs=Action.APPS_READ,
        run=lambda c: apps.versions(c.services, c.actor, c.path["id"]),
        shape=Shape.PAGE,
        answer=AppVersion,
    ),
    Operation(
        id="getAppVersion",
        method="GET",
        path="/v1/app_versions/{id}",
        summary="Show an app version",
        needs=Action.APPS_READ,
        run=lambda c: apps.version(c.services, c.actor, c.path["id"]),
        answer=AppVersion,
    ),
    Operation(
        id="getConfigSchema",
        method="GET",
        path="/v1/app_versions/{id}/config_schema",
        summary="Return the JSON Schema of an app version's configuration",
        needs=Action.APPS_READ,
        run=_config_schema,
        parameters=(
            Parameter(
                name="language",
                description="Language of titles and descriptions: `en`, `zh-CN`; before "
                "Accept-Language.",
            ),
            ACCEPT_LANGUAGE,
        ),
    ),
)
