"""Settles which parameters are shown only while others of their group have certain values."""

from collections.abc import Iterator, Mapping

import attrs

from pitrix_core.model import JsonValue
from pitrix_vm.form.notes import Notes
from pitrix_vm.form.records import Dependency, Group, Leaf
from pitrix_vm.form.types import identity, taken_as


def resolved(members: Mapping[str, Leaf | Group], notes: Notes) -> Iterator[Leaf | Group]:
    """Return the members of a group, with dependencies that can be used.

    :param members: by key.
    """
    for member in members.values():
        if isinstance(member, Group) or not member.dependencies:
            yield member
        else:
            kept = tuple(_resolved(member, members, notes))
            yield attrs.evolve(member, dependencies=kept)


def _resolved(
    leaf: Leaf, members: Mapping[str, Leaf | Group], notes: Notes
) -> Iterator[Dependency]:
    for number, dependency in enumerate(leaf.dependencies):
        pointer = f"{leaf.pointer}/dependencies/{number}"
        other = members.get(dependency.refkey)
        if not isinstance(other, Leaf) or other.key == leaf.key:
            notes.warning(
                "form.dependency",
                f"{pointer}/refkey",
                f"there is no other parameter {dependency.refkey!r} in this group; left out",
                next_step="Name a parameter of the same group that has a range.",
            )
            continue
        values = _possible(dependency, other)
        if len(values) < len(dependency.values):
            message = f"some of these values {other.key!r} cannot have; they are left out"
            notes.warning("form.dependency", f"{pointer}/values", message)
        if values:
            yield attrs.evolve(dependency, values=values)


def _possible(dependency: Dependency, other: Leaf) -> tuple[JsonValue, ...]:
    """Return the values that the other parameter may have, each of its type."""
    taken = [taken_as(value, other.value_type) for value in dependency.values]
    known = tuple(value for value in taken if value is not None)
    if not other.choices or other.is_multichoice:
        return known
    possible = {identity(value) for value in (*other.choices, other.fallback)}
    return tuple(value for value in known if identity(value) in possible)
