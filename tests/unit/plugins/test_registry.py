"""The registry hands out sound plugins by name and reports the others."""

import logging
import sys
import threading
from typing import Any

import attrs
import pytest

from pitrix_core import ComputeInterface, Interface, Provider, errors, hookimpl
from pitrix_core.plugins import AGENTS, INTERFACES, PLUGINS, PROVIDERS, PluginRegistry
from pitrix_core.testing.entry_points import entry_point
from pitrix_core.testing.fake_provider import FakeProvider


class Incomplete(Provider):
    """Lacks what is abstract."""

    name = "incomplete"


class Future(FakeProvider):
    """Was written for a contract that is not there yet."""

    name = "future"
    contract_version = 2


class Misnamed(FakeProvider):
    """Has another name than its entry point."""

    name = "somebody"


class Formless(FakeProvider):
    """Has settings that no form can be drawn from."""

    name = "formless"
    settings = dict


@attrs.frozen
class Undrawable:
    """A form with something in it that has no JSON Schema."""

    lock: threading.Lock


class Undrawn(FakeProvider):
    """Has a credential that no form can be drawn from."""

    name = "undrawn"
    credential = Undrawable


class FalsyClass(type(FakeProvider)):
    """Makes classes that are falsy."""

    def __bool__(cls) -> bool:
        return False


class Falsy(FakeProvider, metaclass=FalsyClass):
    """A class that is falsy."""

    name = "falsy"


class Snapshots(Interface):
    """An interface that a plugin brings."""

    name = "snapshot"


def provider(name: str, plugin: object, **owner: str) -> object:
    """Return an entry point of a provider."""
    return entry_point(PROVIDERS, name, plugin, **owner)


BROKEN = [
    pytest.param("raises", ImportError("no sdk"), "no sdk", id="raises-at-import"),
    pytest.param("incomplete", Incomplete, "lacks check, owned", id="lacks-methods"),
    pytest.param("future", Future, "contract version 2", id="of-another-contract"),
    pytest.param("object", object(), "no subclass", id="an-object"),
    pytest.param("class", int, "no subclass", id="another-class"),
    pytest.param("nothing", None, "no subclass", id="none"),
    pytest.param("zero", 0, "no subclass", id="zero"),
    pytest.param("misnamed", Misnamed, "'somebody'", id="misnamed"),
    pytest.param("undrawn", Undrawn, "has no JSON Schema", id="without-a-schema"),
    pytest.param("formless", Formless, "no attrs class", id="without-forms"),
]


@pytest.mark.parametrize(("name", "plugin", "reason"), BROKEN)
def test_a_broken_provider_is_refused_by_name(name: str, plugin: object, reason: str) -> None:
    """Asked for by name, it says whose it is and what is wrong."""
    registry = PluginRegistry(
        entry_points=[provider(name, plugin, distribution="bad", version="0.3")]
    )

    with pytest.raises(errors.PluginLoadError, match=r"bad 0\.3.*" + reason):
        registry.provider_class(name)


def test_broken_ones_take_nothing_from_the_others() -> None:
    """Among all the broken ones, the sound one is listed, loaded and reported as such."""
    broken = [provider(param.values[0], param.values[1]) for param in BROKEN]
    registry = PluginRegistry(entry_points=[*broken, provider("fake", FakeProvider)])

    statuses = {found.name: found.status for found in registry.report()}

    assert registry.provider_class("fake") is FakeProvider
    assert {name for name, status in statuses.items() if status == "ok"} == {"fake"}
    assert set(statuses.values()) == {"ok", "broken"}


def test_a_falsy_class_is_itself() -> None:
    """A provider class that is falsy is handed out, nothing in its place."""
    registry = PluginRegistry(entry_points=[provider("falsy", Falsy)])

    assert registry.provider_class("falsy") is Falsy


def test_an_unknown_name_lists_the_known_ones() -> None:
    """Who asks for what is not there learns what is."""
    registry = PluginRegistry(entry_points=[provider("fake", FakeProvider)])

    with pytest.raises(errors.PluginNotFoundError, match=r"'gone'.*there is fake"):
        registry.provider_class("gone")


def test_what_is_not_enabled_is_not_loaded() -> None:
    """The operator's list decides; what is not on it is not even imported."""
    registry = PluginRegistry(
        entry_points=[provider("fake", FakeProvider), provider("off", ImportError("imported"))],
        enabled=frozenset({"fake"}),
    )

    with pytest.raises(errors.PluginDisabledError, match="'off'"):
        registry.provider_class("off")
    assert set(registry.providers()) == {"fake"}
    assert {found.name: found.status for found in registry.report()} == {
        "fake": "ok",
        "off": "disabled",
    }


def test_a_conflict_is_reported_for_both() -> None:
    """Both claims of one name are reported, and asking for it is an error."""
    registry = PluginRegistry(
        entry_points=[
            provider("fake", FakeProvider, distribution="one"),
            provider("fake", FakeProvider, distribution="two"),
        ]
    )

    reported = [(found.distribution, found.status) for found in registry.report()]

    assert reported == [("one", "conflict"), ("two", "conflict")]
    with pytest.raises(errors.PluginConflictError):
        registry.provider_class("fake")


def test_loading_one_imports_no_other() -> None:
    """Asking for one installed provider leaves the others alone."""
    registry = PluginRegistry()
    before = set(sys.modules)

    registry.provider_class("fake")

    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not {name for name in loaded if name.startswith("pitrix_") and name != "pitrix_core"}


def test_app_types_of_all_sound_plugins(
    types_plugin: Any, sample_type: Any, raising_plugin: Any
) -> None:
    """Types are found by name, although other plugins raise or are no plugins."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(PLUGINS, "good", types_plugin(sample_type("vm"), sample_type("raw"))),
            entry_point(PLUGINS, "raises", raising_plugin),
            entry_point(PLUGINS, "empty", object()),
            entry_point(PLUGINS, "none", None),
            entry_point(PLUGINS, "late", types_plugin("no type at all")),
        ]
    )

    reports = {found.name: found for found in registry.report()}

    assert set(registry.app_types()) == {"vm", "raw"}
    assert registry.app_type("raw").name == "raw"
    assert reports["good"].app_types == ("vm", "raw")
    assert {name for name, found in reports.items() if found.status == "broken"} == {
        "raises",
        "empty",
        "none",
        "late",
    }
    assert "no types today" in reports["raises"].error


class Named:
    """A plugin that adds a name to templates."""

    @hookimpl
    def pitrix_template_names(self) -> Any:
        return {"zones": ["a", "b"]}


def test_app_types_are_told_of_template_names(
    types_plugin: Any, sample_type: Any, raising_plugin: Any
) -> None:
    """Each type is handed out as it wants to be with the names of all sound plugins."""

    class Taught(type(sample_type("vm"))):
        def with_template_names(self, names: Any) -> Any:
            return Taught(f"knows-{'-'.join(names)}")

    registry = PluginRegistry(
        entry_points=[
            entry_point(PLUGINS, "types", types_plugin(Taught("vm"), sample_type("raw"))),
            entry_point(PLUGINS, "names", Named()),
            entry_point(PLUGINS, "raises", raising_plugin),
        ]
    )

    assert set(registry.app_types()) == {"knows-zones", "raw"}


def test_a_type_that_fails_with_template_names_is_left_out(
    types_plugin: Any, sample_type: Any
) -> None:
    """Its plugin is reported as broken, and the others' types stay."""

    class Untaught(type(sample_type("vm"))):
        def with_template_names(self, names: Any) -> Any:
            raise RuntimeError("no names, please")

    registry = PluginRegistry(
        entry_points=[
            entry_point(PLUGINS, "bad", types_plugin(Untaught("vm"))),
            entry_point(PLUGINS, "good", types_plugin(sample_type("raw"))),
        ]
    )

    assert set(registry.app_types()) == {"raw"}
    assert [found.status for found in registry.report()] == ["broken", "ok"]


def test_an_app_type_of_two_plugins_is_nobodys(types_plugin: Any, sample_type: Any) -> None:
    """A type that two plugins add is handed out by neither, and both are reported."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(PLUGINS, "a", types_plugin(sample_type("vm")), distribution="one"),
            entry_point(PLUGINS, "b", types_plugin(sample_type("vm")), distribution="two"),
            entry_point(PLUGINS, "c", types_plugin(sample_type("raw"))),
        ]
    )

    with pytest.raises(errors.PluginConflictError, match=r"'vm'.*one 1\.0 and two 1\.0"):
        registry.app_type("vm")
    assert set(registry.app_types()) == {"raw"}
    assert [found.status for found in registry.report()] == ["conflict", "conflict", "ok"]


def test_an_unknown_app_type_names_broken_plugins(raising_plugin: Any) -> None:
    """The one who misses a type learns which plugin might have had it."""
    registry = PluginRegistry(entry_points=[entry_point(PLUGINS, "raises", raising_plugin)])

    with pytest.raises(errors.PluginNotFoundError, match=r"'vm'; there is none.*'raises'"):
        registry.app_type("vm")


def test_a_disabled_plugin_has_no_hooks(types_plugin: Any, sample_type: Any) -> None:
    """Plugins that are not enabled add nothing."""
    plugin = types_plugin(sample_type("vm"))
    registry = PluginRegistry(
        entry_points=[entry_point(PLUGINS, "vm", plugin)], enabled=frozenset()
    )

    assert registry.app_types() == {}
    assert registry.hooks().app_types(failed=pytest.fail) == {}
    assert [(found.status, found.app_types) for found in registry.report()] == [("disabled", ())]


def test_agents_are_always_enabled(tmp_path: Any) -> None:
    """What builds an agent is handed out, whatever the operator's list says."""
    built = entry_point(AGENTS, "drone", lambda path: path.write_text("agent"))
    registry = PluginRegistry(entry_points=[built], enabled=frozenset())

    registry.agent_builder("drone")(tmp_path / "drone.pyz")

    assert set(registry.agents()) == {"drone"}
    assert (tmp_path / "drone.pyz").read_text() == "agent"


def test_a_plugin_brings_an_interface() -> None:
    """Interfaces of plugins are there beside the core's, whose names they cannot take."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(INTERFACES, "snapshot", Snapshots),
            entry_point(INTERFACES, "broken", object()),
            entry_point(INTERFACES, "misnamed", Snapshots),
            entry_point(INTERFACES, "compute", Snapshots),
        ]
    )

    found = registry.interfaces()

    assert found["snapshot"] is Snapshots
    assert found["compute"] is ComputeInterface
    assert not {"broken", "misnamed"} & set(found)


def test_an_agent_that_cannot_be_built_is_broken() -> None:
    """What cannot be called builds nothing."""
    registry = PluginRegistry(entry_points=[entry_point(AGENTS, "drone", "a text")])

    with pytest.raises(errors.PluginLoadError, match="cannot be called"):
        registry.agent_builder("drone")


def test_an_app_type_without_a_name_is_refused(types_plugin: Any, sample_type: Any) -> None:
    """A type has to be found by its name later."""
    nameless = types_plugin(sample_type(""))
    registry = PluginRegistry(entry_points=[entry_point(PLUGINS, "nameless", nameless)])

    [found] = registry.report()

    assert (found.status, "has no name" in (found.error or "")) == ("broken", True)


def test_hook_calls_are_traced_on_request(caplog: Any, types_plugin: Any, sample_type: Any) -> None:
    """With PITRIX_TRACE_PLUGINS=1 each call of a hook is logged with whom it reaches."""
    registry = PluginRegistry(
        entry_points=[entry_point(PLUGINS, "vm", types_plugin(sample_type("vm")))],
        environ={"PITRIX_TRACE_PLUGINS": "1"},
    )
    caplog.set_level(logging.INFO)

    registry.app_types()

    assert "calls pitrix_app_types(): vm" in caplog.text
