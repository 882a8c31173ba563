"""The syntax of Go's regular expressions, read into a tree of nodes.

Groups capture nothing and greediness is read over: all that is asked is whether a text matches.
Source: https://pkg.go.dev/regexp/syntax
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple, Union

#: Source: https://cs.opensource.google/go/go/+/master:src/regexp/syntax/parse.go (repeat)
_MAX_REPEAT: Final = 1000
_DIGITS: Final = (("0", "9"),)
_SPACES: Final = (("\t", "\n"), ("\f", "\r"), (" ", " "))
_WORD: Final = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_PERL_CLASSES: Final = {"d": _DIGITS, "s": _SPACES, "w": _WORD}
_POSIX_CLASSES: Final = {
    "alnum": (("0", "9"), ("A", "Z"), ("a", "z")),
    "alpha": (("A", "Z"), ("a", "z")),
    "ascii": (("\0", "\x7f"),),
    "blank": (("\t", "\t"), (" ", " ")),
    "cntrl": (("\0", "\x1f"), ("\x7f", "\x7f")),
    "digit": _DIGITS,
    "graph": (("!", "~"),),
    "lower": (("a", "z"),),
    "print": ((" ", "~"),),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": (("\t", "\r"), (" ", " ")),
    "upper": (("A", "Z"),),
    "word": _WORD,
    "xdigit": (("0", "9"), ("A", "F"), ("a", "f")),
}
_CATEGORY: Final = re.compile("C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")
_ESCAPES: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ASSERTIONS: Final = {"A": "start", "z": "end", "b": "word", "B": "no word"}
_REPEAT: Final = re.compile(r"\{(0|[1-9][0-9]{0,8})(,(0|[1-9][0-9]{0,8})?)?\}")
_GROUP: Final = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_FLAGS: Final = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_CODE: Final = re.compile(
    r"\\(?:x\{([0-9a-fA-F]{1,8})\}|x([0-9a-fA-F]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2}))"
)
_UNICODE_CLASS: Final = re.compile(r"\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))")
_POSIX_CLASS: Final = re.compile(r"\[:(\^?)([a-z]+):\]")


class SyntaxProblem(Exception):  # noqa: N818 - Go's word for the whole message is "error"
    """The pattern is no regular expression of Go."""


class Chars:
    """A set of characters; one object for each place in the pattern.

    :param names: Unicode categories and scripts; with ``^`` before the name, all others.
    """

    def __init__(self, *, is_negated: bool, is_folded: bool) -> None:
        self.ranges: list[tuple[str, str]] = []
        self.excluded: list[tuple[tuple[str, str], ...]] = []
        self.names: list[str] = []
        self._is_negated = is_negated
        self._is_folded = is_folded
        self._known: dict[str, bool] = {}

    def add(self, first: str, last: str) -> None:
        """Add a range, both ends with it."""
        self.ranges.append((first, last))
        if self._is_folded and first == last:
            self.ranges += [(char, char) for char in _variants(first)]

    def has(self, char: str) -> bool:
        """Tell whether a character is in the set."""
        found = self._known.get(char)
        if found is None:
            found = self._holds(_variants(char) if self._is_folded else {char}) != self._is_negated
            self._known[char] = found
        return found

    def _holds(self, chars: set[str]) -> bool:
        """Tell whether one of several characters is in the set; they are one but for case."""
        return (
            any(_within(char, self.ranges) for char in chars)
            or any(_is_called(char, name) for name in self.names for char in chars)
            or any(not any(_within(char, each) for char in chars) for each in self.excluded)
        )


class Assertion(NamedTuple):
    """A place between characters: start, end, line start, line end, word, no word."""

    kind: str


class Sequence(NamedTuple):
    """Nodes one after the other."""

    parts: tuple[Node, ...]


class Choice(NamedTuple):
    """One of several nodes."""

    parts: tuple[Node, ...]


class Repeat(NamedTuple):
    """A node several times.

    :param most: None for any number.
    """

    part: Node
    least: int
    most: int | None


Node = Union[Chars, Assertion, Sequence, Choice, Repeat]


def parse(pattern: str) -> Node:
    """Read a pattern.

    :raises SyntaxProblem: it is none of Go's.
    """
    return _Parser(pattern).run()


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0
        self._flags = frozenset[str]()

    def run(self) -> Node:
        node = self._choice()
        if self._position < len(self._pattern):
            raise SyntaxProblem("unexpected )")
        return node

    def _next(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _match(self, regex: re.Pattern[str]) -> re.Match[str] | None:
        match = regex.match(self._pattern, self._position)
        if match:
            self._position = match.end()
        return match

    def _choice(self) -> Node:
        parts = [self._sequence()]
        while self._next() == "|":
            self._position += 1
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._next() not in ("", "|", ")"):
            if self._pattern.startswith(r"\Q", self._position):
                parts += self._quoted()
                continue
            flags = self._match(_FLAGS)
            if flags and flags.group(3) == ")":
                self._flags = self._flags_of(flags)
                continue
            part = self._group_with(flags) if flags else self._atom()
            parts.append(self._repeated(part))
        return Sequence(tuple(parts))

    def _quoted(self) -> list[Node]:
        end = self._pattern.find(r"\E", self._position + 2)
        text = self._pattern[self._position + 2 : end if end >= 0 else None]
        self._position = end + 2 if end >= 0 else len(self._pattern)
        literals: list[Node] = [self._literal(char) for char in text]
        if literals:
            literals[-1] = self._repeated(literals[-1])
        return literals

    def _flags_of(self, match: re.Match[str]) -> frozenset[str]:
        on, off, _ = match.groups()
        return (self._flags | set(on)) - set(off or "")

    def _group_with(self, flags: re.Match[str]) -> Node:
        outer = self._flags
        self._flags = self._flags_of(flags)
        return self._closed(outer)

    def _closed(self, outer: frozenset[str]) -> Node:
        node = self._choice()
        if self._next() != ")":
            raise SyntaxProblem("missing closing )")
        self._position += 1
        self._flags = outer
        return node

    def _atom(self) -> Node:
        char = self._next()
        if char in "*+?" or _REPEAT.match(self._pattern, self._position):
            raise SyntaxProblem(f"missing argument to repetition operator: {char}")
        read = {"(": self._group, "[": self._class, "\\": self._escaped}.get(char)
        if read is not None:
            return read()
        self._position += 1
        if char == ".":
            return self._any()
        if char in "^$":
            line = "line " if "m" in self._flags else ""
            return Assertion(line + ("start" if char == "^" else "end"))
        return self._literal(char)

    def _literal(self, char: str) -> Chars:
        chars = Chars(is_negated=False, is_folded="i" in self._flags)
        chars.add(char, char)
        return chars

    def _any(self) -> Chars:
        chars = Chars(is_negated=True, is_folded=False)
        if "s" not in self._flags:
            chars.add("\n", "\n")
        return chars

    def _group(self) -> Node:
        if self._match(_GROUP) is None:
            if self._pattern.startswith("(?", self._position):
                raise SyntaxProblem("invalid or unsupported Perl syntax")
            self._position += 1
        return self._closed(self._flags)

    def _repeated(self, part: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return part
        if self._next() == "?":
            self._position += 1
        if self._next() in ("*", "+", "?") or _REPEAT.match(self._pattern, self._position):
            raise SyntaxProblem("invalid nested repetition operator")
        least, most = bounds
        if max(least, most or 0) > _MAX_REPEAT or (most is not None and most < least):
            raise SyntaxProblem("invalid repeat count")
        return Repeat(part, least, most)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._next())
        if simple is not None:
            self._position += 1
            return simple
        match = self._match(_REPEAT)
        if match is None:
            return None
        least, comma, most = match.groups()
        return int(least), int(most) if most else None if comma else int(least)

    def _escaped(self) -> Node:
        kind = self._pattern[self._position + 1 : self._position + 2]
        if kind in _ASSERTIONS and kind:
            self._position += 2
            return Assertion(_ASSERTIONS[kind])
        chars = Chars(is_negated=False, is_folded="i" in self._flags)
        if not self._add_class(chars):
            char = self._escaped_character()
            chars.add(char, char)
        return chars

    def _add_class(self, chars: Chars) -> bool:
        r"""Add ``\d``, ``\pL`` or the like, if one of them is here."""
        match = self._match(_UNICODE_CLASS)
        if match:
            sign, caret, long, short = match.groups()
            name = long or short
            if not _is_known(name):
                raise SyntaxProblem(f"invalid character class range: {match.group()}")
            chars.names.append(("^" if (sign == "P") != bool(caret) else "") + name)
            return True
        kind = self._pattern[self._position + 1 : self._position + 2]
        if not kind or kind.lower() not in _PERL_CLASSES:
            return False
        self._position += 2
        ranges = _PERL_CLASSES[kind.lower()]
        if kind.islower():
            chars.ranges += ranges
        else:
            chars.excluded.append(ranges)
        return True

    def _escaped_character(self) -> str:
        match = self._match(_CODE)
        if match:
            long, short, octal = match.groups()
            code = int(octal, 8) if octal else int(long or short, 16)
            if code > 0x10FFFF:  # noqa: PLR2004 - Unicode's end
                raise SyntaxProblem(f"invalid escape sequence: {match.group()}")
            return chr(code)
        char = self._pattern[self._position + 1 : self._position + 2]
        if not char:
            raise SyntaxProblem("trailing backslash at end of expression")
        self._position += 2
        if char.isascii() and not char.isalnum():
            return char
        if char not in _ESCAPES:
            raise SyntaxProblem(f"invalid escape sequence: \\{char}")
        return _ESCAPES[char]

    def _class(self) -> Chars:
        self._position += 1
        is_negated = self._next() == "^"
        self._position += is_negated
        chars = Chars(is_negated=is_negated, is_folded="i" in self._flags)
        is_first = True
        while self._next() != "]" or is_first:
            is_first = False
            if not self._add_posix(chars) and not (self._next() == "\\" and self._add_class(chars)):
                self._add_range(chars)
        self._position += 1
        return chars

    def _add_posix(self, chars: Chars) -> bool:
        match = self._match(_POSIX_CLASS)
        if match is None:
            return False
        ranges = _POSIX_CLASSES.get(match.group(2))
        if ranges is None:
            raise SyntaxProblem(f"invalid character class range: {match.group()}")
        if match.group(1):
            chars.excluded.append(ranges)
        else:
            chars.ranges += ranges
        return True

    def _add_range(self, chars: Chars) -> None:
        first = last = self._class_character()
        following = self._pattern[self._position : self._position + 2]
        if following[:1] == "-" and following[1:] not in ("", "]"):
            self._position += 1
            last = self._class_character()
            if last < first:
                raise SyntaxProblem(f"invalid character class range: {first}-{last}")
        chars.add(first, last)

    def _class_character(self) -> str:
        char = self._next()
        if not char:
            raise SyntaxProblem("missing closing ]")
        if char == "\\":
            return self._escaped_character()
        self._position += 1
        return char


def _variants(char: str) -> set[str]:
    """Return the characters that are one when case counts for nothing."""
    found = {char, char.lower(), char.upper(), char.upper().lower(), char.lower().upper()}
    return {each for each in found if len(each) == 1}


def _within(char: str, ranges: Iterable[tuple[str, str]]) -> bool:
    return any(first <= char <= last for first, last in ranges)


def _is_known(name: str) -> bool:
    if _CATEGORY.fullmatch(name) or name in {"Any", "Han"}:
        return True
    try:
        unicodedata.lookup(f"{name.upper()} LETTER A")
    except KeyError:
        return name in {"Greek", "Hangul", "Hebrew", "Arabic", "Thai"}
    return name.istitle()


def _is_called(char: str, name: str) -> bool:
    """Tell whether a character is of a category, or of a script by the name it has."""
    if name.startswith("^"):
        return not _is_called(char, name[1:])
    if _CATEGORY.fullmatch(name):
        return unicodedata.category(char).startswith(name)
    words = unicodedata.name(char, "")
    return name == "Any" or words.startswith("CJK UNIFIED" if name == "Han" else name.upper() + " ")
