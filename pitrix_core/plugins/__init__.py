"""Plugins: found, loaded, checked, and called behind one gate.

Here belongs everything that stands between the core and code it does not know: discovery by entry
point, the typed façade over hooks, the building of providers and the gate in front of them. What
plugins implement is in ``contracts``; what the core does with them is in the packages above.

The way of a plugin: *installed* (metadata only) → *enabled* (the operator's list) → *loaded* (on
first use, one at a time) → *checked* (contract version, abstract methods). A broken plugin never
takes the others down.
"""

from pitrix_core.plugins.calls import ProviderGate
from pitrix_core.plugins.discovery import (
    AGENTS,
    GROUPS,
    INTERFACES,
    PLUGINS,
    PROVIDERS,
    REPO_KINDS,
    Listing,
    PluginInfo,
    installed,
    listing,
)
from pitrix_core.plugins.hooks import Hooks
from pitrix_core.plugins.providers import build_provider
from pitrix_core.plugins.registry import PluginRegistry, PluginReport

__all__ = [
    "AGENTS",
    "GROUPS",
    "INTERFACES",
    "PLUGINS",
    "PROVIDERS",
    "REPO_KINDS",
    "Hooks",
    "Listing",
    "PluginInfo",
    "PluginRegistry",
    "PluginReport",
    "ProviderGate",
    "build_provider",
    "installed",
    "listing",
]
