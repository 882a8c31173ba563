"""Filters of templates' expressions: those of Jinja's that make sense for JSON, and ``split``.

They do what Jinja's do, with two differences: what would be guessed there (a text that is no number
taken as 0) is an error here, and each pays for what it makes before it makes it.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.values import (
    Missing,
    Value,
    as_text,
    in_bounds,
    integer,
    items,
    kind_of,
    members,
    number,
    present,
    spelling,
    text,
    truth,
    value_fault,
    wrong_kind,
)

Filter: TypeAlias = Callable[..., Value]

#: Longest text that is read as a number, in characters.
_DIGITS_LIMIT: Final = 40
#: Most decimals a number is rounded to; a float has no more.
_DECIMALS_LIMIT: Final = 15
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_ROUNDS: Final[Mapping[str, Callable[[float], int]]] = {
    "common": round,
    "ceil": math.ceil,
    "floor": math.floor,
}


# -- of anything -----------------------------------------------------------------------------------


def _default(fuel: Fuel, value: Value, default_value: Value = "", boolean: Value = False) -> Value:
    if isinstance(value, Missing) or (truth(boolean) and not truth(value)):
        return default_value
    return value


def _length(fuel: Fuel, value: Value) -> int:
    if kind_of(present(value)) in ("text", "object"):
        return len(value)
    return len(items(value))


def _string(fuel: Fuel, value: Value) -> str:
    return spelling(value, fuel) if not _is_whole(value) else as_text(value, fuel)


def _tojson(fuel: Fuel, value: Value) -> Value:
    return present(value)  # everything is written as JSON


def _is_whole(value: Value) -> bool:
    return kind_of(present(value)) in ("list", "object")


# -- of numbers ------------------------------------------------------------------------------------


def _int(fuel: Fuel, value: Value, default: Value = None) -> Value:
    found = _number_in(value)
    return _fallback(value, default, "a whole number") if found is None else in_bounds(int(found))


def _float(fuel: Fuel, value: Value, default: Value = None) -> Value:
    found = _number_in(value)
    return _fallback(value, default, "a number") if found is None else float(found)


def _number_in(value: Value) -> int | float | None:
    if isinstance(value, int | float):
        return in_bounds(value)
    if isinstance(value, str) and len(value) <= _DIGITS_LIMIT and _NUMBER.fullmatch(value.strip()):
        return in_bounds(int(value) if value.strip("+- ").isdigit() else float(value))
    return None


def _fallback(value: Value, default: Value, wanted: str) -> Value:
    if default is not None:
        return default
    if isinstance(value, str):
        raise value_fault(f"this text is not {wanted}", "Give a value to take: value | int(0).")
    raise wrong_kind(value, wanted)


def _round(fuel: Fuel, value: Value, precision: Value = 0, method: Value = "common") -> Value:
    decimals = integer(precision)
    if text(method) not in _ROUNDS or not 0 <= decimals <= _DECIMALS_LIMIT:
        raise value_fault(
            "this is no way of rounding", 'Write round, round(2), or round(0, "ceil").'
        )
    factor = 10**decimals
    return in_bounds(_ROUNDS[method](in_bounds(float(number(value)) * factor)) / factor)


def _abs(fuel: Fuel, value: Value) -> Value:
    return in_bounds(abs(number(value)))


# -- of texts --------------------------------------------------------------------------------------


def _changed(change: Callable[[str], str]) -> Filter:
    def apply(fuel: Fuel, value: Value) -> str:
        fuel.text(len(text(value)))
        return change(value)

    return apply


def _trim(fuel: Fuel, value: Value, chars: Value = None) -> str:
    fuel.text(len(text(value)))
    return text(value).strip(None if chars is None else text(chars))


def _replace(fuel: Fuel, value: Value, old: Value, new: Value, count: Value = None) -> str:
    if not text(old):
        raise value_fault("an empty text cannot be replaced")
    fuel.text(len(text(value)))
    times = value.count(old)
    if count is not None:
        times = min(times, max(0, integer(count)))
    fuel.text(max(0, len(value) + times * (len(text(new)) - len(old))))
    return text(value).replace(old, new, times)


def _split(fuel: Fuel, value: Value, separator: Value = None) -> list[str]:
    if separator is not None and not text(separator):
        raise value_fault("a text cannot be taken apart at nothing")
    fuel.step(len(text(value)) + 1)
    return text(value).split(separator)


# -- of lists and objects --------------------------------------------------------------------------


def _join(fuel: Fuel, value: Value, d: Value = "") -> str:
    pieces = [spelling(item, fuel) for item in items(value)]
    fuel.text(len(text(d)) * len(pieces))
    return text(d).join(pieces)


def _first(fuel: Fuel, value: Value) -> Value:
    return _at(value, 0)


def _last(fuel: Fuel, value: Value) -> Value:
    return _at(value, -1)


def _at(value: Value, place: int) -> Value:
    found = items(value)
    return (
        found[place]
        if found
        else Missing(reason="the list is empty", next_step="Look first: {% if list %}.")
    )


def _list(fuel: Fuel, value: Value) -> list[Value]:
    return _entries(fuel, value)


def _items(fuel: Fuel, value: Value) -> list[Value]:
    fuel.step(len(members(value)))
    return [[name, member] for name, member in members(value).items()]


def _dictsort(fuel: Fuel, value: Value) -> list[Value]:
    names = _in_order(fuel, list(members(value)))
    return [[name, value[name]] for name in names]


def _reverse(fuel: Fuel, value: Value) -> Value:
    if kind_of(present(value)) == "text":
        fuel.text(len(value))
        return value[::-1]
    return _entries(fuel, value)[::-1]


def _sort(fuel: Fuel, value: Value, reverse: Value = False) -> list[Value]:
    found = _in_order(fuel, _entries(fuel, value))
    return found[::-1] if truth(reverse) else found


def _unique(fuel: Fuel, value: Value) -> list[Value]:
    entries = _entries(fuel, value)
    _check_alike(entries)
    for entry in entries:
        fuel.text(len(entry) if isinstance(entry, str) else 1)
    return list(dict.fromkeys(entries))


def _min(fuel: Fuel, value: Value) -> Value:
    return _first(fuel, _in_order(fuel, _entries(fuel, value)))


def _max(fuel: Fuel, value: Value) -> Value:
    return _last(fuel, _in_order(fuel, _entries(fuel, value)))


def _sum(fuel: Fuel, value: Value, start: Value = 0) -> Value:
    total = number(start)
    for entry in _entries(fuel, value):
        total = in_bounds(total + number(entry))
    return total


def _entries(fuel: Fuel, value: Value) -> list[Value]:
    """Return the items of a list, or the names of an object."""
    found: Iterable[Value] = value if kind_of(present(value)) == "object" else items(value)
    fuel.step(len(value))
    return list(found)


def _in_order(fuel: Fuel, entries: list[Value]) -> list[Value]:
    _check_alike(entries)
    rounds = len(entries).bit_length()
    for entry in entries:
        fuel.step(rounds)
        if isinstance(entry, str):
            fuel.text(len(entry) * rounds)
    return sorted(entries)


def _check_alike(entries: list[Value]) -> None:
    kinds = {kind_of(entry) for entry in entries}
    if kinds not in (set(), {"number"}, {"text"}):
        raise value_fault("the items have to be numbers only, or texts only")


#: By name.
FILTERS: Final[Mapping[str, Filter]] = {
    "abs": _abs,
    "capitalize": _changed(str.capitalize),
    "count": _length,
    "d": _default,
    "default": _default,
    "dictsort": _dictsort,
    "first": _first,
    "float": _float,
    "int": _int,
    "items": _items,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": _list,
    "lower": _changed(str.lower),
    "max": _max,
    "min": _min,
    "replace": _replace,
    "reverse": _reverse,
    "round": _round,
    "sort": _sort,
    "split": _split,
    "string": _string,
    "sum": _sum,
    "title": _changed(str.title),
    "tojson": _tojson,
    "trim": _trim,
    "unique": _unique,
    "upper": _changed(str.upper),
}
