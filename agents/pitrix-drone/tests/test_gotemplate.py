"""The template language: limits, messages, and what the recorded cases do not cover."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_drone.gotemplate import ExecError, ParseError, Template
from pitrix_drone.gotemplate.execute import Limits
from pitrix_drone.gotemplate.literals import unquote
from pitrix_drone.gotemplate.printf import sprintf
from pitrix_drone.gotemplate.quoting import quote

_SMALL = Limits(depth=20, steps=1000, output_chars=2000)


def render(source: str, data: object = None) -> str:
    """Render with small limits."""
    return Template(source, name="t.tmpl", limits=_SMALL).render(data)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('{{define "x"}}{{template "x"}}{{end}}{{template "x"}}', id="recursion"),
        pytest.param("{{range $i := 900}}{{range $j := 900}}x{{end}}{{end}}", id="steps"),
        pytest.param("{{range $i := 900}}{{range $j := 900}}{{end}}{{end}}", id="empty-steps"),
        pytest.param("{{range $i := 900000000000}}{{end}}", id="long-range"),
        pytest.param("{{range $i := 900}}xxxxx{{end}}", id="output"),
        pytest.param(
            '{{$x := "ab"}}{{range $i := 40}}{{$x = printf "%s%s" $x $x}}{{end}}', id="doubling"
        ),
    ],
)
def test_a_template_that_goes_too_far_is_stopped(source: str) -> None:
    """With an error of the execution, not by running out of memory."""
    with pytest.raises(ExecError):
        render(source)


@pytest.mark.parametrize(
    "source", ["{{" + "(" * 5000 + "1" + ")" * 5000 + "}}", "{{if true}}" * 5000 + "{{end}}" * 5000]
)
def test_deep_nesting_is_an_error(source: str) -> None:
    """Not a crash of the interpreter."""
    with pytest.raises((ParseError, ExecError)):
        render(source)


def test_a_sign_too_near_is_told() -> None:
    """Rather than the word, which is right."""
    with pytest.raises(ParseError, match=r"unexpected '=' right after \$x$"):
        render("{{$x=1}}")


def test_a_template_that_takes_too_long_is_stopped() -> None:
    """However few steps it took."""
    template = Template("{{range 900}}x{{end}}", name="t", limits=_SMALL._replace(seconds=0.0))

    with pytest.raises(ExecError, match="took longer than 0 s"):
        template.render()


def test_an_error_names_template_and_line() -> None:
    """As Go does."""
    with pytest.raises(ExecError, match=r"^template: t\.tmpl:3: error calling index: "):
        render("a\nb\n{{index 1 2}}")


def test_a_parse_error_names_template_and_line() -> None:
    """As Go does."""
    with pytest.raises(ParseError, match=r'^template: t\.tmpl:2: function "nope" not defined'):
        render("a\n{{nope}}")


def test_a_mistake_in_a_word_names_template_and_line() -> None:
    """What cannot be cut into words is told in the same form."""
    with pytest.raises(ParseError, match=r"^template: t\.tmpl:3: unexpected '%' in action"):
        render("a\n{{1}}\n{{%}}")


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{.src}}", "/etc/x"),
        ("{{with .missing}}a{{else}}b{{end}}", "b"),
        ("{{if and .src .missing}}a{{else}}b{{end}}", "b"),
        ("{{range $k, $v := .}}{{$k}}={{$v}}{{end}}", "src=/etc/x"),
        ("{{range $i, $e := .list}}{{else}}none{{end}}", "none"),
        ('{{block "b" .src}}[{{.}}]{{end}}', "[/etc/x]"),
        ('{{define "b"}}{{end}}{{define "b"}}second{{end}}{{template "b"}}', "second"),
        ("{{$x := 1}}{{range $x = 2}}{{end}}{{$x}}", "1"),
        ("{{/* a */}}{{- /* b */ -}}  c", "c"),
        ("{{printf `%5.1f|%-6d|%06d` 3.14159 42 42}}", "  3.1|42    |000042"),
        ("{{printf `%v %v` true nil}}", "true <nil>"),
        ("{{println `a` 1}}", "a 1\n"),
        ("{{(slice `abcdef` 2 4) | len}}", "2"),
    ],
)
def test_a_template_renders(source: str, wanted: str) -> None:
    """Worked out by hand from Go's documentation."""
    assert render(source, {"src": "/etc/x"}) == wanted


@pytest.mark.parametrize(
    ("template", "arguments", "wanted"),
    [
        ("%d%%", (5,), "5%"),
        ("%5s|%-5s|", ("ab", "ab"), "   ab|ab   |"),
        ("%x %X %#x", (255, 255, 255), "ff FF 0xff"),
        ("%[3]v", (1,), "%!v(BADINDEX)"),
        ("%z", (1,), "%!z(int=1)"),
        ("%", (), "%!(NOVERB)"),
        ("%t", ("x",), "%!t(string=x)"),
        ("%q", ("a\n\x01é",), '"a\\n\\x01é"'),
        ("%+d %+v", (3, 3), "+3 3"),
        ("%e", (float("inf"),), "+Inf"),
    ],
)
def test_printf_prints_as_go(template: str, arguments: tuple[object, ...], wanted: str) -> None:
    """Including what Go prints for mistakes."""
    assert sprintf(template, *arguments) == wanted


def test_an_absurd_width_is_refused() -> None:
    """Rather than filled with blanks."""
    assert len(sprintf("%99999999d", 1)) < 100


@given(st.text())
def test_text_without_actions_stays_as_it_is(text: str) -> None:
    """Whatever it holds."""
    source = text.replace("{{", "")

    assert Template(source, name="t").render() == source


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_string_reads_back(text: str) -> None:
    """``%q`` and string literals agree."""
    assert unquote(quote(text)) == text


@given(st.text(alphabet='{}-/*"`. \n$xabend|()=:,1if'))
def test_no_source_crashes_the_parser(source: str) -> None:
    """It renders, or it is an error of ours."""
    with contextlib.suppress(ParseError, ExecError):
        assert isinstance(Template("{{" + source, name="t", limits=_SMALL).render(), str)
