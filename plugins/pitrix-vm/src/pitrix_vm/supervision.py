"""How a cluster's machines are supervised: what drones are told, what users can look at.

Packages get what they ask for within what a drone takes. Limits that AppCenter only advises are for
their authors, who are told of them.
"""

import json
from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.model import DisplayTab, JsonObject, MeasuredItem, Node
from pitrix_vm.cluster import ClusterDocument, HealthCheck, Monitor, MonitorItem, Role

#: Where it stands among a node's own metadata. Source of it and of the limits:
#: agents/protocol/README.md section 5, and schemas/v2/supervision.schema.json.
_PATH: Final = "agent/supervision"
_LONGEST_S: Final = 86_400
#: Somebody waits for a tab. AppCenter's own limit is 10 s.
_LONGEST_TAB_S: Final = 60
_MOST_IN_A_ROW: Final = 1000
_MOST_ITEMS: Final = 200
_LONGEST_NAME: Final = 128
_OF_NUMBERS: Final = ("min", "max", "avg", "delta", "rate", "mode", "median", "latest")
_OF_TEXTS: Final = ("mode", "latest")
#: The service that starts an application.
_START: Final = "start"


def supervision_metadata(role: Role, node: Node) -> dict[str, str]:
    """Return what a node's drone is told; nothing where nothing is supervised."""
    asked = {**_health_check(role.health_check), **_monitor(role.monitor)}
    if not asked:
        return {}
    return {_PATH: json.dumps({"waits_for_start": _waits_for_start(role, node), **asked})}


def measured_items(document: ClusterDocument) -> dict[str, tuple[MeasuredItem, ...]]:
    """Return what is measured: role → items, those first that the package wants shown first."""
    return {
        role.name: tuple(_measured(item) for item in _in_order(role.monitor))
        for role in document.roles
        if role.has_agent and _monitor(role.monitor)
    }


def display_tabs(document: ClusterDocument) -> tuple[DisplayTab, ...]:
    """Return the tables that commands of the package fill in."""
    return tuple(
        attrs.evolve(tab, timeout_s=_within(tab.timeout_s, _LONGEST_TAB_S))
        for tab in document.display_tabs
        if tab.cmd.strip()
    )


def _waits_for_start(role: Role, node: Node) -> bool:
    """Say whether a command will start the application on a node: it may be for some only."""
    start = role.services.get(_START)
    if start is None or not start.cmd:
        return False
    return start.nodes_to_execute_on is None or node.sid <= start.nodes_to_execute_on


def _health_check(check: HealthCheck) -> JsonObject:
    if not check.is_enabled or not check.check_cmd.strip():
        return {}
    asked = {
        "check_cmd": check.check_cmd,
        "action_cmd": check.action_cmd,
        "interval_s": _within(check.interval_s, _LONGEST_S),
        "timeout_s": _within(check.timeout_s, _LONGEST_S),
        "action_timeout_s": _within(check.action_timeout_s, _LONGEST_S),
        "healthy_threshold": _within(check.healthy_threshold, _MOST_IN_A_ROW),
        "unhealthy_threshold": _within(check.unhealthy_threshold, _MOST_IN_A_ROW),
    }
    return {"health_check": asked}


def _monitor(monitor: Monitor) -> JsonObject:
    if not monitor.is_enabled or not monitor.cmd.strip() or not monitor.items:
        return {}
    items = {
        item.name: {
            "value_type": "str" if item.value_type == "str" else "int",
            "statistics": _statistics(item),
            "choices": [str(choice) for choice in item.choices],
        }
        for item in _kept(monitor)
    }
    return {"monitor": {"cmd": monitor.cmd, "items": items}}


def _kept(monitor: Monitor) -> tuple[MonitorItem, ...]:
    named = (item for item in monitor.items if 0 < len(item.name) <= _LONGEST_NAME)
    return tuple(named)[:_MOST_ITEMS]


def _statistics(item: MonitorItem) -> str:
    if item.value_type == "str":
        return item.statistics_type if item.statistics_type in _OF_TEXTS else "latest"
    return item.statistics_type if item.statistics_type in _OF_NUMBERS else "avg"


def _in_order(monitor: Monitor) -> list[MonitorItem]:
    """Return the items in the order of what is displayed: groups stand for their items."""
    shown = [name for title in monitor.display for name in monitor.groups.get(title, (title,))]
    items: Mapping[str, MonitorItem] = {item.name: item for item in _kept(monitor)}
    names = dict.fromkeys([*shown, *items])
    return [items[name] for name in names if name in items]


def _measured(item: MonitorItem) -> MeasuredItem:
    return MeasuredItem(
        name=item.name, unit=item.unit, scale=item.scale, statistics=_statistics(item)
    )


def _within(value: float, most: int) -> float:
    return max(1, min(value, most))
