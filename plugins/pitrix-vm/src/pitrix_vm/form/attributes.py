"""The attributes of a parameter in ``config.json``: their names, and how each is read.

An attribute that cannot be read is left out, with a remark; so is one with an unknown name, and the
remark is an error where it is almost the name of one that limits or fills the value: what the
author meant to rule out would be allowed.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.findings import Level
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.validation import nearest
from pitrix_vm.form.records import Dependency
from pitrix_vm.form.types import NUMBERS, TEXTS, as_flag, as_integer, as_number, as_text

#: With more unknown names in one place, the place is something else, and no name misspelt.
_UNKNOWN_LIMIT: Final = 10
#: Source: AppCenter's specification of config.json, dependencies.
_OPERATORS: Final = ("in", "nin")


@attrs.frozen
class Attribute:
    """How one attribute is read."""

    #: Name in the record of a parameter.
    field: str
    #: What it has to be, for the message.
    wanted: str
    #: Returns None for what it cannot be.
    read: Callable[[Any], Any]
    #: Types of parameters it counts for; empty for all.
    types: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Remark:
    """What is wrong with one attribute."""

    attribute: str
    level: Level
    code: str
    message: str
    next_step: str | None = None


def _list(value: Any) -> tuple[JsonValue, ...] | None:
    return tuple(value) if isinstance(value, list) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return None
    return tuple(items)


def _ports(value: Any) -> tuple[int, ...] | None:
    items = value if isinstance(value, list) else [value]
    ports = [as_integer(item) for item in items]
    known = tuple(port for port in ports if port is not None and 0 < port < 65536)  # noqa: PLR2004
    return known if known and len(known) == len(ports) else None


def _limits(value: Any) -> Mapping[str, tuple[str, ...]] | None:
    if not isinstance(value, Mapping):
        return None
    limits = {str(app): _texts(versions) for app, versions in value.items()}
    known = {app: versions for app, versions in limits.items() if versions is not None}
    return known if len(known) == len(limits) else None


def _operations(value: Any) -> tuple[str, ...] | None:
    texts = _texts(value)
    return texts if texts is not None and {*texts} <= {"add", "modify", "delete"} else None


def _step(value: Any) -> int | None:
    step = as_integer(value)
    return step if step is not None and step >= 1 else None


def _mode(value: Any) -> int | None:
    mode = as_integer(value)
    return mode if mode in (0, 1) else None


def _dependencies(value: Any) -> tuple[Dependency, ...] | None:
    items = [value] if isinstance(value, Mapping) else value
    read = [_dependency(item) for item in items] if isinstance(items, list) else [None]
    known = tuple(dependency for dependency in read if dependency is not None)
    return known if len(known) == len(read) else None


def _dependency(item: Any) -> Dependency | None:
    if not isinstance(item, Mapping):
        return None
    refkey, values, operator = item.get("refkey"), item.get("values"), item.get("operator", "in")
    if not isinstance(refkey, str) or not isinstance(values, list) or operator not in _OPERATORS:
        return None
    return Dependency(refkey=refkey, values=tuple(values), is_excluding=operator == "nin")


def _filled(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


_FLAG: Final = '"yes" or "no", true or false'
_TEXT: Final = "a text"
_SERVICE: Final = frozenset({"service"})
_STEP: Final = "a whole number from 1"

#: Source: AppCenter's specification of config.json.
DOCUMENTED: Final[Mapping[str, Attribute]] = {
    "label": Attribute("label", _TEXT, as_text),
    "description": Attribute("description", _TEXT, as_text),
    "required": Attribute("is_required", _FLAG, as_flag),
    "range": Attribute("choices", "a list", _list),
    "multichoice": Attribute("is_multichoice", _FLAG, as_flag),
    "separator": Attribute("separator", "a text of at least one character", _filled),
    "min": Attribute("minimum", "a number", as_number, NUMBERS),
    "max": Attribute("maximum", "a number", as_number, NUMBERS),
    "step": Attribute("step", _STEP, _step, NUMBERS),
    "auto_scale_step": Attribute("auto_scale_step", _STEP, _step, NUMBERS),
    "pattern": Attribute("written_pattern", _TEXT, as_text, TEXTS),
    "changeable": Attribute("is_changeable", _FLAG, as_flag),
    "changeable_when_create": Attribute("is_changeable_when_create", _FLAG, as_flag),
    "system": Attribute("is_system", _FLAG, as_flag),
    "expanded": Attribute("is_expanded", _FLAG, as_flag),
    "customizable": Attribute("is_customizable", _FLAG, as_flag),
    "resource_group": Attribute("combination", "a list", _list),
    "dependencies": Attribute(
        "dependencies", "a list of {refkey, values, operator: in or nin}", _dependencies
    ),
    "limits": Attribute(
        "limits", "an object: application id → list of version ids", _limits, _SERVICE
    ),
    "allowed_operations": Attribute(
        "allowed_operations", "a list of add, modify and delete", _operations, _SERVICE
    ),
    "tag": Attribute("tags", "a list of texts", _texts, _SERVICE),
    "port": Attribute(
        "ports", "a port or a list of ports, 1 to 65535", _ports, frozenset({"loadbalancer"})
    ),
    "associate_mode": Attribute("associate_mode", "0 or 1", _mode, frozenset({"eip"})),
}
#: Source: released packages.
UNDOCUMENTED: Final[Mapping[str, Attribute]] = {
    "multiline": Attribute("is_multiline", _FLAG, as_flag),
    "disable_when_scale": Attribute("is_disabled_when_scaled", _FLAG, as_flag),
    "old_version_default": Attribute("old_version_default", "a value", lambda value: value),
    "is_node": Attribute("is_node", _FLAG, as_flag),
    "unique": Attribute("is_unique", _FLAG, as_flag),
}
#: Common enough to need no remark.
_USUAL: Final = frozenset({"multiline"})
_ATTRIBUTES: Final = {**DOCUMENTED, **UNDOCUMENTED}
#: Read by hand.
_OTHERS: Final = frozenset({"key", "type", "default", "properties"})
_GROUP_NAMES: Final = frozenset({"key", "type", "properties", "label", "description"})
#: Names that limit or fill a value.
_LIMITING: Final = _OTHERS | {
    *("range", "min", "max", "step", "pattern", "required", "multichoice", "separator"),
    *("dependencies", "resource_group", "changeable"),
}


def read_attributes(node: JsonObject, *, kind: str) -> tuple[dict[str, Any], list[Remark]]:
    """Return the attributes of a parameter by their names in the record, and what is wrong.

    :param kind: type of the parameter.
    """
    fields: dict[str, Any] = {}
    remarks = [*_name_remarks(node, _ATTRIBUTES.keys() | _OTHERS)]
    for name, attribute in _ATTRIBUTES.items():
        value = node.get(name)
        if value is None:
            continue
        read = attribute.read(value)
        if read is None:
            remarks.append(_unreadable(name, attribute))
        elif attribute.types and kind not in attribute.types:
            remarks += _idle(name, read, attribute, kind)
        else:
            fields[attribute.field] = read
    return fields, remarks


def group_remarks(node: JsonObject) -> Iterator[Remark]:
    """Say which attributes a group cannot have."""
    for name in node:
        if name in _ATTRIBUTES.keys() | _OTHERS and name not in _GROUP_NAMES:
            message = f"{name} has no effect: only parameters have one, not groups"
            yield Remark(attribute=name, level=Level.WARNING, code="form.ignored", message=message)
    yield from _name_remarks(node, _ATTRIBUTES.keys() | _OTHERS)


def _name_remarks(node: JsonObject, known: set[str]) -> Iterator[Remark]:
    unknown = [name for name in node if name not in known]
    for name in node:
        if name in UNDOCUMENTED and name not in _USUAL:
            message = f"{name} is not in the specification; some packages have it"
            yield Remark(
                attribute=name, level=Level.INFO, code="form.undocumented", message=message
            )
        elif name not in known:
            is_few = len(unknown) <= _UNKNOWN_LIMIT
            yield _unknown(name, meant=nearest(name, sorted(known)) if is_few else None, node=node)


def _unknown(name: str, *, meant: str | None, node: JsonObject) -> Remark:
    # NOTE(spare): some authors keep an old value beside the new one: default, default_1
    is_missed = meant in _LIMITING and meant not in node
    return Remark(
        attribute=name,
        level=Level.ERROR if is_missed else Level.WARNING,
        code="form.unknown",
        message=f"{name!r} is unknown" + (f"; is it {meant!r}?" if meant else "; left out"),
        next_step=f"Rename it to {meant!r}, or remove it." if meant else "Remove it.",
    )


def _unreadable(name: str, attribute: Attribute) -> Remark:
    return Remark(
        attribute=name,
        level=Level.WARNING,
        code="form.attribute",
        message=f"{name} should be {attribute.wanted}; left out",
    )


def _idle(name: str, value: Any, attribute: Attribute, kind: str) -> Iterator[Remark]:
    """Remark on an attribute that does not count for a type; one that says nothing is common."""
    if value not in ((), {}, ""):
        types = ", ".join(sorted(attribute.types))
        yield Remark(
            attribute=name,
            level=Level.WARNING,
            code="form.ignored",
            message=f"{name} has no effect here: it is for {types}, not for {kind}",
        )
