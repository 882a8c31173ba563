"""Turns records into JSON and back, and classes into JSON Schema.

The one converter of the core. JSON from outside is checked with the schema of its class first, so
that every violation is reported at once with its JSON pointer; structuring a checked document then
cannot fail for the user's sake.
"""

import datetime as dt
import enum
import functools
import json
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import attrs
import cattrs
import cattrs.gen
import msgspec

from pitrix_core.errors import InvalidInputError
from pitrix_core.validation import summary, violations

T = TypeVar("T")


def to_json(value: object) -> Any:
    """Return what ``json.dumps`` can take: records as objects, times as RFC 3339 in UTC, amounts as
    strings.
    """
    return _converter().unstructure(value)


def from_json(value: object, cls: type[T]) -> T:
    """Build a record from JSON that came from ourselves.

    :raises InvalidInputError: it does not fit; for JSON from outside use :func:`read`.
    """
    try:
        return _converter().structure(value, cls)
    except cattrs.BaseValidationError as ex:
        details = "; ".join(cattrs.transform_error(ex))
        raise InvalidInputError(f"{cls.__name__}: {details}") from ex


def read(value: object, cls: type[T], *, pointer: str = "") -> T:
    """Build a record from JSON of a user, checking it with the class's schema.

    :param pointer: where the value stands in the request, for the findings.
    :raises InvalidInputError: with a finding for each violation.
    """
    findings = violations(value, schema_of(cls), pointer=pointer)
    if findings:
        raise InvalidInputError(
            summary(findings), findings=findings, pointer=findings[0].pointer or None
        )
    return from_json(value, cls)


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces; what digests are made of."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def schema_of(cls: type) -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of an attrs class; unknown members are refused.

    A member is described by ``attrs.field(metadata={"description": "…"})``: forms show it.
    """
    return _schema_of(cls)


@functools.cache
def _schema_of(cls: Hashable) -> Mapping[str, Any]:
    [root], components = msgspec.json.schema_components(
        [cls], schema_hook=_special_schema, ref_template="#/$defs/{name}"
    )
    schema: dict[str, Any] = {**root, "$defs": components} if components else dict(root)
    for part in (schema, *components.values()):
        if part.get("type") == "object" and "properties" in part:
            part.setdefault("additionalProperties", False)
    own = components.get(getattr(cls, "__name__", ""), schema)
    _describe(own.get("properties", {}), cls)
    return schema


def _describe(members: Mapping[str, dict[str, Any]], cls: Hashable) -> None:
    fields = attrs.fields(cls) if isinstance(cls, type) and attrs.has(cls) else ()
    for field in fields:
        if "description" in field.metadata and field.name in members:
            members[field.name]["description"] = field.metadata["description"]


def _special_schema(cls: type) -> dict[str, Any]:
    raise NotImplementedError(cls)


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_unstructure_hook(dt.datetime, _time_to_json)
    converter.register_structure_hook(dt.datetime, lambda text, _: _time_from_json(text))
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda text, _: Decimal(text))
    converter.register_unstructure_hook_func(
        lambda cls: isinstance(cls, type) and issubclass(cls, enum.Enum), lambda value: value.value
    )
    converter.register_unstructure_hook_func(
        lambda cls: cls is frozenset or getattr(cls, "__origin__", None) is frozenset, sorted
    )
    return converter


def _time_to_json(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time_from_json(text: object) -> dt.datetime:
    if isinstance(text, dt.datetime):
        return text
    return dt.datetime.fromisoformat(str(text))
