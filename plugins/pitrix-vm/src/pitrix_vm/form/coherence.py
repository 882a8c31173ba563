"""Looks at a form as a whole: what in it contradicts itself, and what therefore cannot count."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from pitrix_core.model import JsonValue
from pitrix_vm.form.limits import misfits, own_values, unmatched
from pitrix_vm.form.notes import Notes, shortened
from pitrix_vm.form.records import CLUSTER, ENV, RESOURCE_GROUP, SERVICE_PARAMS, Group, Leaf
from pitrix_vm.form.types import NUMBERS, is_among

_SECTIONS: Final = (CLUSTER, ENV, SERVICE_PARAMS)


def settled(root: Group, notes: Notes) -> Group:
    """Return the tree with what it contradicts itself in left out, and its misfits known."""
    leaves = {leaf.pointer: _settled(leaf, notes) for leaf in root.leaves()}
    leaves |= dict(_with_combinations(root, leaves, notes))
    leaves |= dict(_with_misfits(leaves))
    leaves = {pointer: _with_default(leaf, notes) for pointer, leaf in leaves.items()}
    _check_paths(leaves.values(), notes)
    _check_sections(root, notes)
    return _rebuilt(root, leaves)


def _rebuilt(group: Group, leaves: Mapping[str, Leaf]) -> Group:
    members = tuple(
        _rebuilt(member, leaves) if isinstance(member, Group) else leaves[member.pointer]
        for member in group.members
    )
    return attrs.evolve(group, members=members)


# -- single parameters -----------------------------------------------------------------------------


def _settled(leaf: Leaf, notes: Notes) -> Leaf:
    if leaf.minimum is not None and leaf.maximum is not None and leaf.minimum > leaf.maximum:
        message = f"min {leaf.minimum} is above max {leaf.maximum}; both are left out"
        notes.warning("form.limits", f"{leaf.pointer}/min", message)
        leaf = attrs.evolve(leaf, minimum=None, maximum=None)
    if leaf.value_type in NUMBERS and leaf.choices:
        _check_choices(leaf, notes)
    has_value = leaf.has_default or leaf.combination or not leaf.is_required
    if not leaf.is_changeable_when_create and not has_value:
        message = "it is not changeable_when_create, yet has no default; so users have to set it"
        notes.warning(
            "form.fixed",
            f"{leaf.pointer}/changeable_when_create",
            message,
            next_step="Give it a default.",
        )
    if leaf.is_system and not leaf.path.startswith(f"{ENV}."):
        message = f"system has no effect here: it is for parameters below {ENV}"
        notes.warning("form.ignored", f"{leaf.pointer}/system", message)
    return leaf


def _check_choices(leaf: Leaf, notes: Notes) -> None:
    if outside := _choices_outside(leaf):
        message = f"min, max or step rule out some of the choices: {shortened([*outside])}"
        notes.warning("form.limits", f"{leaf.pointer}/range", message)


def _choices_outside(leaf: Leaf) -> tuple[JsonValue, ...]:
    """Return the choices that the other limits rule out."""
    return misfits(attrs.evolve(leaf, choices=(), combination=leaf.choices, default=None))


def _with_misfits(leaves: Mapping[str, Leaf]) -> Iterator[tuple[str, Leaf]]:
    """Return the parameters that have misfits; all patterns are tried together."""
    tried = [
        (leaf, value)
        for leaf in leaves.values()
        if leaf.pattern is not None and not leaf.choices
        for value in own_values(leaf)
    ]
    failed = unmatched([(str(leaf.pattern), str(value)) for leaf, value in tried])
    found: dict[str, tuple[JsonValue, ...]] = {
        leaf.pointer: misfits(leaf) for leaf in leaves.values()
    }
    for number in sorted(failed):
        leaf, value = tried[number]
        found[leaf.pointer] = (*found[leaf.pointer], value)
    for pointer, values in found.items():
        if values:
            yield pointer, attrs.evolve(leaves[pointer], misfits=values)


def _with_default(leaf: Leaf, notes: Notes) -> Leaf:
    """Return a parameter with a default that will do.

    Where one of some values has to be chosen, a form can only begin with one of them, whatever the
    package says; so does who fills in nothing.
    """
    # NOTE(nothing): an empty text is how packages write that there is no default
    if leaf.default in (None, "") or not is_among(leaf.default, leaf.misfits):
        return leaf
    outside = _choices_outside(leaf)
    first = next((choice for choice in leaf.choices if not is_among(choice, outside)), None)
    is_chosen = leaf.is_required and not leaf.is_multichoice and first is not None
    outcome = "users have to give another" if leaf.is_required else "it is allowed all the same"
    if is_chosen:
        outcome = f"the first choice is taken, {shortened([first])}"
    notes.warning(
        "form.default",
        f"{leaf.pointer}/default",
        f"{leaf.path}: the default is not a value this parameter may have; {outcome}",
        next_step="Change the default, or range, min, max, step or pattern.",
    )
    if not is_chosen:
        return leaf
    return attrs.evolve(leaf, default=first, misfits=_without(leaf.misfits, leaf.default))


def _without(values: Iterable[JsonValue], value: JsonValue) -> tuple[JsonValue, ...]:
    return tuple(each for each in values if not is_among(each, [value]))


# -- combinations of resources ---------------------------------------------------------------------


def _with_combinations(
    root: Group, leaves: Mapping[str, Leaf], notes: Notes
) -> Iterator[tuple[str, Leaf]]:
    """Return the parameters whose combination cannot be chosen, without it."""
    chosen = combination_choices(root)
    for pointer, leaf in leaves.items():
        at = f"{pointer}/{RESOURCE_GROUP}"
        if not leaf.is_customizable and leaf.path != f"{CLUSTER}.{RESOURCE_GROUP}":
            message = f"customizable has no effect here: it is for {CLUSTER}.{RESOURCE_GROUP}"
            notes.warning("form.ignored", f"{pointer}/customizable", message)
        if not leaf.combination:
            continue
        if not chosen or not leaf.path.startswith(f"{CLUSTER}."):
            message = f"there is no choice of {CLUSTER}.{RESOURCE_GROUP} for it; left out"
            notes.warning("form.resource_group", at, message)
            yield pointer, attrs.evolve(leaf, combination=())
            continue
        if len(leaf.combination) != len(chosen):
            message = (
                f"{len(leaf.combination)} values for {len(chosen)} choices of "
                f"{CLUSTER}.{RESOURCE_GROUP}"
            )
            notes.warning("form.resource_group", at, message)
            yield pointer, attrs.evolve(leaf, combination=leaf.combination[: len(chosen)])


def combination_choices(root: Group) -> tuple[JsonValue, ...]:
    """Return what a user may choose as ``cluster.resource_group``."""
    cluster = root.member(CLUSTER)
    leaf = cluster.member(RESOURCE_GROUP) if isinstance(cluster, Group) else None
    return leaf.choices if isinstance(leaf, Leaf) else ()


# -- the whole -------------------------------------------------------------------------------------


def _check_paths(leaves: Iterable[Leaf], notes: Notes) -> None:
    seen: dict[str, str] = {}
    for leaf in leaves:
        if leaf.path in seen:
            message = f"{leaf.path!r} is the path of {seen[leaf.path]}, too; the last one counts"
            notes.warning("form.path", leaf.pointer, message)
        seen[leaf.path] = leaf.pointer


def _check_sections(root: Group, notes: Notes) -> None:
    for member in root.members:
        if not isinstance(member, Group) or member.key not in _SECTIONS:
            message = f"{member.key!r} is none of the groups {', '.join(_SECTIONS)}"
            notes.warning("form.section", member.pointer, message)
    if root.member(CLUSTER) is None:
        notes.warning("form.section", "", f"there is no group {CLUSTER!r}")
