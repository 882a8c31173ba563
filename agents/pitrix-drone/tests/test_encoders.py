"""JSON and YAML as Go writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_drone.encoders import from_json, to_json, to_yaml


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


@pytest.mark.parametrize("text", ["[1]", "1", "{", '{"a": NaN}', ""])
def test_what_is_no_object_is_an_error(text: str) -> None:
    """As in Go, which has no NaN either."""
    with pytest.raises(ValueError, match=r"."):
        from_json(text, kind=dict)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({}, "{}\n"),
        ([], "[]\n"),
        ("yes", '"yes"\n'),
        ("plain text", "plain text\n"),
        ({"a": {"b": []}, "c": ["x", {"d": 1, "e": 2}]}, "a:\n  b: []\nc:\n- x\n- d: 1\n  e: 2\n"),
        ([[1, 2]], "- - 1\n  - 2\n"),
        (float("inf"), ".inf\n"),
    ],
)
def test_a_value_becomes_yaml(value: Any, wanted: str) -> None:
    """In block style; text that reads as something else is quoted."""
    assert to_yaml(value) == wanted
