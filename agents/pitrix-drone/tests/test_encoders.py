"""JSON as Go reads and writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_drone.encoders import from_json, to_json


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1.0, "1"),
        (0.5, "0.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1.5e-5, "0.000015"),
        (1e-7, "1e-7"),
        (-0.0, "-0"),
        (None, "null"),
        (True, "true"),
        ([], "[]"),
        ({"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
        ("<&>\u2028é", '"\\u003c\\u0026\\u003e\\u2028é"'),
    ],
)
def test_a_value_becomes_json(value: Any, wanted: str) -> None:
    """Keys are ordered, and what HTML cares about is escaped."""
    assert to_json(value) == wanted


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    )
)
def test_json_reads_back(value: Any) -> None:
    """Nothing is lost on the way."""
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize("text", ["[1]", "1", "{", '{"a": NaN}', '{"a": 1e999}', ""])
def test_what_is_no_object_is_an_error(text: str) -> None:
    """As in Go, which has no NaN either."""
    with pytest.raises(ValueError, match=r"."):
        from_json(text, kind=dict)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param('["\\ud800x"]', ["\ufffdx"], id="half-a-character"),
        pytest.param('["\udcff"]', ["\ufffd"], id="a-byte-that-is-no-text"),
        pytest.param('["\\ud83d\\ude00"]', ["\U0001f600"], id="two-halves"),
    ],
)
def test_what_is_no_text_is_replaced(text: str, wanted: list[str]) -> None:
    """As in Go; it could not be written to a file otherwise."""
    assert from_json(text, kind=list) == wanted


def test_null_stays_null() -> None:
    """A nil map is written as it was read."""
    assert to_json(from_json("null", kind=dict)) == "null"
