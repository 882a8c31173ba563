r"""Turns JavaScript's regular expressions into ones that Python reads in the same way.

``pattern`` in ``config.json`` is written for browsers. Python reads most of it in the same way, and
some of it in another: ``\d`` matches digits of every script, ``$`` stands before a last newline,
too, ``a{,2}`` and ``a++`` mean something, ``(?<name>…)`` nothing. What comes out here means the
same in both, so a form may use it as well; what cannot be said in both is refused.

Source: ECMAScript 2025, 22.2.1, with the additions for web browsers of annex B.1.2.
"""

import re
from collections.abc import Mapping
from typing import Final

#: Longer ones are no check of a value; in characters.
_LENGTH_LIMIT: Final = 4096
_DIGITS: Final = "0-9"
_WORD: Final = "A-Za-z0-9_"
#: Source: ECMAScript 2025, 12.2 white space and 12.3 line terminators.
_SPACE: Final = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SETS: Final[Mapping[str, str]] = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_ANY: Final = r"[\s\S]"
_NONE: Final = "(?!)"
_BOUNDARY: Final = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_BOUNDARY: Final = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
#: Anything but a line terminator.
_DOT: Final = r"[^\n\r\u2028\u2029]"
#: Single characters with a meaning, and whether what they stand for can be repeated.
_PLAIN: Final[Mapping[str, tuple[str, bool]]] = {
    ".": (_DOT, True),
    "$": (r"$(?!\n)", False),
    "^": ("^", False),
    "|": ("|", False),
    ")": (")", True),
}
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_GROUP: Final = re.compile(r"\((?:\?(?::|=|!|<=|<!|<([A-Za-z_$][\w$]*)>))?")
_HEX: Final = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")
_SYNTAX: Final = frozenset(r"^$\.*+?()[]{}|")
_CLASS_SYNTAX: Final = frozenset(r"\]^[-")
#: Doubled inside of a class these are reserved for operations on sets.
_DOUBLED: Final = frozenset("&~|")


class PatternError(ValueError):
    """A pattern cannot be said in a way that both flavours read alike."""


def translated(pattern: str) -> str:
    """Return the pattern in the flavour that both share.

    :raises PatternError: it is wrong, or has what Python cannot do; the message says which.
    """
    if len(pattern) > _LENGTH_LIMIT:
        raise PatternError(f"it is longer than {_LENGTH_LIMIT} characters")
    text = _Translation(pattern).text()
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as ex:
        raise PatternError(str(ex)) from ex
    return text


def literal(text: str) -> str:
    """Return a pattern that matches a text and nothing else."""
    return "".join(_literal(character) for character in text)


class _Translation:
    """Walks a pattern once, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._groups = 0
        self._names: dict[str, int] = {}

    def text(self) -> str:
        pieces: list[str] = []
        while self._at < len(self._pattern):
            piece, is_atom = self._term()
            pieces.append(piece)
            quantifier = _QUANTIFIER.match(self._pattern, self._at)
            if quantifier is not None:
                if not is_atom:
                    raise PatternError(f"{quantifier[0]!r} has nothing to repeat")
                pieces.append(quantifier[0])
                self._at = quantifier.end()
                if _QUANTIFIER.match(self._pattern, self._at):
                    raise PatternError(f"{quantifier[0]!r} is repeated itself")
        return "".join(pieces)

    def _term(self) -> tuple[str, bool]:
        """Return the next piece, and whether it can be repeated."""
        character = self._pattern[self._at]
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._class(), True
        if character == "(":
            return self._group(), False
        if character in "*+?":
            raise PatternError(f"{character!r} has nothing to repeat")
        self._at += 1
        return _PLAIN.get(character) or (_literal(character), True)

    def _group(self) -> str:
        opening = _GROUP.match(self._pattern, self._at)
        if opening is None or (self._pattern.startswith("(?", self._at) and opening[0] == "("):
            raise PatternError("it has a group of a kind that is not known: (?…")
        self._at = opening.end()
        name = opening[1]
        if opening[0] == "(" or name:
            self._groups += 1
        if name:
            self._names[name] = self._groups
            return "("
        return opening[0]

    def _escape(self) -> tuple[str, bool]:
        letter = self._escaped()
        if letter in ("b", "B"):
            self._at += 1
            return (_BOUNDARY if letter == "b" else _NO_BOUNDARY), False
        if letter.lower() in _SETS:
            self._at += 1
            negation = "^" if letter.isupper() else ""
            return f"[{negation}{_SETS[letter.lower()]}]", True
        if letter in "123456789":
            return self._reference(), True
        if letter == "k":
            return self._named_reference(), True
        return _literal(self._character()), True

    def _escaped(self) -> str:
        """Step over a backslash; return what follows it."""
        self._at += 1
        if self._at == len(self._pattern):
            raise PatternError("it ends with a backslash")
        return self._pattern[self._at]

    def _reference(self) -> str:
        digits = re.compile(r"[0-9]+").match(self._pattern, self._at)
        number = digits[0] if digits else ""
        if len(number) > 2 or int(number) > self._groups:  # noqa: PLR2004  99 groups will do
            raise PatternError(f"there is no group {number} before \\{number}")
        self._at += len(number)
        return f"(?:\\{number})"

    def _named_reference(self) -> str:
        name = re.compile(r"k<([^>]*)>").match(self._pattern, self._at)
        if name is None or name[1] not in self._names:
            raise PatternError("\\k names no group before it")
        self._at = name.end()
        return f"(?:\\{self._names[name[1]]})"

    def _character(self) -> str:
        """Return the character that an escape stands for."""
        letter = self._pattern[self._at]
        self._at += 1
        if letter in "tnvfr":
            return {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}[letter]
        if letter in "xu":
            return self._coded(letter)
        if letter == "c" and self._pattern[self._at : self._at + 1].isalpha():
            self._at += 1
            return chr(ord(self._pattern[self._at - 1]) % 32)
        if letter == "0" and not self._pattern[self._at : self._at + 1].isdigit():
            return "\0"
        if letter.isdigit() or letter in "pP":
            raise PatternError(f"\\{letter} is not known")
        return letter

    def _coded(self, letter: str) -> str:
        code = _HEX.match(self._pattern, self._at - 1)
        if code is None:
            return letter
        self._at = code.end()
        number = int(code[1] or code[2] or code[3], 16)
        if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:  # noqa: PLR2004  Unicode's own bounds
            raise PatternError(f"\\{code[0]} is no character")
        return chr(number)

    # -- classes -----------------------------------------------------------------------------------

    def _class(self) -> str:
        self._at += 1
        is_negated = self._pattern.startswith("^", self._at)
        self._at += is_negated
        pieces: list[str] = []
        others: list[str] = []
        while not self._pattern.startswith("]", self._at):
            self._class_item(pieces, others)
        self._at += 1
        return _class("".join(pieces), others, is_negated=is_negated)

    def _class_item(self, pieces: list[str], others: list[str]) -> None:
        """Read one item: into the pieces of a class, or the sets of what is not in the class."""
        first = self._class_atom(pieces, others)
        if not self._is_range():
            if first is not None:
                pieces.append(_class_literal(first, pieces))
            return
        self._at += 1
        last = self._class_atom(pieces, others)
        if first is not None and last is not None:
            if first > last:
                raise PatternError(f"the range {first}-{last} is upside down")
            pieces.append(f"{_class_literal(first, pieces)}-{_class_literal(last, ['-'])}")
            return
        pieces.append("\\-")
        pieces.extend(_class_literal(end, pieces) for end in (first, last) if end is not None)

    def _is_range(self) -> bool:
        following = self._pattern[self._at : self._at + 2]
        return len(following) == 2 and following[0] == "-" and following[1] != "]"  # noqa: PLR2004

    def _class_atom(self, pieces: list[str], others: list[str]) -> str | None:
        """Return a character; None for a set, which is noted at once."""
        if self._at >= len(self._pattern):
            raise PatternError("a class [… has no end")
        if self._pattern[self._at] != "\\":
            self._at += 1
            return self._pattern[self._at - 1]
        letter = self._escaped()
        if letter.lower() in _SETS:
            self._at += 1
            (pieces if letter.islower() else others).append(_SETS[letter.lower()])
            return None
        if letter == "b":
            self._at += 1
            return "\b"
        return self._character()


def _class(inside: str, others: list[str], *, is_negated: bool) -> str:
    if not others:
        if not inside:
            return _ANY if is_negated else _NONE
        return f"[{'^' if is_negated else ''}{inside}]"
    either = "|".join([*([f"[{inside}]"] if inside else []), *(f"[^{each}]" for each in others)])
    return f"(?:(?!{either}){_ANY})" if is_negated else f"(?:{either})"


def _class_literal(character: str, before: list[str]) -> str:
    if character in _CLASS_SYNTAX:
        return f"\\{character}"
    if character in _DOUBLED and before and before[-1].endswith(character):
        return f"\\x{ord(character):02x}"
    return character if character.isprintable() else _coded(character)


def _literal(character: str) -> str:
    if character in _SYNTAX:
        return f"\\{character}"
    return character if character.isprintable() else _coded(character)


def _coded(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:  # noqa: PLR2004  beyond what four digits can say in both flavours
        return character
    return f"\\u{code:04x}"
