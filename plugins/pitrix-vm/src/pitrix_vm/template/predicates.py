"""Tests of expressions, as in ``x is number``: those of Jinja's that make sense for JSON."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.operations import contains, ordered
from pitrix_vm.template.values import Missing, Value, equal, integer, kind_of, present, value_fault

Predicate: TypeAlias = Callable[..., bool]


def _is_defined(fuel: Fuel, value: Value) -> bool:
    return not isinstance(value, Missing)


def _is_undefined(fuel: Fuel, value: Value) -> bool:
    return isinstance(value, Missing)


def _of_kind(*kinds: str) -> Predicate:
    return lambda fuel, value: kind_of(present(value)) in kinds


def _of_class(cls: type) -> Predicate:
    return lambda fuel, value: type(present(value)) is cls


def _is_divisible(fuel: Fuel, value: Value, by: Value) -> bool:
    if integer(by) == 0:
        raise value_fault("it is divided by zero")
    return integer(value) % integer(by) == 0


def _is_in(fuel: Fuel, value: Value, whole: Value) -> bool:
    return contains(whole, value, fuel)


def _is_equal(fuel: Fuel, value: Value, other: Value) -> bool:
    return equal(value, other, fuel)


def _is_not_equal(fuel: Fuel, value: Value, other: Value) -> bool:
    return not equal(value, other, fuel)


def _in_order(name: str) -> Predicate:
    return lambda fuel, value, other: ordered(name, value, other, fuel)


#: By name. What is looked at may be missing for ``defined`` and ``undefined`` only.
TESTS: Final[Mapping[str, Predicate]] = {
    "defined": _is_defined,
    "undefined": _is_undefined,
    "none": _of_kind("null"),
    "boolean": _of_kind("boolean"),
    "true": lambda fuel, value: present(value) is True,
    "false": lambda fuel, value: present(value) is False,
    "number": _of_kind("number"),
    "integer": _of_class(int),
    "float": _of_class(float),
    "string": _of_kind("text"),
    "mapping": _of_kind("object"),
    "sequence": _of_kind("list"),
    "iterable": _of_kind("list", "object"),
    "odd": lambda fuel, value: integer(value) % 2 == 1,
    "even": lambda fuel, value: integer(value) % 2 == 0,
    "divisibleby": _is_divisible,
    "in": _is_in,
    **dict.fromkeys(("eq", "equalto", "=="), _is_equal),
    **dict.fromkeys(("ne", "!="), _is_not_equal),
    **dict.fromkeys(("lt", "lessthan", "<"), _in_order("lt")),
    **dict.fromkeys(("le", "<="), _in_order("lteq")),
    **dict.fromkeys(("gt", "greaterthan", ">"), _in_order("gt")),
    **dict.fromkeys(("ge", ">="), _in_order("gteq")),
}
