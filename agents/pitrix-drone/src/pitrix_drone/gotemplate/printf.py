"""Go's fmt.Sprintf, with the words it prints for a verb that does not fit its value."""

from __future__ import annotations

import math
import re
from typing import Any, Final, NamedTuple

from pitrix_drone.gotemplate.values import NO_VALUE, Record, show, show_float, type_name

_DIRECTIVE: Final = re.compile(r"%([+\-# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?(.)?", re.DOTALL)
#: Widths and precisions beyond this are refused.
#: Source: https://cs.opensource.google/go/go/+/master:src/fmt/print.go (tooLarge)
_MAX_WIDTH: Final = 1_000_000
_DEFAULT_PRECISION: Final = 6
_SHORT_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
}
_SURROGATES: Final = range(0xDC80, 0xDD00)
_PRINTABLE_FROM: Final = 0x20
_DELETE: Final = 0x7F
_MAX_SHORT: Final = 0xFFFF


class _Spec(NamedTuple):
    """One directive: ``%-8.2f`` has flags ``-``, width 8, precision 2, verb ``f``."""

    flags: str
    width: int | None
    precision: int | None
    verb: str


def sprintf(template: str, *arguments: Any) -> str:
    """Return *template* with its directives filled in; never fails."""
    return _Printer(arguments).run(template)


def sprint(*values: Any) -> str:
    """Return the values one after the other, with a space between two that are not strings."""
    out = ""
    for position, value in enumerate(values):
        if position and not isinstance(value, str) and not isinstance(values[position - 1], str):
            out += " "
        out += show(value)
    return out


def sprintln(*values: Any) -> str:
    """Return the values with spaces between them and a line end after them."""
    return " ".join(map(show, values)) + "\n"


def quote(text: str, mark: str = '"') -> str:
    """Return a Go literal for *text*."""
    return mark + "".join(_quoted_character(char, mark) for char in text) + mark


class _Printer:
    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self._arguments = arguments
        self._next = 0
        self._is_reordered = False

    def run(self, template: str) -> str:
        out = _DIRECTIVE.sub(self._directive, template)
        unused = self._arguments[self._next :]
        if unused and not self._is_reordered:
            out += "%!(EXTRA " + ", ".join(map(_typed, unused)) + ")"
        return out

    def _directive(self, match: re.Match[str]) -> str:
        flags, width_text, precision_text, index, verb = match.groups()
        if index:
            self._next = int(index) - 1
            self._is_reordered = True
        width, precision = self._number(width_text), self._number(precision_text)
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if max(abs(width or 0), precision or 0) > _MAX_WIDTH:
            return "%!(BADWIDTH)"
        if not 0 <= self._next < len(self._arguments):
            return f"%!{verb}({'BADINDEX' if index else 'MISSING'})"
        value = self._arguments[self._next]
        self._next += 1
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        return _formatted(value, _Spec(flags, width, precision, verb))

    def _number(self, text: str | None) -> int | None:
        if text is None:
            return None
        if text != "*":
            return int(text or 0)
        value = self._arguments[self._next] if self._next < len(self._arguments) else None
        self._next += 1
        return value if isinstance(value, int) else None


def _formatted(value: Any, spec: _Spec) -> str:
    if spec.verb == "T":
        return _padded(type_name(value), value, spec)
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(_formatted(item, spec) for item in value) + "]"
    if isinstance(value, dict):
        parts = [f"{_formatted(key, spec)}:{_formatted(value[key], spec)}" for key in sorted(value)]
        return "map[" + " ".join(parts) + "]"
    if isinstance(value, Record):
        named = spec.verb == "v" and "+" in spec.flags
        parts = [
            (f"{name}:" if named else "") + _formatted(getattr(value, name), spec)
            for name in value.fields
        ]
        return "{" + " ".join(parts) + "}"
    text = _plain(value, spec) if spec.verb == "v" else _scalar(value, spec)
    if text is None:
        return f"%!{spec.verb}({_typed(value)})"
    return _padded(text, value, spec)


def _plain(value: Any, spec: _Spec) -> str:
    if isinstance(value, str):
        if "#" in spec.flags:
            return quote(value)
        return value if spec.precision is None else value[: spec.precision]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _scalar(value, spec._replace(verb="d" if isinstance(value, int) else "g")) or ""
    return show(value)


def _scalar(value: Any, spec: _Spec) -> str | None:
    """Format a value that is not made of others; None when the verb does not fit it."""
    if isinstance(value, bool):
        return show(value) if spec.verb == "t" else None
    if isinstance(value, str):
        return _string(value, spec)
    if isinstance(value, int):
        return _integer(value, spec)
    if isinstance(value, float):
        return _float(value, spec)
    return None


def _string(value: str, spec: _Spec) -> str | None:
    cut = value if spec.precision is None else value[: spec.precision]
    if spec.verb == "s":
        return cut
    if spec.verb == "q":
        return f"`{cut}`" if "#" in spec.flags and "`" not in cut else quote(cut)
    if spec.verb in {"x", "X"}:
        digits = cut.encode("utf-8", "surrogateescape").hex()
        return digits.upper() if spec.verb == "X" else digits
    return None


def _integer(value: int, spec: _Spec) -> str | None:
    if spec.verb in "dboOxX":
        digits = format(abs(value), "o" if spec.verb == "O" else spec.verb)
        if spec.precision is not None:
            digits = digits.rjust(spec.precision, "0")
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(spec.verb, "")
        prefix = "0o" if spec.verb == "O" else prefix if "#" in spec.flags else ""
        return _sign(value < 0, spec) + prefix + digits
    if spec.verb == "U":
        return f"U+{value:04X}"
    if spec.verb in {"c", "q"}:
        char = chr(value) if 0 <= value <= 0x10FFFF else "\ufffd"  # noqa: PLR2004 - Unicode's end
        return char if spec.verb == "c" else quote(char, "'")
    return None


def _float(value: float, spec: _Spec) -> str | None:
    if spec.verb not in "eEfFgG":
        return None
    sign = _sign(math.copysign(1, value) < 0, spec)
    if not math.isfinite(value):
        return show_float(value)
    if spec.verb in "gG" and spec.precision is None:
        return sign + show_float(abs(value))
    precision = _DEFAULT_PRECISION if spec.precision is None else spec.precision
    return sign + f"%.{precision}{spec.verb}" % abs(value)


def _sign(is_negative: bool, spec: _Spec) -> str:
    if is_negative:
        return "-"
    return "+" if "+" in spec.flags else " " if " " in spec.flags else ""


def _padded(text: str, value: Any, spec: _Spec) -> str:
    if spec.width is None or len(text) >= spec.width:
        return text
    if "-" in spec.flags:
        return text.ljust(spec.width)
    if "0" not in spec.flags:
        return text.rjust(spec.width)
    if not isinstance(value, str) and text[:1] in ("+", "-", " "):
        return text[0] + text[1:].rjust(spec.width - 1, "0")
    return text.rjust(spec.width, "0")


def _typed(value: Any) -> str:
    if value is None or value is NO_VALUE:
        return "<nil>"
    return f"{type_name(value)}={show(value)}"


def _quoted_character(char: str, mark: str) -> str:
    if char in (mark, "\\"):
        return "\\" + char
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    code = ord(char)
    if code in _SURROGATES:
        return f"\\x{code - 0xDC00:02x}"
    if code < _PRINTABLE_FROM or code == _DELETE:
        return f"\\x{code:02x}"
    if char.isprintable():
        return char
    return f"\\u{code:04x}" if code <= _MAX_SHORT else f"\\U{code:08x}"
