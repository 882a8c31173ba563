"""Each hook fails as its docstring promises: alone, and named."""

import logging
from typing import Any

import click
import pytest

from pitrix_core import Finding, Level, errors, hookimpl
from pitrix_core.contracts.calls import ProviderCall
from pitrix_core.plugins import Hooks


class Careful:
    """A plugin that answers every hook."""

    def __init__(self) -> None:
        self.events = []

    @hookimpl
    def pitrix_template_names(self) -> Any:
        return {"shout": str.upper, "taken": "mine"}

    @hookimpl
    def pitrix_cli(self, group: Any) -> Any:
        group.add_command(click.Command("extra"))

    @hookimpl
    def pitrix_check_package(self, app_type: Any) -> Any:
        return [Finding(level=Level.WARNING, code="careful", message=app_type)]

    @hookimpl
    def pitrix_review_plan(self, plan: Any, runtime: Any) -> Any:
        return []

    @hookimpl
    def pitrix_event(self, event: Any) -> Any:
        self.events.append(event)


def call(answer: object = "real") -> ProviderCall:
    """Return a call that answers something."""
    return ProviderCall(
        operation="compute.get",
        provider="fake",
        runtime_id="rt-1",
        arguments={},
        proceed=lambda: answer,
    )


def ignored(info: object, ex: Exception) -> None:
    """Hear of a plugin that failed, and go on."""


@pytest.fixture
def both(raising_plugin: Any) -> Hooks:
    """Return the hooks of a plugin that raises and one that does not."""
    return Hooks({"raises": raising_plugin, "careful": Careful()})


def test_without_plugins_nobody_answers() -> None:
    """Every hook of no plugin answers nothing, and a provider's call goes through."""
    hooks = Hooks()

    assert hooks.template_names(failed=ignored) == {}
    assert hooks.check_package(None, None, app_type="vm") == []
    assert hooks.provider_call(call()) == "real"
    assert not hooks.watches_calls


def test_a_failing_package_check_is_a_finding(both: Hooks) -> None:
    """The others' remarks stay, and the failure is an error that names the plugin."""
    found = both.check_package(None, None, app_type="vm")

    assert [(f.level, f.code) for f in found] == [
        (Level.WARNING, "careful"),
        (Level.ERROR, "plugin.failed"),
    ]
    assert "'raises'" in found[1].message


def test_a_failing_review_keeps_the_plan_from_being_applied(both: Hooks) -> None:
    """A plugin that cannot review a plan objects to it."""
    [found] = both.review_plan(None, None)

    assert (found.level, found.code) == (Level.ERROR, "plugin.failed")
    assert "no review today" in found.message


def test_what_is_no_finding_is_a_failure() -> None:
    """A check that answers anything else has failed."""

    class Wordy:
        @hookimpl
        def pitrix_check_package(self) -> Any:
            return ["looks good"]

    [found] = Hooks({"wordy": Wordy()}).check_package(None, None, app_type="vm")

    assert found.code == "plugin.failed"


def test_template_names_of_the_others_stay(both: Hooks) -> None:
    """A plugin that raises adds no names; the others' are there."""
    assert set(both.template_names(failed=ignored)) == {"shout", "taken"}


def test_a_taken_template_name_is_not_replaced(caplog: Any) -> None:
    """The second plugin with a name is told of in the log, and the first one's stays."""

    class Second:
        @hookimpl(trylast=True)
        def pitrix_template_names(self) -> Any:
            return {"taken": "theirs"}

    names = Hooks({"second": Second(), "careful": Careful()}).template_names(failed=ignored)

    assert names["taken"] == "mine"
    assert "the template name taken of second" in caplog.text


@pytest.mark.parametrize("name", [pytest.param("a-b", id="dash"), pytest.param(1, id="number")])
def test_a_template_name_is_an_identifier(name: object) -> None:
    """A plugin with a name that no template could write has failed."""

    class Odd:
        @hookimpl
        def pitrix_template_names(self) -> Any:
            return {"fine": 1, name: 2}

    failures = []

    names = Hooks({"odd": Odd()}).template_names(failed=lambda info, ex: failures.append(ex))

    assert names == {}
    assert f"{name!r} is no name" in str(failures[0])


def test_a_failing_command_plugin_leaves_no_half(both: Hooks) -> None:
    """What a plugin had added before it raised is gone, and the rest is there."""
    group = click.Group("pitrix", commands={"plan": click.Command("plan")})

    [found] = both.cli(group)

    assert set(group.commands) == {"plan", "extra"}
    assert (found.level, found.code) == (Level.WARNING, "plugin.failed")


def test_a_taken_command_stays_where_it_is() -> None:
    """A plugin cannot replace a command; the finding names both owners."""

    class Greedy:
        @hookimpl
        def pitrix_cli(self, group: Any) -> Any:
            group.add_command(click.Command("plan", help="mine now"))

    plan = click.Command("plan")
    group = click.Group("pitrix", commands={"plan": plan})

    [found] = Hooks({"greedy": Greedy()}).cli(group)

    assert group.commands["plan"] is plan
    assert "'plan' of greedy is taken by pitrix-core" in found.message


def test_an_event_reaches_those_who_listen(raising_plugin: Any, caplog: Any) -> None:
    """A plugin that raises is logged; the others hear of the event."""
    careful = Careful()

    Hooks({"raises": raising_plugin, "careful": careful}).event({"kind": "job.done"})

    assert careful.events == [{"kind": "job.done"}]
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


def test_wrappers_stand_around_the_real_call() -> None:
    """A wrapper sees the real answer and may replace it."""

    class Doubling:
        @hookimpl(wrapper=True)
        def pitrix_provider_call(self, call: Any) -> Any:
            result = yield
            return result * 2

    hooks = Hooks({"doubling": Doubling()})

    assert hooks.watches_calls
    assert hooks.provider_call(call(21)) == 42


def test_a_plugin_answers_in_the_place_of_the_provider() -> None:
    """An answer that is not None is the call's; None passes it on."""

    class DryRun:
        @hookimpl
        def pitrix_provider_call(self, call: Any) -> Any:
            return "pretended"

    class Passing:
        @hookimpl(tryfirst=True)
        def pitrix_provider_call(self, call: Any) -> Any:
            return None

    hooks = Hooks({"dry": DryRun(), "passing": Passing()})

    assert hooks.provider_call(call()) == "pretended"


class UnknownHook:
    """Implements a hook that is not there."""

    @hookimpl
    def pitrix_no_such_hook(self) -> Any:
        return None


class UnknownArgument:
    """Wants an argument that the hook has not."""

    @hookimpl
    def pitrix_app_types(self) -> Any:
        return ()

    @hookimpl
    def pitrix_event(self, event: Any, weather: Any) -> Any:
        return None


class Unmarked:
    """Forgot to mark its hooks."""

    def pitrix_app_types(self) -> Any:
        return ()


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        pytest.param(UnknownHook(), "pitrix_no_such_hook", id="unknown-hook"),
        pytest.param(UnknownArgument(), "weather", id="unknown-argument"),
        pytest.param(Unmarked(), "implements no hook", id="unmarked"),
        pytest.param(Careful, "neither a module nor an object", id="a-class"),
        pytest.param(None, "neither a module nor an object", id="none"),
    ],
)
def test_what_is_no_plugin_is_refused_whole(plugin: object, reason: str) -> None:
    """A plugin with one wrong hook is not registered with its right ones."""
    hooks = Hooks({"careful": Careful()})

    with pytest.raises(errors.PluginLoadError, match=reason):
        Hooks({"careful": Careful(), "bad": plugin})
    assert hooks.check_package(None, None, app_type="vm")[0].message == "vm"


def test_one_object_is_registered_once() -> None:
    """The same object under another name is refused, naming the plugin."""
    plugin = Careful()

    with pytest.raises(errors.PluginLoadError, match=r"'two'.*registered already"):
        Hooks({"one": plugin, "two": plugin})
