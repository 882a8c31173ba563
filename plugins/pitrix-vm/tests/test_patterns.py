"""Regular expressions of JavaScript, read as JavaScript reads them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.package import violations
from pitrix_vm.form.patterns import PatternError, literal, translated


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        pytest.param(r"^\d+$", "12", "١٢", id="digits-are-ascii"),
        pytest.param(r"^\D$", "\u0661", "1", id="no-digit"),
        pytest.param(r"^\w+$", "a_1", "é", id="words-are-ascii"),
        pytest.param(r"^\W$", "é", "a", id="no-word"),
        pytest.param(r"^\s$", "\ufeff", "\x1c", id="blanks"),
        pytest.param(r"^\S$", "\x1c", "\ufeff", id="no-blank"),
        pytest.param("^a$", "a", "a\n", id="end"),
        pytest.param("^.$", "a", "\r", id="any-character"),
        pytest.param("b", "abc", "ac", id="anywhere"),
        pytest.param(r"^a\/b$", "a/b", "a", id="escaped-slash"),
        pytest.param(r"^\_\%\-$", "_%-", "_%", id="needless-escapes"),
        pytest.param(r"^(?<y>\d\d)-\k<y>$", "12-12", "12-13", id="named-group"),
        pytest.param(r"^(a|b)\1$", "aa", "ab", id="reference"),
        pytest.param("^a{2,3}$", "aaa", "a", id="repeated"),
        pytest.param("^a{,3}$", "a{,3}", "aa", id="literal-brace"),
        pytest.param("^x]}$", "x]}", "x", id="literal-closings"),
        pytest.param(r"^[\w-.]$", "-", ",", id="dash-after-set"),
        pytest.param("^[a-]$", "-", "b", id="dash-at-the-end"),
        pytest.param("^[^-a]$", "b", "-", id="dash-negated"),
        pytest.param(r"^[\S ]$", " ", "\t", id="negative-set-in-class"),
        pytest.param(r"^[^\S ]$", "\t", " ", id="negated-negative-set"),
        pytest.param(r"^[\s\S]$", "\n", "", id="anything"),
        pytest.param("^[^]$", "\n", "", id="not-nothing"),
        pytest.param("^(a|[])$", "a", "", id="nothing"),
        pytest.param("^[[a]$", "[", "b", id="bracket-in-class"),
        pytest.param("^[a&&b||c~~d]$", "&", "x", id="doubled-in-class"),
        pytest.param(r"^[\b]$", "\b", "b", id="backspace"),
        pytest.param(r"\bfoo\b", "éfooé", "afoo", id="boundary"),
        pytest.param(r"a\Bb", "ab", "a b", id="no-boundary"),
        pytest.param(r"^\x41\u0042\u{43}$", "ABC", "ab", id="codes"),
        pytest.param(r"^\cA\0\t$", "\x01\0\t", "", id="controls"),
        pytest.param(r"^\u{1F600}[\u{1F600}]$", "😀😀", "😀", id="beyond-four-digits"),
        pytest.param("^(?=.*[0-9])(?!.*x).{2,}$", "a1", "x1", id="look-ahead"),
        pytest.param("(?<=a)b(?<!cb)", "ab", "cb", id="look-behind"),
        pytest.param("^a*?b$", "aab", "a", id="lazy"),
    ],
)
def test_a_pattern_means_what_it_means_in_a_browser(
    pattern: str, matching: str, other: str
) -> None:
    """Where the flavours differ, JavaScript's counts."""
    text = translated(pattern)

    assert [bool(re.search(text, each)) for each in (matching, other)] == [True, False]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("(", "missing", id="open-group"),
        pytest.param("a)", "unbalanced", id="closed-group"),
        pytest.param("[a", "no end", id="open-class"),
        pytest.param("a\\", "backslash", id="open-escape"),
        pytest.param("*a", "nothing to repeat", id="nothing-to-repeat"),
        pytest.param("^*", "nothing to repeat", id="repeated-assertion"),
        pytest.param("a|{2}", "nothing to repeat", id="repeated-nothing"),
        pytest.param("a++", "repeated itself", id="possessive"),
        pytest.param("a{2}{3}", "repeated itself", id="repeated-twice"),
        pytest.param("(?i)a", "not known", id="flag"),
        pytest.param("(?P<n>a)", "not known", id="named-as-in-python"),
        pytest.param("(?>a)", "not known", id="atomic"),
        pytest.param(r"\p{L}", "not known", id="property"),
        pytest.param(r"\07", "not known", id="octal"),
        pytest.param(r"\1(a)", "no group", id="reference-before"),
        pytest.param(r"\k<n>", "no group", id="named-reference"),
        pytest.param(r"\ud83d", "no character", id="half-a-pair"),
        pytest.param("[b-a]", "upside down", id="range"),
        pytest.param("(?<=a+)b", "fixed-width", id="look-behind"),
        pytest.param("a{9}" * 2000, "longer", id="long"),
        pytest.param("a{99999999999}", "large", id="huge-count"),
    ],
)
def test_what_cannot_be_said_in_both_is_refused(pattern: str, reason: str) -> None:
    """The message says what it is."""
    with pytest.raises(PatternError, match=reason):
        translated(pattern)


PIECES = st.sampled_from(
    [
        *("a", "b", "0", "-", "^", "$", ".", "|", "(", ")", "[", "]", "[^", "{", "}", "{2}"),
        *("{,3}", "*", "+", "?", "*?", "(?:", "(?=", "(?!", "(?<n>", "(?<=", "(?i)", "\\d"),
        *("\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\B", "\\1", "\\k<n>", "\\/", "\\x41"),
        *("\\u{1F600}", "\\cA", "\\0", "\\", "&&", "||", "~~", "--", "[[", "é", " ", "#", "\n"),
    ]
)


@settings(max_examples=2000, deadline=None, derandomize=True, database=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=20))
def test_any_pattern_is_translated_or_refused(pattern: str) -> None:
    """Nothing else comes of it; what is translated is read without a warning, by the core, too."""
    try:
        text = translated(pattern)
    except PatternError:
        return

    assert re.compile(text)
    assert len(violations("a", {"pattern": text})) <= 1


@given(st.text(max_size=20), st.text(max_size=5))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_a_literal_matches_itself_alone(text: str, other: str) -> None:
    """Whatever it holds."""
    pattern = f"^(?:{literal(text)})$(?!\\n)"

    assert re.search(pattern, text)
    assert bool(re.search(pattern, text + other)) is (other == "")
    assert violations(text, {"pattern": pattern}) == []
