"""Go's floating point numbers as text: how they are read, and how each verb of printf writes them.

Source: https://pkg.go.dev/strconv#ParseFloat, https://pkg.go.dev/strconv#FormatFloat
"""

from __future__ import annotations

import math
import re
import struct
from typing import Final, NamedTuple

_DECIMAL: Final = re.compile(
    r"[+-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?"
)
_HEXADECIMAL: Final = re.compile(
    r"[+-]?0[xX]_?(?:[0-9a-fA-F][0-9a-fA-F_]*\.?[0-9a-fA-F_]*|\.[0-9a-fA-F_]+)[pP][+-]?[0-9][0-9_]*"
)
_WORD: Final = re.compile(r"[+-]?(?:inf(?:inity)?)|nan", re.IGNORECASE)
#: An underscore stands between two digits, or between ``0x`` and a digit.
_STRAY_UNDERSCORE: Final = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")
#: From this exponent on a float prints as 1e+06 rather than 1000000.
#: Source: https://cs.opensource.google/go/go/+/master:src/strconv/ftoa.go (eprec, shortest)
_LEAST_BIG_EXPONENT: Final = 6
_LEAST_EXPONENT: Final = -4
#: How a float64 is laid out. Source: https://en.wikipedia.org/wiki/Double-precision_floating-point_format
_MANTISSA_BITS: Final = 52
_EXPONENT_BIAS: Final = 1075
_HEX_DIGITS: Final = 13


class Parsed(NamedTuple):
    """A float that was read.

    :param value: 0 for text that is no number; infinite for one that is out of range.
    :param is_valid: whether Go reads it without an error.
    """

    value: float
    is_valid: bool


def parse_float(text: str) -> Parsed:
    """Read a float as ``strconv.ParseFloat`` does."""
    if _WORD.fullmatch(text):
        return Parsed(float(text), is_valid=True)
    is_hexadecimal = _HEXADECIMAL.fullmatch(text) is not None
    if not is_hexadecimal and not _DECIMAL.fullmatch(text):
        return Parsed(0.0, is_valid=False)
    if "_" in text and _STRAY_UNDERSCORE.search(text):
        return Parsed(0.0, is_valid=False)
    digits = text.replace("_", "")
    try:
        value = float.fromhex(digits) if is_hexadecimal else float(digits)
    except OverflowError:
        value = -math.inf if text.startswith("-") else math.inf
    return Parsed(value, is_valid=math.isfinite(value))


def show_float(value: float) -> str:
    """Return the shortest digits that read back as a finite float, as Go's ``%v`` lays them out."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign + "0"
    mantissa, _, exponent = repr(float(abs(value))).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    first = len(digits) - len(digits.lstrip("0"))
    exponent_10 = len(whole) - 1 - first + int(exponent or 0)
    return sign + _laid_out(digits[first:].rstrip("0"), exponent_10)


def format_float(value: float, verb: str, precision: int | None) -> str:
    """Return what printf writes for a finite float that is not negative.

    :param verb: one of ``beEfgGxX``.
    :param precision: None for the least digits that read back, of ``%g`` and ``%x`` only.
    """
    if verb == "b":
        return _binary(value)
    if verb in "xX":
        text = _hexadecimal(value, precision)
        return text.upper() if verb == "X" else text
    if precision is None:
        return show_float(value).upper() if verb == "G" else show_float(value)
    if verb in "gG" and precision == 0:
        precision = 1
    return f"%.{precision}{verb}" % value


def _laid_out(digits: str, exponent: int) -> str:
    if exponent < _LEAST_EXPONENT or exponent >= _LEAST_BIG_EXPONENT:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}.{fraction}" if fraction else whole


def _binary(value: float) -> str:
    """Return the mantissa as a whole number, and the power of two it is multiplied with."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    exponent, mantissa = bits >> _MANTISSA_BITS, bits & ((1 << _MANTISSA_BITS) - 1)
    mantissa += (1 << _MANTISSA_BITS) if exponent else 0
    return f"{mantissa}p{max(exponent, 1) - _EXPONENT_BIAS:+d}"


def _hexadecimal(value: float, precision: int | None) -> str:
    """Return ``0x1.8p+01``; rounded half to even when there is a precision."""
    fraction, exponent = math.frexp(value)
    exponent = exponent - 1 if value else 0
    mantissa = int(math.ldexp(fraction, 1 + 4 * _HEX_DIGITS))
    digits = _HEX_DIGITS
    if precision is not None and precision < digits:
        mantissa = round(mantissa / (1 << 4 * (digits - precision)))
        digits = precision
        if mantissa >> (4 * digits + 1):  # rounded up to two
            mantissa, exponent = mantissa >> 1, exponent + 1
    lead, rest = mantissa >> (4 * digits), mantissa & ((1 << 4 * digits) - 1)
    tail = f"{rest:0{digits}x}" if digits else ""
    tail = tail.rstrip("0") if precision is None else tail.ljust(precision, "0")
    return f"0x{lead}{'.' if tail else ''}{tail}p{exponent:+03d}"
