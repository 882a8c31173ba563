"""JSON as Go reads and writes it."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from pitrix_drone.gotemplate.values import NilList, NilMap, Record, is_nil, type_name

_ESCAPES: Final = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
#: From here on Go writes a float with an exponent.
#: Source: https://cs.opensource.google/go/go/+/master:src/encoding/json/encode.go (floatEncoder)
_LEAST_BIG: Final = 1e21
_LEAST_SMALL: Final = 1e-6
#: What is read may take fifty times as much memory as its text. One value in etcd has 1.5 MiB at
#: most. Source: https://etcd.io/docs/v3.5/dev-guide/limit/
_MAX_CHARS: Final = 2 * 1024 * 1024
#: What bytes that are no UTF-8, or half a character, stand as; and what Go makes of them.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"


def from_json(text: str, *, kind: type) -> Any:
    """Read a JSON object or array; every number becomes a float, as in Go.

    :param kind: ``dict`` or ``list``; ``null`` is a nil one.
    :raises ValueError: not JSON, of another kind, with a number no float holds, or too long.
    """
    if len(text) > _MAX_CHARS:
        raise ValueError(f"json: more than {_MAX_CHARS} characters")
    value = json.loads(
        _SURROGATE.sub(_REPLACEMENT, text),
        parse_int=_float,
        parse_float=_float,
        parse_constant=_refuse,
    )
    if value is None:
        return NilMap() if kind is dict else NilList()
    if not isinstance(value, kind):
        wanted = "map" if kind is dict else "slice"
        raise ValueError(f"json: cannot unmarshal into a {wanted}")  # noqa: TRY004 - bad text
    return _without_halves(value) if "\\u" in text else value


def to_json(value: Any) -> str:
    """Return what Go's ``json.Marshal`` writes.

    :raises ValueError: a number that JSON has no word for.
    """
    plain = _plain(value)
    if is_nil(plain):
        return "null"
    if isinstance(plain, dict):
        parts = [f"{to_json(str(key))}:{to_json(plain[key])}" for key in sorted(plain)]
        return "{" + ",".join(parts) + "}"
    if isinstance(plain, list):
        return "[" + ",".join(map(to_json, plain)) + "]"
    if isinstance(plain, float):
        return _json_float(plain)
    text = json.dumps(plain, ensure_ascii=False)
    return _SURROGATE.sub(r"\\ufffd", "".join(_ESCAPES.get(char, char) for char in text))


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"json: cannot unmarshal number {digits} into float64")
    return value


def _without_halves(value: Any) -> Any:
    """Replace what an escape made of half a character, in place where that can be."""
    if isinstance(value, str):
        return _SURROGATE.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        value[:] = map(_without_halves, value)
        return value
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(each) for key, each in value.items()}
    return value


def _refuse(word: str) -> None:
    raise ValueError(f"invalid character in {word}")


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: getattr(value, name) for name in value.fields}
    if isinstance(value, (str, bool, int, float, dict, list)) or value is None:
        return value
    raise ValueError(f"json: unsupported type: {type_name(value)}")


def _json_float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"unsupported value: {value}")
    if value.is_integer() and abs(value) < _LEAST_BIG:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    if value and not _LEAST_SMALL <= abs(value) < _LEAST_BIG:
        mantissa, _, exponent = f"{value!r}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+}"
    text = repr(value)
    if "e" in text:  # Python changes to exponents at 1e-4, Go at 1e-6
        text = f"{value:.{len(text) + 6}f}".rstrip("0")
    return text
