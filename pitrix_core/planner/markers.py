"""Checks JSON with a schema where markers may stand for values that are not known yet."""

from collections.abc import Mapping
from typing import Any

from pitrix_core.findings import Finding
from pitrix_core.model import JsonValue
from pitrix_core.model.json import marker_of
from pitrix_core.validation import violations


def unmarked_violations(value: JsonValue, schema: Mapping[str, Any]) -> list[Finding]:
    """Check JSON with a schema; a marker stands for anything, wherever it is.

    Filtering violations afterwards would not do: what is wrong with a marker may be reported inside
    it, or, by ``anyOf``, at what it is part of.

    :returns: a finding for each violation, sorted by place.
    """
    return violations(value, schema, stand_in=_is_marker)


def _is_marker(value: Any) -> bool:
    return marker_of(value) is not None
