"""confd's template functions, in the three dialects that images are written for.

``confd``: upstream; counting takes ints only, comparing is Go's own.
``appcenter``: yunify's fork, in AppCenter's images; text counts and compares as numbers.
``openpitrix``: libconfd with the drone's additions; what goes wrong gives an empty value and a
line in the log, where confd fails the whole file.
``lookupSRV`` finds nothing in any of them: the standard library cannot ask for SRV records.
"""

from __future__ import annotations

import logging
import operator
import os
import socket
from collections.abc import Iterable
from typing import Any, Callable, ClassVar, Final

from pitrix_drone import clock, encoders, loose_math, regexes, texts
from pitrix_drone.gotemplate import ExecError, Function, Record, Strings, TemplateError
from pitrix_drone.gotemplate.values import Ints, NilList, NilMap, is_nil, type_name
from pitrix_drone.keystore import Store, base, folder
from pitrix_drone.yaml_writer import to_yaml

log = logging.getLogger(__name__)

DIALECTS: Final = ("confd", "appcenter", "openpitrix")

_MAX_SEQUENCE: Final = 1_000_000
_MAX_WEIGHT: Final = 1_000_000
#: So many different complaints of one rendering are logged.
_MAX_TOLD: Final = 20
_MEMKV_PAIRS: Final = "[]memkv.KVPair"
_LIBCONFD_PAIRS: Final = "[]libconfd.KVPair"


class Pair(Record):
    """A key with its value, as ``get`` and ``gets`` return it."""

    fields: ClassVar[tuple[str, ...]] = ("Key", "Value")

    def __init__(self, key: str, value: str, *, package: str) -> None:
        self.Key = key
        self.Value = value
        self.go_type = f"{package}.KVPair"  # type: ignore[misc]  # of the class elsewhere

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pair) and (self.Key, self.Value) == (other.Key, other.Value)

    def __hash__(self) -> int:
        return hash((self.Key, self.Value))


class Map(dict[str, Any]):
    """A map that a template made.

    :ivar weight: how many values it holds; maps in maps would soon be more than can be written.
    """

    weight = 1


class Pairs(list[Pair]):
    """Several of them, under one of the two names Go has for that type."""

    def __init__(self, pairs: Iterable[Pair], go_type: str) -> None:
        super().__init__(pairs)
        self.go_type = go_type


def functions(dialect: str, store: Store, *, root: str = "") -> dict[str, Function]:
    """Return a dialect's functions over one store.

    :param root: put before the paths that ``fileExists`` looks at.
    :raises ValueError: there is no such dialect.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"dialect {dialect!r}: choose one of {', '.join(DIALECTS)}")
    found = {**_keys(store), **_texts(), **_outside(root)}
    if dialect == "appcenter":
        found["lookupIP"] = Function(_ipv4_only, ("string",))
        return {**found, **_yunify()}
    found.update({**_lists(), **_numbers(), **_lookups()})
    if dialect == "openpitrix":
        found.update(_pairs_of_libconfd(store))
        found.update({**_yunify(), **_secrets()})
        found["fileExists"] = Function(lambda path: _file_exists(root + path, True), ("string",))
        found.update(_forgiving(found))
    return found


def _keys(store: Store) -> dict[str, Function]:
    one = ("string",)
    return {
        "exists": Function(store.exists, one),
        "get": Function(lambda key: Pair(key, _value(store, key), package="memkv"), one),
        "gets": Function(lambda pattern: _matching(store, pattern, "memkv.KVPairs"), one),
        "getv": Function(lambda key, *default: _value(store, key, *default), one, "string"),
        "getvs": Function(
            lambda pattern: Strings(sorted(value for _, value in store.matching(pattern))), one
        ),
        "ls": Function(lambda path: Strings(store.loose_names(path)), one),
        "lsdir": Function(lambda path: Strings(store.folders(path)), one),
    }


def _matching(store: Store, pattern: str, go_type: str) -> Pairs:
    package = go_type.strip("[]").partition(".")[0]
    found = store.matching(pattern)
    return Pairs((Pair(key, value, package=package) for key, value in found), go_type)


def _pairs_of_libconfd(store: Store) -> dict[str, Function]:
    one = ("string",)
    return {
        "get": Function(lambda key: Pair(key, _value(store, key), package="libconfd"), one),
        "gets": Function(lambda pattern: _matching(store, pattern, _LIBCONFD_PAIRS), one),
        "ls": Function(lambda path: Strings(store.names(path)), one),
        "sortKVByLength": Function(_sorted_pairs, (_LIBCONFD_PAIRS,)),
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
        "base64Decode": Function(texts.base64_decode, one),
        "base64Encode": Function(texts.base64_encode, one),
        "contains": Function(lambda text, part: part in text, two),
        "dir": Function(folder, one),
        "join": Function(texts.join, ("[]string", "string")),
        "json": Function(lambda text: encoders.from_json(text, kind=dict), one),
        "jsonArray": Function(lambda text: encoders.from_json(text, kind=list), one),
        "map": Function(_map, (), "any"),
        "replace": Function(texts.replace, ("string", "string", "string", "int")),
        "split": Function(texts.split, two),
        "toLower": Function(lambda text: texts.case(text, str.lower), one),
        "toUpper": Function(lambda text: texts.case(text, str.upper), one),
    }


def _outside(root: str) -> dict[str, Function]:
    one = ("string",)
    return {
        "datetime": Function(clock.now, ()),
        "fileExists": Function(lambda path: _file_exists(root + path, False), one),
        "getenv": Function(_getenv, one, "string"),
        "lookupIP": Function(lambda name: _lookup(name, socket.AF_UNSPEC), one),
        "lookupSRV": Function(lambda *_: [], ("string", "string", "string")),
    }


def _lookups() -> dict[str, Function]:
    one = ("string",)
    return {
        "lookupIPV4": Function(lambda name: _lookup(name, socket.AF_INET), one),
        "lookupIPV6": Function(lambda name: _lookup(name, socket.AF_INET6), one),
    }


def _lists() -> dict[str, Function]:
    return {
        "atoi": Function(texts.atoi, ("string",)),
        "parseBool": Function(texts.parse_bool, ("string",)),
        "reverse": Function(_reverse, ("any",)),
        "seq": Function(_sequence, ("int", "int")),
        "sortByLength": Function(_sorted_texts, ("[]string",)),
        "sortKVByLength": Function(_sorted_pairs, (_MEMKV_PAIRS,)),
        "trimSuffix": Function(texts.trim_suffix, ("string", "string")),
    }


def _numbers() -> dict[str, Function]:
    two = ("int", "int")
    return {
        "add": Function(lambda a, b: loose_math.wrapped(a + b), two),
        "div": Function(loose_math.whole_quotient, two),
        "mod": Function(loose_math.remainder, two),
        "mul": Function(lambda a, b: loose_math.wrapped(a * b), two),
        "sub": Function(lambda a, b: loose_math.wrapped(a - b), two),
    }


def _yunify() -> dict[str, Function]:
    two = ("any", "any")
    return {
        "add": Function(loose_math.add, two),
        "div": Function(loose_math.divide, two),
        "eq": Function(loose_math.equal, two),
        "filter": Function(_filter, ("string", "any")),
        "ge": Function(lambda a, b: operator.ge(*loose_math.sides(a, b)), two),
        "gt": Function(lambda a, b: operator.gt(*loose_math.sides(a, b)), two),
        "le": Function(lambda a, b: operator.le(*loose_math.sides(a, b)), two),
        "lt": Function(lambda a, b: operator.lt(*loose_math.sides(a, b)), two),
        "max": Function(loose_math.largest, two),
        "min": Function(loose_math.smallest, two),
        "mod": Function(loose_math.modulo, two),
        "mul": Function(loose_math.multiply, two),
        "ne": Function(lambda a, b: not loose_math.equal(a, b), two),
        "sub": Function(loose_math.subtract, two),
        "toJson": Function(encoders.to_json, ("any",)),
        "toYaml": Function(to_yaml, ("any",)),
    }


def _secrets() -> dict[str, Function]:
    """Return the functions for values encrypted with a PGP key, which a drone never has."""
    one = ("string",)
    return {
        "cget": Function(lambda _: Pair("", "", package="libconfd"), one),
        "cgets": Function(lambda _: NilList(_LIBCONFD_PAIRS), one),
        "cgetv": Function(lambda _: "", one),
        "cgetvs": Function(lambda _: NilList(Strings.go_type), one),
    }


def _forgiving(found: dict[str, Function]) -> dict[str, Function]:
    """Return the functions that log and go on in libconfd, with what they then return."""
    empty: dict[str, Callable[[], Any]] = {
        "atoi": int,
        "base64Decode": str,
        "get": lambda: Pair("", "", package="libconfd"),
        "gets": lambda: NilList(_LIBCONFD_PAIRS),
        "getv": str,
        "getvs": lambda: NilList(Strings.go_type),
        "json": NilMap,
        "jsonArray": NilList,
        "map": NilMap,
        "parseBool": bool,
    }
    told: set[str] = set()
    return {name: _forgiven(name, found[name], make, told) for name, make in empty.items()}


def _forgiven(name: str, function: Function, make: Callable[[], Any], told: set[str]) -> Function:
    """Return a function that does not fail.

    :param told: what is in the log already; a loop would fill it with the same.
    """

    def call(*arguments: Any) -> Any:
        try:
            return function.call(*arguments)
        except (TemplateError, ValueError) as ex:
            message = f"{name}: {ex}"
            if message not in told and len(told) < _MAX_TOLD:
                told.add(message)
                log.warning("template function %s", message)
            return make()

    return function._replace(call=call)


def _map(*values: Any) -> dict[str, Any]:
    if len(values) % 2:
        raise ExecError("invalid map call")
    if not all(isinstance(key, str) for key in values[::2]):
        raise ExecError("map keys must be strings")
    made = Map(zip(values[::2], values[1::2]))
    made.weight = 1 + sum(map(_weight, values))
    if made.weight > _MAX_WEIGHT:
        raise ExecError(f"the map holds more than {_MAX_WEIGHT} values")
    return made


def _weight(value: Any) -> int:
    """Return how many values there are in one, all the way down."""
    if isinstance(value, Map):
        return value.weight
    if isinstance(value, dict):
        return 1 + sum(map(_weight, value.values()))
    return 1 + sum(map(_weight, value)) if isinstance(value, list) else 1


def _getenv(name: str, *default: str) -> str:
    return os.environ.get(name) or (default[0] if default else "")


def _file_exists(path: str, is_certain: bool) -> bool:
    """Tell whether a file is there.

    :param is_certain: whether a path that cannot be looked at counts as missing; confd takes
        ``/etc/passwd/x`` for there, libconfd does not.
    """
    try:
        os.stat(path)  # noqa: PTH116 - a path of the machine, "" and all
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return not is_certain
    return True


def _lookup(name: str, family: socket.AddressFamily) -> list[str]:
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return NilList(Strings.go_type)
    return Strings(sorted({str(address[0]) for *_, address in found}))


def _ipv4_only(name: str) -> list[str]:
    found = _lookup(name, socket.AF_UNSPEC)
    return found if is_nil(found) else Strings(each for each in found if "." in each)


def _reverse(items: Any) -> Any:
    """Turn a list round where it stands, if it is one of those two types; as confd does."""
    if type_name(items) in {Strings.go_type, _MEMKV_PAIRS, _LIBCONFD_PAIRS}:
        items.reverse()
    return items


def _sorted_texts(items: list[str]) -> list[str]:
    items.sort(key=lambda text: len(text.encode("utf-8", "surrogateescape")))
    return items


def _sorted_pairs(items: Any) -> Any:
    if is_nil(items):
        return items
    items.sort(key=lambda pair: len(pair.Key.encode("utf-8", "surrogateescape")))
    items.go_type = f"[]{type_name(items).strip('[]').partition('.')[0]}.KVPair"
    return items


def _sequence(first: int, last: int) -> list[int]:
    if last - first >= _MAX_SEQUENCE:
        raise ExecError(f"seq of more than {_MAX_SEQUENCE} numbers")
    return Ints(range(first, last + 1)) if first <= last else NilList(Ints.go_type)


def _filter(pattern: str, items: Any) -> list[Any]:
    """Keep the texts and pairs that match; anything else in the list goes."""
    if not isinstance(items, (list, tuple)):
        raise ExecError("filter only support slice or array.")
    texts = [item for item in items if isinstance(item, (str, Pair))]
    if not texts:
        return []  # Go has not looked at the pattern then
    regex = regexes.compiled(pattern)
    return [item for item in texts if regex.search(_filtered_text(item))]


def _filtered_text(item: str | Pair) -> str:
    return item.Value if isinstance(item, Pair) else item
