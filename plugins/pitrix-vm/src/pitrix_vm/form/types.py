"""The types of parameters: what JSON holds their values, and how a value is taken as one."""

import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final

from pitrix_core.model import JsonValue

#: Types that a parameter may have; ``array`` is a group.
LEAF_TYPES: Final = frozenset(
    {
        *("integer", "number", "boolean", "string", "password"),
        *("service", "loadbalancer", "accesskey", "vxnet", "eip"),
    }
)
NUMBERS: Final = frozenset({"integer", "number"})
#: Types whose values a pattern is for.
TEXTS: Final = frozenset({"string", "password"})
#: Types of JSON Schema, but for those whose values are texts.
JSON_TYPES: Final[Mapping[str, str]] = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "loadbalancer": "array",
}
#: Members of an access key's value. Source: AppCenter's specification, type accesskey.
ACCESS_KEY_ID: Final = "access_key_id"
SECRET_ACCESS_KEY: Final = "secret_access_key"  # noqa: S105  the name of a member
#: Texts that are plainly a number; longer ones are none of a form's.
_NUMERIC: Final = re.compile(r"\s*[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?\s*", re.ASCII)
#: Larger numbers are none of a form's, and get lost between integers and floats.
_LARGEST: Final = 2**63
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "false": False, "no": False}


def taken_as(value: JsonValue, kind: str) -> JsonValue:
    """Return a value as one of a parameter's type, where its meaning is plain; None where not.

    :param kind: one of :data:`LEAF_TYPES`.
    """
    return _TAKERS.get(kind, as_text)(value)


def identity(value: JsonValue) -> Hashable:
    """Return what tells JSON values apart in sets: ``1`` and ``1.0`` are the same, ``1`` and
    ``true`` are not.
    """
    if isinstance(value, bool):
        return "true" if value else "false", bool
    return value if isinstance(value, int | float) else json.dumps(value, sort_keys=True)


def is_same(value: JsonValue, other: JsonValue) -> bool:
    """Say whether two JSON values are the same."""
    return identity(value) == identity(other)


def is_among(value: JsonValue, others: Iterable[JsonValue]) -> bool:
    """Say whether a value is the same as one of several."""
    return any(is_same(value, other) for other in others)


def as_number(value: JsonValue) -> int | float | None:
    """Return what is a number, or a text that is plainly one."""
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        return float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= _LARGEST else None


def as_integer(value: JsonValue) -> int | None:
    """Return what is a whole number, or a text that is plainly one."""
    number = as_number(value)
    return int(number) if number is not None and number == int(number) else None


def as_flag(value: JsonValue) -> bool | None:
    """Return what is a boolean, or a text for one.

    Released packages have ``"true"`` and ``"false"`` beside the documented ``"yes"`` and ``"no"``.
    """
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def as_text(value: JsonValue) -> str | None:
    """Return what is a text, or a number or boolean as JSON writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and abs(value) <= _LARGEST:
        return json.dumps(value)
    return None


def _as_list(value: JsonValue) -> list[JsonValue] | None:
    if value == "":
        return []
    return value if isinstance(value, list) else None


def _as_addresses(value: JsonValue) -> str | None:
    """Return texts as one, separated by blanks."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(str(item) for item in value)
    return as_text(value)


_TAKERS: Final[Mapping[str, Callable[[JsonValue], JsonValue]]] = {
    "integer": as_integer,
    "number": as_number,
    "boolean": as_flag,
    "loadbalancer": _as_list,
    "vxnet": _as_addresses,
    "eip": _as_addresses,
}
