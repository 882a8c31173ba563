"""YAML as ``toYaml`` writes it: block style, two blanks deep, quotes only where they are needed.

The choices are those of the Go library that both dialects with ``toYaml`` use; its lines are
folded at a blank after column 80. Source: https://pkg.go.dev/gopkg.in/yaml.v2
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import math
import re
from typing import Any, Final

from pitrix_drone.gotemplate.floats import parse_float, show_float
from pitrix_drone.gotemplate.literals import whole_number
from pitrix_drone.gotemplate.values import Record, type_name
from pitrix_drone.loose_math import wrapped

_FOLD_AFTER: Final = 80
_MAX_KEY_BYTES: Final = 128
#: More than this Python does not read as a number.
_MAX_DIGITS: Final = 4000
_MAX_UINT: Final = (1 << 64) - 1
_MIN_INT: Final = -(1 << 63)
_WORDS: Final = frozenset(
    [
        *("", "~", "y", "Y", "n", "N", ".nan", ".NaN", ".NAN"),
        *(
            form
            for word in ("yes", "true", "on", "no", "false", "off", "null")
            for form in (word, word.title(), word.upper())
        ),
        *(sign + form for sign in ("", "+", "-") for form in (".inf", ".Inf", ".INF")),
    ]
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt](\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?: (\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?))?",
    re.ASCII,
)
_INDICATED: Final = re.compile(
    r"---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[?:-](?=[ \n]|\Z)|.+?:(?=[ \n]|\Z)|.*?[ \n]#", re.DOTALL
)
_UNPRINTABLE: Final = re.compile("[^\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_LINE_BREAK: Final = re.compile("[\n\r\x85\u2028\u2029]")
_RAW_BYTE: Final = re.compile("[\udc80-\udcff]")
_ESCAPED: Final = re.compile('[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]|["\\\\]')
_SHORT_ESCAPES: Final = {
    "\0": r"\0",
    "\a": r"\a",
    "\b": r"\b",
    "\t": r"\t",
    "\n": r"\n",
    "\v": r"\v",
    "\f": r"\f",
    "\r": r"\r",
    "\x1b": r"\e",
    '"': r"\"",
    "\\": r"\\",
    "\x85": r"\N",
    "\u2028": r"\L",
    "\u2029": r"\P",
}
#: Their letter, how many digits they have, and the last character each is for.
_LONG_ESCAPES: Final = (("x", 2, 0xFF), ("u", 4, 0xFFFF), ("U", 8, 0x10FFFF))


def to_yaml(value: Any) -> str:
    """Return a value as YAML, maps ordered by key as people count.

    :raises ValueError: a value that YAML has no form for.
    """
    return _block(_plain(value), 0) + "\n"


def _block(value: Any, indent: int) -> str:
    """Return a node; its first line is where the caller stands, the others are indented."""
    if isinstance(value, dict) and value:
        return ("\n" + " " * indent).join(
            _entry(key, value[key], indent) for key in _ordered(value)
        )
    if isinstance(value, list) and value:
        return ("\n" + " " * indent).join("- " + _block(_plain(item), indent + 2) for item in value)
    return _scalar(value, indent, indent or 2)


def _entry(key: str, value: Any, indent: int) -> str:
    plain, head = _plain(value), _key(key)
    if _LINE_BREAK.search(key) or len(key.encode("utf-8", "surrogateescape")) > _MAX_KEY_BYTES:
        head = f"? {_text(key, indent + 2, indent + 2)}\n{' ' * indent}"
        if isinstance(plain, (dict, list)) and plain:
            return f"{head}: {_block(plain, indent + 2)}"
        return f"{head}: {_scalar(plain, indent + 2, indent + 2)}"
    if isinstance(plain, dict) and plain:
        deeper = " " * (indent + 2)
        return f"{head}:\n{deeper}{_block(plain, indent + 2)}"
    if isinstance(plain, list) and plain:
        return f"{head}:\n{' ' * indent}{_block(plain, indent)}"
    return f"{head}: {_scalar(plain, indent + len(head) + 2, indent + 2)}"


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return _Fields((name.lower(), getattr(value, name)) for name in value.fields)
    if isinstance(value, (str, bool, int, float, dict, list)) or value is None:
        return value
    raise ValueError(f"cannot marshal type: {type_name(value)}")


class _Fields(dict[str, Any]):
    """The fields of a struct, which stay in their order."""


def _ordered(value: dict[str, Any]) -> list[str]:
    return list(value) if isinstance(value, _Fields) else sorted(value, key=_NATURAL)


def _compared(first: str, second: str) -> int:
    """Compare two keys: letters after all else, digits as the numbers they are part of."""
    for position, (left, right) in enumerate(zip(first, second)):
        if left == right:
            continue
        if left.isalpha() or right.isalpha():
            is_less = left < right if left.isalpha() and right.isalpha() else right.isalpha()
            return -1 if is_less else 1
        return _compared_digits(first, second, position)
    return len(first) - len(second)


def _compared_digits(first: str, second: str, position: int) -> int:
    has_lead = "0" in (first[position], second[position]) and re.search(
        r"[1-9][0-9]*\Z", first[:position]
    )
    sizes = []
    for text in (first, second):
        match = re.compile(r"\d*").match(text, position)
        digits = match.group() if match else ""
        number = wrapped(int(("1" if has_lead else "0") + digits[:_MAX_DIGITS]))
        sizes.append((number, len(digits), text[position]))
    return -1 if sizes[0] < sizes[1] else 1


_NATURAL: Final = functools.cmp_to_key(_compared)


def _scalar(value: Any, column: int, indent: int) -> str:
    if isinstance(value, str):
        return _text(value, column, indent)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    return str(int(value))


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return show_float(value)


def _key(text: str) -> str:
    if _RAW_BYTE.search(text):
        return _binary(text)
    if "\n" in text or not _is_text(text):
        return _double_quoted(text)
    if _may_be_plain(text):
        return text
    return (
        _double_quoted(text) if _UNPRINTABLE.search(text) else "'" + text.replace("'", "''") + "'"
    )


def _text(text: str, column: int, indent: int) -> str:
    if _RAW_BYTE.search(text):
        return _binary(text)
    if "\n" in text:
        is_fit = not (text.endswith(" ") or " \n" in text or _UNPRINTABLE.search(text))
        return _literal(text, indent) if is_fit else _folded_double(text, column, indent)
    if not _is_text(text) or _UNPRINTABLE.search(text):
        return _folded_double(text, column, indent)
    if _may_be_plain(text):
        return _folded(text, column, indent)
    quoted = text.replace("'", "''")
    return f"'{_folded(quoted, column + 1, indent, has_quotes=True)}'"


def _binary(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return "!!binary " + base64.b64encode(raw).decode("ascii")


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        hint += "-"
    elif text == "\n" or text.endswith("\n\n"):
        hint += "+"
    lines = [" " * indent + line if line else "" for line in text.split("\n")]
    body = "\n".join(lines)
    return f"|{hint}\n{body[:-1] if text.endswith(chr(10)) else body}"


def _folded(text: str, column: int, indent: int, *, has_quotes: bool = False) -> str:
    """Break a line at single blanks after column 80."""
    out, was_space, last = [], False, len(text) - 1
    for position, char in enumerate(text):
        is_inside = not has_quotes or 0 < position < last
        is_single = not was_space and text[position + 1 : position + 2] != " "
        was_space = char == " "
        if was_space and is_single and is_inside and column > _FOLD_AFTER:
            out.append("\n" + " " * indent)
            column = indent
        else:
            out.append(char)
            column += 1
    return "".join(out)


def _double_quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _folded_double(text: str, column: int, indent: int) -> str:
    out, was_space, last = ['"'], False, len(text) - 1
    column += 1
    for position, char in enumerate(text):
        is_break = char == " " and not was_space and column > _FOLD_AFTER and 0 < position < last
        was_space = char == " "
        if is_break:
            out.append("\n" + " " * indent + ("\\" if text[position + 1] == " " else ""))
            column = indent + (text[position + 1] == " ")
        else:
            out.append(_ESCAPED.sub(_escape, char))
            column += len(out[-1])
    return "".join(out) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    short = _SHORT_ESCAPES.get(char)
    if short is not None:
        return short
    letter, digits = next(
        (letter, digits) for letter, digits, most in _LONG_ESCAPES if code <= most
    )
    return f"\\{letter}{code:0{digits}X}"


def _may_be_plain(text: str) -> bool:
    return not (
        text[0] == " " or text[-1] == " " or _UNPRINTABLE.search(text) or _INDICATED.match(text)
    )


def _is_text(text: str) -> bool:
    """Tell whether a plain scalar would be read as this text, and not as something else."""
    if text in _WORDS or _BASE_60.fullmatch(text):
        return False
    if text[0] == ".":
        return not parse_float(text).is_valid
    if text[0] not in "+-0123456789":
        return True
    plain = text.replace("_", "")
    return not (_is_timestamp(text) or _is_whole(plain) or _is_float(plain))


def _is_float(text: str) -> bool:
    return _FLOAT.fullmatch(text) is not None and parse_float(text).is_valid


def _is_whole(text: str) -> bool:
    value = whole_number(text)
    return value is not None and _MIN_INT <= value <= (
        _MAX_UINT if text[0] not in "+-" else -_MIN_INT - 1
    )


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    numbers = [int(number) for number in match.groups() if number is not None]
    try:
        dt.datetime(*numbers, tzinfo=dt.timezone.utc)  # type: ignore[arg-type,misc]
    except ValueError:
        return False
    return True
