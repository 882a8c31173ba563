"""Cuts lists into pages, each of which says where the next one begins.

Short lists are read whole and cut here. Of long ones only a *slice* is read: what comes after the
item that the last page ended with, and one item more than the page has, which says that there are
others.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from pitrix_core.rest.refusals import ParameterError
from pitrix_core.store.slices import Slice

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """A part of a list."""

    items: Sequence[T]
    #: Opaque; None on the last page.
    next_cursor: str | None


@attrs.frozen
class _Cursor:
    """Where a page ended: the id of its last item, and its place in case that item goes."""

    place: int
    id: str | None


def page_of(items: Sequence[T], *, limit: int, cursor: str | None) -> Page[T]:
    """Return the page after a cursor.

    Items that appear or vanish in front of the cursor shift nothing, as long as they have ids.

    :raises ParameterError: the cursor is none that a page ended with.
    """
    start = 0 if cursor is None else _start(items, _decode(cursor))
    end = start + limit
    if end >= len(items):
        return Page(items=items[start:], next_cursor=None)
    return Page(items=items[start:end], next_cursor=_encode(_Cursor(end - 1, _id(items[end - 1]))))


def slice_in(parameters: Mapping[str, Any]) -> Slice:
    """Return the slice that a page needs.

    :param parameters: of the call.
    :raises ParameterError: its cursor is none that a page ended with.
    """
    cursor = parameters.get("cursor")
    after = None if cursor is None else _decode(cursor).id
    if cursor is not None and after is None:
        raise _bad_cursor()
    return Slice(after=after, limit=parameters["limit"] + 1)


def page_of_slice(items: Sequence[T], *, limit: int) -> Page[T]:
    """Return the page that a slice holds.

    :param limit: items of the page; the slice has one more where there are others.
    """
    if len(items) <= limit:
        return Page(items=items, next_cursor=None)
    return Page(items=items[:limit], next_cursor=_encode(_Cursor(0, _id(items[limit - 1]))))


def _start(items: Sequence[object], cursor: _Cursor) -> int:
    if cursor.id is None:
        return cursor.place + 1
    for place, item in enumerate(items):
        if _id(item) == cursor.id:
            return place + 1
    return min(cursor.place, len(items))  # it vanished: what came after it moved into its place


def _id(item: object) -> str | None:
    found = getattr(item, "id", None)
    return None if found is None else str(found)


def _encode(cursor: _Cursor) -> str:
    text = json.dumps(attrs.astuple(cursor))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> _Cursor:
    try:
        place, item_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError, binascii.Error) as ex:
        raise _bad_cursor() from ex
    if type(place) is not int or place < 0 or not _is_id(item_id):
        raise _bad_cursor()
    return _Cursor(place, item_id)


def _is_id(value: object) -> bool:
    """Say whether it may be an id: half a surrogate pair and NUL are nothing for a database."""
    return value is None or (isinstance(value, str) and value.isprintable())


def _bad_cursor() -> ParameterError:
    return ParameterError(
        "query cursor: no page ended with this one.",
        next_step="Use the next_cursor of the last page, or none to begin with the first.",
    )
