"""What expressions in templates may hold: JSON, passwords, names that are not there, functions.

Values are told by their kind before anything is done with them, so that nothing of Python but the
kinds listed here is ever touched.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from pitrix_core.model import JsonValue
from pitrix_core.model.json import marker_of
from pitrix_core.validation import nearest
from pitrix_vm.template.arithmetic import is_in_bounds
from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.records import Secret, TemplateFaultError

#: JSON, :class:`Secret`, :class:`Missing`, or a function of a plugin.
Value: TypeAlias = Any
#: Deepest nesting of a value; a value can be put into a list again and again.
_DEPTH_LIMIT: Final = 50
#: Kinds by type; what is derived from one of these is unknown, whatever it can do.
_KINDS: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    tuple: "list",
}
#: Kinds of values that are not looked into.
_CLOSED: Final = frozenset({"password", "function", "unknown value"})
_ARTICLES: Final[Mapping[str, str]] = {
    "null": "",
    "object": "an ",
    "unknown value": "an ",
    **dict.fromkeys(("boolean", "number", "text", "password", "list", "function"), "a "),
}


@attrs.frozen(kw_only=True)
class Missing:
    """What a name stands for that nobody set; harmless until its value is needed."""

    reason: str
    next_step: str
    #: The name, and those there are: a similar one is looked for when somebody is told.
    name: str = ""
    known: Collection[str] = attrs.field(default=(), repr=False)


def value_fault(reason: str, next_step: str | None = None) -> TemplateFaultError:
    """Return the error for a value that something cannot be done with."""
    return TemplateFaultError(reason, code="template.value", next_step=next_step)


def kind_of(value: Value) -> str:
    """Return a value's kind, as messages and tests name it."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, Secret) or marker_of(value) is not None:
        return "password"
    if isinstance(value, Mapping):
        return "object"
    return "function" if callable(value) else "unknown value"


def present(value: Value) -> Value:
    """Return a value that is there.

    :raises TemplateFaultError: it is not.
    """
    if isinstance(value, Missing):
        raise TemplateFaultError(value.reason, code="template.name", next_step=_hint(value))
    return value


def _hint(missing: Missing) -> str:
    similar = nearest(missing.name, missing.known)
    return f"Is it {similar!r}?" if similar else missing.next_step


def number(value: Value) -> int | float:
    """Return a number.

    :raises TemplateFaultError: the value is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise wrong_kind(value, "a number")


def integer(value: Value) -> int:
    """Return a whole number.

    :raises TemplateFaultError: the value is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong_kind(value, "a whole number")


def text(value: Value) -> str:
    """Return a text.

    :raises TemplateFaultError: the value is none.
    """
    if isinstance(value, str):
        return value
    raise wrong_kind(value, "a text")


def items(value: Value) -> Sequence[Value]:
    """Return the items of a list.

    :raises TemplateFaultError: the value is none.
    """
    if isinstance(value, list | tuple):
        return value
    hint = 'Take it apart first: value | split(",").' if isinstance(value, str) else None
    raise wrong_kind(value, "a list", hint)


def members(value: Value) -> Mapping[str, Value]:
    """Return the members of an object.

    :raises TemplateFaultError: the value is none.
    """
    if kind_of(value) == "object":
        found: Mapping[str, Value] = value
        return found
    raise wrong_kind(value, "an object")


def wrong_kind(value: Value, wanted: str, next_step: str | None = None) -> TemplateFaultError:
    """Return the error for a value of another kind than the one that is needed."""
    kind = kind_of(present(value))
    if kind == "password":
        return value_fault(
            "a password can only be written as it is",
            "Give it a member of its own: {{ env.password }}.",
        )
    return value_fault(f"this is {_ARTICLES[kind]}{kind}, and {wanted} is needed", next_step)


def in_bounds(value: float) -> int | float:
    """Return the result of a calculation.

    :raises TemplateFaultError: it is too large for JSON.
    """
    if is_in_bounds(value):
        return value
    raise value_fault("this number is too large")


def truth(value: Value) -> bool:
    """Say whether a condition holds."""
    found = present(value)
    if isinstance(found, Secret):
        return bool(found.value)
    if kind_of(found) in ("function", "unknown value"):
        raise wrong_kind(found, "a condition")
    return bool(found)


def spelling(value: Value, fuel: Fuel) -> str:
    """Return a value as part of a text: numbers, true, false and null as JSON spells them."""
    if isinstance(value, str):
        fuel.text(len(value))
        return value
    if kind_of(present(value)) not in ("number", "boolean", "null"):
        raise wrong_kind(value, "a text or a number", "Take one of its members, or join a list.")
    return json.dumps(value)


def encoded(value: Value, fuel: Fuel) -> str:
    """Return the JSON of a value."""
    pieces: list[str] = []
    _encode(present(value), fuel, pieces, 0)
    return "".join(pieces)


def as_text(value: Value, fuel: Fuel) -> str:
    """Return the JSON of a value as a text of its own, which can be looked at.

    :raises TemplateFaultError: it holds a password, or what is no JSON.
    """
    return encoded(plain(value, fuel), fuel)


def _encode(value: Value, fuel: Fuel, pieces: list[str], depth: int) -> None:
    fuel.step()
    if depth > _DEPTH_LIMIT:
        raise value_fault("this value is nested too deeply")
    if isinstance(value, Secret):
        pieces.append(_encoded_secret(value.value, fuel))
    elif isinstance(value, Mapping):
        mark = "{"
        for name, member in value.items():
            fuel.text(len(text(name)))
            pieces.append(f"{mark}{json.dumps(name)}: ")
            _encode(present(member), fuel, pieces, depth + 1)
            mark = ", "
        pieces.append("}" if value else "{}")
    elif isinstance(value, list | tuple):
        mark = "["
        for item in value:
            pieces.append(mark)
            _encode(present(item), fuel, pieces, depth + 1)
            mark = ", "
        pieces.append("]" if value else "[]")
    else:
        if isinstance(value, str):
            fuel.text(len(value))
        elif kind_of(value) not in ("number", "boolean", "null"):
            raise wrong_kind(value, "a value")
        pieces.append(json.dumps(value))


def _encoded_secret(value: JsonValue, fuel: Fuel) -> str:
    written = json.dumps(value, default=dict)
    fuel.text(len(written))
    return written


def equal(left: Value, right: Value, fuel: Fuel, depth: int = 0) -> bool:
    """Say whether two values are the same."""
    fuel.step()
    if depth > _DEPTH_LIMIT:
        raise value_fault("this value is nested too deeply")
    kind, other = kind_of(present(left)), kind_of(present(right))
    for each, value in ((kind, left), (other, right)):
        if each in _CLOSED:
            raise wrong_kind(value, "a value to compare")
    if kind == other == "list":
        return len(left) == len(right) and all(
            equal(one, two, fuel, depth + 1) for one, two in zip(left, right, strict=True)
        )
    if kind == other == "object":
        return left.keys() == right.keys() and all(
            equal(left[name], right[name], fuel, depth + 1) for name in left
        )
    if kind == other == "text":
        fuel.text(min(len(left), len(right)))
    return bool(left == right)


def plain(value: Value, fuel: Fuel, depth: int = 0) -> JsonValue:
    """Return a copy of a value as nothing but JSON, for functions of plugins and from them.

    :raises TemplateFaultError: it holds a password, or what is no JSON.
    """
    kind = kind_of(present(value))
    if depth > _DEPTH_LIMIT:
        raise value_fault("this value is nested too deeply")
    if kind == "list":
        fuel.step(len(value) + 1)
        return [plain(item, fuel, depth + 1) for item in value]
    if kind == "object":
        fuel.step(len(value) + 1)
        return {text(name): plain(member, fuel, depth + 1) for name, member in value.items()}
    if kind in _CLOSED:
        raise wrong_kind(value, "a value")
    if kind == "text":
        fuel.text(len(value))
    return in_bounds(value) if kind == "number" else value
