"""Go literals of text: written as ``%q`` does, with every escape Go has."""

from __future__ import annotations

import unicodedata
from typing import Final

_SHORT_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
}
#: How bytes that are no UTF-8 stand in text.
_SURROGATES: Final = range(0xDC80, 0xDD00)
_PRINTABLE_FROM: Final = 0x20
_DELETE: Final = 0x7F
_MAX_SHORT: Final = 0xFFFF
_BYTE_ORDER_MARK: Final = "\ufeff"


def quote(text: str, mark: str = '"', *, is_ascii: bool = False) -> str:
    """Return a Go literal for *text*.

    :param is_ascii: whether all but ASCII is escaped, as ``%+q`` does.
    """
    return mark + "".join(_quoted(char, mark, is_ascii=is_ascii) for char in text) + mark


def can_backquote(text: str) -> bool:
    """Tell whether *text* may stand between backquotes as it is."""
    return not any(
        (char < " " and char != "\t")
        or char in ("`", "\x7f", _BYTE_ORDER_MARK)
        or ord(char) in _SURROGATES
        for char in text
    )


def is_printable(char: str) -> bool:
    """Tell whether Go takes a character as printable: letters, marks, digits, signs, the blank."""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"


def _quoted(char: str, mark: str, *, is_ascii: bool) -> str:
    if char in (mark, "\\"):
        return "\\" + char
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    code = ord(char)
    if code in _SURROGATES:
        return f"\\x{code - 0xDC00:02x}"
    if code < _PRINTABLE_FROM or code == _DELETE:
        return f"\\x{code:02x}"
    if is_printable(char) and not (is_ascii and code > _DELETE):
        return char
    return f"\\u{code:04x}" if code <= _MAX_SHORT else f"\\U{code:08x}"
