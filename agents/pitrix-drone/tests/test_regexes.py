"""Regular expressions as Go reads them."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_drone.gotemplate import ExecError
from pitrix_drone.regexes import compiled


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        pytest.param("es_*", "e", False, id="star-is-of-the-underscore"),
        pytest.param("es_*", "my es", True, id="anywhere"),
        pytest.param("a.c", "a\nc", False, id="dot-is-no-line-end"),
        pytest.param("(?s)a.c", "a\nc", True, id="dot-is-all-with-s"),
        pytest.param("a$", "a\n", False, id="dollar-is-the-very-end"),
        pytest.param("(?m)^b$", "a\nb\nc", True, id="lines-with-m"),
        pytest.param(r"\bweb\b", "a web-1", True, id="word-border"),
        pytest.param(r"\Bb", "b", False, id="no-word-border"),
        pytest.param("(?i)HOST", "a host", True, id="no-case"),
        pytest.param("(?i:h)OST", "hOST", True, id="no-case-in-a-group"),
        pytest.param("[[:digit:][:upper:]-]{3}", "A-1", True, id="posix-classes"),
        pytest.param("[[:^alpha:]]", "a", False, id="posix-class-negated"),
        pytest.param(r"^[^\d\s]+$", "ab", True, id="perl-classes-within"),
        pytest.param(r"\p{Lu}\pN", "É5", True, id="unicode-categories"),
        pytest.param(r"\p{Greek}", "ω", True, id="unicode-script"),
        pytest.param(r"\PL", "a", False, id="not-of-a-category"),
        pytest.param("a{2,3}$", "ba", False, id="counted"),
        pytest.param("a{,2}", "a{,2}", True, id="no-count-is-text"),
        pytest.param(r"\Qa.b\E+$", "a.bb", True, id="quoted"),
        pytest.param("(?P<n>a|b|)c", "c", True, id="empty-choice"),
        pytest.param(r"\x41\x{42}\103", "ABC", True, id="codes"),
        pytest.param("^.$", "\udcff", True, id="a-byte-that-is-no-text"),
    ],
)
def test_a_pattern_matches_as_in_go(pattern: str, text: str, wanted: bool) -> None:
    """Worked out by hand from RE2's syntax."""
    assert compiled(pattern).search(text) is wanted


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "[", "*", "a**", "a{2}{3}", "a{2,1}", "a{1001}", "[b-a]", "[[:no:]]"),
        *("(?=a)", r"\1", r"\Z", "\\", r"\p{Nope}", "(?z)", r"\x{110000}", "a{1000}" * 30),
    ],
)
def test_what_go_refuses_is_an_error(pattern: str) -> None:
    """It names the pattern, or says that it is too large."""
    with pytest.raises(ExecError, match=r"regexp|regular expression"):
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("(a+)+$", "a" * 2000 + "b", id="nested-repeats"),
        pytest.param("(a|a)*b", "a" * 2000, id="equal-choices"),
        pytest.param("(a*)*(a*)*(a*)*b", "a" * 2000, id="empty-repeats"),
    ],
)
def test_no_pattern_takes_for_ever(pattern: str, text: str) -> None:
    """Where Python's own would try until the end of days."""
    began = time.process_time()

    assert compiled(pattern).search(text) is False
    assert time.process_time() - began < 10


def test_a_pattern_that_takes_too_long_is_stopped() -> None:
    """Even without tricks, size times length has an end."""
    with pytest.raises(ExecError, match="too long"):
        compiled("(x?){999}y").search("x" * 100_000)


@given(st.text(alphabet="ab(|)*+?[]^$.{1,2}\\dpLQE-:?i<>P"))
def test_no_pattern_crashes(pattern: str) -> None:
    """It is read, or it is an error of ours."""
    with contextlib.suppress(ExecError):
        assert compiled(pattern).search("ab1") in {True, False}
