"""The tree of errors: every class has a code of its own, and says what it means."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from pitrix_core import errors


def tree(cls: type[errors.PitrixError]) -> Iterator[type[errors.PitrixError]]:
    """Return the core's classes below one, and itself."""
    yield cls
    for below in cls.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below)


CLASSES = list(tree(errors.PitrixError))


def test_codes_are_told_apart() -> None:
    """No two classes share a code."""
    codes = Counter(cls.code for cls in CLASSES)

    assert [code for code, count in codes.items() if count > 1] == []


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
def test_a_class_states_its_own_code(cls: type[errors.PitrixError]) -> None:
    """A code is written in the class itself, in lower case, and never inherited."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", vars(cls)["code"])


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
def test_a_class_says_what_it_means(cls: type[errors.PitrixError]) -> None:
    """The docstring is a sentence in one line: it is the message when none is given."""
    first = (cls.__doc__ or "").strip().splitlines()[0]

    assert first.endswith(".")


def test_without_a_message_the_docstring_speaks() -> None:
    """An error that is raised bare still says something."""
    assert str(errors.NotFoundError()) == "There is no such thing, or the caller may not see it."
