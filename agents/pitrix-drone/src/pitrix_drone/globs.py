"""Globs of Go's ``path.Match``: ``*`` and ``?`` stay within one part of a path, ``[…]`` does not.

A star takes as little as it can and is not asked again once what follows it was found, so that
the time a pattern takes has a bound. Source: https://pkg.go.dev/path#Match
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Union

#: Where a pattern begins to be more than the text itself.
META: Final = re.compile(r"[*?\[\\]")


class _Set(NamedTuple):
    """A character class."""

    is_negated: bool
    ranges: tuple[tuple[str, str], ...]


class _Any(NamedTuple):
    """``?``."""


_Test = Union[str, _Set, _Any]


class _Chunk(NamedTuple):
    """What is between two stars.

    :param has_star: whether there is one before it.
    """

    has_star: bool
    tests: tuple[_Test, ...]


class Glob:
    """A pattern, ready to be held against paths.

    :raises ValueError: the pattern is malformed.
    """

    def __init__(self, pattern: str) -> None:
        self._chunks = _Parser(pattern).chunks()

    def matches(self, path: str) -> bool:
        """Tell whether the whole of *path* matches."""
        position = 0
        for number, chunk in enumerate(self._chunks, 1):
            found = _found(chunk, path, position, is_last=number == len(self._chunks))
            if found is None:
                return False
            position = found
        return position == len(path)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0

    def chunks(self) -> list[_Chunk]:
        chunks: list[_Chunk] = []
        while self._position < len(self._pattern):
            start = self._position
            while self._next() == "*":
                self._position += 1
            has_star = self._position > start
            tests: list[_Test] = []
            while self._next() not in ("", "*"):
                tests.append(self._test())
            chunks.append(_Chunk(has_star, tuple(tests)))
        return chunks

    def _next(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _test(self) -> _Test:
        char = self._next()
        if char == "[":
            return self._set()
        if char == "\\":
            return self._character()
        self._position += 1
        return _Any() if char == "?" else char

    def _set(self) -> _Set:
        self._position += 1
        is_negated = self._next() == "^"
        self._position += is_negated
        ranges: list[tuple[str, str]] = []
        while self._next() != "]" or not ranges:
            if self._next() in ("-", "]"):
                raise self._malformed()
            first = last = self._character()
            if self._next() == "-":
                self._position += 1
                if self._next() in ("-", "]"):
                    raise self._malformed()
                last = self._character()
            ranges.append((first, last))
        self._position += 1
        return _Set(is_negated, tuple(ranges))

    def _character(self) -> str:
        self._position += self._next() == "\\"
        char = self._next()
        if not char:
            raise self._malformed()
        self._position += 1
        return char

    def _malformed(self) -> ValueError:
        return ValueError(f"syntax error in pattern {self._pattern!r}")


def _found(chunk: _Chunk, path: str, start: int, *, is_last: bool) -> int | None:
    """Return where a chunk ends that begins at *start*, or later in this part after a star."""
    while True:
        end = _end(chunk.tests, path, start)
        if end is not None and (not is_last or end == len(path)):
            return end
        if not chunk.has_star or start >= len(path) or path[start] == "/":
            return None
        start += 1


def _end(tests: tuple[_Test, ...], path: str, position: int) -> int | None:
    if position + len(tests) > len(path):
        return None
    for test in tests:
        if not _holds(test, path[position]):
            return None
        position += 1
    return position


def _holds(test: _Test, char: str) -> bool:
    if isinstance(test, str):
        return char == test
    if isinstance(test, _Any):
        return char != "/"
    return any(first <= char <= last for first, last in test.ranges) != test.is_negated
