"""confd's template functions, in the three dialects that images are written for.

``confd``: upstream; counting takes ints only, comparing is Go's own.
``appcenter``: yunify's fork, in AppCenter's images; text counts and compares as numbers.
``openpitrix``: libconfd with the drone's additions; what goes wrong gives an empty value and a
line in the log, where confd fails the whole file.
``lookupSRV`` finds nothing in any of them: the standard library cannot ask for SRV records.
"""

from __future__ import annotations

import base64 as base64_codec
import binascii
import logging
import os
import re
import socket
from typing import Any, Callable, ClassVar, Final

from pitrix_drone import clock, encoders, loose_math
from pitrix_drone.gotemplate import ExecError, Function, Pairs, Record, Strings, TemplateError
from pitrix_drone.gotemplate.values import Ints
from pitrix_drone.metadata import Store, base, folder

log = logging.getLogger(__name__)

DIALECTS: Final = ("confd", "appcenter", "openpitrix")

_MAX_SEQUENCE: Final = 1_000_000
_MAX_CHARS: Final = 8 * 1024 * 1024

_POSIX_CLASSES: Final = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:blank:]": r"\t ",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:space:]": r"\t\n\v\f\r ",
    "[:upper:]": "A-Z",
    "[:word:]": "0-9A-Za-z_",
    "[:xdigit:]": "0-9A-Fa-f",
}


class Pair(Record):
    """A key with its value, as ``get`` and ``gets`` return it."""

    go_type: ClassVar[str] = "memkv.KVPair"
    fields: ClassVar[tuple[str, ...]] = ("Key", "Value")

    def __init__(self, key: str, value: str) -> None:
        self.Key = key
        self.Value = value


def functions(dialect: str, store: Store, *, root: str = "") -> dict[str, Function]:
    """Return a dialect's functions over one store.

    :param root: put before the paths that ``fileExists`` looks at.
    :raises ValueError: there is no such dialect.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"dialect {dialect!r}: choose one of {', '.join(DIALECTS)}")
    found = {**_keys(store), **_texts(), **_outside(root)}
    if dialect == "appcenter":
        return {**found, **_loose_arithmetic(), **_loose_comparison(), **_yunify()}
    found.update(_lists())
    found.update(_int_arithmetic())
    if dialect == "openpitrix":
        found.update({**_loose_comparison(), **_yunify(), **_secrets()})
        found.update(_forgiving(found))
    return found


def _keys(store: Store) -> dict[str, Function]:
    one = ("string",)
    return {
        "exists": Function(store.exists, one),
        "get": Function(lambda key: Pair(key, _value(store, key)), one),
        "gets": Function(
            lambda pattern: Pairs(Pair(key, value) for key, value in store.matching(pattern)), one
        ),
        "getv": Function(lambda key, *default: _value(store, key, *default), one, "string"),
        "getvs": Function(
            lambda pattern: Strings(sorted(value for _, value in store.matching(pattern))), one
        ),
        "ls": Function(lambda path: Strings(store.names(path)), one),
        "lsdir": Function(lambda path: Strings(store.folders(path)), one),
    }


def _value(store: Store, key: str, *default: str) -> str:
    """Return a value, or the default unless that is empty, as confd has it."""
    if store.exists(key):
        return store.get(key)
    if default and default[0]:
        return default[0]
    raise ExecError(f"key does not exist: {key}")


def _texts() -> dict[str, Function]:
    one, two = ("string",), ("string", "string")
    return {
        "base": Function(base, one),
        "base64Decode": Function(_base64_decode, one),
        "base64Encode": Function(_base64_encode, one),
        "contains": Function(lambda text, part: part in text, two),
        "dir": Function(folder, one),
        "join": Function(_join, ("[]string", "string")),
        "json": Function(lambda text: encoders.from_json(text, kind=dict), one),
        "jsonArray": Function(lambda text: encoders.from_json(text, kind=list), one),
        "map": Function(_map, (), "any"),
        "replace": Function(_replace, ("string", "string", "string", "int")),
        "split": Function(_split, two),
        "toLower": Function(lambda text: _case(text, str.lower), one),
        "toUpper": Function(lambda text: _case(text, str.upper), one),
        "trimSuffix": Function(_trim_suffix, two),
    }


def _outside(root: str) -> dict[str, Function]:
    one = ("string",)
    return {
        "datetime": Function(clock.now, ()),
        "fileExists": Function(lambda path: os.path.exists(root + path), one),  # noqa: PTH110
        "getenv": Function(_getenv, one, "string"),
        "lookupIP": Function(lambda name: _lookup(name, socket.AF_UNSPEC), one),
        "lookupIPV4": Function(lambda name: _lookup(name, socket.AF_INET), one),
        "lookupIPV6": Function(lambda name: _lookup(name, socket.AF_INET6), one),
        "lookupSRV": Function(lambda *_: [], ("string", "string", "string")),
    }


def _lists() -> dict[str, Function]:
    return {
        "atoi": Function(_atoi, ("string",)),
        "parseBool": Function(_parse_bool, ("string",)),
        "reverse": Function(lambda items: type(items)(reversed(items)), ("any",)),
        "seq": Function(_sequence, ("int", "int")),
        "sortByLength": Function(lambda items: Strings(sorted(items, key=len)), ("[]string",)),
        "sortKVByLength": Function(
            lambda items: Pairs(sorted(items, key=_key_length)), (Pairs.go_type,)
        ),
    }


def _int_arithmetic() -> dict[str, Function]:
    two = ("int", "int")
    return {
        "add": Function(lambda a, b: loose_math.wrapped(a + b), two),
        "div": Function(loose_math.whole_quotient, two),
        "mod": Function(loose_math.remainder, two),
        "mul": Function(lambda a, b: loose_math.wrapped(a * b), two),
        "sub": Function(lambda a, b: loose_math.wrapped(a - b), two),
    }


def _loose_arithmetic() -> dict[str, Function]:
    two = ("any", "any")
    return {
        "add": Function(loose_math.add, two),
        "div": Function(loose_math.divide, two),
        "mod": Function(loose_math.modulo, two),
        "mul": Function(loose_math.multiply, two),
        "sub": Function(loose_math.subtract, two),
    }


def _loose_comparison() -> dict[str, Function]:
    two = ("any", "any")
    return {
        "eq": Function(loose_math.equal, two),
        "ge": Function(lambda a, b: loose_math.compare(a, b) >= 0, two),
        "gt": Function(lambda a, b: loose_math.compare(a, b) > 0, two),
        "le": Function(lambda a, b: loose_math.compare(a, b) <= 0, two),
        "lt": Function(lambda a, b: loose_math.compare(a, b) < 0, two),
        "ne": Function(lambda a, b: not loose_math.equal(a, b), two),
    }


def _yunify() -> dict[str, Function]:
    return {
        "filter": Function(_filter, ("string", "any")),
        "max": Function(loose_math.largest, ("any", "any")),
        "min": Function(loose_math.smallest, ("any", "any")),
        "toJson": Function(encoders.to_json, ("any",)),
        "toYaml": Function(encoders.to_yaml, ("any",)),
    }


def _secrets() -> dict[str, Function]:
    """Return the functions for values encrypted with a PGP key, which a drone never has."""
    one = ("string",)
    return {
        "cget": Function(lambda _: Pair("", ""), one),
        "cgets": Function(lambda _: Pairs(), one),
        "cgetv": Function(lambda _: "", one),
        "cgetvs": Function(lambda _: Strings(), one),
    }


def _forgiving(found: dict[str, Function]) -> dict[str, Function]:
    """Return the functions that log and go on in libconfd, with what they then return."""
    empty: dict[str, Callable[[], Any]] = {
        "atoi": int,
        "base64Decode": str,
        "get": lambda: Pair("", ""),
        "gets": Pairs,
        "getv": str,
        "getvs": Strings,
        "json": dict,
        "jsonArray": list,
        "map": dict,
        "parseBool": bool,
    }
    return {name: _forgiven(name, found[name], make) for name, make in empty.items()}


def _forgiven(name: str, function: Function, make: Callable[[], Any]) -> Function:
    def call(*arguments: Any) -> Any:
        try:
            return function.call(*arguments)
        except (TemplateError, ValueError) as ex:
            log.warning("template function %s: %s", name, ex)
            return make()

    return function._replace(call=call)


def _base64_encode(text: str) -> str:
    return base64_codec.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def _base64_decode(text: str) -> str:
    try:
        raw = base64_codec.b64decode(text, validate=True)
    except binascii.Error as ex:
        raise ExecError(f"illegal base64 data: {ex}") from None
    return raw.decode("utf-8", "surrogateescape")


def _join(items: list[str], separator: str) -> str:
    if len(items) * len(separator) > _MAX_CHARS:
        raise ExecError("the result is too long")
    return separator.join(items)


def _map(*values: Any) -> dict[str, Any]:
    if len(values) % 2:
        raise ExecError("invalid map call")
    if not all(isinstance(key, str) for key in values[::2]):
        raise ExecError("map keys must be strings")
    return dict(zip(values[::2], values[1::2]))


def _replace(text: str, old: str, new: str, count: int) -> str:
    if (text.count(old) if old else len(text)) * len(new) > _MAX_CHARS:
        raise ExecError("the result is too long")
    return text.replace(old, new, count)


def _split(text: str, separator: str) -> Strings:
    return Strings(text.split(separator) if separator else text)


def _case(text: str, change: Callable[[str], str]) -> str:
    """Change the case letter by letter: Go never makes two letters of one."""
    changed = change(text)
    if len(changed) == len(text):
        return changed
    return "".join(change(char) if len(change(char)) == 1 else char for char in text)


def _trim_suffix(text: str, suffix: str) -> str:
    return text[: -len(suffix)] if suffix and text.endswith(suffix) else text


def _getenv(name: str, *default: str) -> str:
    return os.environ.get(name) or (default[0] if default else "")


def _lookup(name: str, family: socket.AddressFamily) -> Strings:
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except OSError:
        return Strings()
    return Strings(sorted({str(address[0]) for *_, address in found}))


def _atoi(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise ExecError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _parse_bool(text: str) -> bool:
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise ExecError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _key_length(pair: Any) -> int:
    return len(pair.Key)


def _sequence(first: int, last: int) -> Ints:
    if last - first >= _MAX_SEQUENCE:
        raise ExecError(f"seq of more than {_MAX_SEQUENCE} numbers")
    return Ints(range(first, last + 1))


def _filter(pattern: str, items: Any) -> list[Any]:
    if not isinstance(items, (list, tuple)):
        raise ExecError("filter only support slice or array.")
    regex = _regex(pattern)
    return [item for item in items if regex.search(_filtered_text(item))]


def _filtered_text(item: Any) -> str:
    if isinstance(item, Pair):
        return item.Value
    return item if isinstance(item, str) else ""


def _regex(pattern: str) -> re.Pattern[str]:
    """Translate Go's regular expression: POSIX classes, and ``$`` for the very end only."""
    for name, members in _POSIX_CLASSES.items():
        pattern = pattern.replace(name, members)
    pattern = pattern.replace(r"\z", r"\Z")
    if "(?m" not in pattern:
        pattern = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|\$", _strict_end, pattern, flags=re.DOTALL)
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as ex:
        raise ExecError(f"error parsing regexp: {ex}: `{pattern}`") from None


def _strict_end(match: re.Match[str]) -> str:
    return r"\Z" if match.group() == "$" else match.group()
