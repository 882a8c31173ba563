"""Says in plain words what a keyword demands and a value lacks; what is quoted is short."""

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from pitrix_core.validation.violated import Violated

#: Longest value that is quoted, in characters; longer ones are cut.
_QUOTE_LIMIT: Final = 60
#: Longest list of choices, in characters.
_CHOICES_LIMIT: Final = 200

_TYPES: Final[Mapping[str, str]] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def said(violated: Violated) -> str:
    """Say what is wrong with a value; what is wrong is named before."""
    words = _WORDS.get(violated.keyword)
    return words(violated) if words else f"does not fulfil {violated.keyword}"


def quoted(value: object) -> str:
    """Return what a value is called: itself, if it is short and plain."""
    match value:
        case None | bool() | int() | float():
            return _cut(json.dumps(value))
        case str():
            return repr(value) if len(value) <= _QUOTE_LIMIT else repr(value[:_QUOTE_LIMIT] + "…")
        case list() | tuple():
            return "the list"
        case _:
            return "the object"


def choices(values: Iterable[object]) -> str:
    """Return what there is to choose from; a long list is cut."""
    words = [_choice(value) for value in values]
    placeholder = f" … ({len(words)} in all)"
    return textwrap.shorten(", ".join(words), _CHOICES_LIMIT, placeholder=placeholder)


def kinds(types: str | Sequence[str]) -> str:
    """Return JSON Schema's types in words: ``a text or a list``."""
    names = [types] if isinstance(types, str) else types
    return " or ".join(_TYPES.get(name, name) for name in names)


def _choice(value: object) -> str:
    if isinstance(value, str):
        return value or "(empty)"
    return quoted(value)


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTE_LIMIT else text[:_QUOTE_LIMIT] + "…"


def _counted(number: Any, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _pattern(violated: Violated) -> str:
    several = violated.schema.get("x-multichoice")
    if isinstance(several, Mapping):
        listed = choices(several.get("choices", ()))
        return f"is not one or several of {listed}, joined by {several.get('separator', ',')!r}"
    # What stands beside is how the author of a form wrote it, in the flavour of browsers.
    written = violated.schema.get("x-pattern", violated.limit)
    return f"does not match the pattern {_cut_pattern(str(written))}"


def _cut_pattern(pattern: str) -> str:
    return pattern if len(pattern) <= _CHOICES_LIMIT else pattern[:_CHOICES_LIMIT] + "…"


def _enum(violated: Violated) -> str:
    return f"is not one of {choices(violated.limit)}"


def _at_least(words: str, thing: str) -> Callable[[Violated], str]:
    def said_of(violated: Violated) -> str:
        if violated.limit == 1:
            return "must not be empty"
        return f"{words} than {_counted(violated.limit, thing)}"

    return said_of


_WORDS: Final[Mapping[str, Callable[[Violated], str]]] = {
    "type": lambda v: f"is not {kinds(v.limit)}",
    "enum": _enum,
    "const": lambda v: f"is not {_choice(v.limit)}, which alone is allowed",
    "minimum": lambda v: f"is less than {v.limit}",
    "maximum": lambda v: f"is more than {v.limit}",
    "exclusiveMinimum": lambda v: f"is not more than {v.limit}",
    "exclusiveMaximum": lambda v: f"is not less than {v.limit}",
    "multipleOf": lambda v: f"is not a multiple of {v.limit}",
    "pattern": _pattern,
    "minLength": _at_least("is shorter", "character"),
    "maxLength": lambda v: f"is longer than {_counted(v.limit, 'character')}",
    "minItems": _at_least("has less", "item"),
    "maxItems": lambda v: f"has more than {_counted(v.limit, 'item')}",
    "uniqueItems": lambda _: "has an item twice",
    "contains": lambda _: "lacks an item it must have",
    "minContains": lambda v: f"has less than {_counted(v.limit, 'item')} of a kind",
    "maxContains": lambda v: f"has more than {_counted(v.limit, 'item')} of a kind",
    "items": lambda _: "has more items than it may",
    "minProperties": _at_least("has less", "member"),
    "maxProperties": lambda v: f"has more than {_counted(v.limit, 'member')}",
    "dependentRequired": lambda v: f"lacks what goes together: {_lacking(v)}",
    "unevaluatedProperties": lambda _: "has a member that is not known here",
    "unevaluatedItems": lambda _: "has an item that is not known here",
    "anyOf": lambda _: "has none of the forms that are allowed",
    "oneOf": lambda _: "has not exactly one of the forms that are allowed",
    "not": lambda _: "is not allowed",
    "false": lambda _: "is not allowed here",
}


def _lacking(violated: Violated) -> str:
    there = violated.value if isinstance(violated.value, Mapping) else {}
    return "; ".join(
        f"{name} needs {choices(missing)}"
        for name, needed in violated.limit.items()
        if name in there and (missing := [other for other in needed if other not in there])
    )
