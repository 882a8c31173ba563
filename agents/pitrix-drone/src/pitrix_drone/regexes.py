"""Go's regular expressions, for ``filter``: does a text match?

All the ways a pattern may match are followed at once, character by character, as RE2 does: the
time grows with the length of pattern and text only, which Python's own ``re`` cannot promise.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pitrix_drone import regex_syntax
from pitrix_drone.gotemplate import ExecError
from pitrix_drone.regex_syntax import Assertion, Chars, Choice, Node, Repeat

_MAX_STATES: Final = 20_000
_MAX_STEPS: Final = 1_000_000
_PLAIN: Final = re.compile(r"[^\\.+*?()|\[\]{}^$]*")
_RAW_BYTES: Final = re.compile("[\udc80-\udcff]")


class _State(NamedTuple):
    """Where a match may stand: before one character, at an assertion, or at a fork.

    :param next: the states it goes on to.
    """

    test: Chars | str | None
    next: tuple[int, ...]


_END: Final = 0


def compiled(pattern: str) -> Regex:
    """Read a pattern.

    :raises ExecError: it is no regular expression of Go, or a very large one.
    """
    try:
        return Regex(pattern)
    except regex_syntax.SyntaxProblem as ex:
        raise ExecError(f"error parsing regexp: {ex}: `{pattern}`") from None


class Regex:
    """A pattern, ready to look for in texts."""

    def __init__(self, pattern: str) -> None:
        self._plain = pattern if _PLAIN.fullmatch(pattern) else None
        self._states = [_State(None, ())]
        self._steps = 0
        self._start = (
            _END if self._plain is not None else self._added(regex_syntax.parse(pattern), _END)
        )

    def search(self, text: str) -> bool:
        """Tell whether some part of *text* matches.

        :raises ExecError: finding out takes too long.
        """
        text = _RAW_BYTES.sub("\ufffd", text)
        if self._plain is not None:
            return self._plain in text
        standing: set[int] = set()
        for position in range(len(text) + 1):
            reached = self._reached(standing | {self._start}, text, position)
            if reached is None:
                return True
            char = text[position : position + 1]
            standing = {
                state.next[0]
                for state in map(self._states.__getitem__, reached)
                if char and isinstance(state.test, Chars) and state.test.has(char)
            }
        return False

    def _reached(self, standing: set[int], text: str, position: int) -> set[int] | None:
        """Go on as far as is possible without a character; None when the end is reached."""
        reached: set[int] = set()
        waiting = list(standing)
        while waiting:
            number = waiting.pop()
            if number == _END:
                return None
            if number in reached:
                continue
            reached.add(number)
            test, following = self._states[number]
            if test is None or (isinstance(test, str) and _holds(test, text, position)):
                waiting += following
        self._steps += len(reached)
        if self._steps > _MAX_STEPS:
            raise ExecError("the regular expression takes too long")
        return reached

    def _add(self, test: Chars | str | None, *following: int) -> int:
        if len(self._states) >= _MAX_STATES:
            raise ExecError("the regular expression is too large")
        self._states.append(_State(test, following))
        return len(self._states) - 1

    def _added(self, node: Node, following: int) -> int:
        """Add the states of a node that go on to *following*; return the first."""
        if isinstance(node, Chars):
            return self._add(node, following)
        if isinstance(node, Assertion):
            return self._add(node.kind, following)
        if isinstance(node, Choice):
            return self._add(None, *(self._added(part, following) for part in node.parts))
        if isinstance(node, Repeat):
            return self._repeated(node, following)
        for part in reversed(node.parts):
            following = self._added(part, following)
        return following

    def _repeated(self, node: Repeat, following: int) -> int:
        if node.most is None:
            loop = self._add(None)
            self._states[loop] = _State(None, (self._added(node.part, loop), following))
            following = loop
        else:
            end = following
            for _ in range(node.most - node.least):
                following = self._add(None, self._added(node.part, following), end)
        for _ in range(node.least):
            following = self._added(node.part, following)
        return following


def _holds(assertion: str, text: str, position: int) -> bool:
    before, after = text[max(position - 1, 0) : position], text[position : position + 1]
    if assertion == "start":
        return position == 0
    if assertion == "end":
        return position == len(text)
    if assertion == "line start":
        return before in ("", "\n")
    if assertion == "line end":
        return after in ("", "\n")
    return (_is_word(before) != _is_word(after)) == (assertion == "word")


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")
