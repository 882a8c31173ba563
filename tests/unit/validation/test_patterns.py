"""Patterns of strangers are searched for in bounded time and memory."""

import pytest
import regex

from pitrix_core.validation import patterns, violations
from pitrix_core.validation.patterns import UncheckedError, is_found

#: Takes years with a text of some hundred letters and another character at its end.
SLOW = "^(a|aa|a?a)+$|^(.*)*(.*)*x$"
TEXT = "a" * 400 + "!"


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait as long as users do."""
    monkeypatch.setattr(patterns, "SEARCH_LIMIT_S", 0.01)
    monkeypatch.setattr(patterns, "CHECK_LIMIT_S", 0.03)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("b", "abc", id="anywhere"),
        pytest.param("^[0-9a-f]{8}(-[0-9a-f]{4}){3}$", "0123abcd-0000-1111-2222", id="repeats"),
        pytest.param(r"^(\d{1,3}\.){3}\d{1,3}$", "10.0.0.1", id="address"),
        pytest.param(r"^[^\]\\]+$", "abc", id="set-with-escapes"),
    ],
)
def test_a_pattern_is_found(pattern: str, text: str) -> None:
    """Anywhere in the text, as JSON Schema has it."""
    assert is_found(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(a{1000}){1000}", id="nested-repeats"),
        pytest.param("a{5000000}", id="one-large-repeat"),
        pytest.param("([])]a{600}){600}", id="hidden-behind-a-set"),
        pytest.param("(" * 5000 + "a" + ")" * 5000, id="nested-groups"),
        pytest.param("a" * 30000, id="long"),
    ],
)
def test_a_pattern_that_costs_too_much_is_not_compiled(pattern: str) -> None:
    """It is said that nothing can be said."""
    with pytest.raises(UncheckedError):
        is_found(pattern, "aaaa")


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(", id="open"),
        pytest.param("a{" + "9" * 5000 + "}", id="a-number-of-thousands-of-digits"),
    ],
)
def test_what_is_no_pattern_is_the_schemas_fault(pattern: str) -> None:
    """No value could ever be right."""
    with pytest.raises((regex.error, ValueError)):
        violations("a", {"pattern": pattern})


@pytest.mark.usefixtures("short_limits")
def test_a_search_that_takes_too_long_is_a_violation() -> None:
    """It ends after a moment."""
    [found] = violations(TEXT, {"title": "Name", "pattern": SLOW})

    assert found.code == "schema.pattern"
    assert "takes too long to check" in found.message


@pytest.mark.usefixtures("short_limits")
def test_all_searches_together_are_limited() -> None:
    """What one form may take does not grow with its fields."""
    form = {"additionalProperties": {"pattern": SLOW}}

    found = violations({f"f{number}": TEXT for number in range(500)}, form)

    assert len(found) == 500


def test_a_text_that_is_too_long_is_a_violation() -> None:
    """It is not searched."""
    [found] = violations("a" * 200_000, {"pattern": "^a*$"})

    assert "is too long to check" in found.message
    assert len(found.message) < 200


@pytest.mark.usefixtures("short_limits")
def test_names_are_searched_in_bounded_time_too() -> None:
    """A member whose name cannot be checked is a violation, and no unknown member."""
    form = {"patternProperties": {SLOW: {"type": "string"}}, "additionalProperties": False}

    [found] = violations({TEXT: 1}, form)

    assert found.code == "schema.patternProperties"


def test_members_that_fit_a_pattern_are_checked() -> None:
    """As are those that fit none."""
    form = {"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False}

    assert [(found.pointer, found.code) for found in violations({"ab": 1, "b": 1}, form)] == [
        ("/ab", "schema.type"),
        ("/b", "schema.additionalProperties"),
    ]
    assert violations("no object", form) == []
