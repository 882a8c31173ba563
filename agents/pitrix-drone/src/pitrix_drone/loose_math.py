"""Arithmetic and comparison in the AppCenter dialect, where "3" is a number.

Metadata is text, so its templates compare and count strings. Source, for the odd cases:
https://github.com/yunify/confd (resource/template/template_funcs_ext.go)
"""

from __future__ import annotations

import re
from typing import Any, Callable, Final

from pitrix_drone.gotemplate import ExecError
from pitrix_drone.gotemplate.values import is_int

_WHOLE: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DECIMAL: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
    r"|inf(?:inity)?|nan)",
    re.ASCII | re.IGNORECASE,
)
_INT64: Final = 1 << 64
_INT64_MAX: Final = (1 << 63) - 1


def add(first: Any, second: Any) -> Any:
    """Return the sum; of ints an int, else a float."""
    return _arithmetic(first, second, lambda a, b: a + b)


def subtract(first: Any, second: Any) -> Any:
    """Return the difference; of ints an int, else a float."""
    return _arithmetic(first, second, lambda a, b: a - b)


def multiply(first: Any, second: Any) -> Any:
    """Return the product; of ints an int, else a float."""
    return _arithmetic(first, second, lambda a, b: a * b)


def divide(first: Any, second: Any) -> Any:
    """Return the quotient; of ints cut to an int, else a float."""
    first, second = number(first), number(second)
    if second == 0:
        raise ExecError("Can't divide the value by 0")
    if is_int(first) and is_int(second):
        return whole_quotient(first, second)
    return float(first) / float(second)


def modulo(first: Any, second: Any) -> int:
    """Return the remainder of ints, with the sign of the first."""
    first, second = number(first), number(second)
    if not is_int(first) or not is_int(second):
        raise ExecError("Modulo operator can't be used with non integer value")
    return remainder(first, second)


def largest(first: Any, second: Any) -> float:
    """Return the larger of two, as a float always."""
    return max(float(number(first)), float(number(second)))


def smallest(first: Any, second: Any) -> float:
    """Return the smaller of two, as a float always."""
    return min(float(number(first)), float(number(second)))


def equal(first: Any, second: Any) -> bool:
    """Tell whether two values are equal, text that reads as a number being that number."""
    first, second = _normal(first), _normal(second)
    return type(first) is type(second) and bool(first == second)


def compare(first: Any, second: Any) -> int:
    """Return -1, 0 or 1: by number, by length of lists, or by text if neither is a number.

    Text that is no number counts 0 beside a number.
    """
    left, right = _size(first), _size(second)
    if left is None and right is None:
        return int(first > second) - int(first < second)
    left, right = left or 0.0, right or 0.0
    return (left > right) - (left < right)


def whole_quotient(first: int, second: int) -> int:
    """Divide ints as Go does, cutting towards zero."""
    if second == 0:
        raise ExecError("integer divide by zero")
    quotient = abs(first) // abs(second)
    return wrapped(quotient if (first < 0) == (second < 0) else -quotient)


def remainder(first: int, second: int) -> int:
    """Return what Go's ``%`` does: the sign is that of the first."""
    if second == 0:
        raise ExecError("The number can't be divided by zero at modulo operation")
    rest = abs(first) % abs(second)
    return -rest if first < 0 else rest


def wrapped(value: int) -> int:
    """Return what is left of a number in 64 bits."""
    value %= _INT64
    return value - _INT64 if value > _INT64_MAX else value


def number(value: Any) -> Any:
    """Return the int or float a value stands for; text is a float when it has a point.

    :raises ExecError: it stands for none.
    """
    if isinstance(value, str):
        if "." in value and _DECIMAL.fullmatch(value):
            return float(value)
        if _WHOLE.fullmatch(value) and abs(int(value)) <= _INT64_MAX:
            return int(value)
        raise ExecError(f"Can't apply the operator to the value [{value}]")
    if is_int(value) or isinstance(value, float):
        return value
    raise ExecError("Can't apply the operator to the values")


def _arithmetic(first: Any, second: Any, operation: Callable[[Any, Any], Any]) -> Any:
    first, second = number(first), number(second)
    if is_int(first) and is_int(second):
        return wrapped(operation(first, second))
    return operation(float(first), float(second))


def _normal(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    try:
        return float(number(value))
    except ExecError:
        return value


def _size(value: Any) -> float | None:
    """Return the number a value is compared by, or None for text that is none."""
    if isinstance(value, (list, tuple, dict)):
        return float(len(value))
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return 0.0
