"""Walks through a document and its JSON Schema together, once, and says what does not fit.

One walk does what would else be three: it checks the values, it takes those whose meaning is plain
though their type is another (``"9092"`` where a number should be), and it looks for names that the
schema does not have. Values of which the schema says nothing are left as they are, nulls included;
elsewhere a null, which a tag without a value leaves behind, is as good as nothing.

The schema is prepared once. Packages are read by the thousand, and most of a document are items of
monitors: a validator of the whole language takes several times as long as reading all of the rest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue
from pitrix_core.model.json import marker_of
from pitrix_core.package import pointer_to
from pitrix_core.validation import quoted
from pitrix_vm.cluster.keywords import Limit, alike, limits_of, python_types, type_words
from pitrix_vm.cluster.schema import Schema

#: Findings after which a document is not worth more of them.
_MOST_FINDINGS: Final = 200
_NUMBER: Final = re.compile(r"\s{0,8}-?[0-9]{1,15}(\.[0-9]{1,15})?\s{0,8}")
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: What stands for a value that has no place in its schema.
_REFUSED: Final = object()


@attrs.frozen(kw_only=True)
class Walk:
    """What a walk found."""

    #: With values in the types of the schema; only of use where no finding is an error.
    document: Any
    findings: tuple[Finding, ...]


@attrs.frozen(kw_only=True)
class Prepared:
    """A schema, prepared for walking."""

    types: frozenset[type]
    words: str
    limits: tuple[Limit, ...]
    recommended: tuple[Limit, ...]
    members: Mapping[str, "Prepared"]
    #: Of members with other names; None where the schema has no such members.
    others: "Prepared | None"
    items: "Prepared | None"
    required: tuple[str, ...]
    #: Other members are the author's own if they have these members themselves; None for all.
    free_if: Mapping[str, JsonValue] | None
    is_undocumented: bool
    #: Types whose empty value is as good as nothing: it is beyond a limit, or lacks what is needed.
    nothings: frozenset[type]


def prepared(schema: Schema) -> Prepared:
    """Return a schema as it can be walked through."""
    others, items = schema.get("additionalProperties"), schema.get("items")
    return Prepared(
        types=python_types(schema),
        words=type_words(schema),
        limits=limits_of(schema),
        recommended=limits_of(schema.get("x-recommended", {})),
        members={name: prepared(m) for name, m in schema.get("properties", {}).items()},
        others=None if others is None else prepared(others),
        items=None if items is None else prepared(items),
        required=tuple(schema.get("required", ())),
        free_if=schema.get("x-free-if"),
        is_undocumented=schema.get("x-undocumented", False),
        nothings=frozenset(_nothings(schema)),
    )


def walk(document: JsonValue, root: Prepared, *, file: str) -> Walk:
    """Walk through a document.

    :param file: the template it is from, for the findings.
    """
    walker = _Walker(file)
    taken = walker.value(document, root, ())
    return Walk(document=taken, findings=tuple(walker.findings))


class _Walker:
    """Notes what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._has_error = False

    def value(self, value: JsonValue, schema: Prepared, at: tuple[object, ...]) -> Any:
        """Return a value as the schema has it."""
        kind = type(value)
        if schema.types and kind not in schema.types:
            value = self._taken(value, schema, at)
            if value is _REFUSED:
                return value
            kind = type(value)
        elif kind in schema.nothings and not value and _is_member(at):
            message = f"{quoted(value)} is empty; it is taken for nothing"
            self._note(Level.WARNING, "cluster.spelling", at, message)
            return None
        has_limits = schema.limits or schema.recommended
        is_within = self._is_within(value, schema, at) if has_limits else True
        if not is_within and kind in (dict, list) and len(value) > _MOST_FINDINGS:
            return value  # far too much of it; what is inside does not matter
        if kind is dict and (schema.members or schema.others):
            return self._members(value, schema, at)
        if kind is list and schema.items is not None:
            return [self.value(item, schema.items, (*at, n)) for n, item in enumerate(value)]
        return value

    def _is_within(self, value: JsonValue, schema: Prepared, at: tuple[object, ...]) -> bool:
        """Note what is beyond the limits, and say whether nothing is beyond those that count."""
        kind, is_within = type(value), True
        for limit in schema.limits:
            if kind in limit.types and (message := limit.test(value)) is not None:
                self._note(Level.ERROR, "cluster.value", at, message)
                is_within = False
        for limit in schema.recommended if len(self.findings) < _MOST_FINDINGS else ():
            if kind in limit.types and (message := limit.test(value)) is not None:
                self._note(Level.WARNING, "cluster.limit", at, f"{message}; taken as it is")
        return is_within

    def _members(
        self, value: Mapping[str, JsonValue], schema: Prepared, at: tuple[object, ...]
    ) -> dict[str, JsonValue]:
        taken: dict[str, JsonValue] = {}
        for name, member in value.items():
            known = schema.members.get(name)
            if known is None:
                if schema.others is None or not _is_free(member, schema):
                    self._note_unknown(name, value, schema, at)
                known = schema.others or _ANYTHING
            elif known.is_undocumented and member is not None:
                message = f"{name} is not in the documentation of the package format"
                self._note(Level.INFO, "cluster.undocumented", (*at, name), message)
            if member is not None or not known.types or type(None) in known.types:
                found = self.value(member, known, (*at, name))
                if found is not None or member is None:
                    taken[name] = found
        for name in schema.required:
            if taken.get(name) is None:
                self._note_missing(name, value, at)
        return taken

    def _taken(self, value: JsonValue, schema: Prepared, at: tuple[object, ...]) -> Any:
        """Return what a value of another type plainly means."""
        is_nothing = _is_member(at) and value in ("", [], {}) and str not in schema.types
        plain = None if is_nothing else _plain(value, schema)
        if plain is _REFUSED:
            what = "a secret" if marker_of(value) else quoted(value)
            message = f"{what} is not {schema.words}"
            self._note(Level.ERROR, "cluster.type", at, message)
        elif not isinstance(value, float):
            message = f"{quoted(value)} is not {schema.words}; it is taken for {_meaning(plain)}"
            self._note(Level.WARNING, "cluster.spelling", at, message)
        return plain

    def _note_unknown(
        self, name: str, found: Mapping[str, JsonValue], schema: Prepared, at: tuple[object, ...]
    ) -> None:
        if len(self.findings) >= _MOST_FINDINGS:
            return
        near = alike(name, schema.members, taken=found)
        if near is None:
            message = f"{quoted(name)} is not known here, and has no effect"
            own = ", ".join(f'"{n}": "{value}"' for n, value in (schema.free_if or {}).items())
            step = f"Add {own} if it is one of your own, or remove it." if own else None
            self._note(Level.WARNING, "cluster.unknown", (*at, name), message, step)
            return
        message = f"{quoted(name)} is not known here; is it {near!r}?"
        step = f"Write {near!r}, or remove it."
        self._note(Level.ERROR, "cluster.misspelt", (*at, name), message, step)

    def _note_missing(
        self, name: str, found: Mapping[str, JsonValue], at: tuple[object, ...]
    ) -> None:
        if name not in found:
            self._note(Level.ERROR, "cluster.missing", at, f"{name} is missing")
        else:
            message = f"{name} has no value"
            step = "Name a parameter of config.json that has one, or give it a default."
            self._note(Level.ERROR, "cluster.missing", (*at, name), message, step)

    def _note(
        self,
        level: Level,
        code: str,
        at: tuple[object, ...],
        message: str,
        next_step: str | None = None,
    ) -> None:
        is_first_error = level is Level.ERROR and not self._has_error
        if len(self.findings) < _MOST_FINDINGS or is_first_error:
            self._has_error = self._has_error or level is Level.ERROR
            self.findings.append(
                Finding(
                    level=level,
                    code=code,
                    message=message,
                    pointer=pointer_to(at),
                    file=self._file,
                    next_step=next_step,
                )
            )


def _is_free(member: JsonValue, schema: Prepared) -> bool:
    if schema.free_if is None:
        return True
    return isinstance(member, dict) and all(
        member.get(name) == value for name, value in schema.free_if.items()
    )


def _is_member(at: tuple[object, ...]) -> bool:
    """Say whether this is a member of an object, which can be left out; an item cannot."""
    return bool(at) and isinstance(at[-1], str)


def _nothings(schema: Schema) -> Iterator[type]:
    limits = {**schema.get("x-recommended", {}), **schema}
    words = limits_of({name: limits[name] for name in ("enum", "pattern") if name in limits})
    if any(limit.test("") for limit in words):
        yield str
    if schema.get("required"):
        yield dict


def _plain(value: JsonValue, schema: Prepared) -> Any:
    """Return a value in one of a place's types, if there is one it plainly means."""
    types = schema.types
    if isinstance(value, str | int) and bool in types:
        return _FLAGS.get(str(value).strip().casefold(), _REFUSED)
    if types & {int, float}:
        return _number(value, types)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and types <= {str, type(None)}:
        return json.dumps(value)
    return [value] if _is_item(value, schema) else _REFUSED


def _number(value: JsonValue, types: frozenset[type]) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and value.is_integer() and int in types:
        return int(value)
    return value if isinstance(value, float) and float in types else _REFUSED


def _is_item(value: JsonValue, schema: Prepared) -> bool:
    """Say whether a value is an item of the list that should be there."""
    if list not in schema.types or schema.items is None or not isinstance(value, str | dict):
        return False
    return not schema.items.types or type(value) in schema.items.types


def _meaning(plain: JsonValue) -> str:
    if plain is None:
        return "nothing"
    return "a list of it" if isinstance(plain, list) else quoted(plain)


_ANYTHING: Final = prepared({})
