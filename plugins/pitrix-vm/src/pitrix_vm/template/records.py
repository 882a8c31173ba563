"""Templates, what they are filled in with, and what comes of it, as records."""

import abc
import bisect
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue
from pitrix_core.package import Place, Places, duplicates_in, place_at, places_of

OPENPITRIX: Final = "openpitrix"
APPCENTER: Final = "appcenter"
JINJA: Final = "jinja"


class TemplateFaultError(Exception):
    """A template cannot be filled in; becomes an error with its place before it leaves here."""

    def __init__(
        self, reason: str, *, code: str, offset: int | None = None, next_step: str | None = None
    ) -> None:
        """Keep what is wrong.

        :param code: of the finding it becomes.
        :param offset: place in the template's text, in characters; None where it is not known yet.
        """
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.offset = offset
        self.next_step = next_step


@attrs.frozen
class Secret:
    """A value that must not be looked at: it can be written as it is, and nothing else."""

    value: JsonValue = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Values:
    """What a template is filled in with."""

    #: Value by flat path, for tags. A ``$secret`` marker stays a marker.
    flat: Mapping[str, JsonValue] = attrs.field(factory=dict, repr=False)
    #: The same as nested objects by key, for Jinja; passwords are :class:`Secret`.
    tree: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.define
class Piece:
    """Some of the text a template gives."""

    text: str
    #: Where in the template it comes from, in characters.
    start: int
    end: int
    #: Whether the template has this very text there.
    is_verbatim: bool = False


@attrs.frozen(kw_only=True)
class Template(abc.ABC):
    """The text of a template, and where it is from."""

    file: str
    text: str = attrs.field(repr=False)

    @property
    @abc.abstractmethod
    def dialect(self) -> str:
        """The dialect it is written in."""

    @abc.abstractmethod
    def uses(self, path: str) -> bool:
        """Say whether a parameter's value may be part of what the template gives."""

    @abc.abstractmethod
    def strangers(self, known: Iterable[str]) -> Mapping[str, int]:
        """Return what it names that is no parameter: path → offset of the first place.

        :param known: flat paths of all parameters.
        """

    @abc.abstractmethod
    def pieces(self, values: Values) -> Sequence[Piece]:
        """Return the text that it gives.

        :raises TemplateFaultError: it gives none.
        """

    def remarks(self) -> tuple[Finding, ...]:
        """Return what its author should know, whatever the values are."""
        return ()

    def remark(self, code: str, message: str, *, offset: int, next_step: str | None) -> Finding:
        """Return a warning about a place of it."""
        place = place_at(self.text, offset)
        return Finding(
            level=Level.WARNING,
            code=code,
            message=message,
            file=self.file,
            line=place.line,
            column=place.column,
            next_step=next_step,
        )


@attrs.frozen
class Origins:
    """Which place of a filled text comes from which place of its template."""

    _template: str = attrs.field(repr=False)
    _pieces: Sequence[Piece] = attrs.field(repr=False)
    #: Where each piece begins in the filled text.
    _starts: Sequence[int] = attrs.field(repr=False)

    @classmethod
    def of(cls, template: str, pieces: Sequence[Piece]) -> "Origins":
        """Return the origins of the pieces, one after the other."""
        starts, length = [], 0
        for piece in pieces:
            starts.append(length)
            length += len(piece.text)
        return cls(template, pieces, starts)

    def place(self, offset: int) -> Place:
        """Return the place in the template that an offset of the filled text comes from."""
        return place_at(self._template, self._offset(offset))

    def _offset(self, offset: int) -> int:
        if not self._pieces:
            return 0
        number = max(0, bisect.bisect_right(self._starts, offset) - 1)
        piece, inside = self._pieces[number], offset - self._starts[number]
        if piece.is_verbatim:
            return min(piece.start + inside, piece.end)
        return piece.start if inside < len(piece.text.rstrip()) else piece.end


@attrs.frozen(kw_only=True)
class Filled:
    """What a template gives with some values."""

    document: JsonValue
    #: Commas that were put right.
    findings: tuple[Finding, ...] = ()
    _text: str = attrs.field(repr=False, eq=False)
    _origins: Origins = attrs.field(repr=False, eq=False)

    def place_of(self, pointer: str) -> Place | None:
        """Return the place in the template of a part of the document.

        The first call takes as long as reading the document several times; the others take none.

        :param pointer: JSON pointer; where it names nothing, the nearest part around it is taken.
        :returns: None for a document too large to look for places in.
        """
        places = self._places
        return None if places is None else self._origins.place(places.offset(pointer))

    def duplicates(self) -> tuple[str, ...]:
        """Return the pointers of members that are there more than once; of them the last counts."""
        return duplicates_in(self._text)

    @functools.cached_property
    def _places(self) -> Places | None:
        return places_of(self._text)
