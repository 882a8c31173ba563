"""Tests that pages join up, whatever happens between them."""

from typing import Any

import attrs
import falcon.testing
import pytest

from pitrix_core.rest.pagination import Page, page_of, page_of_slice, slice_in
from pitrix_core.rest.refusals import ParameterError


@attrs.frozen
class Item:
    """Something in a list."""

    id: str


def _items(*ids: int) -> list[Item]:
    return [Item(str(n)) for n in ids]


def _ids(page: Page[Item]) -> list[str]:
    return [item.id for item in page.items]


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        pytest.param(0, [0], id="nothing"),
        pytest.param(2, [2], id="one-full-page"),
        pytest.param(5, [2, 2, 1], id="several"),
    ],
)
def test_pages_hold_everything_once(count: int, pages: list[int]) -> None:
    """Following the cursors comes to the end, through every item in order."""
    items = _items(*range(count))
    page = page_of(items, limit=2, cursor=None)
    seen, sizes = _ids(page), [len(page.items)]
    while page.next_cursor is not None:
        page = page_of(items, limit=2, cursor=page.next_cursor)
        seen, sizes = seen + _ids(page), [*sizes, len(page.items)]

    assert seen == [item.id for item in items]
    assert sizes == pages


def test_an_item_that_appears_in_front_repeats_nothing() -> None:
    """The next page begins after the item the last one ended with."""
    first = page_of(_items(3, 2, 1), limit=2, cursor=None)

    second = page_of(_items(5, 4, 3, 2, 1), limit=2, cursor=first.next_cursor)

    assert _ids(second) == ["1"]


def test_an_item_that_vanishes_leaves_no_gap() -> None:
    """The item at the cursor may go; the one behind it is not skipped."""
    first = page_of(_items(1, 2, 3, 4), limit=2, cursor=None)

    second = page_of(_items(1, 3, 4), limit=2, cursor=first.next_cursor)

    assert _ids(second) == ["3", "4"]


def test_items_without_ids_are_counted() -> None:
    """A list of anything can be cut into pages."""
    first = page_of(["a", "b", "c"], limit=2, cursor=None)

    assert list(page_of(["a", "b", "c"], limit=2, cursor=first.next_cursor).items) == ["c"]


def test_a_list_is_served_in_pages(client: falcon.testing.TestClient, things: Any) -> None:
    """The API takes limit and cursor, and names the next cursor."""
    for name in ("one", "two", "three"):
        client.simulate_post("/v1/things", json={"name": name})

    first = client.simulate_get("/v1/things", params={"limit": 2}).json
    second = client.simulate_get(
        "/v1/things", params={"limit": 2, "cursor": first["next_cursor"]}
    ).json

    assert [item["name"] for item in first["items"]] == ["one", "two"]
    assert [item["name"] for item in second["items"]] == ["three"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        pytest.param(0, [0], id="nothing"),
        pytest.param(2, [2], id="one-full-page"),
        pytest.param(5, [2, 2, 1], id="several"),
    ],
)
def test_pages_of_slices_hold_everything_once(count: int, pages: list[int]) -> None:
    """Each page asks for what comes after the one before, and one more than it shows."""
    items = _items(*range(count))
    seen: list[str] = []
    sizes: list[int] = []
    parameters: dict[str, Any] = {"limit": 2}

    while True:
        part = slice_in(parameters)
        begin = 0 if part.after is None else int(part.after) + 1
        page = page_of_slice(items[begin : begin + (part.limit or 0)], limit=2)
        seen, sizes = seen + _ids(page), [*sizes, len(page.items)]
        if page.next_cursor is None:
            break
        parameters = {"limit": 2, "cursor": page.next_cursor}

    assert seen == [item.id for item in items]
    assert sizes == pages


def test_a_slice_needs_an_id_to_begin_after() -> None:
    """The cursor of a list without ids says only how far it came."""
    cursor = page_of(["a", "b", "c"], limit=2, cursor=None).next_cursor

    with pytest.raises(ParameterError):
        slice_in({"limit": 2, "cursor": cursor})
