"""Values of parameters by flat path: what a template is filled in with."""

from collections.abc import Iterator, Mapping
from typing import Any

from pitrix_core.model import JsonObject, JsonValue
from pitrix_vm.form.records import Form, Group, Leaf


def flat_values(form: Form, config: JsonObject) -> dict[str, JsonValue]:
    """Return every parameter's value by its flat path: the user's, or what stands for it."""
    return dict(_values(form.root, config, prefix=""))


def _values(group: Group, config: Any, *, prefix: str) -> Iterator[tuple[str, JsonValue]]:
    given = config if isinstance(config, Mapping) else {}
    for member in group.members:
        if isinstance(member, Group):
            yield from _values(member, given.get(member.key), prefix=f"{prefix}{member.key}.")
        else:
            yield member.path, _written(given.get(member.key, member.fallback), member)


def _written(value: Any, leaf: Leaf) -> Any:
    """Return a value as a template should write it: for JSON Schema, 1.0 is an integer."""
    is_whole = leaf.type == "integer" and isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value
