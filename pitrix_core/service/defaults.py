"""Fills the defaults of a schema into a configuration.

A default may depend on other values: where ``if`` holds, those of ``then`` come before a property's
own, otherwise those of ``else``; in an object's schema itself and in its ``allOf``, at any depth.
Whether a condition holds is asked once, of the values as they are with the defaults that do not
depend on it: a default chosen by one condition never decides another one beside it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.validation import is_too_deep, is_valid

#: Returns the branches of a schema that hold for a value, the most particular first.
_Chooser: TypeAlias = Callable[[JsonObject, JsonObject], Iterator[JsonObject]]


def with_defaults(config: JsonObject, schema: JsonObject) -> dict[str, Any]:
    """Fill in the defaults; what was given stays, and what does not fit the schema stays as it is.

    An optional group that cannot do without the user is left out with all of it.
    """
    if is_too_deep(config):  # the schema's check says so
        return dict(config)

    def choose(part: JsonObject, value: JsonObject) -> Iterator[JsonObject]:
        return _branches(part, value, schema)

    completed: dict[str, Any] = _filled(config, [schema], choose)
    return completed


def _filled(value: JsonValue, parts: Sequence[JsonObject], choose: _Chooser) -> Any:
    """Fill in what some schemas say of one place.

    :param parts: the most particular first, the property's own last.
    """
    if not isinstance(value, Mapping):
        return value
    plain = value if choose is _choose_none else _filled(value, parts, _choose_none)
    parts = [*(branch for part in parts for branch in choose(part, plain)), *parts]
    completed = dict(value)
    for key in dict.fromkeys(key for part in reversed(parts) for key in _part(part, "properties")):
        members = [
            properties[key]
            for part in parts
            if isinstance((properties := _part(part, "properties")).get(key), Mapping)
        ]
        if key in value:
            completed[key] = _filled(value[key], members, choose)
        else:
            is_needed = any(key in part.get("required", ()) for part in parts)
            completed |= _missing(key, members, choose, is_needed=is_needed)
    return completed


def _missing(
    key: str, members: Sequence[JsonObject], choose: _Chooser, *, is_needed: bool
) -> JsonObject:
    """Return a member that was not given, if there is something to say for it."""
    for member in members:
        if "default" in member:
            return {key: member["default"]}
    if not any(member.get("type") == "object" for member in members):
        return {}
    filled = _filled({}, members, choose)
    is_whole = {*members[-1].get("required", ())} <= filled.keys()
    return {key: filled} if is_needed or is_whole else {}


def _choose_none(part: JsonObject, value: JsonObject) -> Iterator[JsonObject]:
    return iter(())


def _branches(part: JsonObject, value: JsonObject, schema: JsonObject) -> Iterator[JsonObject]:
    for inner in part.get("allOf", ()):
        if isinstance(inner, Mapping):
            yield from _branches(inner, value, schema)
            yield inner
    if "if" in part:
        chosen = part.get("then" if is_valid(value, part["if"], schema=schema) else "else")
        if isinstance(chosen, Mapping):
            yield from _branches(chosen, value, schema)
            yield chosen


def _part(schema: JsonObject, name: str) -> JsonObject:
    """Return a part of a schema; ``true`` and ``false`` are schemas that say nothing here."""
    part = schema.get(name)
    return part if isinstance(part, Mapping) else {}
