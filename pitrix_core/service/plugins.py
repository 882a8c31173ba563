"""Look at the installed plugins."""

from pitrix_core.model.access import Actor
from pitrix_core.plugins.registry import PluginReport
from pitrix_core.service.services import Services


def report(services: Services, actor: Actor) -> list[PluginReport]:
    """Return the state of every installed plugin."""
    return services.registry.report()
