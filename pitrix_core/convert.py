"""Turns records into JSON and back, and classes into JSON Schema.

The one converter of the core. JSON from outside is checked with the schema of its class first, so
that every violation is reported at once with its JSON pointer; structuring a checked document then
cannot fail for the user's sake.
"""

import datetime as dt
import enum
import functools
import json
import textwrap
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

import cattrs
import cattrs.gen
import jsonschema
import msgspec

from pitrix_core.errors import InvalidInputError
from pitrix_core.findings import Finding, Level

T = TypeVar("T")

#: Findings named in a one-line summary; the rest is counted.
_SUMMARY_FINDINGS: Final = 3
#: Longest message of a violation, in characters: the library quotes whole values.
_MESSAGE_LIMIT: Final = 300


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
    """Return the JSON Schema (2020-12) of an attrs class; unknown members are refused."""
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
    return schema


def violations(
    value: object, schema: Mapping[str, Any], *, pointer: str = "", file: str | None = None
) -> list[Finding]:
    """Check JSON with a schema.

    :param pointer: where the value stands in the whole document.
    :returns: a finding for each violation, in the order of the document; their codes are
        ``schema.<keyword>``.
    """
    errors = sorted(_validator(schema).iter_errors(value), key=lambda e: [str(p) for p in e.path])
    return [_finding(error, pointer=pointer, file=file) for error in errors]


def summary(findings: Iterable[Finding]) -> str:
    """Say in one line what several findings say."""
    messages = [f"{f.pointer}: {f.message}" if f.pointer else f.message for f in findings]
    more = (
        f" (and {len(messages) - _SUMMARY_FINDINGS} more)"
        if len(messages) > _SUMMARY_FINDINGS
        else ""
    )
    return "; ".join(messages[:_SUMMARY_FINDINGS]) + more


def pointer_to(parts: Iterable[object]) -> str:
    """Return the JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer names.

    :raises KeyError: there is nothing.
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(key)] if isinstance(document, list | tuple) else document[key]
        except (ValueError, IndexError, TypeError) as ex:
            raise KeyError(pointer) from ex
    return document


def _finding(error: jsonschema.ValidationError, *, pointer: str, file: str | None) -> Finding:
    return Finding(
        level=Level.ERROR,
        code=f"schema.{error.validator}",
        message=_message(error),
        pointer=pointer + pointer_to(error.absolute_path),
        file=file,
    )


def _message(error: jsonschema.ValidationError) -> str:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if schema.get("writeOnly"):  # NOTE(secrets): the library's message quotes the value
        return f"does not fulfil {error.validator}: {error.validator_value!r}"
    return textwrap.shorten(error.message, _MESSAGE_LIMIT, placeholder="…")


def _validator(schema: Mapping[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema)


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
