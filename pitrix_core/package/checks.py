"""Reading JSON text and checking JSON with a schema, with findings that name the place."""

import json
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

import jsonschema

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue

#: Longest message of a violation, in characters: the library quotes whole values.
_MESSAGE_LIMIT: Final = 300


def parse_json(text: str, *, file: str) -> JsonValue:
    """Return what a JSON text says; of members with one name the last counts.

    :param file: for the finding.
    :raises PackageInvalidError: it is not JSON, or holds what cannot be written as UTF-8; the
        finding names line and column where they are known.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        _check_characters(text, value)
    except json.JSONDecodeError as ex:
        message = f"line {ex.lineno}, column {ex.colno}: not JSON: {ex.msg}"
        raise _not_json(file, message) from ex
    except RecursionError as ex:
        raise _not_json(file, "nested too deeply") from ex
    except ValueError as ex:
        raise _not_json(file, f"not JSON: {ex}") from ex
    return value


def violations(value: object, schema: JsonObject, *, file: str, pointer: str = "") -> list[Finding]:
    """Check JSON with a schema (2020-12).

    :param file: the value is from.
    :param pointer: where it stands in the file.
    :returns: a finding for each violation, in the order of the document; their codes are
        ``schema.<keyword>``.
    """
    errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
    ordered = sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])
    return [
        Finding(
            level=Level.ERROR,
            code=f"schema.{error.validator}",
            message=_message(error),
            pointer=pointer + pointer_to(error.absolute_path),
            file=file,
        )
        for error in ordered
    ]


def pointer_to(parts: Iterable[object]) -> str:
    """Return the JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def _message(error: jsonschema.ValidationError) -> str:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if schema.get("writeOnly"):  # NOTE(secrets): the library's message quotes the value
        return f"does not fulfil {error.validator}: {error.validator_value!r}"
    return textwrap.shorten(error.message, _MESSAGE_LIMIT, placeholder="…")


def _check_characters(text: str, value: JsonValue) -> None:
    """Refuse half a surrogate pair: JSON can spell it, UTF-8 and so every database cannot."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as ex:
        raise ValueError("it holds half of a surrogate pair") from ex


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _not_json(file: str, message: str) -> PackageInvalidError:
    finding = Finding(level=Level.ERROR, code="package.json", message=message, file=file)
    return PackageInvalidError(f"{file}: {message}", findings=[finding])
