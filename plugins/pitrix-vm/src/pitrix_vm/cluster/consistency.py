"""What the parts of a document say of one another: names that must be there, or be unique.

Each check goes over a document that fits its schema, and says what it finds: a level, a place, and
a sentence. What breaks a deployment is an error.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject
from pitrix_core.package import pointer_to
from pitrix_core.validation import quoted
from pitrix_vm.cluster.replicas import REPLICA_SUFFIX, replicas_of
from pitrix_vm.cluster.schema import SERVICE, SERVICES

#: Services that creating and deleting a cluster run.
_RUN_SERVICES: Final = frozenset({"init", "start", "stop", "destroy"})
#: Services that may do without a command: the platform has one of its own, or does nothing.
_COMMANDLESS: Final = frozenset({"backup", "restore", "delete_snapshot", "change_vxnet"})
#: Attributes that mean something to some services only. A flag that is off says nothing.
_RESTRICTED: Final[Mapping[str, Sequence[str]]] = {
    name: schema["x-services"]
    for name, schema in SERVICE["properties"].items()
    if "x-services" in schema
}
#: Source: AppCenter's specification, monitor: how values that are texts become one.
_TEXT_STATISTICS: Final = ("mode", "latest")
#: Most machines of a cluster: a plan has about five tasks for each, and is read by people.
_MOST_MACHINES: Final = 2000
#: Remarks of one check and level after which a document is not worth more of them.
_MOST_REMARKS: Final = 50
#: Names that a message holds; others are counted.
_MOST_NAMES: Final = 5
#: Source: AppCenter's specification, volume: the share of a mount point is a multiple of 10.
_SHARE_STEP_GIB: Final = 10


@attrs.frozen
class _Remark:
    level: Level
    code: str
    at: tuple[object, ...]
    message: str


_Check: TypeAlias = Callable[[JsonObject], Iterator[_Remark]]


def inconsistencies(document: JsonObject, *, file: str) -> tuple[Finding, ...]:
    """Say where a document that fits its schema contradicts itself, or says what has no effect."""
    return tuple(
        Finding(
            level=remark.level,
            code=remark.code,
            message=remark.message,
            pointer=pointer_to(remark.at),
            file=file,
        )
        for check in _CHECKS
        for remark in _first(check(document))
    )


def _first(remarks: Iterator[_Remark]) -> Iterator[_Remark]:
    """Return the first remarks of each level; no author mends thousands."""
    seen: Counter[Level] = Counter()
    for remark in remarks:
        seen[remark.level] += 1
        if seen[remark.level] <= _MOST_REMARKS:
            yield remark


# -- roles and machines ----------------------------------------------------------------------------


def _roles(document: JsonObject) -> Iterator[_Remark]:
    names = _role_names(document)
    for at, node in _nodes(document):
        name = node.get("role", "")
        place = (*at, "role") if "role" in node else at
        if name and names.count(name) > 1:
            message = f"role {name!r} is there {names.count(name)} times"
            yield _Remark(Level.ERROR, "cluster.role", place, message)
        if not name and len(names) > 1:
            message = "a role of several needs a name"
            yield _Remark(Level.ERROR, "cluster.role", place, message)
        if name.endswith(REPLICA_SUFFIX):
            message = f"names ending in {REPLICA_SUFFIX} are reserved for replicas"
            yield _Remark(Level.ERROR, "cluster.role", place, message)


def _machines(document: JsonObject) -> Iterator[_Remark]:
    for at, node in _nodes(document):
        bound = node.get("server_id_upper_bound", node["count"])
        if node["count"] > bound:
            message = f"{node['count']} nodes are more than server_id_upper_bound allows: {bound}"
            yield _Remark(Level.ERROR, "cluster.role", (*at, "count"), message)
        if node["container"].get("type", "kvm") == "kvm":
            for name, default in (("cpu", "1"), ("memory", "1024 MiB")):
                if name not in node:
                    message = f"{name} is not given; {default} is taken"
                    yield _Remark(Level.WARNING, "cluster.machine", at, message)
    total = sum(node["count"] * (1 + node.get("replica", 0)) for node in document["nodes"])
    if total > _MOST_MACHINES:
        message = f"{total} machines are more than a cluster may have: {_MOST_MACHINES}"
        yield _Remark(Level.ERROR, "cluster.machine", ("nodes",), message)


def _volumes(document: JsonObject) -> Iterator[_Remark]:
    for at, node in _nodes(document):
        volume = node.get("volume", {})
        points = volume.get("mount_point", "/data")
        number = 1 if isinstance(points, str) else len(points) or 1
        size = volume.get("size", 0)
        if size % (number * _SHARE_STEP_GIB) and not volume.get("skip_check_size"):
            message = (
                f"{size} GiB for {number} mount points give each {size / number:g}, which is no "
                f"multiple of {_SHARE_STEP_GIB}"
            )
            yield _Remark(Level.WARNING, "cluster.volume", (*at, "volume", "size"), message)


# -- services --------------------------------------------------------------------------------------


def _services(document: JsonObject) -> Iterator[_Remark]:
    for at, node in _nodes(document):
        for name, service in node.get("services", {}).items():
            place = (*at, "services", name)
            yield from _command(name, service, place)
            yield from _attributes(name, service, place)


def _command(name: str, service: JsonObject, at: tuple[object, ...]) -> Iterator[_Remark]:
    if "cmd" not in service and name not in _COMMANDLESS:
        # NOTE(nothing): a service without any member is one that its author left empty
        level = Level.ERROR if service and name in _RUN_SERVICES else Level.WARNING
        yield _Remark(level, "cluster.service", at, "there is no cmd to run")
    elif "cmd" in service and not service["cmd"].strip():
        message = "an empty cmd runs nothing"
        yield _Remark(Level.WARNING, "cluster.service", (*at, "cmd"), message)


def _attributes(name: str, service: JsonObject, at: tuple[object, ...]) -> Iterator[_Remark]:
    kind = name if name in SERVICES["properties"] else "custom"
    for attribute in _RESTRICTED.keys() & service.keys():
        services = _RESTRICTED[attribute]
        if kind not in services and service[attribute] is not False:
            message = f"{attribute} has no effect on {name}; it is for {', '.join(services)}"
            yield _Remark(Level.WARNING, "cluster.service", (*at, attribute), message)


# -- what is shown ---------------------------------------------------------------------------------


def _display_tabs(document: JsonObject) -> Iterator[_Remark]:
    known = _known_roles(document)
    for title, tab in document.get("display_tabs", {}).items():
        named = tab.get("roles_to_execute_on", ())
        missing = [role for role in named if role not in known]
        if missing:
            is_nobody = len(missing) == len(named) and "" not in known
            level = Level.ERROR if is_nobody else Level.WARNING
            at = ("display_tabs", title, "roles_to_execute_on")
            yield _Remark(level, "cluster.display_tab", at, _no_role(missing))


def _monitors(document: JsonObject) -> Iterator[_Remark]:
    common = document.get("monitor", {})
    yield from _monitor(common, common, ("monitor",))
    for at, node in _nodes(document):
        own = node.get("monitor", {})
        yield from _monitor(own, {**common, **own}, (*at, "monitor"))


def _monitor(own: JsonObject, whole: JsonObject, at: tuple[object, ...]) -> Iterator[_Remark]:
    """Check a monitor's own members with those it has in all."""
    items = whole.get("items", {})
    known = {*items, *whole.get("groups", {})}
    for place, names in _named_items(own):
        missing = [name for name in names if name not in known]
        if missing:
            message = f"there is no item {_listed(missing)}"
            yield _Remark(Level.WARNING, "cluster.monitor", (*at, *place), message)
    for name, item in own.get("items", {}).items():
        statistics = item.get("statistics_type", "latest")
        if item.get("value_type") == "str" and statistics not in _TEXT_STATISTICS:
            message = f"texts have no {statistics}; use {' or '.join(_TEXT_STATISTICS)}"
            inside = (*at, "items", name, "statistics_type")
            yield _Remark(Level.WARNING, "cluster.monitor", inside, message)


def _named_items(monitor: JsonObject) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    """Return each list of items' names in a monitor, and where it is."""
    for title, names in monitor.get("groups", {}).items():
        yield ("groups", title), names
    for name in ("display", "alarm"):
        yield (name,), monitor.get(name, ())


def _health_checks(document: JsonObject) -> Iterator[_Remark]:
    common = document.get("health_check", {})
    yield from _health_check(common, common, ("health_check",))
    for at, node in _nodes(document):
        own = node.get("health_check", {})
        yield from _health_check(own, {**common, **own}, (*at, "health_check"))


def _health_check(own: JsonObject, whole: JsonObject, at: tuple[object, ...]) -> Iterator[_Remark]:
    timeout, interval = whole.get("timeout_sec", 10), whole.get("interval_sec", 60)
    if own and timeout > interval:
        message = f"a check may take {timeout} s, and the next one comes after {interval} s"
        yield _Remark(Level.WARNING, "cluster.health_check", at, message)
    if own and whole.get("enable") and not whole.get("check_cmd", "").strip():
        message = "it is enabled, and has no check_cmd"
        yield _Remark(Level.WARNING, "cluster.health_check", at, message)


# -- later operations ------------------------------------------------------------------------------


def _backups(document: JsonObject) -> Iterator[_Remark]:
    has_backup = any("backup" in node.get("services", {}) for _, node in _nodes(document))
    if document.get("backup_policy") and not has_backup:
        message = "without a service backup in any role it has no effect"
        yield _Remark(Level.WARNING, "cluster.backup", ("backup_policy",), message)


def _upgrades(document: JsonObject) -> Iterator[_Remark]:
    upgrades = document.get("in-place-upgrade-nodes", ())
    if document.get("upgrading_policy", "").startswith("in-place") and not upgrades:
        message = "it needs in-place-upgrade-nodes, which say what is copied"
        yield _Remark(Level.WARNING, "cluster.upgrade", ("upgrading_policy",), message)
    known = _known_roles(document)
    for number, upgrade in enumerate(upgrades):
        for which, copy in enumerate(upgrade.get("copy", ())):
            role = copy.get("mount_role", "")
            if role and role not in known:
                copies = ("in-place-upgrade-nodes", number, "copy")
                place = (*copies, which, "mount_role")
                yield _Remark(Level.WARNING, "cluster.upgrade", place, _no_role([role]))
    for which, role in enumerate(document.get("upgrade_roles", {}).get("add", ())):
        if role not in known:
            at = ("upgrade_roles", "add", which)
            yield _Remark(Level.WARNING, "cluster.upgrade", at, _no_role([role]))


# -- helpers ---------------------------------------------------------------------------------------


def _nodes(document: JsonObject) -> Iterator[tuple[tuple[object, ...], JsonObject]]:
    for number, node in enumerate(document["nodes"]):
        yield ("nodes", number), node


def _role_names(document: JsonObject) -> list[str]:
    return [node.get("role", "") for node in document["nodes"]]


def _known_roles(document: JsonObject) -> frozenset[str]:
    """Return the names of all roles, replicas' among them."""
    names = _role_names(document)
    return frozenset(names) | {replicas_of(name) for name in names}


def _no_role(names: Sequence[str]) -> str:
    return f"there is no role {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(quoted(name) for name in names[:_MOST_NAMES]) + more


_CHECKS: Final[tuple[_Check, ...]] = (
    *(_roles, _machines, _volumes, _services, _display_tabs, _monitors, _health_checks),
    *(_backups, _upgrades),
)
