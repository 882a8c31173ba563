"""What of a form depends on other values: hidden parameters, and combinations of resources.

Both become ``if``, ``then``, ``else`` in the ``allOf`` of the object they are about. An ``if``
requires what it looks at, since otherwise it would hold where nothing is there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pitrix_core.model import JsonValue
from pitrix_vm.form.coherence import RESOURCE_GROUP
from pitrix_vm.form.limits import is_mandatory, mandatory_schema
from pitrix_vm.form.records import Dependency, Group, Leaf


def visibility(leaf: Leaf) -> list[dict[str, Any]]:
    """Return when a parameter is shown, for ``x-visible-if``: all of it must hold."""
    return [
        {"key": each.refkey, "not_in" if each.is_excluding else "in": [*each.values]}
        for each in leaf.dependencies
    ]


def visibility_rules(group: Group) -> Iterator[dict[str, Any]]:
    """Return what hidden and shown parameters of a group must fulfil.

    What has to be given has to be so only while it is shown; hidden, it may only have the value
    that stands for none.
    """
    for leaf in group.members:
        if isinstance(leaf, Group) or not leaf.dependencies:
            continue
        rule: dict[str, Any] = {"if": _condition(leaf)}
        if is_mandatory(leaf):
            shown = mandatory_schema(leaf)
            rule["then"] = {"required": [leaf.key]}
            if shown:
                rule["then"]["properties"] = {leaf.key: shown}
        rule["else"] = {"properties": {leaf.key: {"const": leaf.fallback}}}
        yield rule


def combination_rules(cluster: Group) -> Iterator[dict[str, Any]]:
    """Return what each choice of ``resource_group`` makes the defaults of the roles' parameters.

    :param cluster: the group that has it.
    """
    chosen = cluster.member(RESOURCE_GROUP)
    if not isinstance(chosen, Leaf):
        return
    for number, choice in enumerate(chosen.choices):
        values = combination_values(cluster, number)
        then = _defaults(cluster, values, is_fixed=not chosen.is_customizable)
        if then:
            condition = {"properties": {RESOURCE_GROUP: {"const": choice}}}
            yield {"if": {**condition, "required": [RESOURCE_GROUP]}, "then": then}


def combination_values(cluster: Group, number: int) -> Mapping[str, JsonValue]:
    """Return the values that one choice of ``resource_group`` stands for, by flat path."""
    return {
        leaf.path: leaf.combination[number]
        for leaf in cluster.leaves()
        if number < len(leaf.combination) and leaf.combination[number] is not None
    }


def _condition(leaf: Leaf) -> dict[str, Any]:
    conditions = [_single(dependency) for dependency in leaf.dependencies]
    return conditions[0] if len(conditions) == 1 else {"allOf": conditions}


def _single(dependency: Dependency) -> dict[str, Any]:
    values: dict[str, Any] = {"enum": [*dependency.values]}
    if dependency.is_excluding:
        values = {"not": values}
    return {"properties": {dependency.refkey: values}, "required": [dependency.refkey]}


def _defaults(group: Group, values: Mapping[str, JsonValue], *, is_fixed: bool) -> dict[str, Any]:
    """Return a schema that gives parameters below a group their defaults; empty where none does."""
    properties: dict[str, Any] = {}
    for member in group.members:
        if isinstance(member, Group):
            inner = _defaults(member, values, is_fixed=is_fixed)
            if inner:
                properties[member.key] = inner
        elif member.path in values:
            value = values[member.path]
            is_const = is_fixed or not member.is_changeable_when_create
            properties[member.key] = {"default": value, **({"const": value} if is_const else {})}
    return {"properties": properties} if properties else {}
