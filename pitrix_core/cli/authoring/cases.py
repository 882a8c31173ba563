"""Tries the cases that a package's author wrote, and says what came out differently."""

import copy
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.cli.authoring.case_files import Case, ExpectedError, ExpectedFinding
from pitrix_core.cli.authoring.comparison import is_same
from pitrix_core.cli.authoring.rendering import rendered, revealed, schema_of
from pitrix_core.cli.values import locate
from pitrix_core.errors import InvalidInputError, PitrixError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.validation import pointer_to, resolve_pointer

#: What is found where there is nothing.
NOTHING: Final = "nothing"
#: Longest value in a message, in characters.
_SHOWN_CHARACTERS: Final = 200


@attrs.frozen(kw_only=True)
class Mismatch:
    """One thing that is not as it has to be."""

    #: Pointer into a document, ``findings`` or ``error``.
    at: str
    expected: JsonValue = None
    found: JsonValue = None
    #: In words, for a person.
    message: str


@attrs.frozen(kw_only=True)
class CaseResult:
    """What came of a case."""

    name: str
    file: str
    line: int
    #: Nothing where it is as it has to be.
    mismatches: tuple[Mismatch, ...] = ()


@attrs.frozen(kw_only=True)
class _Outcome:
    """What came of a configuration."""

    documents: Mapping[str, JsonValue] = attrs.field(factory=dict)
    findings: tuple[Finding, ...] = ()
    #: Why it was not rendered.
    error: PitrixError | None = None


def tried(package: ReadPackage, cases: Sequence[Case]) -> Iterator[CaseResult]:
    """Try cases, one after the other.

    :raises PackageError: the package's configuration cannot be described.
    """
    for case in cases:
        outcome = _outcome(package, case, schema=schema_of(package, language=case.language))
        mismatches = tuple(_mismatches(case, outcome))
        yield CaseResult(name=case.name, file=case.file, line=case.line, mismatches=mismatches)


def _outcome(package: ReadPackage, case: Case, *, schema: JsonObject) -> _Outcome:
    config = copy.deepcopy(dict(case.config))
    try:
        for path, value in case.settings.items():
            _set(config, path, value, schema=schema)
        found = rendered(package, config, schema=schema)
    except PitrixError as ex:
        return _Outcome(findings=getattr(ex, "findings", ()), error=ex)
    return _Outcome(documents=revealed(found), findings=found.findings)


def _set(config: dict[str, Any], path: str, value: JsonValue, *, schema: JsonObject) -> None:
    *groups, last = locate(path, schema)[0]
    inner = config
    for name in groups:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise InvalidInputError(f"set {path}: {name!r} is a value, not an object")
    inner[last] = value


def _mismatches(case: Case, outcome: _Outcome) -> Iterator[Mismatch]:
    expect = case.expect
    if expect.error is not None:
        yield from _error_mismatches(expect.error, outcome.error)
    elif outcome.error is not None and not _is_told_by(outcome, expect.findings):
        message = f"it was not rendered: {outcome.error.message}"
        yield Mismatch(at="error", found=outcome.error.code, message=message)
    yield from _finding_mismatches(case, outcome)
    if outcome.error is None:
        for pointer, value in expect.rendered.items():
            yield from _place_mismatches(pointer, value, outcome.documents)
        for pointer in expect.absent:
            yield from _presence(pointer, outcome.documents)


def shown(value: JsonValue) -> str:
    """Return a value as JSON, shortened if it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return textwrap.shorten(text, _SHOWN_CHARACTERS, placeholder=" …")


# -- errors and findings ---------------------------------------------------------------------------


def _error_mismatches(expected: ExpectedError, error: PitrixError | None) -> Iterator[Mismatch]:
    wanted = {name: text for name, text in attrs.asdict(expected).items() if text is not None}
    if error is None:
        message = "it was rendered, and should have failed"
        yield Mismatch(at="error", expected=wanted, message=message)
        return
    found = {"code": error.code, "message": error.message}
    if (expected.code or error.code) != error.code:
        message = f"expected code {expected.code}, found {error.code}: {error.message}"
        yield Mismatch(at="error", expected=wanted, found=found, message=message)
    if (expected.message_contains or "") not in error.message:
        message = f"expected a message with {expected.message_contains!r}, found {error.message!r}"
        yield Mismatch(at="error", expected=wanted, found=found, message=message)


def _is_told_by(outcome: _Outcome, expected: Sequence[ExpectedFinding]) -> bool:
    """Say whether the findings of an error are all expected, so that it is, too."""
    errors = errors_in(outcome.findings)
    return bool(errors) and all(any(_fits(e, found) for e in expected) for found in errors)


def _finding_mismatches(case: Case, outcome: _Outcome) -> Iterator[Mismatch]:
    expected = case.expect.findings
    for each in expected:
        if not any(_fits(each, found) for found in outcome.findings):
            wanted = {name: text for name, text in attrs.asdict(each).items() if text is not None}
            said = [_said(found) for found in outcome.findings] or [NOTHING]
            message = f"expected {_words(wanted)}, found {'; '.join(said)}"
            yield Mismatch(at="findings", expected=wanted, found=said, message=message)
    if case.expect.error is not None or outcome.error is not None:
        return  # what failed was looked at already
    for found in outcome.findings:
        if found.level is Level.ERROR and not any(_fits(each, found) for each in expected):
            message = f"expected no error, found {_said(found)}"
            yield Mismatch(at="findings", found=_said(found), message=message)


def _fits(expected: ExpectedFinding, found: Finding) -> bool:
    return (
        expected.code == found.code
        and expected.level in (None, str(found.level))
        and expected.pointer in (None, found.pointer)
        and (expected.message_contains or "") in found.message
    )


def _said(found: Finding) -> str:
    place = f" at {found.pointer}" if found.pointer else ""
    return f"{found.level} {found.code}{place}: {found.message}"


def _words(wanted: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in wanted.items())


# -- documents -------------------------------------------------------------------------------------


def _place_mismatches(
    place: str, expected: JsonValue, documents: Mapping[str, JsonValue]
) -> Iterator[Mismatch]:
    try:
        found = _at(place, documents)
    except KeyError:
        yield Mismatch(
            at=place, expected=expected, message=f"expected {shown(expected)}, found {NOTHING}"
        )
        return
    yield from _differences(expected, found, at=place)


def _presence(place: str, documents: Mapping[str, JsonValue]) -> Iterator[Mismatch]:
    try:
        found = _at(place, documents)
    except KeyError:
        return
    yield Mismatch(at=place, found=found, message=f"expected {NOTHING}, found {shown(found)}")


def _at(place: str, documents: Mapping[str, JsonValue]) -> JsonValue:
    """Return what ``[FILE#]POINTER`` names.

    :raises KeyError: there is nothing.
    """
    file, _, pointer = ("", "", place) if place[:1] in ("", "/") else place.partition("#")
    document = documents[file] if file else next(iter(documents.values()), None)
    return resolve_pointer(document, pointer)


def _differences(expected: JsonValue, found: JsonValue, *, at: str) -> Iterator[Mismatch]:
    """Compare what is named: of an object the named members, of a list every item."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name, value in expected.items():
            place = at + pointer_to([name])
            if name in found:
                yield from _differences(value, found[name], at=place)
            else:
                message = f"expected {shown(value)}, found {NOTHING}"
                yield Mismatch(at=place, expected=value, message=message)
    elif _are_lists(expected, found) and len(expected) == len(found):
        for number, (value, own) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(value, own, at=f"{at}/{number}")
    elif not is_same(expected, found):
        message = f"expected {shown(expected)}, found {shown(found)}"
        yield Mismatch(at=at, expected=expected, found=found, message=message)


def _are_lists(*values: Any) -> bool:
    return all(isinstance(value, list | tuple) for value in values)
