"""Filling values into templates."""

from collections.abc import Mapping
from typing import Any

import pytest

from pitrix_core.errors import TemplateRenderError
from pitrix_vm.template import Values, fill, read_template


def filled(text: str, values: Mapping[str, Any]) -> object:
    """Return the document of a template with tags."""
    return fill(read_template(text, file="t"), Values(flat=values)).document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"x": "{{.a.b}}"}', {"x": "é\"'<"}, id="quoted"),
        pytest.param('{"x": {{a.b}}}', {"x": "é\"'<"}, id="bare"),
        pytest.param('{"x": {{ a.b }}}', {"x": "é\"'<"}, id="blanks"),
        pytest.param('{"x": "{{.a.b.c}}", "y": {{n}}}', {"x": [1, True], "y": None}, id="prefix"),
        pytest.param('{"x": {{unknown}}}', {"x": None}, id="unknown"),
        pytest.param('{"x": {{s}}}', {"x": {"$secret": "sec-1"}}, id="marker"),
        pytest.param('{"x": "{{.Names}} a{{"}', {"x": "{{.Names}} a{{"}, id="others-braces"),
        pytest.param('{"x": 1, "x": 2}', {"x": 2}, id="last-of-two"),
    ],
)
def test_a_tag_becomes_the_json_of_its_value(text: str, expected: object) -> None:
    """Values are looked up by flat path and written as JSON, unescaped."""
    values = {"a.b": "é\"'<", "a.b.c": [1, True], "n": None, "s": {"$secret": "sec-1"}}

    assert filled(text, values) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param('{"x": {{long}},\n "y": {{long}} 1}', "line 2, column 16", id="after-tags"),
        pytest.param('{"x": "{{.long}}" "y"}', "line 1, column 22", id="after-a-quoted-tag"),
        pytest.param('\n{"x": "a {{long}}"}', "line 2, column 10", id="inside-a-text"),
        pytest.param('{"x": {{>long}}}', "line 1, column 7", id="partial"),
        pytest.param('{"x": {{long}} * 2}', "line 1, column 7: .*only numbers", id="no-number"),
        pytest.param('{"x": {{n}} / 0}', "line 1, column 12: '/ 0'", id="by-zero"),
        pytest.param('{"x": "a', "line 1, column 7", id="without-end"),
    ],
)
def test_places_are_of_the_template(text: str, place: str) -> None:
    """However long the values are, the message points into the file its author wrote."""
    with pytest.raises(TemplateRenderError, match=place):
        filled(text, {"long": "v" * 100, "n": 1})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("", 1536),
        ("* 3 / 1024", 4),
        ("*3/1024", 4),
        (" + 2 * 3 - 1", 1541),
        ("/ 1024.0", 1.5),
        ("* 0.5", 768.0),
        ("- 1", 1535),
    ],
)
def test_simple_arithmetic_is_worked_out(steps: str, expected: float) -> None:
    """Whole numbers stay whole."""
    assert filled(f'{{"x": {{{{n}}}}{steps}}}', {"n": 1536}) == {"x": expected}


@pytest.mark.parametrize(
    "text", ["{{ " * 40_000, '"\\"' * 40_000, "{{" + " " * 200_000, "{{a} " * 40_000]
)
def test_looking_for_tags_takes_linear_time(text: str) -> None:
    """A template made to keep us busy is refused like any other that is no JSON."""
    with pytest.raises(TemplateRenderError, match=r"not JSON|no tag|no end"):
        filled(text, {})
