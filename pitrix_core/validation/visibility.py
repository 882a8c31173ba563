"""Fields of a form that show only while others have certain values: ``x-visible-if``.

Each condition names a field beside it and the values it must have (``in``), or must not have
(``not_in``); all must hold. While the field beside it is not there, a condition does not hold.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

KEYWORD: Final = "x-visible-if"


def is_visible(part: Mapping[str, Any], siblings: Mapping[str, Any]) -> bool:
    """Say whether a field shows.

    :param part: its schema.
    :param siblings: the object it is in, defaults filled in.
    """
    return not any(failed_conditions(part, siblings))


def failed_conditions(
    part: Mapping[str, Any], siblings: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Return the conditions that hide a field."""
    for condition in part.get(KEYWORD, ()):
        if not _holds(condition, siblings):
            yield condition


def _holds(condition: Mapping[str, Any], siblings: Mapping[str, Any]) -> bool:
    if condition.get("key") not in siblings:
        return False
    value = siblings[condition["key"]]
    if "in" in condition:
        return _is_among(value, condition["in"])
    return not _is_among(value, condition.get("not_in", ()))


def _is_among(value: object, values: Iterable[object]) -> bool:
    """Compare as JSON does: there, true is not 1."""
    is_flag = isinstance(value, bool)
    return any(value == other and is_flag is isinstance(other, bool) for other in values)
