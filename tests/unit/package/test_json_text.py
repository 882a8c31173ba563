"""JSON that people wrote: what is put right, what is refused, and where things stand."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.errors import PackageInvalidError
from pitrix_core.package import (
    Place,
    duplicates_in,
    parse_json,
    parse_tolerant,
    places_of,
)

TEXT = """{
  "name": "app",
  "nodes": [
    {"role": "db", "a/b": 1},
    {"role":
      "web"}
  ]
}
"""


@pytest.mark.parametrize(
    ("text", "value", "slips"),
    [
        pytest.param('{"a": 1\n "b": 2}', {"a": 1, "b": 2}, [(1, 8, "/a")], id="missing-member"),
        pytest.param("[1\n2 3]", [1, 2, 3], [(1, 3, "/0"), (2, 2, "/1")], id="missing-items"),
        pytest.param('[{"a": 1}{"b": 2}]', [{"a": 1}, {"b": 2}], [(1, 10, "/0")], id="objects"),
        pytest.param('{"a": 1,\n}', {"a": 1}, [(1, 8, "/a")], id="trailing-in-object"),
        pytest.param("[[1, 2,], ]", [[1, 2]], [(1, 7, "/0/1"), (1, 9, "/0")], id="trailing-twice"),
        pytest.param("[1,,2]", [1, 2], [(1, 4, "/0")], id="doubled"),
        pytest.param('{"a": [,1]}', {"a": [1]}, [(1, 8, "/a")], id="leading"),
        pytest.param('["a"\uff0c "b"]', ["a", "b"], [(1, 5, "/0")], id="full-width"),
        pytest.param('["\uff0c,"]', ["\uff0c,"], [], id="commas-inside-a-text"),
        pytest.param("[1, 2]", [1, 2], [], id="nothing-wrong"),
    ],
)
def test_wrong_commas_are_put_right(
    text: str, value: object, slips: list[tuple[int, int, str]]
) -> None:
    """Each is a warning with line, column, and a pointer to what it stands after."""
    read = parse_tolerant(text, file="f")

    assert read.value == value
    assert [(f.line, f.column, f.pointer) for f in read.findings] == slips
    assert {(f.code, f.level, f.file) for f in read.findings} <= {("json.comma", "warning", "f")}


FAULTS = [
    pytest.param('{"a": [1\n}', 2, 1, "] is missing here; [ was opened in line 1", id="bracket"),
    pytest.param('{"a": {\n "b": 1}\n', 2, 9, "} is missing; { was opened in line 1", id="end"),
    pytest.param('{"a": 1}\n}', 2, 1, "the document has ended", id="brace-too-many"),
    pytest.param("{}\n{}", 2, 1, "the document has ended", id="two-documents"),
    pytest.param("}", 1, 1, "no value before this", id="only-a-brace"),
    pytest.param(" \n", 1, 1, "there is nothing", id="empty"),
    pytest.param('{"a": , "b": 1}', 1, 7, "the value of 'a' is missing", id="hole"),
    pytest.param('{"a": }', 1, 7, "the value of 'a' is missing", id="no-value"),
    pytest.param(
        '{"a", "b"}', 1, 5, "the colon and the value after 'a' are missing", id="no-colon"
    ),
    pytest.param('{"a" 1}', 1, 5, "a colon is missing after the name 'a'", id="colon"),
    pytest.param('{"a":: 1}', 1, 6, "a colon too much", id="colons"),
    pytest.param('["a": 1]', 1, 5, "a colon too much", id="member-in-a-list"),
    pytest.param("{a: 1}", 1, 2, "'a' is no value; a text stands in double quotes", id="bare-name"),
    pytest.param("{1: 2}", 1, 2, "the name of a member is missing", id="number-as-name"),
    pytest.param('["x\ny"]', 1, 2, "the quote that ends this text is missing", id="open-text"),
    pytest.param('["x', 1, 2, "the quote that ends this text is missing", id="open-end"),
    pytest.param('["x\ty"]', 1, 4, "a tab in a text has to be escaped", id="tab"),
    pytest.param('["x\\q"]', 1, 4, "this escape is unknown", id="escape"),
    pytest.param('["he "said""]', 1, 7, "'said' is no value", id="quote-inside"),
    pytest.param('["a""b"]', 1, 5, 'a quote inside a text is written \\"', id="doubled-quotes"),
    pytest.param('{"a": 1} // why', 1, 10, "JSON has no comments", id="comment"),
    pytest.param("['a']", 1, 2, "a text stands in double quotes", id="single-quotes"),
    pytest.param("[\u201ca\u201d]", 1, 2, "typographic quote", id="typographic-quotes"),
    pytest.param('{"a"\uff1a 1}', 1, 5, "full-width colon", id="full-width-colon"),
    pytest.param("[True]", 1, 2, "True is written true", id="python"),
    pytest.param("[NaN]", 1, 2, "NaN is not a JSON number", id="nan"),
    pytest.param("[01]", 1, 2, "'01' is not a number", id="leading-zero"),
    pytest.param("[1-2]", 1, 2, "'1-2' is not a number", id="sum"),
    pytest.param("[.5]", 1, 2, "a number begins with a digit", id="no-digit"),
    pytest.param("[1e999]", 1, 2, "this number is too large", id="infinite"),
    pytest.param("[" + "9" * 5000 + "]", 1, 2, "too many digits", id="many-digits"),
    pytest.param("[{{a}}]", 1, 3, "the name of a member is missing", id="left-over-tag"),
    pytest.param("[1 2;]", 1, 5, "separated by commas", id="semicolon"),
]


@pytest.mark.parametrize(("text", "line", "column", "reason"), FAULTS)
def test_everything_else_is_refused_with_its_place(
    text: str, line: int, column: int, reason: str
) -> None:
    """One finding says where, and why in plain words."""
    with pytest.raises(PackageInvalidError) as caught:
        parse_tolerant(text, file="f")

    [finding] = caught.value.findings
    assert reason in finding.message
    assert (finding.line, finding.column) == (line, column)
    assert f"f: line {line}, column {column}: " in caught.value.message


@pytest.mark.parametrize(("text", "line", "column", "reason"), FAULTS)
def test_the_strict_reader_says_the_same(text: str, line: int, column: int, reason: str) -> None:
    """Plain words and places do not depend on who reads."""
    with pytest.raises(PackageInvalidError) as caught:
        parse_json(text, file="f")

    assert [(f.line, f.column) for f in caught.value.findings] == [(line, column)]


def test_the_strict_reader_refuses_wrong_commas() -> None:
    """What is put right elsewhere is an error with the same place."""
    with pytest.raises(PackageInvalidError, match=r"line 1, column 3: .*a comma too much"):
        parse_json("[1,]", file="f")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[" * 101 + "]" * 101, "nested too deeply", id="deep"),
        pytest.param("[" * 101 + ",]" + "]" * 100, "nested too deeply", id="deep-and-wrong"),
        pytest.param('["\\ud800",]', "half of a surrogate pair", id="surrogate-and-wrong"),
        pytest.param("[" + "1 " * 200 + "]", "more than 100 commas", id="no-commas-at-all"),
        pytest.param("[" + "1," * 1_100_000 + "]", "not JSON", id="too-long-to-be-put-right"),
    ],
)
def test_what_is_beyond_a_limit_is_refused(text: str, reason: str) -> None:
    """Putting right has an end."""
    with pytest.raises(PackageInvalidError, match=reason):
        parse_tolerant(text, file="f")


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        pytest.param("", Place(1, 1), id="the-document"),
        pytest.param("/name", Place(2, 3), id="member"),
        pytest.param("/nodes/1", Place(5, 5), id="item"),
        pytest.param("/nodes/0/a~1b", Place(4, 20), id="escaped-name"),
        pytest.param("/nodes/1/role", Place(5, 6), id="member-with-its-value-in-the-next-line"),
        pytest.param("/nodes/7/role", Place(3, 3), id="nearest-one-around-it"),
    ],
)
def test_places_are_told_by_pointer(pointer: str, place: Place) -> None:
    """A member is where its name is, an item where it begins."""
    places = places_of(TEXT)

    assert places is not None
    assert places.at(pointer) == place


def test_the_last_of_members_with_one_name_is_shown() -> None:
    """It is the one that counts."""
    places = places_of('{"a": {"b": 1},\n "a": {"c": 1}}')

    assert places is not None
    assert places.at("/a/b") == Place(2, 2)


def test_a_text_that_is_no_json_has_no_places() -> None:
    """There is nothing to point to."""
    assert places_of("{") is None


def test_repeated_members_are_named_once() -> None:
    """Names are compared as they are meant, not as they are spelt."""
    text = '{"a": 1, "\\u0061": 2, "b": {"c/": 1, "c/": 2, "c/": 3}}'

    assert duplicates_in(text) == ("/a", "/b/c~1")


def test_many_members_below_a_long_name_take_little_memory() -> None:
    """Places grow with the text, and not with its names times its members."""
    text = json.dumps({"n" * 100_000: [0] * 100_000})
    tracemalloc.start()

    places_of(text)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_json_without_commas_says_the_same(value: object) -> None:
    """Every document is read as meant when each comma is written as a blank or twice."""
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(" ,, ", ": "))
    text = encoder.encode([value, 0, 1])

    assert parse_tolerant(text, file="f").value == [value, 0, 1]


@given(st.text(alphabet='{}[]:,"\\\uff0c a1-.eE+tn\n/', max_size=40))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_text_does_more_than_being_refused(text: str) -> None:
    """What the strict reader takes means the same; the rest is put right, or refused by us."""
    try:
        read = parse_tolerant(text, file="f")
    except PackageInvalidError as ex:
        findings = ex.findings
    else:
        findings = read.findings

    assert findings or read.value == parse_json(text, file="f")
