"""Names that are almost right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_core.validation import nearest

NAMES = ("count", "memory_size", "in-place-nodes", "default", "post_start_service")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("cout", "count", id="letter-missing"),
        pytest.param("counts", "count", id="letter-too-much"),
        pytest.param("tnuoc", "count", id="letters-in-another-order"),
        pytest.param("COUNT", "count", id="capitals"),
        pytest.param(" count-_", "count", id="marks-behind-it"),
        pytest.param("_count", None, id="mark-before-it"),
        pytest.param("memory-size", "memory_size", id="dash-for-underscore"),
        pytest.param("in_place_nodes", "in-place-nodes", id="underscore-for-dash"),
        pytest.param("count_1", "count", id="number-behind-it"),
        pytest.param("count12345", "count", id="long-number-behind-it"),
        pytest.param("amount", None, id="another-word"),
        pytest.param("pre_start_service", None, id="another-word-that-ends-alike"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_misspelt_name_is_recognised(name: str, meant: str | None) -> None:
    """What is only a little alike is another name."""
    assert nearest(name, NAMES) == meant


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=20))
def test_the_answer_is_one_of_the_names(name: str, names: list[str]) -> None:
    """However strange names are, nothing is made up."""
    assert nearest(name, names) in (None, *names)


def test_long_names_and_many_of_them_take_no_time(endless_names: list[str]) -> None:
    """Only so much of them is compared."""
    assert nearest("x" * 1_000_000, endless_names) is None


@pytest.fixture
def endless_names() -> list[str]:
    """More and longer names than anybody reads."""
    return [f"{number}{'y' * 1_000}" for number in range(100_000)]
