"""Works out what a package calculates with a value: ``{{cluster.node.memory}} * 3 / 1024``.

Seen in released AppCenter packages after a tag, with numbers only. Whole numbers stay whole: a
division is rounded down, as the size of a volume has to be.
"""

import math
import re
from collections.abc import Callable, Mapping
from operator import add, floordiv, mul, sub, truediv
from typing import Final

_Number = int | float
#: Largest whole number, as in most programs that read JSON and in Go's int64.
_INTEGER_LIMIT: Final = 2**63 - 1
_STEP: Final = re.compile(r"\s*([*/+-])\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)")
_EXACT: Final[Mapping[str, Callable[[_Number, _Number], _Number]]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
}
_WHOLE: Final = {**_EXACT, "/": floordiv}


def calculated(value: _Number, steps: str) -> _Number:
    """Return what a number becomes.

    :param steps: operators and numbers in turn; ``*`` and ``/`` go before ``+`` and ``-``.
    :raises ZeroDivisionError: it is divided by zero.
    :raises OverflowError: the result is too large for JSON.
    """
    try:
        result = _result(value, steps)
    except OverflowError as ex:  # whole numbers beyond what a float can hold, in words of Python's
        raise OverflowError("the number is too large") from ex
    if not is_in_bounds(result):
        raise OverflowError("the number is too large")
    return result


def is_in_bounds(number: _Number) -> bool:
    """Say whether a number is one that programs which read JSON can hold."""
    if isinstance(number, int):
        return -_INTEGER_LIMIT <= number <= _INTEGER_LIMIT
    return math.isfinite(number)


def _result(value: _Number, steps: str) -> _Number:
    total: _Number = 0
    sign, term = "+", value
    for operator, text in _STEP.findall(steps):
        number = float(text) if "." in text else int(text)
        if operator in "*/":
            term = _apply(operator, term, number)
        else:
            total, sign, term = _apply(sign, total, term), operator, number
    return _apply(sign, total, term)


def _apply(operator: str, left: _Number, right: _Number) -> _Number:
    whole = isinstance(left, int) and isinstance(right, int)
    return (_WHOLE if whole else _EXACT)[operator](left, right)
