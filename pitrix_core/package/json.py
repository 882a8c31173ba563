"""Reads JSON text, with findings that name the place."""

import json
from typing import NoReturn

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue


def parse_json(text: str, *, file: str) -> JsonValue:
    """Return what a JSON text says; of members with one name the last counts.

    :param file: for the finding.
    :raises PackageInvalidError: it is not JSON, or holds what cannot be written as UTF-8; the
        finding names line and column where they are known.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        _check_characters(text, value)
    except json.JSONDecodeError as ex:
        message = f"line {ex.lineno}, column {ex.colno}: not JSON: {ex.msg}"
        raise _not_json(file, message) from ex
    except RecursionError as ex:
        raise _not_json(file, "nested too deeply") from ex
    except ValueError as ex:
        raise _not_json(file, f"not JSON: {ex}") from ex
    return value


def _check_characters(text: str, value: JsonValue) -> None:
    """Refuse half a surrogate pair: JSON can spell it, UTF-8 and so every database cannot."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as ex:
        raise ValueError("it holds half of a surrogate pair") from ex


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _not_json(file: str, message: str) -> PackageInvalidError:
    finding = Finding(level=Level.ERROR, code="package.json", message=message, file=file)
    return PackageInvalidError(f"{file}: {message}", findings=[finding])
