"""Calls the hooks of all plugins: one typed method per hook, failing as its docstring promises.

The rest of the program never touches pluggy. Most hooks are called one plugin at a time, so that
one that raises takes nothing from the others; only :meth:`Hooks.provider_call` is one call around
all, since its implementations stand around one another.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click
import pluggy

from pitrix_core.contracts import AppType, hookspecs
from pitrix_core.contracts.calls import ProviderCall
from pitrix_core.contracts.hookspecs import hookimpl
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.findings import Finding, Level
from pitrix_core.model import PackageSpec, Plan, Runtime
from pitrix_core.plugins.checks import checked_app_type
from pitrix_core.plugins.discovery import PluginInfo, load_error

log = logging.getLogger(__name__)

_PROJECT: Final = "pitrix"
#: Name under which the core itself stands innermost around a provider's call.
_CORE: Final = "pitrix-core: the call itself"

T = TypeVar("T")


class Hooks:
    """The hooks of the registered plugins. Registering is not thread-safe, calling is."""

    def __init__(self, plugins: Mapping[str, object] | None = None) -> None:
        """Begin with these plugins; without them every hook answers that nobody is there.

        :param plugins: name → module or object with hook implementations, for tests and
            embedders.
        :raises PluginLoadError: one of them is no plugin.
        """
        self._manager = _manager()
        self._manager.register(_Innermost(), _CORE)
        self._infos: dict[str, PluginInfo] = {}
        for name, plugin in (plugins or {}).items():
            self.register(plugin, _local_info(name))

    def register(self, plugin: object, info: PluginInfo) -> None:
        """Add a plugin, or leave everything as it was.

        :raises PluginLoadError: it has no hook, an unknown one, or one with an unknown argument.
        """
        if plugin is None or isinstance(plugin, type):
            raise load_error(info, f"{plugin!r} is neither a module nor an object with hooks")
        trial = _manager()
        try:
            trial.register(plugin, info.name)
            trial.check_pending()
            implemented = trial.get_hookcallers(plugin)
        except Exception as ex:  # looking at an object may run its code
            raise load_error(info, str(ex)) from ex
        if not implemented:
            raise load_error(info, "it implements no hook; is @hookimpl missing?")
        try:
            self._manager.register(plugin, info.name)
        except ValueError as ex:
            raise load_error(info, "the same object or name is registered already") from ex
        self._infos[info.name] = info

    def trace(self) -> None:
        """Log every call of a hook from now on: whom it reaches and what kind of answer comes."""
        self._manager.add_hookcall_monitoring(_before, _after)

    @property
    def watches_calls(self) -> bool:
        """Whether a plugin stands around the calls of providers."""
        return len(self._manager.hook.pitrix_provider_call.get_hookimpls()) > 1

    # -- at start ----------------------------------------------------------------------------------

    def app_types(
        self, *, failed: Callable[[PluginInfo, Exception], None]
    ) -> dict[str, tuple[AppType[Any], ...]]:
        """Return each plugin's application types, by the plugin's name.

        :param failed: told of each plugin that is broken; none of its types is among the answers.
        """

        def ask(info: PluginInfo, answer: Iterable[object] | None) -> tuple[AppType[Any], ...]:
            return tuple(checked_app_type(found, info) for found in answer or ())

        return self._answers("pitrix_app_types", {}, take=ask, failed=failed)

    def template_names(self, *, failed: Callable[[PluginInfo, Exception], None]) -> dict[str, Any]:
        """Return the names that plugins add to our own templates; the first of two owners stays.

        :param failed: told of each plugin that is broken; none of its names is among the answers.
        """
        names: dict[str, Any] = {}
        owner_of: dict[str, str] = {}
        answers = self._answers("pitrix_template_names", {}, take=_as_names, failed=failed)
        for plugin, added in answers.items():
            for name, value in added.items():
                if name in names:
                    log.warning(
                        "the template name %s of %s is taken by %s",
                        name,
                        self._infos[plugin].source,
                        self._infos[owner_of[name]].source,
                        extra={"action": "pitrix_template_names"},
                    )
                    continue
                names[name], owner_of[name] = value, plugin
        return names

    def cli(self, group: click.Group) -> list[Finding]:
        """Let plugins add commands; what a plugin that fails has added is taken away again.

        :returns: a warning for each plugin that failed, and for each name that was taken.
        """
        findings: list[Finding] = []
        owner_of = dict.fromkeys(group.commands, "pitrix-core")
        for name in self._implementers("pitrix_cli"):
            info, before = self._infos[name], dict(group.commands)
            try:
                self._call(name, "pitrix_cli", {"group": group})
            except Exception as ex:  # noqa: BLE001  # the command line goes on without the plugin
                group.commands.clear()
                group.commands.update(before)
                _log_failure(info, ex)
                findings.append(_failure(info, "pitrix_cli", ex, level=Level.WARNING))
                continue
            findings += _give_back(group, before, info, owner_of)
        return findings

    # -- packages and plans ------------------------------------------------------------------------

    def check_package(
        self, reader: PackageReader, spec: PackageSpec, *, app_type: str
    ) -> list[Finding]:
        """Return what plugins remark on a package; one that raises becomes a finding."""
        arguments = {"reader": reader, "spec": spec, "app_type": app_type}
        return self._findings("pitrix_check_package", arguments)

    def review_plan(self, plan: Plan, runtime: Runtime) -> list[Finding]:
        """Return what plugins object to a plan; one that raises becomes a finding."""
        return self._findings("pitrix_review_plan", {"plan": plan, "runtime": runtime})

    # -- while it runs -----------------------------------------------------------------------------

    def provider_call(self, call: ProviderCall) -> object:
        """Make a provider's call with all plugins around it.

        :param call: its ``proceed`` never returns None, which the hook takes for "not mine".
        :raises Exception: whatever the provider or a plugin raises.
        """
        answer: object = self._manager.hook.pitrix_provider_call(call=call)
        return answer

    def event(self, event: Mapping[str, Any]) -> None:
        """Tell plugins of an event; what they raise is logged."""

        def ask(info: PluginInfo, answer: object) -> None:
            return None

        self._answers("pitrix_event", {"event": event}, take=ask, failed=_log_failure)

    # -- one plugin at a time ----------------------------------------------------------------------

    def _findings(self, hook: str, arguments: Mapping[str, object]) -> list[Finding]:
        failures: list[Finding] = []

        def failed(info: PluginInfo, ex: Exception) -> None:
            _log_failure(info, ex)
            failures.append(_failure(info, hook, ex, level=Level.ERROR))

        answers = self._answers(hook, arguments, take=_as_findings, failed=failed)
        return [finding for found in answers.values() for finding in found] + failures

    def _answers(
        self,
        hook: str,
        arguments: Mapping[str, object],
        *,
        take: Callable[[PluginInfo, Any], T],
        failed: Callable[[PluginInfo, Exception], None],
    ) -> dict[str, T]:
        answers: dict[str, T] = {}
        for name in self._implementers(hook):
            info = self._infos[name]
            try:
                answers[name] = take(info, self._call(name, hook, arguments))
            except Exception as ex:  # noqa: BLE001  # a plugin's own failure, kept from the others
                failed(info, ex)
        return answers

    def _implementers(self, hook: str) -> list[str]:
        """Name the plugins that implement a hook, in the order in which pluggy would call them."""
        found = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return list(dict.fromkeys(impl.plugin_name for impl in found))

    def _call(self, name: str, hook: str, arguments: Mapping[str, object]) -> object:
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        caller = self._manager.subset_hook_caller(hook, remove_plugins=others)
        answers: Sequence[object] = caller(**arguments)
        return answers[0] if answers else None  # pluggy leaves None out


class _Innermost:
    """The core's own implementation, which the plugins' stand around."""

    @hookimpl(trylast=True)
    def pitrix_provider_call(self, call: ProviderCall) -> object:
        """Make the real call."""
        return call.proceed()


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(_PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _local_info(name: str) -> PluginInfo:
    return PluginInfo(group="pitrix.plugins", name=name, target=name, distribution=name, version="")


def _as_names(info: PluginInfo, answer: Mapping[str, Any] | None) -> dict[str, Any]:
    names = dict(answer or {})
    for name in names:
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"{name!r} is no name a template can write")
    return names


def _as_findings(info: PluginInfo, answer: Iterable[object] | None) -> list[Finding]:
    findings: list[Finding] = []
    for found in answer or ():
        if not isinstance(found, Finding):
            raise TypeError(f"an object of {type(found).__name__} is no Finding")
        findings.append(found)
    return findings


def _give_back(
    group: click.Group,
    before: Mapping[str, click.Command],
    info: PluginInfo,
    owner_of: dict[str, str],
) -> list[Finding]:
    """Put commands that a plugin replaced or removed back in their places."""
    findings = []
    for name, command in before.items():
        if group.commands.get(name) is not command:
            group.commands[name] = command
            findings.append(
                Finding(
                    level=Level.WARNING,
                    code="plugin.command_taken",
                    message=f"the command {name!r} of {info.source} is taken by {owner_of[name]}",
                )
            )
    owner_of.update(dict.fromkeys(group.commands.keys() - before.keys(), info.source))
    return findings


def _failure(info: PluginInfo, hook: str, ex: Exception, *, level: Level) -> Finding:
    return Finding(
        level=level,
        code="plugin.failed",
        message=f"plugin {info.name!r} of {info.source} failed in {hook}: "
        f"{type(ex).__name__}: {ex}",
        next_step=f"Report it to the plugin's authors, or disable it: {info.name}",
    )


def _log_failure(info: PluginInfo, ex: Exception) -> None:
    log.error(
        "plugin %s of %s failed",
        info.name,
        info.source,
        exc_info=ex,
        extra={"action": "plugin.hook", "plugin": info.name},
    )


def _before(hook: str, implementations: Sequence[pluggy.HookImpl], arguments: Any) -> None:
    names = ", ".join(impl.plugin_name for impl in reversed(implementations))
    log.info("calls %s(%s): %s", hook, ", ".join(arguments), names or "nobody")


def _after(
    outcome: pluggy.Result[Any],
    hook: str,
    implementations: Sequence[pluggy.HookImpl],
    arguments: Any,
) -> None:
    answer = outcome.exception
    if answer is None:
        answer = outcome.get_result()
    log.info("%s answered %s", hook, type(answer).__name__)
