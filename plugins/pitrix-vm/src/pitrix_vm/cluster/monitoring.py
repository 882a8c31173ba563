"""How a cluster shows how it is: health checks, monitors and tabs, and how they are read.

A role's members win over the cluster's one by one; of a role that has none, the cluster's count.
"""

from collections.abc import Mapping

import attrs

from pitrix_core.model import DisplayTab, JsonObject, JsonValue


@attrs.frozen(kw_only=True)
class HealthCheck:
    """How the platform sees whether a node is well. Defaults: AppCenter's specification."""

    is_enabled: bool = False
    interval_s: int = 60
    timeout_s: int = 10
    action_timeout_s: int = 30
    #: Good checks in a row that make a node well; bad ones that make it unwell.
    healthy_threshold: int = 3
    unhealthy_threshold: int = 3
    #: Its exit code is 0 where the node is well.
    check_cmd: str = ""
    #: Run where a node turned unwell; empty for nothing.
    action_cmd: str = ""


@attrs.frozen(kw_only=True)
class MonitorItem:
    """One value that is measured."""

    name: str
    unit: str = ""
    #: ``int`` or ``str``.
    value_type: str = "int"
    #: How several values become one; ``avg`` for numbers and ``latest`` for texts if not given.
    statistics_type: str = "avg"
    #: What a number is multiplied by before it is shown.
    scale: float = 1
    #: Values that a text may have; none for any.
    choices: tuple[JsonValue, ...] = ()


@attrs.frozen(kw_only=True)
class Monitor:
    """What is measured on a node."""

    is_enabled: bool = False
    #: Prints a JSON object, item → value.
    cmd: str = ""
    items: tuple[MonitorItem, ...] = ()
    #: Title → names of items.
    groups: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    #: Titles and names that are shown, in their order.
    display: tuple[str, ...] = ()
    #: Names of items that users may be warned of.
    alarm: tuple[str, ...] = ()


def read_health_check(own: JsonObject, common: JsonObject) -> HealthCheck:
    """Read a role's health check.

    :param common: the cluster's.
    """
    found = {**common, **own}
    names = {
        "is_enabled": "enable",
        "interval_s": "interval_sec",
        "timeout_s": "timeout_sec",
        "action_timeout_s": "action_timeout_sec",
        "healthy_threshold": "healthy_threshold",
        "unhealthy_threshold": "unhealthy_threshold",
        "check_cmd": "check_cmd",
        "action_cmd": "action_cmd",
    }
    return HealthCheck(**{ours: found[name] for ours, name in names.items() if name in found})


def read_monitor(own: JsonObject, common: JsonObject) -> Monitor:
    """Read a role's monitor.

    :param common: the cluster's.
    """
    found = {**common, **own}
    return Monitor(
        is_enabled=found.get("enable", False),
        cmd=found.get("cmd", ""),
        items=tuple(_item(name, item) for name, item in found.get("items", {}).items()),
        groups={title: tuple(names) for title, names in found.get("groups", {}).items()},
        display=tuple(found.get("display", ())),
        alarm=tuple(found.get("alarm", ())),
    )


def read_display_tabs(tabs: Mapping[str, JsonObject]) -> tuple[DisplayTab, ...]:
    """Read a cluster's tabs."""
    return tuple(
        DisplayTab(
            title=title,
            cmd=tab["cmd"],
            roles=tuple(tab.get("roles_to_execute_on", ())),
            description=tab.get("description", ""),
            timeout_s=tab.get("timeout", 10),
        )
        for title, tab in tabs.items()
    )


def _item(name: str, item: JsonObject) -> MonitorItem:
    value_type = item.get("value_type", "int")
    return MonitorItem(
        name=name,
        unit=item.get("unit", ""),
        value_type=value_type,
        statistics_type=item.get("statistics_type", "latest" if value_type == "str" else "avg"),
        scale=item.get("scale_factor_when_display", 1),
        choices=tuple(item.get("enums", ())),
    )
