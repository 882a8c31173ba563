"""What a parameter's values must fulfil: checked on the package's own ones, and as JSON Schema.

What a package itself sets (the default, the values of a combination) is allowed even where its own
limits say otherwise: real packages have such defaults, and whoever fills in nothing must not be
refused for them. Only what is required needs a value within the limits.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.package import violations
from pitrix_vm.form.patterns import literal
from pitrix_vm.form.records import Leaf
from pitrix_vm.form.types import (
    ACCESS_KEY_ID,
    JSON_TYPES,
    NUMBERS,
    SECRET_ACCESS_KEY,
    identity,
    is_among,
)

#: Flat paths of the network, in either dialect; left empty, the runtime's default one is taken.
NETWORK_PATHS: Final = ("cluster.vxnet", "cluster.subnet")
#: Matches the end of a text, in the flavour that Python and JavaScript share.
_END: Final = r"$(?!\n)"
_PORT: Final = {"minimum": 1, "maximum": 65535}


def own_values(leaf: Leaf) -> tuple[JsonValue, ...]:
    """Return the values that a package itself sets, or that stand for none."""
    has_none = leaf.value_type in NUMBERS and not leaf.has_default
    first = () if has_none else (leaf.fallback,)
    return (*first, *(value for value in leaf.combination if value is not None))


def misfits(leaf: Leaf) -> tuple[JsonValue, ...]:
    """Return the package's own values that are not within the limits, patterns left aside."""
    choices = frozenset(identity(choice) for choice in leaf.choices)
    return tuple(value for value in own_values(leaf) if not _is_within(leaf, value, choices))


def unmatched(texts: Sequence[tuple[str, str]]) -> frozenset[int]:
    """Return the numbers of those texts that do not match their pattern.

    All are looked at together, in bounded time; a text that takes too long does not match.

    :param texts: patterns and texts.
    """
    return _refused([({"pattern": pattern}, text) for pattern, text in texts])


def matched(texts: Sequence[tuple[str, str]]) -> frozenset[int]:
    """Return the numbers of those texts that match their pattern; see :func:`unmatched`.

    What is refused is what costs: this is the one to take where most do not match.
    """
    return _refused([({"not": {"pattern": pattern}}, text) for pattern, text in texts])


def value_schema(leaf: Leaf) -> dict[str, Any]:
    """Return the JSON Schema of a parameter's values, whether it has to be given or not."""
    shape = _shape(leaf)
    if is_fixed(leaf):
        return {**shape, "const": leaf.fallback}
    allowed = {identity(value) for value in leaf.combination}
    if leaf.dependencies or not leaf.is_required:
        allowed.add(identity(leaf.fallback))
    own = [value for value in leaf.misfits if identity(value) in allowed]
    return {**shape, **_widened(_limits(leaf), own)}


def filled_schema(leaf: Leaf) -> dict[str, Any]:
    """Return the JSON Schema that holds beside the other one where a value is needed."""
    if not leaf.is_required or is_fixed(leaf) or leaf.path in NETWORK_PATHS:
        return {}
    is_open = is_text(leaf) and not leaf.choices
    schema: dict[str, Any] = {"minLength": 1} if is_open else {}
    if leaf.dependencies and is_among(leaf.fallback, leaf.misfits):
        schema |= _limits(leaf)
    return schema


def is_fixed(leaf: Leaf) -> bool:
    """Say whether the package alone sets the value."""
    has_value = leaf.has_default or not leaf.is_required
    return not leaf.is_changeable_when_create and has_value and not leaf.combination


def is_mandatory(leaf: Leaf) -> bool:
    """Say whether a user has to give a value: it is required, and the default would not do."""
    if not leaf.is_required or is_fixed(leaf) or leaf.path in NETWORK_PATHS:
        return False
    return leaf.default in (None, "") or is_among(leaf.fallback, leaf.misfits)


def is_text(leaf: Leaf) -> bool:
    """Say whether the values are texts."""
    return leaf.value_type not in JSON_TYPES


def _refused(texts: Sequence[tuple[JsonObject, str]]) -> frozenset[int]:
    schema = {"properties": {str(number): part for number, (part, _) in enumerate(texts)}}
    document = {str(number): text for number, (_, text) in enumerate(texts)}
    found = violations(document, schema) if texts else []
    return frozenset(int(finding.pointer.split("/")[1]) for finding in found)


def _shape(leaf: Leaf) -> dict[str, Any]:
    if leaf.type == "accesskey":
        return _access_key()
    if leaf.type == "loadbalancer":
        return {"type": "array", "items": _listener(leaf)}
    return {"type": JSON_TYPES.get(leaf.value_type, "string")}


def _access_key() -> dict[str, Any]:
    """Return the schema of an access key: its id where the runtime knows the secret, or both."""
    given = {"type": "string", "minLength": 1}
    return {
        "type": ["string", "object"],
        "properties": {
            ACCESS_KEY_ID: {"title": "Access key id", **given},
            SECRET_ACCESS_KEY: {"title": "Secret access key", **given, "writeOnly": True},
        },
        "required": [ACCESS_KEY_ID, SECRET_ACCESS_KEY],
        "additionalProperties": False,
    }


def _listener(leaf: Leaf) -> dict[str, Any]:
    port: dict[str, Any] = {"title": "Port", "type": "integer", **_PORT}
    if leaf.ports:
        port |= {"enum": [*leaf.ports], "default": leaf.ports[0]}
    return {
        "type": "object",
        "properties": {
            "listener": {"title": "Listener", "type": "string", "minLength": 1},
            "port": port,
            "policy": {"title": "Policy", "type": "string", "default": ""},
        },
        "required": ["listener", "port"],
        "additionalProperties": False,
    }


def _limits(leaf: Leaf) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if leaf.choices and leaf.is_multichoice:
        limits["pattern"] = _multichoice_pattern(leaf)
    elif leaf.choices:
        limits["enum"] = _distinct([*leaf.choices])
    elif leaf.pattern is not None:
        limits["pattern"] = leaf.pattern
    if leaf.minimum is not None:
        limits["minimum"] = leaf.minimum
    if leaf.maximum is not None:
        limits["maximum"] = leaf.maximum
    if leaf.step is not None:
        limits["multipleOf"] = leaf.step
    return limits


def _widened(limits: dict[str, Any], allowed: list[JsonValue]) -> dict[str, Any]:
    """Return limits that allow some values more."""
    if not allowed:
        return limits
    if [*limits] == ["enum"]:
        return {"enum": [*limits["enum"], *_distinct(allowed)]}
    if [*limits] == ["pattern"]:
        texts = "|".join(literal(str(value)) for value in _distinct(allowed))
        return {"pattern": f"^(?:{texts}){_END}|{limits['pattern']}"}
    return {"anyOf": [{"enum": _distinct(allowed)}, limits]}


def _distinct(values: list[JsonValue]) -> list[JsonValue]:
    return [*{identity(value): value for value in values}.values()]


def _multichoice_pattern(leaf: Leaf) -> str:
    choice = "|".join(literal(str(choice)) for choice in leaf.choices)
    return f"^(?:{choice})(?:{literal(leaf.separator)}(?:{choice}))*{_END}"


def _is_within(leaf: Leaf, value: JsonValue, choices: frozenset[Hashable]) -> bool:
    chosen = str(value).split(leaf.separator) if leaf.is_multichoice else [value]
    if choices and not all(identity(each) in choices for each in chosen):
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return not (
        (leaf.minimum is not None and value < leaf.minimum)
        or (leaf.maximum is not None and value > leaf.maximum)
        or (leaf.step is not None and value % leaf.step)
    )
