"""Templates with tags: what becomes of each, what is refused, and where it stands."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.errors import TemplateRenderError
from pitrix_core.package import Place
from pitrix_vm.template import APPCENTER, OPENPITRIX, Template, Values, fill, read_template


def template(text: str, *, file: str = "cluster.json.tmpl") -> Template:
    """Return a template."""
    return read_template(text, file=file)


def filled(text: str, values: Mapping[str, Any]) -> object:
    """Return the document of a template with tags."""
    return fill(template(text), Values(flat=values)).document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"x": "{{.a.b}}"}', {"x": "é\"'<"}, id="quoted"),
        pytest.param('{"x": "{{a.b}}"}', {"x": "é\"'<"}, id="quoted-without-a-dot"),
        pytest.param('{"x": {{a.b}}}', {"x": "é\"'<"}, id="bare"),
        pytest.param('{"x": {{.a.b}}}', {"x": "é\"'<"}, id="bare-with-a-dot"),
        pytest.param('{"x": {{ a.b }}}', {"x": "é\"'<"}, id="blanks"),
        pytest.param('{"x":\r\n\t{{a.b}}\r\n}', {"x": "é\"'<"}, id="line-ends-and-tabs"),
        pytest.param('{"x": "{{.a.b.c}}", "y": {{n}}}', {"x": [1, True], "y": None}, id="prefix"),
        pytest.param('{"x": {{unknown}}}', {"x": None}, id="unknown"),
        pytest.param('{"x": {{s}}}', {"x": {"$secret": "sec-1"}}, id="marker"),
        pytest.param('{"x": "{{.Names}} a{{"}', {"x": "{{.Names}} a{{"}, id="others-braces"),
        pytest.param('{"x": "b {{! a }}"}', {"x": "b {{! a }}"}, id="comment-in-a-text"),
        pytest.param('{"x": 1{{! a } "b" \n c }}}', {"x": 1}, id="comment"),
        pytest.param('{"x": 1, {{! a }}, "y": 2}', {"x": 1, "y": 2}, id="comment-with-a-comma"),
        pytest.param('{"x": 1, "x": 2}', {"x": 2}, id="last-of-two"),
        pytest.param("[{{n}}{{n}}]", [None, None], id="side-by-side"),
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
        pytest.param('{"x": {{>long}}}', "line 1, column 7: .*only a parameter", id="partial"),
        pytest.param("[{{#n}}1{{/n}}]", "line 1, column 2: .*only a parameter", id="section"),
        pytest.param("[{{{n}}}]", "line 1, column 2: .*never escaped", id="three-braces"),
        pytest.param("[{{&n}}]", "line 1, column 2: .*only a parameter", id="raw"),
        pytest.param("[{{.n | quote}}]", "line 1, column 2: .*only a parameter", id="pipeline"),
        pytest.param('["{{.n | quote}}"]', "line 1, column 2: .*only", id="quoted-pipeline"),
        pytest.param('[{{getv "/a"}}]', "line 1, column 2: .*only a parameter", id="call"),
        pytest.param("[{{if .n}}1{{end}}]", "line 1, column 2: .*only a parameter", id="if"),
        pytest.param("[{{- n -}}]", "line 1, column 2: .*only a parameter", id="trimmed"),
        pytest.param("[\n{% if n %}1]", "line 2, column 1: {% begins no tag", id="statement"),
        pytest.param("[{# a #}]", "line 1, column 2: {# begins no tag", id="other-comment"),
        pytest.param("[{{! a", "line 1, column 2: this comment has no end", id="comment-open"),
        pytest.param("[{{n}]", "line 1, column 2: {{ begins no tag", id="one-brace"),
        pytest.param('["{{n}"]', "line 1, column 2: tag 'n' has no end", id="quoted-one-brace"),
        pytest.param("[{{}}]", "line 1, column 2: {{ begins no tag", id="empty"),
        pytest.param('{"x": {{long}} * 2}', "line 1, column 7: .*only numbers", id="no-number"),
        pytest.param('{"x": {{n}} / 0}', "line 1, column 12: '/ 0'", id="by-zero"),
        pytest.param('{"x": "a', "line 1, column 7", id="without-end"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str) -> None:
    """However long the values are, the message points into the file its author wrote."""
    with pytest.raises(TemplateRenderError, match=place) as caught:
        filled(text, {"long": "v" * 100, "n": 1})

    [finding] = caught.value.findings
    assert f"line {finding.line}, column {finding.column}" in caught.value.message


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
    assert filled(f'{{"x": {{{{n}}}} {steps}}}', {"n": 1536}) == {"x": expected}


@pytest.mark.parametrize(
    ("number", "steps"),
    [
        pytest.param(int("9" * 4299), "* 999999999999999", id="more-digits-than-python-writes"),
        pytest.param(int("9" * 4299), "/ 1.5", id="larger-than-a-float"),
        pytest.param(2**63 - 1, "* 2", id="more-than-64-bits"),
        pytest.param(1.7e308, "* 2", id="infinite"),
    ],
)
def test_a_result_that_is_too_large_is_refused(number: float, steps: str) -> None:
    """No user's number makes one that no JSON could hold."""
    with pytest.raises(
        TemplateRenderError, match=r"line 1, column 12: .* the number is too large"
    ) as caught:
        filled(f'{{"x": {{{{n}}}} {steps}}}', {"n": number})

    assert [finding.code for finding in caught.value.findings] == ["template.calculation"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param('{"x": {"$secret": "sec-2"}}', "line 1, column 2", id="secret"),
        pytest.param('{"x": [1,\n {"\\u0024secret": "sec-2"}]}', "line 2, column 2", id="escaped"),
        pytest.param('{"x": {"$secret": {{a}}}}', "line 1, column 2", id="given-by-a-user"),
        pytest.param('{"x": {"$ref": "task#/id"}}', "line 1, column 2", id="reference"),
        pytest.param('{"x": {"$agent": {}}}', "line 1, column 2", id="agent"),
        pytest.param('{"x": {"$secret": {{s}}}}', "line 1, column 2", id="around-one"),
    ],
)
def test_a_template_names_no_secret_of_others(text: str, place: str) -> None:
    """Only what stands for a password in the values stands for one in the document."""
    with pytest.raises(TemplateRenderError, match=rf"{place}: .* no package may name") as caught:
        filled(text, {"a": "sec-2", "s": {"$secret": "sec-1"}})

    assert [finding.code for finding in caught.value.findings] == ["template.marker"]


@pytest.mark.parametrize(
    ("text", "file", "dialect"),
    [
        pytest.param("[{{a}}]", "cluster.json.tmpl", APPCENTER, id="bare-in-tmpl"),
        pytest.param('["{{.a}}"]', "cluster.json.mustache", OPENPITRIX, id="quoted-in-mustache"),
        pytest.param('["{{.a}} b", {{a}}]', "cluster.json.tmpl", APPCENTER, id="after-a-text"),
        pytest.param("[{{! a }}]", "cluster.json.mustache", APPCENTER, id="only-a-comment"),
        pytest.param("[]", "cluster.json.tmpl", OPENPITRIX, id="none-in-tmpl"),
    ],
)
def test_the_tags_tell_the_dialect(text: str, file: str, dialect: str) -> None:
    """The file's name counts only where there is no tag."""
    assert template(text, file=file).dialect == dialect


def test_two_dialects_in_one_file_are_remarked_on() -> None:
    """The remark stands where the second one begins."""
    [remark] = template('[{{a}},\n {{b}}, "{{.c}}", {{d}}]').remarks()

    assert (remark.code, remark.line, remark.column) == ("template.mixed", 2, 9)


def test_a_template_of_one_dialect_has_no_remarks() -> None:
    """Nothing is said where nothing is odd."""
    assert template('["{{.a}}", "{{.b}} c"]').remarks() == ()


def test_wrong_commas_are_put_right_with_their_place() -> None:
    """A comma that is missing after a tag is reported at the end of the tag."""
    done = fill(template('{"a": {{long}}\n "b": "{{.long}}",}'), Values(flat={"long": "v" * 99}))

    assert [(f.code, f.line, f.column, f.pointer) for f in done.findings] == [
        ("json.comma", 1, 15, "/a"),
        ("json.comma", 2, 18, "/b"),
    ]


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        pytest.param("/a", Place(1, 2), id="member"),
        pytest.param("/b/1", Place(2, 17), id="after-a-long-value"),
        pytest.param("/b/0/deep", Place(2, 8), id="inside-a-value"),
        pytest.param("/c", Place(3, 2), id="after-everything"),
        pytest.param("/nope", Place(1, 1), id="nothing"),
    ],
)
def test_parts_of_the_document_are_found_in_the_template(pointer: str, place: Place) -> None:
    """What stands in a value is where its tag is."""
    text = '{"a": {{long}},\n "b": [{{obj}}, 1],\n "c": 1}'
    values = {"long": "v" * 99, "obj": {"deep": {"er": 1}}}

    done = fill(template(text), Values(flat=values))

    assert done.place_of(pointer) == place


def test_parameters_that_are_missing_are_told_with_their_place() -> None:
    """Each is there once, where it is named first."""
    text = '["{{.a}}",\n {{b.c}}, {{b.c}}, "{{.d}} e"]'

    assert template(text).strangers(["a"]) == {"b.c": 12}


def test_a_parameter_is_used_by_its_whole_path() -> None:
    """A path that begins alike is another parameter."""
    found = template("[{{a.b}}]")

    assert (found.uses("a.b"), found.uses("a"), found.uses("a.b.c")) == (True, False, False)


def test_a_template_that_repeats_a_long_value_is_refused() -> None:
    """A few characters cannot fill the memory."""
    with pytest.raises(TemplateRenderError, match="more than 2000000 characters up to here"):
        filled("[" + "{{a}}," * 10_000 + "1]", {"a": "v" * 100_000})


def test_a_template_that_is_too_long_is_refused() -> None:
    """Longer than any real one is too long."""
    with pytest.raises(TemplateRenderError, match="more than 500000 characters"):
        template("[" + " " * 500_000 + "]")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ " * 40_000, id="openings"),
        pytest.param('"\\"' * 40_000, id="quotes"),
        pytest.param("{{" + " " * 200_000, id="blanks"),
        pytest.param("{{a} " * 40_000, id="half-closed"),
        pytest.param("{{!" * 40_000, id="comments"),
        pytest.param("{{!}" * 40_000, id="half-closed-comments"),
        pytest.param("{{a}}" + "*1" * 40_000, id="steps"),
    ],
)
def test_looking_for_tags_takes_linear_time(text: str) -> None:
    """A template made to keep us busy is refused like any other that is no JSON."""
    with pytest.raises(TemplateRenderError, match=r"not JSON|no tag|no end|only numbers"):
        filled(text, {})


TOKENS = ("{{", "}}", "{{a}}", '"{{.b}}"', "{{!", "{", "}", '"', "\\", "[", "]", ",", ":", " ")
MORE_TOKENS = ("1", "a", "* 2", "/ 0", "\uff0c", '"x"', "{%", "|", "{{{", "null", "\n")


@given(st.lists(st.sampled_from(TOKENS + MORE_TOKENS), max_size=25).map("".join))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text_is_filled_or_refused(text: str) -> None:
    """Nothing but our own error comes of a text, and it has one finding with its file."""
    try:
        found = fill(template(text), Values(flat={"a": 3, "b": [1]})).document
    except TemplateRenderError as ex:
        found = [finding.file for finding in ex.findings]

    assert found != []
