"""Values of parameters by flat path: what a template is filled in with."""

from collections.abc import Iterator, Mapping
from typing import Any

from pitrix_core.model import JsonObject, JsonValue
from pitrix_vm.form.records import Form, Group, Leaf


def flat_values(form: Form, config: JsonObject) -> dict[str, JsonValue]:
    """Return every parameter's value by its flat path: the user's, or what stands for it."""
    return dict(_values(form.root, config, prefix=""))


def sample_values(form: Form) -> dict[str, JsonValue]:
    """Return a plausible value for every parameter, also where the user has to give one; what a
    package's template is tried with before anybody deploys it.
    """
    return {leaf.path: _sample(leaf) for leaf in form.root.leaves()}


def _sample(leaf: Leaf) -> JsonValue:
    if leaf.fallback not in (None, ""):
        return leaf.fallback
    if leaf.choices:
        return leaf.choices[0]
    if leaf.type in ("integer", "number"):
        return leaf.minimum if leaf.minimum is not None else 1
    return False if leaf.type == "boolean" else leaf.fallback


def _values(group: Group, config: Any, *, prefix: str) -> Iterator[tuple[str, JsonValue]]:
    given = config if isinstance(config, Mapping) else {}
    for member in group.members:
        if isinstance(member, Group):
            yield from _values(member, given.get(member.key), prefix=f"{prefix}{member.key}.")
        else:
            yield member.path, given.get(member.key, member.fallback)
