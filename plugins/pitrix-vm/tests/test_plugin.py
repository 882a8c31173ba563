"""How the core finds this plugin."""

from importlib.metadata import entry_points

from pitrix_vm import plugin


def test_the_entry_point_leads_to_the_type() -> None:
    """The distribution's entry point names the module with the hook."""
    [found] = entry_points(group="pitrix.plugins", name="vm")

    assert found.load() is plugin
    assert [app_type.name for app_type in plugin.pitrix_app_types()] == ["vm"]
