"""Turns the tree of ``config.json`` into JSON Schema, nested as the tree is.

A parameter must be given by the user only where the package requires it and its default would not
do; every other one has a default, filled in by the core. The network is the exception: left empty,
the runtime's default network is taken. Parameters of services are not part of a creation's schema.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from pitrix_core.model import JsonObject
from pitrix_vm.form.conditions import combination_rules, visibility, visibility_rules
from pitrix_vm.form.limits import filled_schema, is_fixed, is_mandatory, value_schema
from pitrix_vm.form.records import CLUSTER, SERVICE_PARAMS, Form, Group, Leaf
from pitrix_vm.form.types import NUMBERS

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: Units of what roles are made of. Source: AppCenter's specification, well-known keys.
_UNITS: Final[Mapping[str, str]] = {"memory": "MiB", "volume_size": "GiB"}

#: Translates a label or a description.
Translation = Callable[[str], str]


def form_schema(form: Form, *, translate: Translation = str) -> JsonObject:
    """Return the JSON Schema (2020-12) of a user's configuration.

    :param translate: of titles and descriptions.
    """
    members = tuple(member for member in form.root.members if member.key != SERVICE_PARAMS)
    return _whole(attrs.evolve(form.root, members=members), translate)


def service_schema(form: Form, *keys: str, translate: Translation = str) -> JsonObject | None:
    """Return the JSON Schema (2020-12) of what users are asked for when they call a service.

    :param keys: of the groups below ``service_params``, from the top; none for all of it.
    :returns: None where there is no such group.
    """
    group: Group | Leaf | None = form.root
    for key in (SERVICE_PARAMS, *keys):
        group = group.member(key) if isinstance(group, Group) else None
    return _whole(group, translate) if isinstance(group, Group) else None


def _whole(group: Group, translate: Translation) -> JsonObject:
    cluster = group.member(CLUSTER)
    writer = _Writer(translate, cluster.pointer if isinstance(cluster, Group) else None)
    title = translate(group.label) or group.key or "Configuration"
    return {"$schema": _DIALECT, **writer.group(group), "title": title}


@attrs.frozen
class _Writer:
    """Writes schemas in one language."""

    _translate: Translation
    #: Pointer of the group with a choice of resources.
    _cluster: str | None

    def group(self, group: Group) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        members = sorted(group.members, key=_is_below)
        for order, member in enumerate(members):
            made = self.group(member) if isinstance(member, Group) else self._leaf(member)
            properties[member.key] = {**made, "x-order": order}
        schema: dict[str, Any] = {
            "type": "object",
            **self._words(group),
            "properties": properties,
            "additionalProperties": False,
        }
        if needed := [member.key for member in members if _must_be_given(member)]:
            schema["required"] = needed
        rules = [*visibility_rules(group)]
        if group.pointer == self._cluster:
            rules += combination_rules(group)
        return {**schema, "allOf": rules} if rules else schema

    def _leaf(self, leaf: Leaf) -> dict[str, Any]:
        schema = {**self._words(leaf), **value_schema(leaf), **_annotations(leaf)}
        is_needed = is_mandatory(leaf)
        if not leaf.dependencies:
            schema |= filled_schema(leaf)
        has_empty = leaf.value_type not in NUMBERS or is_fixed(leaf)
        if not is_needed and (leaf.has_default or has_empty):
            schema["default"] = leaf.fallback
        return schema

    def _words(self, member: Leaf | Group) -> dict[str, str]:
        words = {"title": self._translate(member.label) or member.key}
        if member.description:
            words["description"] = self._translate(member.description)
        return words


def _annotations(leaf: Leaf) -> dict[str, Any]:
    """Return what a form shows of a parameter, and what later changes may do; see docs/plugins."""
    service = {
        "limits": {app: [*versions] for app, versions in leaf.limits.items()},
        "tags": [*leaf.tags],
        "allowed_operations": [*leaf.allowed_operations],
    }
    choices = {"choices": [*leaf.choices], "separator": leaf.separator}
    written = leaf.written_pattern if leaf.pattern is not None else None
    annotations: dict[str, Any] = {
        "writeOnly": leaf.type == "password",
        "x-type": "" if leaf.type in ("integer", "number", "boolean", "string") else leaf.type,
        "x-pattern": "" if written == leaf.pattern else written,
        "x-multichoice": choices if leaf.is_multichoice else None,
        "x-visible-if": visibility(leaf),
        "x-service": service if leaf.type == "service" else None,
        "x-ports": [*leaf.ports],
        "x-associate-mode": leaf.associate_mode,
        "x-multiline": leaf.is_multiline,
        "x-system": leaf.is_system,
        "x-expanded": leaf.is_expanded,
        "x-step": leaf.step,
        "x-auto-scale-step": leaf.auto_scale_step,
        "x-unit": _UNITS.get(leaf.key, "") if leaf.path.startswith(f"{CLUSTER}.") else "",
        "x-changeable": None if leaf.is_changeable else False,
        "x-changeable-when-create": None if leaf.is_changeable_when_create else False,
    }
    kept = ("x-expanded", "x-associate-mode", "x-changeable", "x-changeable-when-create")
    return {
        name: value
        for name, value in annotations.items()
        if value or (name in kept and value is not None)
    }


def _is_below(member: Leaf | Group) -> bool:
    """Say whether a member stands below those that are drawn at the top of the form."""
    return isinstance(member, Group) or not member.is_system


def _must_be_given(member: Leaf | Group) -> bool:
    if isinstance(member, Group):
        return any(_must_be_given(inner) for inner in member.members)
    return is_mandatory(member) and not member.dependencies
