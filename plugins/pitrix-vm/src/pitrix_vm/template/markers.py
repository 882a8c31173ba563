"""Finds markers that a template makes itself.

``{"$secret": id}`` stands for a stored secret, whosever it is, and is resolved on its way to the
machines. A user's values hold such markers in the place of passwords; one that a package spells out
would name a secret of others.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from pitrix_core.model import JsonValue
from pitrix_core.model.json import marker_of
from pitrix_core.validation import pointer_to
from pitrix_vm.template.records import Secret, Values

#: The parts of a path in a document, from the top.
_Path: TypeAlias = tuple[object, ...]


@attrs.frozen
class Marker:
    """An object that stands for something else, and where it is."""

    #: ``$secret``, for one.
    name: str
    content: JsonValue = attrs.field(repr=False)
    _at: _Path = attrs.field(repr=False)

    @property
    def pointer(self) -> str:
        """JSON pointer into the document."""
        return pointer_to(self._at)


def made_marker(text: str, document: JsonValue, values: Values) -> Marker | None:
    """Return the first marker that is no secret of the values; None where there is none.

    :param text: of the document; one without a dollar sign holds no marker and is not looked
        through.
    """
    if "$" not in text and "\\u0024" not in text:
        return None
    given = {str(found.content) for found in _markers([values.flat, values.tree])}
    for found in _markers(document):
        is_text = isinstance(found.content, str)
        if found.name != "$secret" or not is_text or found.content not in given:
            return found
    return None


def _markers(value: Any, at: _Path = ()) -> Iterator[Marker]:
    inner = value.value if isinstance(value, Secret) else value
    marker = marker_of(inner)
    if marker is not None:
        yield Marker(*marker, at)
    elif isinstance(inner, Mapping):
        for name, member in inner.items():
            yield from _markers(member, (*at, name))
    elif isinstance(inner, list):
        for number, item in enumerate(inner):
            yield from _markers(item, (*at, number))
