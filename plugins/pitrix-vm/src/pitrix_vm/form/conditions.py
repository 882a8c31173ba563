"""What of a form depends on other values: hidden parameters, and combinations of resources.

Both become ``if``, ``then``, ``else`` in the ``allOf`` of the object they are about. An ``if``
requires what it looks at, since otherwise it would hold where nothing is there.
"""

import collections
from collections.abc import Iterator
from typing import Any

from pitrix_vm.form.limits import filled_schema, is_mandatory
from pitrix_vm.form.records import RESOURCE_GROUP, Dependency, Group, Leaf


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
        shown: dict[str, Any] = {}
        if is_mandatory(leaf):
            shown["required"] = [leaf.key]
        if filled := filled_schema(leaf):
            shown["properties"] = {leaf.key: filled}
        if shown:
            rule["then"] = shown
        rule["else"] = {"properties": {leaf.key: {"const": leaf.fallback}}}
        yield rule


def combination_rules(cluster: Group) -> Iterator[dict[str, Any]]:
    """Return what each choice of ``resource_group`` makes the defaults of the roles' parameters.

    :param cluster: the group that has it.
    """
    chosen = cluster.member(RESOURCE_GROUP)
    if not isinstance(chosen, Leaf):
        return
    defaults = _defaults(cluster, is_fixed=not chosen.is_customizable)
    for number, choice in enumerate(chosen.choices):
        if number in defaults:
            condition = {"properties": {RESOURCE_GROUP: {"const": choice}}}
            then = {"properties": defaults[number]}
            yield {"if": {**condition, "required": [RESOURCE_GROUP]}, "then": then}


def _condition(leaf: Leaf) -> dict[str, Any]:
    conditions = [_single(dependency) for dependency in leaf.dependencies]
    return conditions[0] if len(conditions) == 1 else {"allOf": conditions}


def _single(dependency: Dependency) -> dict[str, Any]:
    values: dict[str, Any] = {"enum": [*dependency.values]}
    if dependency.is_excluding:
        values = {"not": values}
    return {"properties": {dependency.refkey: values}, "required": [dependency.refkey]}


def _defaults(group: Group, *, is_fixed: bool) -> dict[int, dict[str, Any]]:
    """Return properties that give parameters below a group their defaults, by number of a choice.

    :param is_fixed: users may not depart from them.
    """
    properties: dict[int, dict[str, Any]] = collections.defaultdict(dict)
    for member in group.members:
        if isinstance(member, Group):
            for number, inner in _defaults(member, is_fixed=is_fixed).items():
                properties[number][member.key] = {"properties": inner}
            continue
        is_const = is_fixed or not member.is_changeable_when_create
        for number, value in enumerate(member.combination):
            if value is not None:
                made = {"default": value, "const": value} if is_const else {"default": value}
                properties[number][member.key] = made
    return properties
