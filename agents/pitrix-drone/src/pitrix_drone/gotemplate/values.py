"""Go's values in Python: which types there are, what is true, how they print.

int, float, str, bool, None, dict and list stand for Go's own; a plain list is ``[]interface {}``.
"""

from __future__ import annotations

import decimal
import math
from typing import Any, Callable, ClassVar, Final, NamedTuple


class NoValue:
    """What a map has for a key it does not have; there is one object of it."""


NO_VALUE: Final = NoValue()


class Ideal(float):
    """A constant such as ``1e3``, which serves as an int where one is wanted."""


class Record:
    """A Go struct: its fields are read by name, and its methods called."""

    go_type: ClassVar[str] = "struct {}"
    fields: ClassVar[tuple[str, ...]] = ()
    methods: ClassVar[tuple[str, ...]] = ()


class Strings(list[str]):
    """A ``[]string``, which ``join`` wants and a plain list is not."""

    go_type: ClassVar[str] = "[]string"


class Ints(list[int]):
    """An ``[]int``."""

    go_type: ClassVar[str] = "[]int"


class Pairs(list[Record]):
    """A ``[]KVPair``."""

    go_type: ClassVar[str] = "[]memkv.KVPair"


class Function(NamedTuple):
    """A function templates may call.

    :param parameters: Go types: ``string``, ``int``, ``[]string``, ``any``.
    :param rest: the type of any further arguments, or empty when there may be none.
    """

    call: Callable[..., Any]
    parameters: tuple[str, ...]
    rest: str = ""


#: From this exponent on a float prints as 1e+06 rather than 1000000.
#: Source: https://cs.opensource.google/go/go/+/master:src/strconv/ftoa.go (eprec, shortest)
_LEAST_BIG_EXPONENT: Final = 6
_LEAST_EXPONENT: Final = -4


def is_int(value: Any) -> bool:
    """Tell whether *value* is a Go int; Python's booleans are ints, Go's are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def truth(value: Any) -> bool:
    """Tell whether a Go template takes *value* as true; a struct always is."""
    if isinstance(value, Record):
        return True
    return value is not NO_VALUE and bool(value)


def type_name(value: Any) -> str:
    """Return the name Go has for the type of *value*."""
    named = getattr(value, "go_type", None)
    if named is not None:
        return str(named)
    if value is None or value is NO_VALUE:
        return "<nil>"
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_TYPE_NAMES: Final = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
    (dict, "map[string]interface {}"),
    ((list, tuple), "[]interface {}"),
)


def show(value: Any, *, with_names: bool = False) -> str:
    """Return what Go's ``%v`` prints, or ``%+v`` with the names of a struct's fields."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return show_float(value)
    if isinstance(value, (dict, list, tuple, Record)):
        return _show_composite(value, with_names=with_names)
    return "<no value>" if value is NO_VALUE else str(value)


def show_float(value: float) -> str:
    """Return the shortest digits that read back as *value*, as Go's ``%v`` lays them out."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign + "0"
    _, digit_values, scale = decimal.Decimal(repr(float(value))).as_tuple()
    exponent = len(digit_values) + int(scale) - 1
    digits = "".join(map(str, digit_values)).rstrip("0")
    return sign + _laid_out(digits, exponent)


def _laid_out(digits: str, exponent: int) -> str:
    if exponent < _LEAST_EXPONENT or exponent >= _LEAST_BIG_EXPONENT:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}.{fraction}" if fraction else whole


def _show_composite(value: Any, *, with_names: bool) -> str:
    if isinstance(value, Record):
        parts = [
            (f"{name}:" if with_names else "") + show(getattr(value, name), with_names=with_names)
            for name in value.fields
        ]
        return "{" + " ".join(parts) + "}"
    if isinstance(value, dict):
        parts = [f"{show(key)}:{show(value[key], with_names=with_names)}" for key in sorted(value)]
        return "map[" + " ".join(parts) + "]"
    return "[" + " ".join(show(item, with_names=with_names) for item in value) + "]"
