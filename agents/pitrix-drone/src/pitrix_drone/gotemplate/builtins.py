"""The functions every Go template knows; ``and`` and ``or`` are in the executor, being lazy."""

from __future__ import annotations

import copy
import urllib.parse
from typing import Any, Final

from pitrix_drone.gotemplate.errors import ExecError
from pitrix_drone.gotemplate.printf import sprint, sprintf, sprintln
from pitrix_drone.gotemplate.quoting import is_printable
from pitrix_drone.gotemplate.values import (
    NO_VALUE,
    Byte,
    Function,
    Record,
    is_int,
    is_nil,
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
_DELETE: Final = 0x7F
#: How bytes that are no UTF-8 stand in text.
_RAW_BYTES: Final = range(0xDC80, 0xDD00)
_STRING_BOUNDS: Final = 2
_LIST_BOUNDS: Final = 3


def equal(first: Any, *others: Any) -> bool:
    """Tell whether *first* equals any of the others; numbers of two types do not compare."""
    if not others:
        raise ExecError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def less(first: Any, second: Any) -> bool:
    """Tell whether *first* comes before *second*."""
    kind, other = _basic_kind(first), _basic_kind(second)
    if not kind or not other:
        raise ExecError("invalid type for comparison")
    if kind != other:
        raise ExecError("incompatible types for comparison")
    if kind in {"bool", "complex"}:
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
        if len(bounds) > _STRING_BOUNDS:
            raise ExecError("cannot 3-index slice a string")
        raw = value.encode("utf-8", "surrogateescape")
        return bytes(cut(list(raw), *bounds)).decode("utf-8", "surrogateescape")
    if not isinstance(value, list):
        raise ExecError(f"can't slice item of type {type_name(value)}")
    places = [_place(bound, len(value)) for bound in bounds]
    places += [0, len(value)][len(places) :]
    if places != sorted(places):
        raise ExecError(f"invalid slice index: {places}")
    if len(places) > _LIST_BOUNDS:
        raise ExecError(f"too many slice indexes: {len(places)}")
    part = copy.copy(value)
    part[:] = value[places[0] : places[1]]
    return part


def length(value: Any) -> int:
    """Return how many items, or bytes of a string, there are."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, (list, tuple, dict)):
        return len(value)
    raise ExecError(f"len of {'nil pointer' if value is None else 'type ' + type_name(value)}")


def _equal(first: Any, second: Any) -> bool:
    kind, other = _basic_kind(first), _basic_kind(second)
    if is_nil(first) or is_nil(second):
        if not kind and not other:
            return is_nil(first) and is_nil(second) and _are_alike(first, second)
        if first is None or second is None:
            return False
    if kind != other:
        raise ExecError("incompatible types for comparison")
    if not kind and not _are_alike(first, second):
        raise ExecError(f"non-comparable types {type_name(first)}, {type_name(second)}")
    if not kind and not isinstance(first, Record):
        raise ExecError(f"non-comparable type {type_name(first)}")
    return bool(first == second)


def _are_alike(first: Any, second: Any) -> bool:
    """Tell whether two values are of one kind, or one of them is nil without a type."""
    if first is None or second is None:
        return True
    return any(
        isinstance(first, kind) and isinstance(second, kind) for kind in (list, dict, Record)
    )


def _basic_kind(value: Any) -> str:
    name = type_name(value)
    return _KINDS.get(name, "")


_KINDS: Final = {
    "bool": "bool",
    "int": "int",
    "int64": "int",
    "uint8": "int",
    "float64": "float",
    "complex128": "complex",
    "string": "string",
}


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise ExecError(f"value has type {type_name(key)}; should be string")
        return value.get(key)
    if isinstance(value, (list, tuple)):
        return value[_place(key, len(value) - 1)]
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogateescape")
        return Byte(raw[_place(key, len(raw) - 1)])
    if value is None or value is NO_VALUE:
        raise ExecError("index of untyped nil")
    raise ExecError(f"can't index item of type {type_name(value)}")


def _place(key: Any, last: int) -> int:
    if not is_int(key):
        raise ExecError(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= last:
        raise ExecError(f"index out of range: {key}")
    return int(key)


def _printed(values: tuple[Any, ...]) -> str:
    """Return the arguments of an escaping function as one text."""
    return sprint(*("<no value>" if value is None else value for value in values))


def _html(*values: Any) -> str:
    return "".join(_HTML.get(char, char) for char in _printed(values))


def _js(*values: Any) -> str:
    return "".join(_JS.get(char) or _js_character(char) for char in _printed(values))


def _js_character(char: str) -> str:
    code = ord(char)
    if code == _DELETE or code in _RAW_BYTES or is_printable(char):
        return char
    return f"\\u{code:04X}"


def _urlquery(*values: Any) -> str:
    return urllib.parse.quote_plus(_printed(values), safe="", errors="surrogateescape")


def _call(function: Any, *arguments: Any) -> Any:
    raise ExecError(f"call of non-function of type {type_name(function)}")


def builtins() -> dict[str, Function]:
    """Return the functions by their names."""
    two = ("any", "any")
    return {
        "call": Function(_call, ("any",), "any"),
        "eq": Function(equal, ("any",), "any"),
        "ge": Function(lambda a, b: not less(a, b), two),
        "gt": Function(lambda a, b: not (less(a, b) or equal(a, b)), two),
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
