"""Turns the tree of ``config.json`` into JSON Schema, nested as the tree is.

A parameter must be given by the user only where the package requires it and its default would not
do; every other one has a default, filled in by the core. The network is the exception: left empty,
the runtime's default network is taken.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import jsonschema

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue
from pitrix_vm.form.reading import CONFIG_FILE
from pitrix_vm.form.records import Form, Group, Leaf

#: Types of JSON Schema by the package's types; the others are texts.
_JSON_TYPES: Final[Mapping[str, str]] = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "loadbalancer": "array",
}
_NUMBERS: Final = frozenset({"integer", "number"})
#: Flat paths of the network, in either dialect.
NETWORK_PATHS: Final = ("cluster.vxnet", "cluster.subnet")


def form_schema(form: Form) -> JsonObject:
    """Return the JSON Schema (2020-12) of a user's configuration."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_group_schema(form.root, title="Configuration"),
    }


def default_findings(form: Form) -> Iterator[Finding]:
    """Say which defaults contradict their own parameter."""
    for leaf in form.root.leaves():
        # NOTE(default): of an optional choice the default is always allowed, wrong as it may be
        if leaf.has_default and not _default_fits(attrs.evolve(leaf, is_required=True)):
            yield Finding(
                level=Level.WARNING,
                code="form.default",
                message=f"{leaf.path}: the default is not a value this parameter may have",
                file=CONFIG_FILE,
            )
        if leaf.pattern is not None and not _compiles(leaf.pattern):
            yield Finding(
                level=Level.WARNING,
                code="form.pattern",
                message=f"{leaf.path}: the pattern cannot be used, so the value is not checked",
                file=CONFIG_FILE,
            )


def _group_schema(group: Group, *, title: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for order, member in enumerate(group.members):
        made = _member_schema(member)
        properties[member.key] = {**made, "x-order": order}
    schema: dict[str, Any] = {
        "type": "object",
        "title": title,
        "properties": properties,
        "additionalProperties": False,
    }
    if group.description:
        schema["description"] = group.description
    if needed := [member.key for member in group.members if _must_be_given(member)]:
        schema["required"] = needed
    return schema


def _member_schema(member: Leaf | Group) -> dict[str, Any]:
    if isinstance(member, Group):
        return _group_schema(member, title=member.label or member.key)
    schema = {"title": member.label or member.key, **_value_schema(member)}
    if member.description:
        schema["description"] = member.description
    if member.type not in {"string", *_JSON_TYPES}:
        schema["x-type"] = member.type
    if member.type == "password":
        schema["writeOnly"] = True
    if _is_mandatory(member) and _JSON_TYPES.get(member.type, "string") == "string":
        schema["minLength"] = 1
    if not _is_mandatory(member) and member.fallback is not None:
        schema["default"] = member.fallback
    return schema


def _value_schema(leaf: Leaf) -> dict[str, Any]:
    """Return what the values must fulfil, whether the parameter is required or not."""
    schema: dict[str, Any] = {"type": _JSON_TYPES.get(leaf.type, "string")}
    if leaf.choices and leaf.is_multichoice:
        schema["pattern"] = _multichoice_pattern(leaf)
    elif leaf.choices:
        schema["enum"] = _choices(leaf)
    if leaf.type in _NUMBERS:
        limits = {"minimum": leaf.minimum, "maximum": leaf.maximum, "multipleOf": leaf.step}
        schema.update({name: limit for name, limit in limits.items() if limit is not None})
    elif leaf.pattern is not None and not leaf.choices and _compiles(leaf.pattern):
        schema["pattern"] = leaf.pattern
    return schema


def _choices(leaf: Leaf) -> list[JsonValue]:
    choices = list(leaf.choices)
    # NOTE(default): where nothing has to be chosen, what stands for no choice is allowed too
    if not leaf.is_required and leaf.fallback not in choices:
        choices.append(leaf.fallback)
    return choices


def _multichoice_pattern(leaf: Leaf) -> str:
    choice = "|".join(re.escape(str(choice)) for choice in leaf.choices)
    some = f"({choice})({re.escape(leaf.separator)}({choice}))*"
    return f"^({some})$" if leaf.is_required else f"^({some})?$"


def _must_be_given(member: Leaf | Group) -> bool:
    if isinstance(member, Group):
        return any(_is_mandatory(leaf) for leaf in member.leaves())
    return _is_mandatory(member)


def _is_mandatory(leaf: Leaf) -> bool:
    if not leaf.is_required or leaf.path in NETWORK_PATHS:
        return False
    return leaf.fallback in (None, "") or not _default_fits(leaf)


def _default_fits(leaf: Leaf) -> bool:
    validator = jsonschema.Draft202012Validator(_value_schema(leaf))
    fits: bool = validator.is_valid(leaf.fallback)
    return fits


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
