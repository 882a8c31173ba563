"""JSON as Go reads and writes it, and YAML for ``toYaml``."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from pitrix_drone.gotemplate.values import Record

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

_PLAIN_YAML: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*")
_YAML_WORDS: Final = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf")
)


def from_json(text: str, *, kind: type) -> Any:
    """Read a JSON object or array; every number becomes a float, as in Go.

    :param kind: ``dict`` or ``list``; ``null`` is an empty one.
    :raises ValueError: not JSON, or of another kind.
    """
    value = json.loads(text, parse_int=float, parse_constant=_refuse)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        wanted = "map" if kind is dict else "slice"
        raise ValueError(f"json: cannot unmarshal into a {wanted}")  # noqa: TRY004 - bad text
    return value


def to_json(value: Any) -> str:
    """Return what Go's ``json.Marshal`` writes.

    :raises ValueError: a number that JSON has no word for.
    """
    plain = _plain(value)
    if isinstance(plain, dict):
        parts = [f"{to_json(str(key))}:{to_json(plain[key])}" for key in sorted(plain)]
        return "{" + ",".join(parts) + "}"
    if isinstance(plain, list):
        return "[" + ",".join(map(to_json, plain)) + "]"
    if isinstance(plain, float):
        return _json_float(plain)
    text = json.dumps(plain, ensure_ascii=False)
    return "".join(_ESCAPES.get(char, char) for char in text)


def to_yaml(value: Any) -> str:
    """Return a value as YAML in block style, maps ordered by key."""
    return "".join(line + "\n" for line in _yaml_lines(_plain(value)))


def _refuse(word: str) -> None:
    raise ValueError(f"invalid character in {word}")


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: getattr(value, name) for name in value.fields}
    if isinstance(value, (str, bool, int, float, dict, list)) or value is None:
        return value
    raise ValueError(f"unsupported type: {type(value).__name__}")


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


def _yaml_lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key in sorted(value) for line in _yaml_entry(key, value[key])]
    if isinstance(value, list) and value:
        return [line for item in value for line in _yaml_item(_plain(item))]
    return [_yaml_scalar(value)]


def _yaml_entry(key: str, value: Any) -> list[str]:
    plain, head = _plain(value), _yaml_scalar(key)
    if isinstance(plain, dict) and plain:
        return [f"{head}:"] + ["  " + line for line in _yaml_lines(plain)]
    if isinstance(plain, list) and plain:
        return [f"{head}:", *_yaml_lines(plain)]
    return [f"{head}: {_yaml_scalar(plain)}"]


def _yaml_item(value: Any) -> list[str]:
    first, *rest = _yaml_lines(value)
    return ["- " + first] + ["  " + line for line in rest]


def _yaml_scalar(value: Any) -> str:
    if isinstance(value, str):
        is_plain = _PLAIN_YAML.fullmatch(value) and value.lower() not in _YAML_WORDS
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return to_json(value)
