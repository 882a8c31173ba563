"""YAML of people, read as JSON is."""

import contextlib
import tracemalloc
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from pitrix_core.errors import PackageInvalidError
from pitrix_core.package import Place
from pitrix_core.package.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("1.5", 1.5),
        ("2e3", 2000.0),
        ("true", True),
        ("null", None),
        ("", None),
        ("'3'", "3"),
        ('"true"', "true"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x10", "0x10"),
        ("|\n  3\n", "3\n"),
        ("[1, a]", [1, "a"]),
        ('{"a": {b: 1}}', {"a": {"b": 1}}),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: Any) -> None:
    """Numbers, flags and null are themselves where JSON has them; all else is text."""
    assert read_yaml(text, file="x").value == value


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        pytest.param("a: &x 1\nb: *x", (2, 4), "aliases", id="alias"),
        pytest.param("a: !!set {b}", (1, 4), "tag", id="tag"),
        pytest.param("a: 1\na: 2", (2, 1), "twice", id="name-twice"),
        pytest.param("? [a]\n: 1", (1, 3), "has to be a text", id="name-no-text"),
        pytest.param("a: [", (2, 1), "not YAML", id="no-end"),
        pytest.param("- " * 40, (1, 65), "nested deeper", id="deep"),
    ],
)
def test_what_json_cannot_say_is_refused(text: str, place: tuple[int, int], said: str) -> None:
    """The finding names the place."""
    with pytest.raises(PackageInvalidError, match=said) as caught:
        read_yaml(text, file="tests/a.yaml")

    [finding] = caught.value.findings
    assert (finding.line, finding.column) == place
    assert finding.file == "tests/a.yaml"


def test_a_large_text_is_refused() -> None:
    """What is too large is not parsed."""
    with pytest.raises(PackageInvalidError, match="more than"):
        read_yaml(" " * (1024 * 1024 + 1), file="x")


def test_every_part_has_its_place() -> None:
    """By pointer; a member is where its value is."""
    read = read_yaml("- a/b:\n    c: 1\n- 2\n", file="x")

    assert read.at("/0/a~1b/c") == Place(2, 8)
    assert read.at("/1") == Place(3, 3)


def test_a_long_name_above_many_parts_costs_its_length_once() -> None:
    """A few kilobytes cannot fill the memory."""
    text = f"? {'a' * 20_000}\n: [{'1,' * 20_000}1]\n"
    tracemalloc.start()

    place = read_yaml(text, file="x").at(f"/{'a' * 20_000}/20000")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert place == Place(2, 40_004)
    assert peak < 50_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/", max_size=3), inner),
    max_leaves=10,
)


@hypothesis.settings(deadline=None, derandomize=True)
@hypothesis.given(JSON)
def test_what_was_written_is_read(value: Any) -> None:
    """JSON in the words of YAML comes back as it was."""
    text = yaml.safe_dump(value, default_style='"') if isinstance(value, str) else None

    assert read_yaml(text or yaml.safe_dump(value), file="x").value == value


@hypothesis.settings(deadline=None, derandomize=True)
@hypothesis.given(st.text("[]{}:,-?!&*'\"|>%@#\n\t ab1\\\x00é"))
def test_nothing_but_our_own_error_comes_of_a_text(text: str) -> None:
    """However strange a text is, it is read or refused with a finding."""
    with contextlib.suppress(PackageInvalidError):
        read = read_yaml(text, file="x")

        assert read.at("") or read.value is None
