"""What the validator found, as plain facts: which keyword is violated by what, and where."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
import jsonschema

from pitrix_core.validation.patterns import UncheckedError

#: Keywords that hold schemas to choose from.
_CHOICES: Final = frozenset({"anyOf", "oneOf"})


@attrs.frozen(kw_only=True)
class Violated:
    """One keyword that a value violates."""

    #: ``false`` where the schema is just that.
    keyword: str
    #: What the keyword says: 3 of ``"minimum": 3``.
    limit: Any
    value: Any = attrs.field(repr=False)
    #: The schema that the keyword stands in.
    schema: Any
    #: Names and numbers from the top; of what is missing or not known, to its own place.
    path: tuple[str | int, ...]
    #: Names and numbers from the top of the schema to the keyword.
    schema_path: tuple[str | int, ...]
    #: Why it could not be checked; empty where it was.
    obstacle: str = ""

    @property
    def is_conditional(self) -> bool:
        """Says whether it holds only while others have certain values."""
        return not {"then", "else"}.isdisjoint(self.schema_path)

    @property
    def is_about_name(self) -> bool:
        """Says whether it is a member's name that is wrong."""
        return "propertyNames" in self.schema_path


def plain(errors: Iterable[jsonschema.ValidationError]) -> Iterator[Violated]:
    """Return what is wrong, of a choice what is wrong with the one that was meant."""
    for error in errors:
        if error.validator in _CHOICES and error.context:
            yield from _of_choice(error)
        else:
            yield _violated(error)


def _of_choice(error: jsonschema.ValidationError) -> Iterator[Violated]:
    branches: dict[object, list[jsonschema.ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [found for found in branches.values() if not any(map(_is_of_other_type, found))]
    if len(meant) == 1:
        yield from plain(meant[0])
    elif meant:
        yield _violated(error)
    else:
        types = [kind for found in branches.values() for kind in _types_in(found)]
        whole = _violated(error)
        yield attrs.evolve(
            whole, keyword="type", limit=sorted(dict.fromkeys(types), key=lambda t: t == "null")
        )


def _is_of_other_type(error: jsonschema.ValidationError) -> bool:
    return error.validator == "type" and not error.path


def _types_in(errors: Iterable[jsonschema.ValidationError]) -> Iterator[str]:
    for error in errors:
        if _is_of_other_type(error):
            found: Any = error.validator_value
            yield from [found] if isinstance(found, str) else found


def _violated(error: jsonschema.ValidationError) -> Violated:
    return Violated(
        # Of the schema `false` the library names no keyword.
        keyword=str(error.validator) if error.validator is not None else "false",
        limit=error.validator_value,
        value=error.instance,
        schema=error.schema,
        path=tuple(error.absolute_path),
        schema_path=tuple(error.absolute_schema_path),
        obstacle=str(error.cause) if isinstance(error.cause, UncheckedError) else "",
    )
