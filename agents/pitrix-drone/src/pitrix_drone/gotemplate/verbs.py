"""One value as a verb of Go's printf writes it.

Source: https://pkg.go.dev/fmt
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pitrix_drone.gotemplate.floats import format_float
from pitrix_drone.gotemplate.quoting import can_backquote, quote
from pitrix_drone.gotemplate.values import (
    NO_VALUE,
    Byte,
    NilList,
    NilMap,
    Record,
    type_name,
)

_MAX_RUNE: Final = 0x10FFFF
_REPLACEMENT: Final = "\ufffd"
_LEAST_RUNE_DIGITS: Final = 4
_DEFAULT_PRECISION: Final = 6
_BASES: Final = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES: Final = {"b": "0b", "x": "0x", "X": "0X"}
_FLOAT_VERBS: Final = {"v": "g", "F": "f"}
_COMPLEX_VERBS: Final = frozenset("vbgGxXfFeE")


class Spec(NamedTuple):
    """One directive: ``%-8.2f`` has the flag ``-``, width 8, precision 2 and verb ``f``.

    :param is_plus: of ``%+v``, which names the fields of structs.
    :param is_sharp: of ``%#v``, which writes Go's own syntax.
    """

    flags: str
    width: int | None
    precision: int | None
    verb: str
    is_plus: bool = False
    is_sharp: bool = False


PLAIN: Final = Spec("", None, None, "v")


def formatted(value: Any, spec: Spec) -> str:
    """Return a value that is an argument of its own."""
    if value is None or value is NO_VALUE:
        return padded("<nil>", spec) if spec.verb in "Tv" else f"%!{spec.verb}(<nil>)"
    if spec.verb == "T":
        return _text(type_name(value), spec._replace(verb="s"))
    if spec.verb == "w" or (spec.verb == "p" and not isinstance(value, (list, dict))):
        return _misfit(value, spec)  # wrapping errors is not for Sprintf; only lists have places
    return _formatted(value, spec)


def show(value: Any) -> str:
    """Return what Go's ``%v`` writes."""
    return value if isinstance(value, str) else formatted(value, PLAIN)


def typed(value: Any) -> str:
    """Return a value with the name of its type, as ``%!(EXTRA int=1)`` has it."""
    if value is None or value is NO_VALUE:
        return "<nil>"
    return f"{type_name(value)}={show(value)}"


def padded(text: str, spec: Spec, *, fill: str = "") -> str:
    """Return *text* filled up to the width.

    :param fill: instead of what the flags say.
    """
    missing = (spec.width or 0) - len(text)
    if missing <= 0:
        return text
    if "-" in spec.flags:
        return text + " " * missing
    return (fill or ("0" if "0" in spec.flags else " ")) * missing + text


def _formatted(value: Any, spec: Spec) -> str:
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value, spec)
    if value is None or value is NO_VALUE:
        return "interface {}(nil)" if spec.is_sharp else "<nil>"
    return padded(str(value), spec)


def _misfit(value: Any, spec: Spec) -> str:
    """Return what is written for a verb that does not fit the value."""
    plain = spec._replace(verb="v")
    return f"%!{spec.verb}({type_name(value)}={_formatted(value, plain)})"


def _boolean(value: bool, spec: Spec) -> str:
    return padded(str(value).lower(), spec) if spec.verb in "tv" else _misfit(value, spec)


def _text(value: str, spec: Spec) -> str:
    if spec.verb in "xX":
        return _text_as_digits(value, spec)
    cut = value if spec.precision is None else value[: spec.precision]
    if spec.verb == "q" or (spec.verb == "v" and spec.is_sharp):
        if "#" in spec.flags and can_backquote(cut):
            return padded(f"`{cut}`", spec)
        return padded(quote(cut, is_ascii="+" in spec.flags), spec)
    return padded(cut, spec) if spec.verb in "sv" else _misfit(value, spec)


def _text_as_digits(value: str, spec: Spec) -> str:
    raw = value.encode("utf-8", "surrogateescape")[: spec.precision]
    pairs = [f"{byte:02x}" for byte in raw]
    prefix = "0x" if "#" in spec.flags and raw else ""
    between = f" {prefix}" if " " in spec.flags else ""
    text = prefix + between.join(pairs)
    return padded(text.upper() if spec.verb == "X" else text, spec)


def _integer(value: int, spec: Spec) -> str:
    if spec.verb in _BASES:
        return _based(value, spec)
    if spec.verb in "cq":
        char = chr(value) if 0 <= value <= _MAX_RUNE else _REPLACEMENT
        char = _REPLACEMENT if "\ud800" <= char <= "\udfff" else char
        shown = char if spec.verb == "c" else quote(char, "'", is_ascii="+" in spec.flags)
        return padded(shown, spec)
    if spec.verb == "U":
        return _code_point(value, spec)
    return _misfit(value, spec)


def _based(value: int, spec: Spec) -> str:
    is_pointer_like = spec.is_sharp and isinstance(value, Byte)
    base = "x" if is_pointer_like else _BASES[spec.verb]
    if spec.precision == 0 and value == 0:
        return " " * (spec.width or 0)
    sign = "-" if value < 0 else _positive_sign(spec)
    digits = format(abs(int(value)), base).rjust(_least_digits(sign, spec), "0")
    if "#" in spec.flags or is_pointer_like:
        octal = "" if digits.startswith("0") else "0"
        digits = (_PREFIXES.get(base, "") if base != "o" else octal) + digits
    return padded(sign + ("0o" if spec.verb == "O" else "") + digits, spec, fill=" ")


def _least_digits(sign: str, spec: Spec) -> int:
    if spec.precision is not None:
        return spec.precision
    if "0" in spec.flags and "-" not in spec.flags and spec.width is not None:
        return spec.width - len(sign)
    return 0


def _code_point(value: int, spec: Spec) -> str:
    value %= 1 << 64
    text = f"U+{value:0{max(_LEAST_RUNE_DIGITS, spec.precision or 0)}X}"
    if "#" in spec.flags and value <= _MAX_RUNE and chr(value).isprintable():
        text += f" '{chr(value)}'"
    return padded(text, spec, fill=" ")


def _float(value: float, spec: Spec) -> str:
    verb = _FLOAT_VERBS.get(spec.verb, spec.verb)
    if verb not in "beEfgGxX":
        return _misfit(value, spec)
    is_negative = math.copysign(1, value) < 0 and not math.isnan(value)
    sign = "-" if is_negative else _positive_sign(spec)
    if not math.isfinite(value):
        return padded(_unbounded(value, sign), spec, fill=" ")
    precision = spec.precision
    if precision is None and verb in "eEf":
        precision = _DEFAULT_PRECISION
    digits = format_float(abs(value), verb, precision)
    if "#" in spec.flags and verb != "b":
        digits = _with_point(digits, verb, precision)
    if sign and spec.width and "0" in spec.flags and "-" not in spec.flags:
        return sign + padded(digits, spec._replace(width=spec.width - 1))
    return padded(sign + digits, spec)


def _unbounded(value: float, sign: str) -> str:
    return f"{sign}NaN" if math.isnan(value) else f"{sign or '+'}Inf"


def _with_point(text: str, verb: str, precision: int | None) -> str:
    """Return a float with a decimal point in any case, and the zeros that ``%g`` drops."""
    exponent = re.search("[pP]" if verb in "xX" else "[eE]", text)
    end = exponent.start() if exponent else len(text)
    digits, tail = text[:end], text[end:]
    missing = 0
    if verb in "gGx":
        wanted = _DEFAULT_PRECISION if precision is None else precision
        missing = wanted - len(digits.lstrip("0.").replace(".", ""))
    if "." not in digits:
        missing -= 1 if digits == "0" else 0
        digits += "."
    return digits + "0" * missing + tail


def _complex(value: complex, spec: Spec) -> str:
    if spec.verb not in _COMPLEX_VERBS:
        return _misfit(value, spec)
    signed = spec._replace(flags=spec.flags + "+")
    return f"({_float(value.real, spec)}{_float(value.imag, signed)}i)"


def _list(value: list[Any], spec: Spec) -> str:
    items = [_formatted(item, spec) for item in value]
    if not spec.is_sharp:
        return f"[{' '.join(items)}]"
    return type_name(value) + ("(nil)" if isinstance(value, NilList) else f"{{{', '.join(items)}}}")


def _map(value: dict[str, Any], spec: Spec) -> str:
    items = [f"{_formatted(key, spec)}:{_formatted(value[key], spec)}" for key in sorted(value)]
    if not spec.is_sharp:
        return f"map[{' '.join(items)}]"
    return type_name(value) + ("(nil)" if isinstance(value, NilMap) else f"{{{', '.join(items)}}}")


def _struct(value: Record, spec: Spec) -> str:
    if "String" in value.methods and not spec.is_sharp and spec.verb in "vsxXq":
        return _text(str(value), spec)
    has_names = spec.is_plus or spec.is_sharp
    items = [
        (f"{name}:" if has_names else "") + _formatted(getattr(value, name), spec)
        for name in value.fields
    ]
    if spec.is_sharp:
        return f"{value.go_type}{{{', '.join(items)}}}"
    return f"{{{' '.join(items)}}}"


def _positive_sign(spec: Spec) -> str:
    return "+" if "+" in spec.flags else " " if " " in spec.flags else ""


_WRITERS: Final[tuple[tuple[Any, Callable[[Any, Spec], str]], ...]] = (
    (str, _text),
    (bool, _boolean),
    (int, _integer),
    (float, _float),
    (complex, _complex),
    ((list, tuple), _list),
    (dict, _map),
    (Record, _struct),
)
