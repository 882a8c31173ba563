"""The validator: JSON Schema 2020-12 as the library has it, but for what we need otherwise.

- Patterns are searched for in bounded time.
- What is missing, and what is not known, is one violation each, at the place itself.
- Multiples of decimal fractions are what they are on paper: 0.3 is one of 0.1.
- References lead nowhere but into the schema itself: nothing is fetched.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, TypeAlias

import jsonschema
import jsonschema.validators
import referencing

from pitrix_core.validation.patterns import UncheckedError, is_found

#: Says of a value that it stands for one that is not known yet: it is not looked into.
StandIn: TypeAlias = Callable[[object], bool]

_Errors: TypeAlias = Iterator[jsonschema.ValidationError]
_Check: TypeAlias = Callable[[Any, Any, Any, Any], _Errors | None]


def validator_of(schema: Mapping[str, Any], *, stand_in: StandIn | None = None) -> Any:
    """Return a validator of a schema."""
    registry: referencing.Registry[Any] = _NOTHING
    return _class(stand_in)(schema, registry=registry)


_NOTHING: Final[referencing.Registry[Any]] = referencing.Registry()


@functools.lru_cache(maxsize=8)  # there are as many as there are kinds of stand-ins
def _class(stand_in: StandIn | None) -> Any:
    base = jsonschema.Draft202012Validator
    checks = {**base.VALIDATORS, **_CHECKS}
    if stand_in is not None:
        checks = {name: _unless(stand_in, check) for name, check in checks.items()}
    return jsonschema.validators.extend(base, checks)  # type: ignore[no-untyped-call]


def _unless(stand_in: StandIn, check: _Check) -> _Check:
    def checked(validator: Any, value: Any, instance: Any, schema: Any) -> _Errors | None:
        return None if stand_in(instance) else check(validator, value, instance, schema)

    return checked


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> _Errors:
    if not isinstance(instance, str):
        return
    try:
        is_match = is_found(pattern, instance)
    except UncheckedError as ex:
        yield jsonschema.ValidationError("", cause=ex)
        return
    if not is_match:
        yield jsonschema.ValidationError("")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Any
) -> _Errors:
    if not isinstance(instance, dict):
        return
    for pattern, part in patterns.items():
        for name, value in instance.items():
            try:
                is_match = is_found(pattern, name)
            except UncheckedError as ex:
                yield jsonschema.ValidationError("", cause=ex, path=[name])
                continue
            if is_match:
                yield from validator.descend(value, part, path=name, schema_path=pattern)


def _additional_properties(validator: Any, part: Any, instance: Any, schema: Any) -> _Errors:
    if not isinstance(instance, dict) or part is True:
        return
    properties = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    for name, value in instance.items():
        if name in properties or _fits_any(patterns, name):
            continue
        if part is False:
            yield jsonschema.ValidationError("", path=[name])
        else:
            yield from validator.descend(value, part, path=name)


def _fits_any(patterns: Sequence[str], name: str) -> bool:
    try:
        return any(is_found(pattern, name) for pattern in patterns)
    except UncheckedError:  # said by patternProperties itself
        return True


def _required(validator: Any, names: Sequence[str], instance: Any, schema: Any) -> _Errors:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield jsonschema.ValidationError("", path=[name])


def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> _Errors:
    if validator.is_type(instance, "number") and not _is_multiple(instance, step):
        yield jsonschema.ValidationError("")


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return (Fraction(str(value)) / Fraction(str(step))).denominator == 1


_CHECKS: Final[Mapping[str, _Check]] = {
    "additionalProperties": _additional_properties,
    "multipleOf": _multiple_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "required": _required,
}
