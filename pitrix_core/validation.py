"""Checks JSON with a JSON Schema (2020-12), and names places in JSON by pointers (RFC 6901)."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

import jsonschema

from pitrix_core.findings import Finding, Level

#: Findings named in a one-line summary; the rest is counted.
_SUMMARY_FINDINGS: Final = 3
#: Longest message of a violation, in characters: the library quotes whole values.
_MESSAGE_LIMIT: Final = 300


def violations(
    value: object, schema: Mapping[str, Any], *, pointer: str = "", file: str | None = None
) -> list[Finding]:
    """Check JSON with a schema.

    :param pointer: where the value stands in the whole document.
    :param file: the document is from.
    :returns: a finding for each violation, in the order of the document; their codes are
        ``schema.<keyword>``. The value of a ``writeOnly`` property is never quoted.
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


def summary(findings: Iterable[Finding]) -> str:
    """Say in one line what several findings say."""
    messages = [f"{f.pointer}: {f.message}" if f.pointer else f.message for f in findings]
    left_out = len(messages) - _SUMMARY_FINDINGS
    more = f" (and {left_out} more)" if left_out > 0 else ""
    return "; ".join(messages[:_SUMMARY_FINDINGS]) + more


def pointer_to(parts: Iterable[object]) -> str:
    """Return the JSON pointer of a path."""
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


def _message(error: jsonschema.ValidationError) -> str:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if schema.get("writeOnly"):  # NOTE(secrets): the library's message quotes the value
        return f"does not fulfil {error.validator}: {error.validator_value!r}"
    return textwrap.shorten(error.message, _MESSAGE_LIMIT, placeholder="…")
