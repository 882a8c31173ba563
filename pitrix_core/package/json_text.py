"""JSON that people wrote: read although its commas are wrong, and with the places of what it says.

The fast reader goes first; only a text it refuses, and an author who asks for places, costs more.
"""

import functools
from collections.abc import Callable

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue
from pitrix_core.package.json import decode, read_slowly
from pitrix_core.package.json_records import JsonFaultError, Scan, Slip, Spot
from pitrix_core.package.json_scanner import scan_json
from pitrix_core.package.places import Place, place_at, placed
from pitrix_core.validation import pointer_parts


@attrs.frozen(kw_only=True)
class JsonText:
    """What a text says."""

    value: JsonValue
    #: A warning ``json.comma`` for each comma that was put right.
    findings: tuple[Finding, ...] = ()


def parse_tolerant(
    text: str, *, file: str, place: Callable[[int], Place] | None = None
) -> JsonText:
    """Return what a JSON text says; commas that are missing, too much or full-width are put right.

    Of members with one name the last counts. A text that is right costs no more than with
    :func:`~pitrix_core.package.parse_json`.

    :param file: for the findings.
    :param place: says where an offset of the text is, for a text that was made from another one.
    :raises PackageInvalidError: it is not JSON whatever its commas, is nested too deeply, or holds
        what cannot be written as UTF-8; with one finding ``package.json``, whose line and column
        say where.
    """
    try:
        return JsonText(value=decode(text))
    except ValueError as ex:
        refused = ex
    where = place or functools.partial(place_at, text)
    scan = read_slowly(text, refused, file=file, where=where)
    return JsonText(
        value=scan.value, findings=tuple(_finding(slip, file, where) for slip in scan.slips)
    )


@attrs.frozen
class Places:
    """Where the parts of a JSON text stand."""

    _text: str
    _top: Spot

    def offset(self, pointer: str) -> int:
        """Return where a part begins, in characters; a member begins with its name.

        :param pointer: JSON pointer (RFC 6901); where it names nothing, the nearest part around it
            that is there is taken.
        """
        spot = self._top
        for part in pointer_parts(pointer):
            inner = spot.parts.get(part)
            if inner is None:
                break
            spot = inner
        return spot.offset

    def at(self, pointer: str) -> Place:
        """Return the line and column where a part begins; see :meth:`offset`."""
        return place_at(self._text, self.offset(pointer))


def places_of(text: str) -> Places | None:
    """Return the places of a text's parts, to ask for many; None where it is not JSON.

    Takes many times as long as reading it; wrong commas do not matter.
    """
    scan = _scanned(text)
    return None if scan is None else Places(text, scan.top)


def duplicates_in(text: str) -> tuple[str, ...]:
    """Return the pointers of members that are there more than once, at most a hundred of them.

    :returns: in the order of the text; nothing where it is not JSON.
    """
    scan = _scanned(text)
    return () if scan is None else scan.repeated


def _scanned(text: str) -> Scan | None:
    try:
        return scan_json(text)
    except JsonFaultError:
        return None


def _finding(slip: Slip, file: str, where: Callable[[int], Place]) -> Finding:
    finding = Finding(
        level=Level.WARNING,
        code="json.comma",
        message=slip.message,
        pointer=slip.pointer,
        file=file,
        next_step="It was read as meant; put it right, since other programs refuse it.",
    )
    return placed(finding, where(slip.offset))
