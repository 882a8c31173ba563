"""Plausible values for parameters: what a package is tried with before anybody deploys it."""

import math
from collections.abc import Iterator, Mapping
from typing import Final

from pitrix_core.model import JsonValue
from pitrix_vm.form.limits import is_mandatory, matched
from pitrix_vm.form.records import CLUSTER, RESOURCE_GROUP, Dependency, Form, Group, Leaf
from pitrix_vm.form.types import NUMBERS, TEXTS, is_among

#: Tried on a pattern, in this order: names, addresses, passwords, sizes are what is asked for most.
_TEXTS: Final = (
    *("sample", "a", "1", "10.0.0.1", "10.0.0.0/24", "Sample-1234", "Passw0rd#2", "example.com"),
    *(".example.com", "user@example.com", "https://example.com/", "/data", "8080", "12:00"),
    *("true", "10.0.0.1:8080", "2026-01-01", "1024m", "a_sample_1", "Sample1234", "123456"),
)


def sample_values(form: Form) -> dict[str, JsonValue]:
    """Return a value for every parameter: its default, or a plausible one where a user has to give
    one.

    They are within the limits, but for texts whose pattern none of those tried here matches.
    """
    values = {leaf.path: _sample(leaf) for leaf in form.root.leaves()}
    values |= _matching(form)
    values |= _combination(form.root, values)
    return values | dict(_hidden(form.root, values))


def _sample(leaf: Leaf) -> JsonValue:
    if leaf.has_default and not is_mandatory(leaf):
        return leaf.default
    if leaf.choices and (leaf.is_required or leaf.value_type in NUMBERS):
        return leaf.choices[0]
    if leaf.value_type in NUMBERS:
        return _number(leaf)
    return _TEXTS[0] if is_mandatory(leaf) and leaf.type in TEXTS else leaf.empty


def _number(leaf: Leaf) -> int | float:
    """Return 1, or what is nearest to it within the limits."""
    lowest = 1 if leaf.minimum is None else leaf.minimum
    if leaf.minimum is None and leaf.maximum is not None:
        lowest = min(lowest, leaf.maximum)
    if leaf.type == "integer":
        lowest = math.ceil(lowest)
    return lowest if leaf.step is None else -(-lowest // leaf.step) * leaf.step


def _matching(form: Form) -> dict[str, JsonValue]:
    """Return a text for each parameter that has to be given and to match a pattern."""
    tried = [
        (leaf, text)
        for leaf in form.root.leaves()
        if leaf.pattern is not None and not leaf.choices and is_mandatory(leaf)
        for text in _TEXTS
    ]
    found: dict[str, JsonValue] = {}
    for number in sorted(matched([(str(leaf.pattern), text) for leaf, text in tried])):
        leaf, text = tried[number]
        found.setdefault(leaf.path, text)
    return found


def _combination(root: Group, values: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return the values of the combination that is chosen."""
    cluster = root.member(CLUSTER)
    chosen = cluster.member(RESOURCE_GROUP) if isinstance(cluster, Group) else None
    if not isinstance(cluster, Group) or not isinstance(chosen, Leaf):
        return {}
    choice = values[chosen.path]
    if choice not in chosen.choices:
        return {}
    number = chosen.choices.index(choice)
    return {
        leaf.path: leaf.combination[number]
        for leaf in cluster.leaves()
        if number < len(leaf.combination) and leaf.combination[number] is not None
    }


def _hidden(group: Group, values: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Return what stands for the parameters that are not shown."""
    paths = {member.key: member.path for member in group.members if isinstance(member, Leaf)}
    for member in group.members:
        if isinstance(member, Group):
            yield from _hidden(member, values)
        elif not all(_holds(each, values[paths[each.refkey]]) for each in member.dependencies):
            yield member.path, member.fallback


def _holds(dependency: Dependency, value: JsonValue) -> bool:
    return is_among(value, dependency.values) is not dependency.is_excluding
