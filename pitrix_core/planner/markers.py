"""Checks JSON with a schema where markers may stand for values that are not known yet."""

import functools
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jsonschema
import jsonschema.validators

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue
from pitrix_core.model.json import marker_of
from pitrix_core.validation import pointer_to

#: Longest message of a violation, in characters: the library quotes whole values.
_MESSAGE_LIMIT: Final = 300

_Check = Callable[[Any, Any, Any, Any], Iterator[jsonschema.ValidationError] | None]


def unmarked_violations(value: JsonValue, schema: Mapping[str, Any]) -> list[Finding]:
    """Check JSON with a schema; a marker stands for anything, wherever it is.

    Filtering violations afterwards would not do: what is wrong with a marker may be reported inside
    it, or, by ``anyOf``, at what it is part of.

    :returns: a finding for each violation, in the order of the document.
    """
    errors = _validator_class()(schema).iter_errors(value)
    return [
        Finding(
            level=Level.ERROR,
            code=f"schema.{error.validator}",
            message=textwrap.shorten(error.message, _MESSAGE_LIMIT, placeholder="…"),
            pointer=pointer_to(error.absolute_path),
        )
        for error in sorted(errors, key=lambda e: [str(part) for part in e.absolute_path])
    ]


@functools.cache
def _validator_class() -> Any:
    base = jsonschema.Draft202012Validator
    checks = {name: _unless_marker(check) for name, check in base.VALIDATORS.items()}
    return jsonschema.validators.extend(base, checks)  # type: ignore[no-untyped-call]


def _unless_marker(check: _Check) -> _Check:
    def checked(
        validator: Any, value: Any, instance: Any, schema: Any
    ) -> Iterator[jsonschema.ValidationError] | None:
        return (
            None if marker_of(instance) is not None else check(validator, value, instance, schema)
        )

    return checked
