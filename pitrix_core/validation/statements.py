"""What a schema says of one place in a document, wherever in the schema it says so."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.validation.patterns import UncheckedError, is_found
from pitrix_core.validation.pointers import pointer_parts

#: Keywords whose schemas are about the same place as the schema that holds them.
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLE: Final = ("then", "else")


@attrs.frozen(kw_only=True)
class Statements:
    """What a schema says of one place in its documents."""

    #: Every schema that is about it, the plainest first.
    parts: tuple[Mapping[str, Any], ...]
    #: What it is called in forms; empty where the schema has no title for it.
    label: str = ""
    #: Whether its value, or one that it is part of, is ``writeOnly``.
    is_secret: bool = False


def statements_at(schema: Mapping[str, Any], path: Iterable[object]) -> Statements:
    """Return what a schema says of a place.

    An item of a list without a title of its own is called what the list is called. A title behind
    a reference is the name of a record, and no label.

    :param path: names and numbers, from the top.
    """
    parts = tuple(parts_of(schema, schema))
    said = Statements(parts=parts, is_secret=_is_secret(parts))
    for step in path:
        parts = parts_inside(said.parts, step, schema)
        label = next((str(part["title"]) for part in parts if part.get("title")), "")
        if not label and isinstance(step, int):
            label = said.label
        is_secret = said.is_secret or _is_secret(parts)
        said = Statements(parts=parts, label=label, is_secret=is_secret)
    return said


def parts_of(part: object, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return a part of a schema and all that stands in it about the same place.

    Branches are there whether they hold or not.

    :param schema: the whole one, for references.
    """
    todo, seen = [part], set()
    while todo:
        found = todo.pop(0)
        if not isinstance(found, Mapping) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        todo += [inner for name in _LISTS for inner in found.get(name, ())]
        todo += [found[name] for name in _SINGLE if name in found]
        target = _target(found, schema)
        if target is not None and id(target) not in seen:
            seen.add(id(target))
            todo.append({name: value for name, value in target.items() if name != "title"})


def parts_inside(
    parts: Iterable[Mapping[str, Any]], step: object, schema: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Return all that is said of a member or an item of what some parts are about.

    :param step: the member's name, or the item's number.
    :param schema: the whole one, for references.
    """
    return tuple(
        found
        for part in parts
        for member in _members(part, step)
        for found in parts_of(member, schema)
    )


def _target(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Follow a reference inside the schema."""
    reference = part.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = schema
    for key in pointer_parts(reference.removeprefix("#")):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _members(part: Mapping[str, Any], step: object) -> list[object]:
    """Return what a schema says of a member of an object, or of an item of a list."""
    if isinstance(step, int):
        first = part.get("prefixItems", ())
        return [first[step]] if step < len(first) else [part.get("items")]
    properties = part.get("properties", {})
    named = [properties[step]] if step in properties else []
    patterns = part.get("patternProperties", {})
    named += [inner for pattern, inner in patterns.items() if _fits(pattern, str(step))]
    return named or [part.get("additionalProperties")]


def _fits(pattern: str, name: str) -> bool:
    try:
        return is_found(pattern, name)
    except UncheckedError:
        return False


def _is_secret(parts: Iterable[Mapping[str, Any]]) -> bool:
    return any(part.get("writeOnly") is True for part in parts)
