"""Arithmetic and comparison in the AppCenter dialect, where "3" is a number.

Metadata is text, so its templates compare and count strings. Source, for the odd cases:
https://github.com/yunify/confd (resource/template/template_funcs_ext.go)
"""

from __future__ import annotations

import re
from typing import Any, Callable, Final

from pitrix_drone.gotemplate import ExecError
from pitrix_drone.gotemplate.floats import parse_float
from pitrix_drone.gotemplate.values import Byte, Int64, Record, is_int, is_nil, type_name

_WHOLE: Final = re.compile(r"([+-]?)0*([0-9]{1,19})", re.ASCII)
_INT64: Final = 1 << 64
_INT64_MAX: Final = (1 << 63) - 1


def add(first: Any, second: Any) -> Any:
    """Return the sum; of whole numbers an int64, else a float."""
    return _arithmetic(first, second, lambda a, b: a + b)


def subtract(first: Any, second: Any) -> Any:
    """Return the difference; of whole numbers an int64, else a float."""
    return _arithmetic(first, second, lambda a, b: a - b)


def multiply(first: Any, second: Any) -> Any:
    """Return the product; of whole numbers an int64, else a float."""
    return _arithmetic(first, second, lambda a, b: a * b)


def divide(first: Any, second: Any) -> Any:
    """Return the quotient; of whole numbers cut to an int64, else a float."""
    first, second = number(first), number(second)
    if second == 0:
        raise ExecError("Can't divide the value by 0")
    if is_int(first) and is_int(second):
        return Int64(whole_quotient(first, second))
    return float(first) / float(second)


def modulo(first: Any, second: Any) -> Int64:
    """Return the remainder of whole numbers, with the sign of the first."""
    first, second = number(first), number(second)
    if not is_int(first) or not is_int(second):
        raise ExecError("Modulo operator can't be used with non integer value")
    return Int64(remainder(first, second))


def largest(first: Any, second: Any) -> float:
    """Return the larger of two, as a float always."""
    return max(float(number(first)), float(number(second)))


def smallest(first: Any, second: Any) -> float:
    """Return the smaller of two, as a float always."""
    return min(float(number(first)), float(number(second)))


def equal(first: Any, second: Any) -> bool:
    """Tell whether two values are equal, text that reads as a number being that number."""
    return _are_equal(_normal(first), _normal(second))


def sides(first: Any, second: Any) -> tuple[float, float]:
    """Return the numbers two values are compared by: lists by length, else as numbers.

    Two texts that are no numbers compare as texts; beside a number such a text counts 0.
    """
    left, right = _side(first), _side(second)
    if isinstance(left, str) and isinstance(right, str):
        return float((left > right) - (left < right)), 0.0
    return _number_of(left), _number_of(right)


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


def whole_number(text: str) -> Int64 | None:
    """Return the decimal number a text is; None when it is none that 64 bits hold."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    value = int("".join(match.groups()))
    return Int64(value) if -_INT64_MAX - 1 <= value <= _INT64_MAX else None


def number(value: Any) -> Any:
    """Return the int or float a value stands for; text is a float when it has a point.

    :raises ExecError: it stands for none.
    """
    if not isinstance(value, str):
        if is_int(value) or isinstance(value, float):
            return value
        raise ExecError("Can't apply the operator to the values")
    if "." in value:
        parsed = parse_float(value)
        found: float | None = parsed.value if parsed.is_valid else None
    else:
        found = whole_number(value)
    if found is None:
        raise ExecError(f"Can't apply the operator to the value [{value}]")
    return found


def _arithmetic(first: Any, second: Any, operation: Callable[[Any, Any], Any]) -> Any:
    """Count; where both are zero the result is an int 0 of whatever types they were."""
    first, second = number(first), number(second)
    if not first and not second:
        return 0
    if is_int(first) and is_int(second):
        return Int64(wrapped(operation(int(first), int(second))))
    return operation(float(first), float(second))


def _normal(value: Any) -> Any:
    try:
        return float(number(value))
    except ExecError:
        return value


def _are_equal(first: Any, second: Any) -> bool:
    """Compare with types and all, to any depth."""
    if type_name(first) != type_name(second) or is_nil(first) != is_nil(second):
        return False
    if isinstance(first, list):
        return len(first) == len(second) and all(map(_are_equal, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            _are_equal(value, second[key]) for key, value in first.items()
        )
    return bool(first == second)


def _side(value: Any) -> float | str:
    if isinstance(value, (list, tuple, dict)):
        return float(len(value))
    if isinstance(value, str):
        parsed = parse_float(value)
        if parsed.is_valid:
            return parsed.value
        return value
    if isinstance(value, (int, float)) and not isinstance(value, (bool, Byte)):
        return float(value)
    unix = getattr(value, "Unix", None) if isinstance(value, Record) else None
    return float(unix()) if unix is not None else 0.0


def _number_of(side: float | str) -> float:
    """Return a side as a number: 0 for text, infinite for digits that are out of range."""
    return parse_float(side).value if isinstance(side, str) else side
