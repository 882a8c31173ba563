"""Compares two JSON documents, part by part."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from pitrix_core.model import JsonValue
from pitrix_core.validation import pointer_to


@attrs.frozen(kw_only=True)
class Change:
    """One part of a document that differs."""

    #: JSON pointer of the part, or the name of what is compared.
    at: str
    #: ``added``, ``removed`` or ``changed``.
    kind: str
    #: None for what was added.
    before: JsonValue = None
    #: None for what was removed.
    after: JsonValue = None


def changes(before: JsonValue, after: JsonValue, *, at: str = "") -> Iterator[Change]:
    """Yield the smallest parts that differ, in the order of the documents.

    Members of objects are compared by name, items of lists by number. A number is never equal to a
    flag, as it is in Python.

    :param at: where the documents stand.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _members(before, after, at)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        yield from _members(dict(enumerate(before)), dict(enumerate(after)), at)
    elif not is_same(before, after):
        yield Change(at=at, kind="changed", before=before, after=after)


def is_same(one: JsonValue, other: JsonValue) -> bool:
    """Say whether two values without parts are the same JSON."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def union(names: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """Return names in their order, those of the others that are new behind them."""
    return list(dict.fromkeys((*names, *others)))


def _members(before: Mapping[Any, Any], after: Mapping[Any, Any], at: str) -> Iterator[Change]:
    for name in union(before, after):
        place = at + pointer_to([name])
        if name not in after:
            yield Change(at=place, kind="removed", before=before[name])
        elif name not in before:
            yield Change(at=place, kind="added", after=after[name])
        else:
            yield from changes(before[name], after[name], at=place)
