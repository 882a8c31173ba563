"""Cuts a template into text and the tokens of its actions.

White space between tokens is a token of its own, since ``.a .b`` and ``.a.b`` differ. Comments are
dropped here, and the trim markers ``{{-`` and ``-}}`` are carried out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pitrix_drone.gotemplate.errors import ParseError

TEXT: Final = "text"
LEFT: Final = "left delimiter"
RIGHT: Final = "right delimiter"
END: Final = "end of file"
SPACE: Final = "space"
KEYWORD: Final = "keyword"

_BLOCKS: Final = ("if", "else", "end", "range", "with", "define", "template", "block")
_KEYWORDS: Final = frozenset((*_BLOCKS, "break", "continue", "nil"))
_WHITE: Final = " \t\r\n"

#: A number may be odd here, such as 089: reading it finds that out.
_NUMBER: Final = r"""[+-]?(?:
    0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?
  | 0[oO][0-7_]*(?:\.[0-7_]*)?
  | 0[bB][01_]*(?:\.[01_]*)?
  | [0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
  | \.[0-9][0-9_]*(?:[eE][+-]?[0-9_]*)?
)"""
#: What may follow a word; "$x+2" is no way to write anything.
_WORD_END: Final = r"(?=[ \t\r\n.,|:()]|\}\}|\Z)"

_TOKEN: Final = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+?(?=[ \t\r\n]-\}}\}})|[ \t\r\n]+)
  | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
  | (?P<raw>`[^`]*`)
  | (?P<character>'(?:[^'\\\n]|\\[^\n])*')
  | (?P<complex>{_NUMBER}[+-]{_NUMBER}i(?!\w))
  | (?P<number>{_NUMBER}i?(?![\w+-]))
  | (?P<variable>\$\w*){_WORD_END}
  | (?P<field>\.[^\W\d]\w*){_WORD_END}
  | (?P<identifier>[^\W\d]\w*){_WORD_END}
  | (?P<operator>:=|[|(),=]|\.{_WORD_END})
    """,
    re.VERBOSE,
)
_WORD: Final = re.compile(r"[$.]?[^\W\d]\w*|\$")
_TRIM_LEFT: Final = re.compile(r"\{\{-(?=[ \t\r\n])")
_TRIM_RIGHT: Final = re.compile(r"[ \t\r\n]-\}\}")
_COMMENT: Final = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_AFTER_COMMENT: Final = re.compile(r"([ \t\r\n]-)?\}\}")


class Token(NamedTuple):
    """A piece of a template; an operator's kind is the operator itself."""

    kind: str
    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """Return every token of a template, the last of kind ``END``.

    :raises ParseError: an action, a comment, a string or a parenthesis without its end, or a
        character no token begins with; the message begins with the line.
    """
    return list(_Lexer(source).run())


class _Lexer:
    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._line = 1
        self._trims_next = False

    def run(self) -> Iterator[Token]:
        while True:
            start = self._source.find("{{", self._position)
            yield from self._text(start)
            if start < 0:
                yield Token(END, "", self._line)
                return
            self._position = start
            if _COMMENT.match(self._source, start):
                self._comment()
            else:
                yield from self._action()

    def _text(self, start: int) -> Iterator[Token]:
        text = self._source[self._position :] if start < 0 else self._source[self._position : start]
        kept = text.lstrip(_WHITE) if self._trims_next else text
        if start >= 0 and _TRIM_LEFT.match(self._source, start):
            kept = kept.rstrip(_WHITE)
        if kept:
            yield Token(TEXT, kept, self._line)
        self._line += text.count("\n")
        self._trims_next = False

    def _comment(self) -> None:
        close = self._source.find("*/", self._position)
        if close < 0:
            raise self._error("unclosed comment")
        end = _AFTER_COMMENT.match(self._source, close + 2)
        if end is None:
            raise self._error("comment ends before closing delimiter")
        self._trims_next = end.group(1) is not None
        self._advance(end.end())

    def _action(self) -> Iterator[Token]:
        left = _TRIM_LEFT.match(self._source, self._position)
        yield Token(LEFT, "{{", self._line)
        self._position = left.end() if left else self._position + 2
        depth = 0
        while not self._at_right():
            token = self._token()
            depth += {"(": 1, ")": -1}.get(token.kind, 0)
            if depth < 0:
                raise self._error("unexpected right paren")
            yield token
        if depth:
            raise self._error("unclosed left paren")
        yield Token(RIGHT, "}}", self._line)

    def _at_right(self) -> bool:
        trimmed = _TRIM_RIGHT.match(self._source, self._position)
        if trimmed:
            self._trims_next = True
            self._advance(trimmed.end())
            return True
        if self._source.startswith("}}", self._position):
            self._position += 2
            return True
        return False

    def _token(self) -> Token:
        match = _TOKEN.match(self._source, self._position)
        if match is None:
            raise self._error(self._what_is_wrong())
        text, kind = match.group(), str(match.lastgroup)
        line = self._line
        self._advance(match.end())
        if kind == "operator":
            kind = text
        elif kind == "identifier" and text in _KEYWORDS:
            kind = KEYWORD
        return Token(kind, text, line)

    def _what_is_wrong(self) -> str:
        if self._position >= len(self._source):
            return "unclosed action"
        found = self._source[self._position]
        if found in "\"'`":
            return f"a string that begins with {found} does not end"
        if found in "+-0123456789":
            return "bad number syntax"
        word = _WORD.match(self._source, self._position)
        if word is not None:  # what follows it is wrong, such as the sign in "$x=1"
            following = self._source[word.end() : word.end() + 1]
            return f"unexpected {following!r} right after {word.group()}"
        return f"unexpected {found!r} in action"

    def _advance(self, end: int) -> None:
        self._line += self._source.count("\n", self._position, end)
        self._position = end

    def _error(self, message: str) -> ParseError:
        return ParseError(f"{self._line}: {message}")
