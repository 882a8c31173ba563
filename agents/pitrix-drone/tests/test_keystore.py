"""Keys looked up as confd's store does."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_drone.globs import Glob
from pitrix_drone.keystore import Store, base, clean, folder, select

_STORE = Store(dict.fromkeys(("/n", "/a/k", "/a/b/c", "/a/b/d/e", "/a/b-1/x", "/z/y"), ""))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        pytest.param("/a", ["b", "b-1", "k"], id="folder"),
        pytest.param("/a/", ["b", "b-1", "k"], id="with-a-slash"),
        pytest.param("/a/b", ["c", "d"], id="beside-one-with-the-same-beginning"),
        pytest.param("/a/k", ["k"], id="a-key-itself"),
        pytest.param("/", ["n"], id="the-root-has-keys-only"),
        pytest.param("/nope", [], id="nothing"),
        pytest.param("a", [], id="without-a-slash-before"),
    ],
)
def test_names_below_a_path(path: str, wanted: list[str]) -> None:
    """As libconfd lists them."""
    assert _STORE.names(path) == wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        pytest.param("/a", ["b", "b-1", "k"], id="at-the-top"),
        pytest.param("/a/b", ["a", "c", "d"], id="a-key-beside-it"),
        pytest.param("/a/b/nope/x", ["a"], id="keys-above-it"),
        pytest.param("/z/y", ["y"], id="a-key-itself"),
    ],
)
def test_names_beside_a_path(path: str, wanted: list[str]) -> None:
    """As confd lists them: a key beside the path gives the first part of its own."""
    assert _STORE.loose_names(path) == wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        pytest.param("/a", ["b", "b-1"], id="folder"),
        pytest.param("/a/b/", ["d"], id="with-a-slash"),
        pytest.param("/a/.", [], id="not-in-its-shortest-form"),
        pytest.param("/", [], id="the-root-has-none"),
    ],
)
def test_folders_below_a_path(path: str, wanted: list[str]) -> None:
    """Those that have something below them."""
    assert _STORE.folders(path) == wanted


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        pytest.param("/a/*", "/a/b", True, id="star"),
        pytest.param("/a/*", "/a/b/c", False, id="star-stays-in-its-part"),
        pytest.param("/*b*/c", "/abab/c", True, id="two-stars"),
        pytest.param("/a?", "/a/", False, id="question-mark-is-no-slash"),
        pytest.param("/a[^x]b", "/a/b", True, id="a-class-may-be-a-slash"),
        pytest.param("/[a-c]", "/b", True, id="range"),
        pytest.param("/[c-a]", "/b", False, id="range-backwards"),
        pytest.param("/[!a]", "/b", False, id="only-a-caret-negates"),
        pytest.param(r"/\*", "/*", True, id="escaped"),
        pytest.param(r"/[\]]", "/]", True, id="escaped-in-a-class"),
    ],
)
def test_a_glob_matches_as_in_go(pattern: str, path: str, wanted: bool) -> None:
    """Worked out by hand from ``path.Match``, and compared with it."""
    assert Glob(pattern).matches(path) is wanted


@pytest.mark.parametrize("pattern", ["[", "[]", "[]a]", "[^]a]", "[-a]", "[a-]", "[a", "\\"])
def test_a_malformed_glob_is_refused(pattern: str) -> None:
    """As in Go."""
    with pytest.raises(ValueError, match="syntax error in pattern"):
        Glob(pattern)


def test_no_glob_takes_for_ever() -> None:
    """However many stars it has."""
    began = time.process_time()

    assert not Glob("*a" * 50 + "b").matches("a" * 5000)
    assert time.process_time() - began < 10


@given(st.text(alphabet="a*?[]^-\\/"))
def test_no_glob_crashes(pattern: str) -> None:
    """It is read, or refused."""
    with contextlib.suppress(ValueError):
        assert Glob(pattern).matches("/a/a") in {True, False}


@pytest.mark.parametrize(
    ("prefix", "keys", "wanted"),
    [
        ("/self", ["/"], {"/a": "1", "/ab/c": "2"}),
        ("/self", ["/a"], {"/a": "1"}),
        ("/self/", ["ab"], {"/ab/c": "2"}),
        ("/", ["/"], {"/self/a": "1", "/self/ab/c": "2"}),
        ("/sel", ["/"], {}),
    ],
)
def test_a_resource_sees_its_keys_without_the_prefix(
    prefix: str, keys: list[str], wanted: dict[str, str]
) -> None:
    """A key stands for itself and all below it."""
    assert select({"/self/a": "1", "/self/ab/c": "2"}, prefix=prefix, keys=keys) == wanted


@pytest.mark.parametrize(
    ("path", "cleaned", "last", "rest"),
    [
        ("/a/b/", "/a/b", "b", "/a/b"),
        ("a", "a", "a", "."),
        ("", ".", ".", "."),
        ("/", "/", "/", "/"),
        ("//a/./c/../b", "/a/b", "b", "/a"),
        ("/../a", "/a", "a", "/"),
    ],
)
def test_paths_are_taken_apart_as_in_go(path: str, cleaned: str, last: str, rest: str) -> None:
    """Clean, Base and Dir."""
    assert (clean(path), base(path), folder(path)) == (cleaned, last, rest)
