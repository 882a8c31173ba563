"""Keywords of JSON Schema as functions: each says in plain words what is wrong with a value.

Only those that our schema uses (:mod:`pitrix_vm.cluster.schema`); the tests hold every one against
a validator of the whole language.
"""

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from pitrix_core.model import JsonValue
from pitrix_core.validation import nearest, quoted
from pitrix_vm.cluster.schema import Schema

#: Says what is wrong with a value; None where nothing is.
Test: TypeAlias = Callable[[Any], str | None]


#: The standard's word for a type → the types of ``json.loads``, and ours in messages.
_TYPES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "object": ((dict,), "an object"),
    "array": ((list,), "a list"),
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "null": ((type(None),), "nothing"),
}


@attrs.frozen(kw_only=True)
class Limit:
    """One keyword with its argument."""

    #: Types it says something about.
    types: tuple[type, ...]
    test: Test


def python_types(schema: Schema) -> frozenset[type]:
    """Return the types a value may have; none for any."""
    return frozenset(kind for name in _type_names(schema) for kind in _TYPES[name][0])


def type_words(schema: Schema) -> str:
    """Say what a value may be: ``a text or a list``."""
    return " or ".join(_TYPES[name][1] for name in _type_names(schema) if name != "null")


def limits_of(schema: Schema) -> tuple[Limit, ...]:
    """Return what a schema asks of a value that has the right type."""
    return tuple(
        Limit(types=types, test=make(schema[keyword], schema))
        for keyword, (types, make) in _KEYWORDS.items()
        if keyword in schema
    )


def alike(name: str, names: Collection[str], *, taken: Container[str] = ()) -> str | None:
    """Return the name that another one is most likely a misspelling of.

    :param taken: names that are there as well; only a number after one of them is suspicious.
    :returns: None for a name that begins with a mark: so authors write what is not to be read.
    """
    if not name[:1].isalnum():
        return None
    stem = name.rstrip("0123456789")
    if stem in names:
        return stem
    return nearest(name, [known for known in names if known not in taken])


def _type_names(schema: Schema) -> tuple[str, ...]:
    names = schema.get("type", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _enum(allowed: Sequence[JsonValue], _schema: Schema) -> Test:
    # NOTE(types): True == 1 in Python, not in JSON
    known = [(type(value), value) for value in allowed]
    words = ", ".join(map(str, allowed))

    def test(value: Any) -> str | None:
        if (type(value), value) in known:
            return None
        near = nearest(value, allowed) if isinstance(value, str) else None
        return f"{quoted(value)} is not one of {words}" + (f"; is it {near!r}?" if near else "")

    return test


def _minimum(least: float, _schema: Schema) -> Test:
    return lambda value: None if value >= least else f"{quoted(value)} is less than {least}"


def _maximum(most: float, _schema: Schema) -> Test:
    return lambda value: None if value <= most else f"{quoted(value)} is more than {most}"


def _min_length(least: int, _schema: Schema) -> Test:
    return lambda value: None if len(value) >= least else "the text must not be empty"


def _max_length(most: int, _schema: Schema) -> Test:
    return lambda v: None if len(v) <= most else f"{len(v)} characters are more than {most}"


def _pattern(expression: str, schema: Schema) -> Test:
    # NOTE(newlines): the standard's $ is the end of the text, Python's also stands before a newline
    search = re.compile(expression.replace("$", r"\Z")).search
    words = schema.get("x-words", f"what {expression} matches")
    return lambda value: None if search(value) else f"{quoted(value)} is not {words}"


def _min_items(least: int, _schema: Schema) -> Test:
    return lambda value: None if len(value) >= least else "the list must not be empty"


def _max_items(most: int, _schema: Schema) -> Test:
    return lambda value: None if len(value) <= most else f"{len(value)} are more than {most}"


def _unique_items(_is_unique: bool, _schema: Schema) -> Test:
    def test(value: list[Any]) -> str | None:
        texts = [item for item in value if isinstance(item, str)]
        return None if len(set(texts)) == len(texts) else "the list has an item twice"

    return test


def _property_names(names: Schema, _schema: Schema) -> Test:
    limits = limits_of(names)

    def test(value: Mapping[str, Any]) -> str | None:
        found = (limit.test(name) for name in value for limit in limits)
        return next((message for message in found if message), None)

    return test


_NUMBER: Final = (int, float)
_KEYWORDS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[Any, Schema], Test]]]] = {
    "enum": ((dict, list, str, int, float, bool), _enum),
    "minimum": (_NUMBER, _minimum),
    "maximum": (_NUMBER, _maximum),
    "minLength": ((str,), _min_length),
    "maxLength": ((str,), _max_length),
    "pattern": ((str,), _pattern),
    "minItems": ((list,), _min_items),
    "maxItems": ((list,), _max_items),
    "uniqueItems": ((list,), _unique_items),
    "maxProperties": ((dict,), _max_items),
    "propertyNames": ((dict,), _property_names),
}
