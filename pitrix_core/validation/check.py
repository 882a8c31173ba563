"""Checks JSON with a schema: one finding for each violation, in words a person understands."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pitrix_core.findings import Finding, Level
from pitrix_core.validation.keywords import StandIn, validator_of
from pitrix_core.validation.patterns import limited
from pitrix_core.validation.reports import Reporter
from pitrix_core.validation.violated import plain

#: Findings named in a one-line summary; the rest is counted.
_SUMMARY_FINDINGS: Final = 3
#: Violations reported at most: nobody reads more, and a hostile document has millions.
_FINDINGS_LIMIT: Final = 1000
#: Deepest JSON that is looked at, in levels; a form has five, the deepest package seen has twelve.
_DEPTH_LIMIT: Final = 100


def violations(
    value: object,
    schema: Mapping[str, Any],
    *,
    pointer: str = "",
    file: str | None = None,
    stand_in: StandIn | None = None,
) -> list[Finding]:
    """Check JSON with a schema.

    A message begins with what the place is called in forms, its ``title``: ``Node count: 10 is not
    one of 1, 3, 5``. What is missing, or not known, is reported at the place itself. Takes a few
    seconds at most, whatever value and patterns are; a pattern that takes too long is a violation.

    :param pointer: where the value stands in the whole document.
    :param file: the document is from.
    :param stand_in: says of a value that it stands for one that is not known yet: anything may
        have one in its place.
    :returns: a finding for each violation, sorted by place, the first thousand; their codes are
        ``schema.<keyword>``. The value of a ``writeOnly`` property is never quoted.
    """
    if is_too_deep(value):
        return [_too_deep(pointer, file)]
    with limited():
        errors = validator_of(schema, stand_in=stand_in).iter_errors(value)
        found = plain(itertools.islice(errors, _FINDINGS_LIMIT))
        report = Reporter(value, schema, pointer=pointer, file=file)
        return report.findings(found)


def is_valid(value: object, part: Any, *, schema: Mapping[str, Any]) -> bool:
    """Say whether JSON fulfils a part of a schema, such as a condition.

    :param value: not nested too deeply; see :func:`is_too_deep`.
    :param schema: the whole one, for references.
    """
    with limited():
        return bool(validator_of(schema).evolve(schema=part).is_valid(value))


def is_too_deep(value: object) -> bool:
    """Say whether JSON is nested deeper than is looked at."""
    level = [value]
    for _ in range(_DEPTH_LIMIT + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def summary(findings: Iterable[Finding]) -> str:
    """Say in one line what several findings say."""
    messages = [f"{f.pointer}: {f.message}" if f.pointer else f.message for f in findings]
    left_out = len(messages) - _SUMMARY_FINDINGS
    more = f" (and {left_out} more)" if left_out > 0 else ""
    return "; ".join(messages[:_SUMMARY_FINDINGS]) + more


def _too_deep(pointer: str, file: str | None) -> Finding:
    message = f"the document is nested more than {_DEPTH_LIMIT} levels deep"
    return Finding(
        level=Level.ERROR, code="schema.depth", message=message, pointer=pointer, file=file
    )


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
