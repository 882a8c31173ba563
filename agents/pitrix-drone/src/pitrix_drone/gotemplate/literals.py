"""Go's literals: quoted strings, characters and numbers."""

from __future__ import annotations

import re
from typing import Any, Final

from pitrix_drone.gotemplate.errors import ParseError
from pitrix_drone.gotemplate.values import Ideal

_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
}
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_OLD_OCTAL: Final = re.compile(r"[+-]?0[0-7]+")
_MAX_BYTE: Final = 0xFF


def unquote(literal: str) -> str:
    """Return the text of a string literal, backquoted or not.

    Bytes that are not UTF-8 are kept as lone surrogates.

    :raises ParseError: an escape Go does not know.
    """
    if literal[0] == "`":
        return literal[1:-1].replace("\r", "")
    body = literal[1:-1]
    if "\\" not in body:
        return body
    out, position = bytearray(), 0
    for match in _ESCAPE.finditer(body):
        out += body[position : match.start()].encode()
        out += _escaped(match, literal)
        position = match.end()
    return (bytes(out) + body[position:].encode()).decode("utf-8", "surrogateescape")


def number(literal: str) -> Any:
    """Return an int, or an untyped float constant.

    :raises ParseError: not a number of Go.
    """
    digits = literal.replace("_", "")
    try:
        if _OLD_OCTAL.fullmatch(digits):
            return int(digits, 8)
        return int(digits, 0)
    except ValueError:
        pass
    try:
        return Ideal(float.fromhex(digits) if "x" in digits.lower() else float(digits))
    except ValueError:
        raise ParseError(f'bad number syntax: "{literal}"') from None


def character(literal: str) -> int:
    """Return the code point of a character literal.

    :raises ParseError: not exactly one character.
    """
    text = unquote(literal)
    if len(text) != 1:
        raise ParseError(f"malformed character constant: {literal}")
    return ord(text)


def _escaped(match: re.Match[str], literal: str) -> bytes:
    byte, short, long, octal, simple = match.groups()
    if byte or octal:
        value = int(byte, 16) if byte else int(octal, 8)
        if value > _MAX_BYTE:
            raise ParseError(f"invalid escape in {literal}")
        return bytes([value])
    if short or long:
        return _code_point(int(short or long, 16), literal)
    if simple not in _ESCAPES:
        raise ParseError(f"invalid escape in {literal}")
    return _ESCAPES[simple].encode()


def _code_point(value: int, literal: str) -> bytes:
    try:
        return chr(value).encode()
    except (ValueError, OverflowError):
        raise ParseError(f"invalid escape in {literal}") from None
