"""What confd's functions do with text, as Go does it."""

from __future__ import annotations

import base64
import re
from typing import Callable, Final

from pitrix_drone.gotemplate import ExecError, Strings
from pitrix_drone.loose_math import whole_number

_MAX_ITEMS: Final = 1_000_000
_MAX_CHARS: Final = 8 * 1024 * 1024
_BASE64: Final = re.compile("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_DOTTED_I: Final = "\u0130"


def base64_encode(text: str) -> str:
    """Return text as base64, with padding."""
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def base64_decode(text: str) -> str:
    """Decode with padding; line ends count for nothing, as in Go.

    :raises ExecError: it is no base64. What Python takes for it depends on its version.
    """
    plain = text.replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(plain):
        raise ExecError("illegal base64 data")
    return base64.b64decode(plain).decode("utf-8", "surrogateescape")


def join(items: list[str], separator: str) -> str:
    """Return the items with a separator between them.

    :raises ExecError: the result is too long.
    """
    if len(items) * len(separator) > _MAX_CHARS:
        raise ExecError("the result is too long")
    return separator.join(items)


def replace(text: str, old: str, new: str, count: int) -> str:
    """Return text with *old* replaced, *count* times at most; every time when it is negative.

    :raises ExecError: the result is too long.
    """
    if (text.count(old) if old else len(text)) * len(new) > _MAX_CHARS:
        raise ExecError("the result is too long")
    return text.replace(old, new, count)


def split(text: str, separator: str) -> Strings:
    """Return the parts between separators; the characters when there is none.

    :raises ExecError: there are too many parts.
    """
    if (text.count(separator) if separator else len(text)) > _MAX_ITEMS:
        raise ExecError(f"the result has more than {_MAX_ITEMS} parts")
    return Strings(text.split(separator) if separator else text)


def case(text: str, change: Callable[[str], str]) -> str:
    """Change the case letter by letter: Go never makes two letters of one."""
    return change(text) if text.isascii() else "".join(_letter(char, change) for char in text)


def _letter(char: str, change: Callable[[str], str]) -> str:
    changed = change(char)
    if len(changed) == 1:
        return changed
    titled = char.title()  # Greek letters with an iota below have one letter as a title only
    if change == str.upper and len(titled) == 1:
        return titled
    return "i" if char == _DOTTED_I else char


def trim_suffix(text: str, suffix: str) -> str:
    """Return text without its end, if that is *suffix*."""
    return text[: -len(suffix)] if suffix and text.endswith(suffix) else text


def atoi(text: str) -> int:
    """Return the decimal number a text is.

    :raises ExecError: it is none, or one that no int holds.
    """
    number = whole_number(text)
    if number is None:
        raise ExecError(f'strconv.Atoi: parsing "{text}": no number that an int holds')
    return int(number)


def parse_bool(text: str) -> bool:
    """Return the truth value a text is.

    :raises ExecError: it is none of Go's words.
    """
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise ExecError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
