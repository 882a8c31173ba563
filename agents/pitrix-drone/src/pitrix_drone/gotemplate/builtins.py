"""The functions every Go template knows; ``and`` and ``or`` are in the executor, being lazy."""

from __future__ import annotations

import urllib.parse
from typing import Any, Final

from pitrix_drone.gotemplate.errors import ExecError
from pitrix_drone.gotemplate.printf import sprint, sprintf, sprintln
from pitrix_drone.gotemplate.values import (
    NO_VALUE,
    Function,
    is_int,
    truth,
    type_name,
)

_HTML: Final = {
    '"': "&#34;",
    "'": "&#39;",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "\0": "\ufffd",
}
_JS: Final = {
    "\\": r"\\",
    "'": r"\'",
    '"': r"\"",
    "<": r"\u003C",
    ">": r"\u003E",
    "&": r"\u0026",
    "=": r"\u003D",
}
_PRINTABLE_FROM: Final = 0x20


def equal(first: Any, *others: Any) -> bool:
    """Tell whether *first* equals any of the others; numbers of two types do not compare."""
    if not others:
        raise ExecError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def less(first: Any, second: Any) -> bool:
    """Tell whether *first* comes before *second*."""
    kind = _basic_kind(first)
    if kind != _basic_kind(second):
        raise ExecError("incompatible types for comparison")
    if kind in {"", "bool"}:
        raise ExecError("invalid type for comparison")
    return bool(first < second)


def index(value: Any, *keys: Any) -> Any:
    """Return an item of a list, a map or a string, going in one key after the other."""
    for key in keys:
        value = _item(value, key)
    return value


def cut(value: Any, *bounds: Any) -> Any:
    """Return a part of a list or a string; a string is cut between bytes."""
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogateescape")
        return bytes(cut(list(raw), *bounds)).decode("utf-8", "surrogateescape")
    if not isinstance(value, (list, tuple)):
        raise ExecError(f"can't slice item of type {type_name(value)}")
    for bound in bounds:
        if not is_int(bound):
            raise ExecError(f"cannot index slice/array with type {type_name(bound)}")
    start = bounds[0] if bounds else 0
    end = bounds[1] if len(bounds) > 1 else len(value)
    if not 0 <= start <= end <= len(value):
        raise ExecError(f"index out of range: {end}")
    return type(value)(value[start:end])


def length(value: Any) -> int:
    """Return how many items, or bytes of a string, there are."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, (list, tuple, dict)):
        return len(value)
    raise ExecError(f"len of {'nil pointer' if value is None else 'type ' + type_name(value)}")


def _equal(first: Any, second: Any) -> bool:
    kind, other = _basic_kind(first), _basic_kind(second)
    if kind != other:
        if kind and other:
            raise ExecError("incompatible types for comparison")
        return False
    if not kind and isinstance(first, (list, dict)):
        raise ExecError(f"non-comparable type {type_name(first)}")
    return bool(first == second)


def _basic_kind(value: Any) -> str:
    name = type_name(value)
    return name if name in {"bool", "int", "float64", "string"} else ""


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise ExecError(f"value has type {type_name(key)}; should be string")
        return value.get(key, NO_VALUE)
    if isinstance(value, (list, tuple, str)):
        if not is_int(key):
            raise ExecError(f"cannot index slice/array with type {type_name(key)}")
        items = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if not 0 <= key < len(items):
            raise ExecError(f"index out of range: {key}")
        return items[key]
    if value is None or value is NO_VALUE:
        raise ExecError("index of untyped nil")
    raise ExecError(f"can't index item of type {type_name(value)}")


def _html(*values: Any) -> str:
    return "".join(_HTML.get(char, char) for char in sprint(*values))


def _js(*values: Any) -> str:
    return "".join(
        _JS.get(char) or (f"\\u{ord(char):04X}" if ord(char) < _PRINTABLE_FROM else char)
        for char in sprint(*values)
    )


def _urlquery(*values: Any) -> str:
    return urllib.parse.quote_plus(sprint(*values), safe="", errors="surrogateescape")


def _call(function: Any, *arguments: Any) -> Any:
    raise ExecError(f"call of non-function of type {type_name(function)}")


def builtins() -> dict[str, Function]:
    """Return the functions by their names."""
    two = ("any", "any")
    return {
        "call": Function(_call, ("any",), "any"),
        "eq": Function(equal, ("any",), "any"),
        "ge": Function(lambda a, b: not less(a, b), two),
        "gt": Function(lambda a, b: not less(a, b) and not equal(a, b), two),
        "html": Function(_html, (), "any"),
        "index": Function(index, ("any",), "any"),
        "js": Function(_js, (), "any"),
        "le": Function(lambda a, b: less(a, b) or equal(a, b), two),
        "len": Function(length, ("any",)),
        "lt": Function(less, two),
        "ne": Function(lambda a, b: not equal(a, b), two),
        "not": Function(lambda a: not truth(a), ("any",)),
        "print": Function(sprint, (), "any"),
        "printf": Function(sprintf, ("string",), "any"),
        "println": Function(sprintln, (), "any"),
        "slice": Function(cut, ("any",), "any"),
        "urlquery": Function(_urlquery, (), "any"),
    }
