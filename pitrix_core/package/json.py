"""Reads JSON text strictly and fast, with findings that name the place."""

import functools
import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from pitrix_core.errors import PackageInvalidError
from pitrix_core.model import JsonValue
from pitrix_core.package.faults import invalid_file
from pitrix_core.package.json_records import JsonFaultError, Scan
from pitrix_core.package.json_scanner import DEPTH_LIMIT, TEXT_LIMIT, scan_json
from pitrix_core.package.places import Place, place_at


def parse_json(text: str, *, file: str) -> JsonValue:
    """Return what a JSON text says; of members with one name the last counts.

    :param file: for the finding.
    :raises PackageInvalidError: it is not JSON, is nested too deeply, or holds what cannot be
        written as UTF-8; the finding names line and column where they are known.
    """
    try:
        return decode(text)
    except ValueError as ex:
        refused = ex
    where = functools.partial(place_at, text)
    slip = read_slowly(text, refused, file=file, where=where).slips[0]
    raise not_json(slip.message, file=file, place=where(slip.offset)) from refused


def read_slowly(
    text: str, refused: ValueError, *, file: str, where: Callable[[int], Place]
) -> Scan:
    """Return what a text says that :func:`decode` refused; at least one of its commas is wrong.

    :param refused: what was said against it.
    :param where: says where an offset of the text is.
    :raises PackageInvalidError: the commas are not the only thing that is wrong.
    """
    try:
        scan = scan_json(text)
        check_decoded(text, scan.value)
    except JsonFaultError as ex:
        raise not_json(ex.said(where), file=file, place=where(ex.offset)) from refused
    except ValueError as ex:
        raise not_json(str(ex), file=file) from ex
    if not scan.slips:
        raise not_json(str(refused), file=file) from refused
    return scan


def decode(text: str) -> JsonValue:
    """Return what a JSON text says, fast.

    :raises ValueError: for the same reasons as :func:`parse_json`, in words for programmers.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"it has more than {TEXT_LIMIT} characters")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as ex:
        raise ValueError("nested too deeply") from ex
    check_decoded(text, value)
    return value


def check_decoded(text: str, value: JsonValue) -> None:
    """Refuse what the rest of the program could stumble over.

    :raises ValueError: the value is nested too deeply, or holds half of a surrogate pair, which
        JSON can spell, and UTF-8 and so every database cannot.
    """
    if _is_deep(value):
        raise ValueError("nested too deeply")
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as ex:
            raise ValueError("it holds half of a surrogate pair") from ex


def not_json(reason: str, *, file: str, place: Place | None = None) -> PackageInvalidError:
    """Return the error for a text that is not JSON."""
    return invalid_file(file, "package.json", f"not JSON: {reason}", place=place)


def _is_deep(value: JsonValue) -> bool:
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level and depth <= DEPTH_LIMIT:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return depth > DEPTH_LIMIT


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
