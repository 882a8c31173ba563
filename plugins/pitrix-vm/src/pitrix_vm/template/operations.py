"""Operators of templates' expressions: what each does, with results that stay small."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.values import (
    Value,
    equal,
    in_bounds,
    integer,
    items,
    kind_of,
    members,
    number,
    present,
    text,
    value_fault,
    wrong_kind,
)

#: Bits of the largest whole number.
_BITS: Final = 63
_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "sub": operator.sub,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
}
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}


def calculate(name: str, left: Value, right: Value, fuel: Fuel) -> Value:
    """Return what an operator makes of two values.

    :param name: as Jinja's parser calls it, in small letters.
    :raises TemplateFaultError: the operator does not go with these values, or the result is too
        large.
    """
    if name == "add":
        return _sum(left, right, fuel)
    if name == "mul":
        return _product(left, right, fuel)
    one, other = number(left), number(right)
    if name == "pow":
        return _power(one, other)
    try:
        return in_bounds(_ARITHMETIC[name](one, other))
    except ZeroDivisionError as ex:
        raise value_fault("it is divided by zero") from ex


def negative(value: Value) -> int | float:
    """Return a number with the other sign."""
    return in_bounds(-number(value))


def compare(name: str, left: Value, right: Value, fuel: Fuel) -> bool:
    """Say whether a comparison holds.

    :param name: as Jinja's parser calls it.
    :raises TemplateFaultError: these values cannot be compared.
    """
    if name in ("eq", "ne"):
        return equal(left, right, fuel) is (name == "eq")
    if name in ("in", "notin"):
        return contains(right, left, fuel) is (name == "in")
    return ordered(name, left, right, fuel)


def ordered(name: str, left: Value, right: Value, fuel: Fuel) -> bool:
    """Say whether two numbers or two texts stand in an order: lt, lteq, gt, gteq."""
    if kind_of(left) == "text":
        fuel.text(min(len(left), len(text(right))))
    else:
        number(left), number(right)
    return _ORDER[name](left, right)


def contains(whole: Value, part: Value, fuel: Fuel) -> bool:
    """Say whether a list has an item, an object a member, or a text a piece."""
    if kind_of(present(whole)) == "text":
        fuel.text(len(whole))
        return text(part) in whole
    if kind_of(whole) == "object":
        return text(part) in members(whole)
    return any(equal(item, part, fuel) for item in items(whole))


def sliced(value: Value, bounds: list[Value], fuel: Fuel) -> Value:
    """Return a part of a list or a text.

    :param bounds: begin, end and step; null for none.
    """
    begin, end, step = (None if bound is None else integer(bound) for bound in bounds)
    if step == 0:
        raise value_fault("a step of 0 leads nowhere")
    whole = value if kind_of(present(value)) == "text" else items(value)
    fuel.step(len(whole))
    return whole[begin:end:step]


def _sum(left: Value, right: Value, fuel: Fuel) -> Value:
    kind = kind_of(present(left))
    if kind == "text":
        fuel.text(len(left) + len(text(right)))
        return left + right
    if kind == "list":
        fuel.step(len(left) + len(items(right)))
        return [*left, *right]
    return in_bounds(number(left) + number(right))


def _product(left: Value, right: Value, fuel: Fuel) -> Value:
    if kind_of(present(right)) in ("text", "list"):
        left, right = right, left
    kind = kind_of(present(left))
    if kind not in ("text", "list"):
        return in_bounds(number(left) * number(right))
    times = max(0, integer(right))
    # NOTE(before): the text is not made before it is paid for
    fuel.step(len(left) * times)
    return left * times if kind == "text" else list(left) * times


def _power(base: float, exponent: float) -> int | float:
    if isinstance(base, int) and isinstance(exponent, int):
        if abs(base) > 1 and exponent * (abs(base).bit_length() - 1) > _BITS:
            raise value_fault("this number is too large")
        if base == 0 and exponent < 0:
            raise value_fault("it is divided by zero")
    try:
        result = base**exponent
    except (ZeroDivisionError, OverflowError) as ex:
        raise value_fault("this number is too large") from ex
    if isinstance(result, complex):
        raise wrong_kind(base, "a positive number")
    return in_bounds(result)
