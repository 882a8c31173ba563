"""Look at the catalogue."""

from pitrix_core.catalog.guard import asking
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Actor
from pitrix_core.package import Version
from pitrix_core.service.languages import DEFAULT_LANGUAGE
from pitrix_core.service.services import Services
from pitrix_core.store.catalog import App, AppVersion


def search(services: Services, actor: Actor, *, text: str | None = None) -> list[App]:
    """Return apps by name.

    :param text: only those with it in their name or description, in any case.
    """
    with services.store.read() as tx:
        apps = tx.catalog.apps(viewer=actor)
    wanted = (text or "").casefold()
    return [app for app in apps if wanted in f"{app.name}\n{app.description}".casefold()]


def get(services: Services, actor: Actor, app_id: str) -> App:
    """Return an app by id or name.

    :raises NotFoundError: there is none.
    :raises ConflictError: several repos have an app of this name.
    """
    with services.store.read() as tx:
        return tx.catalog.app(app_id, viewer=actor)


def versions(services: Services, actor: Actor, app_id: str) -> list[AppVersion]:
    """Return an app's versions, the newest first.

    :raises NotFoundError: there is no such app.
    """
    with services.store.read() as tx:
        found = tx.catalog.versions(tx.catalog.app(app_id, viewer=actor).id)
    return sorted(found, key=lambda version: Version.parse(version.version), reverse=True)


def version(services: Services, actor: Actor, version_id: str) -> AppVersion:
    """Return a version.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        return tx.catalog.version(version_id, viewer=actor)


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
