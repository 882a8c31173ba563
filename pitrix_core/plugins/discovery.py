"""Finds plugins by entry point and loads one at a time, without trusting any of them.

*installed* is read from the metadata of distributions and imports nothing. *Loaded* is what the
entry point names, imported on first use. Two libraries are kept from doing harm here: stevedore
remembers entry points on disk under keys that round times to 128 seconds, and would answer the
names of before a reinstallation; and neither it nor pluggy notices reliably that two distributions
claim one name.
"""

import importlib.metadata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import attrs
from stevedore import driver

from pitrix_core.errors import PluginConflictError, PluginLoadError

PROVIDERS: Final = "pitrix.providers"
PLUGINS: Final = "pitrix.plugins"
AGENTS: Final = "pitrix.agents"
INTERFACES: Final = "pitrix.interfaces"
REPO_KINDS: Final = "pitrix.repo_kinds"
KEY_PROVIDERS: Final = "pitrix.key_providers"
GROUPS: Final = (PROVIDERS, PLUGINS, AGENTS, INTERFACES, REPO_KINDS, KEY_PROVIDERS)


class EntryPointLike(Protocol):
    """What is needed of :class:`importlib.metadata.EntryPoint`."""

    @property
    def name(self) -> str:
        """The plugin's name."""

    @property
    def group(self) -> str:
        """Its group, such as ``pitrix.providers``."""

    @property
    def value(self) -> str:
        """``module:attribute``."""

    @property
    def dist(self) -> Any:
        """The distribution, with ``name`` and ``version``; None where it is not known."""

    def load(self) -> Any:
        """Import what it names."""


@attrs.frozen(kw_only=True)
class PluginInfo:
    """Where one named plugin comes from."""

    group: str
    name: str
    #: ``module:attribute``.
    target: str
    distribution: str
    version: str

    @property
    def source(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}".strip()


@attrs.frozen(kw_only=True)
class Listing:
    """What is installed in one group: what has one owner, and what several claim."""

    plugins: Mapping[str, PluginInfo]
    conflicts: Mapping[str, tuple[PluginInfo, ...]]

    def conflict(self, name: str) -> PluginConflictError:
        """Return the error for a name that several distributions claim."""
        claims = self.conflicts[name]
        return PluginConflictError(
            f"{claims[0].group}: {name!r} is claimed by {owners(claims)}",
            next_step="Uninstall all but one of them.",
        )


def installed(
    group: str, *, entry_points: Iterable[EntryPointLike] | None = None
) -> dict[str, PluginInfo]:
    """Return a group's plugins by name; imports none of them.

    :param entry_points: instead of those of the installed distributions.
    :raises PluginConflictError: several distributions claim one name; :func:`listing` shows the
        others all the same.
    """
    found = listing(group, entry_points=entry_points)
    for name in found.conflicts:
        raise found.conflict(name)
    return dict(found.plugins)


def listing(group: str, *, entry_points: Iterable[EntryPointLike] | None = None) -> Listing:
    """Return a group's plugins and, beside them, the names that several distributions claim.

    :param entry_points: instead of those of the installed distributions.
    """
    claims: dict[str, set[PluginInfo]] = defaultdict(set)
    for entry_point in entry_points_of(group, entry_points=entry_points):
        claims[entry_point.name].add(info_of(entry_point))
    plugins: dict[str, PluginInfo] = {}
    conflicts: dict[str, tuple[PluginInfo, ...]] = {}
    for name, infos in sorted(claims.items()):
        if len(infos) == 1:
            [plugins[name]] = infos
        else:
            conflicts[name] = tuple(sorted(infos, key=lambda info: (info.source, info.target)))
    return Listing(plugins=plugins, conflicts=conflicts)


def entry_points_of(
    group: str, *, entry_points: Iterable[EntryPointLike] | None = None
) -> list[EntryPointLike]:
    """Return a group's entry points, read anew from the metadata when none are given."""
    if entry_points is None:
        return list(importlib.metadata.entry_points(group=group))
    return [entry_point for entry_point in entry_points if entry_point.group == group]


def info_of(entry_point: EntryPointLike) -> PluginInfo:
    """Say where an entry point comes from."""
    dist = entry_point.dist
    return PluginInfo(
        group=entry_point.group,
        name=entry_point.name,
        target=entry_point.value,
        distribution=dist.name if dist is not None else "unknown",
        version=dist.version if dist is not None else "",
    )


def owners(infos: Iterable[PluginInfo]) -> str:
    """Name several distributions in a message."""
    return " and ".join(info.source for info in infos)


def load(entry_point: EntryPointLike) -> object:
    """Import what an entry point names, and no other plugin.

    :raises PluginLoadError: naming the distribution, its version and what went wrong.
    """
    info = info_of(entry_point)
    try:
        loaded: object = _OneDriver(entry_point).driver
    except (Exception, SystemExit) as ex:
        raise load_error(info, f"{type(ex).__name__}: {ex}") from ex
    return loaded


def load_error(info: PluginInfo, reason: str) -> PluginLoadError:
    """Return the error that says why a plugin cannot be used."""
    return PluginLoadError(
        f"{info.group}: {info.name!r} of {info.source} cannot be used: {reason}",
        next_step=f"Repair or remove it: pip install --force-reinstall {info.distribution}",
    )


class _OneDriver(driver.DriverManager[Any]):
    """Stevedore's manager for one driver, over an entry point that was found without its cache."""

    def __init__(self, entry_point: Any) -> None:
        self._found = [entry_point]
        super().__init__(entry_point.group, entry_point.name, on_missing_entrypoints_callback=None)

    def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
        """Answer the one entry point, so that neither the cache nor another plugin is looked at."""
        return self._found
