"""Look at the providers that runtimes can be registered for."""

from pitrix_core import convert
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Actor
from pitrix_core.plugins.discovery import PluginInfo
from pitrix_core.service.services import Services


def search(services: Services, actor: Actor) -> list[PluginInfo]:
    """Return the enabled providers by name; none is imported."""
    return [info for _, info in sorted(services.registry.providers().items())]


def describe(services: Services, actor: Actor, name: str) -> JsonObject:
    """Return the forms of a provider: what a runtime's settings and credential may be.

    :raises PluginError: it is not installed, not enabled, or broken.
    """
    cls = services.registry.provider_class(name)
    return {
        "name": name,
        "settings_schema": convert.schema_of(cls.settings),
        "credential_schema": convert.schema_of(cls.credential),
        "runs_on_this_host": cls.runs_on_this_host,
    }
