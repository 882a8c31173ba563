"""The plugins of one process: which are there, enabled and sound, handed out by name.

Built once in the wiring and passed on. Nothing is imported before it is asked for, and a broken
plugin is reported by :meth:`PluginRegistry.report` and to those who ask for it by name; the others
work on.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from pitrix_core.contracts import (
    AppType,
    ComputeInterface,
    ImageInterface,
    Interface,
    KeyProvider,
    NetworkInterface,
    Provider,
    RepoKind,
    VolumeInterface,
)
from pitrix_core.errors import (
    PluginConflictError,
    PluginDisabledError,
    PluginError,
    PluginNotFoundError,
)
from pitrix_core.plugins import checks, discovery
from pitrix_core.plugins.discovery import (
    AGENTS,
    GROUPS,
    INTERFACES,
    KEY_PROVIDERS,
    PLUGINS,
    PROVIDERS,
    REPO_KINDS,
    PluginInfo,
)
from pitrix_core.plugins.hooks import Hooks

log = logging.getLogger(__name__)

#: Set to 1, every call of a hook is logged.
TRACE_VARIABLE: Final = "PITRIX_TRACE_PLUGINS"

_CORE_INTERFACES: Final[tuple[type[Interface], ...]] = (
    ComputeInterface,
    VolumeInterface,
    NetworkInterface,
    ImageInterface,
)

#: The distribution whose kinds of repos need not be enabled.
_CORE: Final = "pitrix-core"

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class PluginReport:
    """What is known of one installed plugin, for the operator."""

    group: str
    name: str
    distribution: str
    version: str
    #: ``ok``, ``broken``, ``conflict`` or ``disabled``.
    status: str
    error: str | None = None
    #: Names of the application types it adds.
    app_types: tuple[str, ...] = ()


@attrs.frozen
class _Hooked:
    """The plugins of ``pitrix.plugins``, after each was loaded and asked for its types."""

    hooks: Hooks
    #: Plugin → names of its types.
    types_of: Mapping[str, tuple[str, ...]]
    app_types: Mapping[str, AppType[Any]]
    #: Plugin → why it is broken.
    broken: Mapping[str, PluginError]
    #: App type → why nobody gets it.
    contested: Mapping[str, PluginConflictError]


class PluginRegistry:
    """Plugins by group and name. Its methods may be called by several threads at a time."""

    def __init__(
        self,
        *,
        entry_points: Iterable[discovery.EntryPointLike] | None = None,
        enabled: frozenset[str] | None = None,
        environ: Mapping[str, str] = os.environ,
        own: Mapping[str, object] | None = None,
    ) -> None:
        """Remember what to look at; imports nothing.

        :param entry_points: instead of those of the installed distributions.
        :param enabled: names the operator enabled; None enables all. Agents are always enabled,
            and the core's own kinds of repos: they are no choice between clouds or strangers' code.
        :param environ: where ``PITRIX_TRACE_PLUGINS`` is looked up.
        :param own: name → object with hooks of the core's own; always enabled.
        """
        self._own = own
        self._given = None if entry_points is None else tuple(entry_points)
        self._enabled = enabled
        self._traces = environ.get(TRACE_VARIABLE) == "1"
        self._lock = threading.RLock()
        self._loaded: dict[tuple[str, str], object] = {}
        self._listings: dict[str, discovery.Listing] = {}
        self._hooked: _Hooked | None = None

    # -- providers ---------------------------------------------------------------------------------

    def providers(self) -> dict[str, PluginInfo]:
        """Return the enabled providers by name; imports none."""
        return self._enabled_of(PROVIDERS)

    def provider_class(self, name: str) -> type[Provider[Any, Any]]:
        """Return a provider's class, imported on first use.

        :raises PluginNotFoundError: no installed distribution has it.
        :raises PluginDisabledError: the operator has not enabled it.
        :raises PluginConflictError: several distributions have it.
        :raises PluginLoadError: it is broken.
        """
        return self._get(PROVIDERS, name, checks.checked_provider)

    # -- application types and hooks ---------------------------------------------------------------

    def app_types(self) -> Mapping[str, AppType[Any]]:
        """Return the application types of all sound plugins by name."""
        return self._hook_state().app_types

    def app_type(self, name: str) -> AppType[Any]:
        """Return one application type.

        :raises PluginNotFoundError: no sound plugin adds it.
        :raises PluginConflictError: several plugins add it.
        """
        state = self._hook_state()
        if name in state.contested:
            raise state.contested[name]
        if name not in state.app_types:
            broken = "".join(f" Broken: {error}." for error in state.broken.values())
            raise PluginNotFoundError(
                f"no app type {name!r}; there is {_names(state.app_types)}.{broken}",
                next_step="Look at the installed plugins: pitrix plugins",
            )
        return state.app_types[name]

    def hooks(self) -> Hooks:
        """Return the hooks of all sound plugins."""
        return self._hook_state().hooks

    # -- agents and interfaces ---------------------------------------------------------------------

    def agents(self) -> dict[str, PluginInfo]:
        """Return the installed agents by name; imports none."""
        return self._enabled_of(AGENTS)

    def agent_builder(self, name: str) -> Callable[[Path], None]:
        """Return the function that writes an agent's archive to a path.

        :raises PluginNotFoundError: no installed distribution has it.
        :raises PluginConflictError: several distributions have it.
        :raises PluginLoadError: it is broken.
        """
        return self._get(AGENTS, name, checks.checked_builder)

    def interfaces(self) -> dict[str, type[Interface]]:
        """Return the abstract classes of all interfaces by name: the core's and the plugins'.

        A broken one is left out and reported; none can take a name of the core's.
        """
        found = {interface.name: interface for interface in _CORE_INTERFACES}
        for name in self._enabled_of(INTERFACES):
            try:
                found.setdefault(name, self._get(INTERFACES, name, checks.checked_interface))
            except PluginError:
                log.exception("an interface is left out", extra={"action": "plugin.load"})
        return found

    # -- repos -------------------------------------------------------------------------------------

    def repo_kinds(self) -> dict[str, PluginInfo]:
        """Return the enabled kinds of repos by the schemes of their URLs; imports none."""
        return self._enabled_of(REPO_KINDS)

    def repo_kind(self, scheme: str) -> type[RepoKind]:
        """Return the class that reads repos of a scheme, imported on first use.

        :raises PluginNotFoundError: no installed distribution has it.
        :raises PluginDisabledError: the operator has not enabled it.
        :raises PluginConflictError: several distributions have it.
        :raises PluginLoadError: it is broken.
        """
        return self._get(REPO_KINDS, scheme, checks.checked_repo_kind)

    def key_provider(self, name: str) -> type[KeyProvider]:
        """Return the class of a key provider, imported on first use.

        :raises PluginNotFoundError: no installed distribution has it.
        :raises PluginError: it is not enabled, several have it, or it is broken.
        """
        return self._get(KEY_PROVIDERS, name, checks.checked_key_provider)

    # -- report ------------------------------------------------------------------------------------

    def report(self) -> list[PluginReport]:
        """Return the state of every installed plugin; loads those that are enabled."""
        reports = []
        for group in GROUPS:
            listed = self._listing(group)
            claims = [claim for several in listed.conflicts.values() for claim in several]
            infos = [*listed.plugins.values(), *claims]
            reports += [self._report(info) for info in sorted(infos, key=lambda info: info.name)]
        return reports

    def _report(self, info: PluginInfo) -> PluginReport:
        error, status = None, "ok"
        try:
            self._load_any(info)
        except PluginConflictError as ex:
            error, status = str(ex), "conflict"
        except PluginDisabledError as ex:
            error, status = str(ex), "disabled"
        except PluginError as ex:
            error, status = str(ex), "broken"
        types = self._hook_state().types_of.get(info.name, ()) if info.group == PLUGINS else ()
        return PluginReport(
            group=info.group,
            name=info.name,
            distribution=info.distribution,
            version=info.version,
            status=status,
            error=error,
            app_types=types if status != "disabled" else (),
        )

    def _load_any(self, info: PluginInfo) -> None:
        checkers: dict[str, Callable[[object, PluginInfo], object]] = {
            PROVIDERS: checks.checked_provider,
            AGENTS: checks.checked_builder,
            INTERFACES: checks.checked_interface,
            REPO_KINDS: checks.checked_repo_kind,
            KEY_PROVIDERS: checks.checked_key_provider,
        }
        if info.group in checkers:
            self._get(info.group, info.name, checkers[info.group])
            return
        self._find(PLUGINS, info.name)
        state = self._hook_state()
        if info.name in state.broken:
            raise state.broken[info.name]
        for name, conflict in state.contested.items():
            if name in state.types_of.get(info.name, ()):
                raise conflict

    # -- loading -----------------------------------------------------------------------------------

    def _enabled_of(self, group: str) -> dict[str, PluginInfo]:
        return {
            name: info
            for name, info in self._listing(group).plugins.items()
            if self._is_enabled(info)
        }

    def _is_enabled(self, info: PluginInfo) -> bool:
        if self._enabled is None or info.group == AGENTS or info.name in self._enabled:
            return True
        return info.group == REPO_KINDS and info.distribution == _CORE

    def _get(self, group: str, name: str, check: Callable[[object, PluginInfo], T]) -> T:
        with self._lock:
            key = (group, name)
            if key not in self._loaded:
                entry_point = self._find(group, name)
                info = discovery.info_of(entry_point)
                self._loaded[key] = check(discovery.load(entry_point), info)
            found: T = self._loaded[key]  # type: ignore[assignment]  # the group decides the type
            return found

    def _find(self, group: str, name: str) -> discovery.EntryPointLike:
        listed = self._listing(group)
        if name in listed.conflicts:
            raise listed.conflict(name)
        if name not in listed.plugins:
            raise PluginNotFoundError(
                f"{group}: no {name!r} is installed; there is {_names(listed.plugins)}",
                next_step="Look at the installed plugins: pitrix plugins",
            )
        if not self._is_enabled(listed.plugins[name]):
            raise PluginDisabledError(
                f"{group}: {name!r} of {listed.plugins[name].source} is not enabled",
                next_step=f"Add {name!r} to the operator's list of enabled plugins.",
            )
        candidates = discovery.entry_points_of(group, entry_points=self._given)
        return next(found for found in candidates if found.name == name)

    def _listing(self, group: str) -> discovery.Listing:
        with self._lock:
            if group not in self._listings:
                self._listings[group] = discovery.listing(group, entry_points=self._given)
            return self._listings[group]

    def _hook_state(self) -> _Hooked:
        with self._lock:
            if self._hooked is None:
                self._hooked = self._load_hooks()
            return self._hooked

    def _load_hooks(self) -> _Hooked:
        hooks = Hooks(self._own)
        if self._traces:
            hooks.trace()
        broken: dict[str, PluginError] = {}
        for name, info in self._enabled_of(PLUGINS).items():
            try:
                hooks.register(discovery.load(self._find(PLUGINS, name)), info)
            except PluginError as ex:
                broken[name] = ex
                log.exception("a plugin is left out", extra={"action": "plugin.load"})

        def left_out(what: str, hook: str) -> Callable[[PluginInfo, Exception], None]:
            def failed(info: PluginInfo, ex: Exception) -> None:
                broken[info.name] = _as_load_error(info, hook, ex)
                log.error("a plugin's %s are left out", what, exc_info=ex)

            return failed

        without_types = left_out("app types", "pitrix_app_types")
        names = hooks.template_names(failed=left_out("template names", "pitrix_template_names"))
        added = {}
        for name, types in hooks.app_types(failed=without_types).items():
            info = self._listing(PLUGINS).plugins[name]
            try:
                added[name] = tuple(_told(app_type, names, info) for app_type in types)
            except Exception as ex:  # noqa: BLE001  # the plugin's own failure
                without_types(info, ex)
        claims: dict[str, list[tuple[PluginInfo, AppType[Any]]]] = {}
        for name, types in sorted(added.items()):
            for app_type in types:
                claims.setdefault(app_type.name, []).append(
                    (self._listing(PLUGINS).plugins[name], app_type)
                )
        return _Hooked(
            hooks=hooks,
            types_of={name: tuple(t.name for t in types) for name, types in added.items()},
            app_types={n: c[0][1] for n, c in sorted(claims.items()) if len(c) == 1},
            broken=broken,
            contested={n: _contest(n, c) for n, c in claims.items() if len(c) > 1},
        )


def _told(app_type: AppType[Any], names: Mapping[str, Any], info: PluginInfo) -> AppType[Any]:
    return checks.checked_app_type(app_type.with_template_names(names), info)


def _contest(name: str, claims: Iterable[tuple[PluginInfo, AppType[Any]]]) -> PluginConflictError:
    return PluginConflictError(
        f"app type {name!r} is claimed by {discovery.owners(info for info, _ in claims)}",
        next_step="Disable or uninstall all but one of them.",
    )


def _as_load_error(info: PluginInfo, hook: str, ex: Exception) -> PluginError:
    if isinstance(ex, PluginError):
        return ex
    error = discovery.load_error(info, f"{hook}: {type(ex).__name__}: {ex}")
    error.__cause__ = ex
    return error


def _names(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "none"
