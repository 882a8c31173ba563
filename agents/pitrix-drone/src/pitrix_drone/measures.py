"""Reads what a monitor printed, and makes one value of several.

The library's own ``statistics`` would cost every drone a megabyte of memory.
"""

from __future__ import annotations

import collections
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Final, Union

from pitrix_drone.supervision import Item

Value = Union[int, float, str]

#: Source of both: agents/protocol/schemas/v2/node-measures.schema.json. Beyond 2**53 not every
#: program reads a number.
MAX_TEXT_CHARS: Final = 256
_LARGEST: Final = 2**53 - 1
#: Digits behind the point of what was worked out; a package that wants more measures in smaller
#: units.
_DIGITS: Final = 6


class MeasureError(Exception):
    """What a monitor printed cannot be used."""


def read_measures(text: str, items: Mapping[str, Item]) -> tuple[dict[str, Value], list[str]]:
    """Read one run's output: a JSON object, item → value.

    Numbers may be given as texts: scripts print them so. What is no item is passed over.

    :returns: the values that can be used, and what is wrong with others.
    :raises MeasureError: it is no JSON object.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise MeasureError("it printed no JSON") from None
    if not isinstance(data, dict):
        raise MeasureError("it printed no JSON object")
    values: dict[str, Value] = {}
    problems = []
    for name, item in items.items():
        if name not in data:
            continue
        value = _text(data[name], item) if item.is_text else _number(data[name])
        if value is None:
            problems.append(f"{name}: {_wanted(item)}")
        else:
            values[name] = value
    return values, problems


def one_of(values: Sequence[Value], how: str, *, before: Value | None, spent_s: float) -> Value:
    """Make one value of several.

    :param values: of one item, the oldest first; at least one.
    :param how: one of the statistics.
    :param before: the last value of the period before this one, if there was one.
    :param spent_s: seconds from that one, or else the first of these, to the last.
    """
    if how in ("latest", "mode") or any(isinstance(value, str) for value in values):
        return values[-1] if how != "mode" else _mode(values)
    numbers = [float(value) for value in values]
    if how in ("delta", "rate"):
        start = numbers[0] if before is None else float(before)
        grown = max(0.0, numbers[-1] - start)  # a counter that began anew has not shrunk
        if how == "delta":
            return _rounded(grown)
        return _rounded(grown / spent_s if spent_s > 0 else 0.0)
    return _rounded(_STATISTICS[how](numbers))


_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "min": min,
    "max": max,
    "avg": lambda numbers: math.fsum(numbers) / len(numbers),
    "median": lambda numbers: _median(sorted(numbers)),
}


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _mode(values: Sequence[Value]) -> Value:
    """Return the most frequent value, the newest of several."""
    counts = collections.Counter(values)
    most = max(counts.values())
    return next(value for value in reversed(values) if counts[value] == most)


def _rounded(value: float) -> int | float:
    rounded = round(value, _DIGITS)
    return int(rounded) if rounded.is_integer() else rounded


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not abs(value) <= _LARGEST:  # also what is no number; larger ones no float may hold
        return None
    return _rounded(float(value)) if isinstance(value, float) else value


def _text(value: Any, item: Item) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value).replace("\0", "\ufffd")[:MAX_TEXT_CHARS]
    text = text.encode("utf-8", "replace").decode("utf-8")
    return None if item.choices and text not in item.choices else text


def _wanted(item: Item) -> str:
    if not item.is_text:
        return "a number is needed"
    return f"one of {', '.join(item.choices)}" if item.choices else "text is needed"
