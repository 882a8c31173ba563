"""YAML as Go's library writes it."""

from __future__ import annotations

from typing import Any

import pytest

from pitrix_drone.yaml_writer import to_yaml


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param({}, "{}\n", id="no-keys"),
        pytest.param([], "[]\n", id="no-items"),
        pytest.param(None, "null\n", id="nil"),
        pytest.param("yes", '"yes"\n', id="reads-as-a-boolean"),
        pytest.param("12:30", '"12:30"\n', id="reads-as-base-60"),
        pytest.param("2026-01-02", '"2026-01-02"\n', id="reads-as-a-date"),
        pytest.param("2026-13-02", "2026-13-02\n", id="is-no-date"),
        pytest.param("1_000", '"1_000"\n', id="reads-as-a-number"),
        pytest.param("1.2.3", "1.2.3\n", id="is-no-number"),
        pytest.param("plain text", "plain text\n", id="plain"),
        pytest.param("a: b", "'a: b'\n", id="single-quotes"),
        pytest.param("it's: so", "'it''s: so'\n", id="a-quote-in-quotes"),
        pytest.param("a\tb", '"a\\tb"\n', id="double-quotes"),
        pytest.param("a\nb", "|-\n  a\n  b\n", id="lines"),
        pytest.param("a\n\n", "|+\n  a\n\n", id="lines-to-keep"),
        pytest.param(" a\n", "|2\n   a\n", id="lines-with-a-margin"),
        pytest.param("a \nb", '"a \\nb"\n', id="a-blank-before-a-line-end"),
        pytest.param("\udcff", "!!binary /w==\n", id="bytes"),
        pytest.param(
            "word " * 20 + "end", "word " * 16 + "word\n  word word word end\n", id="long"
        ),
        pytest.param([[1, 2]], "- - 1\n  - 2\n", id="list-in-a-list"),
        pytest.param(
            {"a": {"b": []}, "c": ["x", {"d": 1, "e": 2}]},
            "a:\n  b: []\nc:\n- x\n- d: 1\n  e: 2\n",
            id="nested",
        ),
        pytest.param({"k10": 1, "k9": 2, "_": 3}, "_: 3\nk9: 2\nk10: 1\n", id="natural-order"),
        pytest.param({"a\nb": 1}, "? |-\n  a\n  b\n: 1\n", id="a-key-of-lines"),
        pytest.param(float("inf"), ".inf\n", id="infinite"),
        pytest.param(1000000.0, "1e+06\n", id="float"),
    ],
)
def test_a_value_becomes_yaml(value: Any, wanted: str) -> None:
    """In block style; text that reads as something else is quoted."""
    assert to_yaml(value) == wanted
