"""Go's literals: quoted strings, characters and numbers."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from pitrix_drone.gotemplate.errors import ParseError
from pitrix_drone.gotemplate.floats import parse_float

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
_OLD_OCTAL: Final = re.compile(r"[+-]?0[0-7_]+")
_MAX_BYTE: Final = 0xFF
_MIN_INT: Final = -(1 << 63)
_MAX_INT: Final = (1 << 63) - 1
_MAX_UINT: Final = (1 << 64) - 1


class Constant(NamedTuple):
    """A number without a type of its own.

    :param value: what it is where any type will do: int, float or complex; None for a whole
        number no int can hold.
    :param whole: what it is where an int is wanted; None when it is no whole number.
    """

    value: Any
    whole: int | None


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


def number(literal: str) -> Constant:
    """Return a number.

    :raises ParseError: not a number of Go.
    """
    if literal.endswith("i"):
        return _imaginary("0", literal)
    whole = whole_number(literal)
    most = _MAX_UINT if literal[0].isdigit() else _MAX_INT
    if whole is None or not _MIN_INT <= whole <= most:
        return _floating(literal)
    has_point = any(mark in literal for mark in ".eEpP")
    if has_point and literal[:2].lower() != "0x":
        return Constant(float(whole), whole)
    return Constant(whole, whole) if whole <= _MAX_INT else Constant(None, None)


def whole_number(literal: str) -> int | None:
    """Return a whole number in any of Go's notations, however large; None for anything else."""
    try:
        if _OLD_OCTAL.fullmatch(literal):
            return int(literal, 8)
        return int(literal, 0)
    except ValueError:
        return None


def complex_number(literal: str) -> Constant:
    """Return a number such as ``1+2i``.

    :raises ParseError: not a number of Go.
    """
    cut = max(literal.rfind("+", 1, -1), literal.rfind("-", 1, -1))
    if literal[cut - 1] in "eEpP":
        cut = max(literal.rfind("+", 1, cut - 1), literal.rfind("-", 1, cut - 1))
    return _imaginary(literal[:cut], literal[cut:])


def character(literal: str) -> Constant:
    """Return the code point of a character literal.

    :raises ParseError: not exactly one character.
    """
    body = literal[1:-1]
    match = _ESCAPE.fullmatch(body)
    if match is None:
        if len(body) != 1 or body == "\\":
            raise ParseError(f"malformed character constant: {literal}")
        return Constant(ord(body), ord(body))
    raw = _escaped(match, literal)
    code = ord(raw.decode()) if match.group(2) or match.group(3) or match.group(5) else raw[0]
    return Constant(code, code)


def _floating(literal: str) -> Constant:
    parsed = parse_float(literal)
    if not parsed.is_valid:
        raise ParseError(f'illegal number syntax: "{literal}"')
    if not any(mark in literal for mark in ".eEpP"):
        raise ParseError(f'integer overflow: "{literal}"')
    is_whole = parsed.value.is_integer() and _MIN_INT <= parsed.value <= _MAX_INT
    return Constant(parsed.value, int(parsed.value) if is_whole else None)


def _imaginary(real: str, imaginary: str) -> Constant:
    parts = parse_float(real), parse_float(imaginary[:-1])
    if not all(part.is_valid for part in parts):
        raise ParseError(f'illegal number syntax: "{imaginary}"')
    value = complex(parts[0].value, parts[1].value)
    is_whole = value.imag == 0 and value.real.is_integer() and abs(value.real) <= _MAX_INT
    return Constant(value, int(value.real) if is_whole else None)


def _escaped(match: re.Match[str], literal: str) -> bytes:
    byte, short, long, octal, simple = match.groups()
    if byte or octal:
        value = int(byte, 16) if byte else int(octal, 8)
        if value > _MAX_BYTE:
            raise ParseError(f"invalid escape in {literal}")
        return bytes([value])
    if short or long:
        return _code_point(int(short or long, 16), literal)
    if simple not in _ESCAPES or (simple in "'\"" and simple != literal[0]):
        raise ParseError(f"invalid escape in {literal}")
    return _ESCAPES[simple].encode()


def _code_point(value: int, literal: str) -> bytes:
    try:
        return chr(value).encode()
    except (ValueError, OverflowError):
        raise ParseError(f"invalid escape in {literal}") from None
