"""Reads the cases that a package's author wrote: ``tests/*.yaml`` and ``tests/*.json``.

A file holds one case or a list of them::

    - name: five members
      set: {cluster.etcd.count: 5}
      expect:
        rendered:
          /nodes/0/count: 5
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue, PackageIndex
from pitrix_core.package import Place, parse_json, placed, places_of, violations
from pitrix_core.package.yaml_text import read_yaml

#: Files with cases, directly in the folder.
_FILE: Final = re.compile(r"tests/([^/]+)\.(yaml|yml|json)")

#: Most cases of a package; each takes some milliseconds, and real ones have a handful.
_CASES_LIMIT: Final = 1000
#: The member that makes an object a case.
_MEMBER: Final = re.compile(r"""\bexpect["']?\s{0,8}:""")
#: Codes of findings about names and pointers.
_NAMES: Final = frozenset({"schema.propertyNames", "schema.pattern"})
_ON_NAMES: Final = (
    "A place of a document is a JSON pointer, such as /nodes/0/count; a setting is a path, such as "
    "cluster.node.count."
)

_TEXT: Final = {"type": "string", "minLength": 1}
#: A place in a document; before ``#`` its name, where a package makes several.
_POINTER: Final = {"type": "string", "pattern": "^([^/#][^#]*#)?(/.*)?$"}
_FINDING: Final = {
    "type": "object",
    "required": ["code"],
    "additionalProperties": False,
    "properties": {
        "code": _TEXT,
        "level": {"enum": [str(level) for level in Level]},
        "pointer": {"type": "string"},
        "message_contains": _TEXT,
    },
}
_ERROR: Final = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {"code": _TEXT, "message_contains": _TEXT},
}
_EXPECT: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "rendered": {"type": "object", "propertyNames": _POINTER},
        "absent": {"type": "array", "items": _POINTER},
        "findings": {"type": "array", "items": _FINDING},
        "error": _ERROR,
    },
}
CASE_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["expect"],
    "additionalProperties": False,
    "properties": {
        "name": _TEXT,
        "description": {"type": "string"},
        "config": {"type": "object"},
        "set": {"type": "object", "propertyNames": {"pattern": "[^/.]"}},
        "language": _TEXT,
        "expect": _EXPECT,
    },
}


@attrs.frozen(kw_only=True)
class ExpectedFinding:
    """A finding that has to be there; None for what does not matter."""

    code: str
    level: str | None = None
    pointer: str | None = None
    message_contains: str | None = None


@attrs.frozen(kw_only=True)
class ExpectedError:
    """How rendering has to fail; None for what does not matter."""

    code: str | None = None
    message_contains: str | None = None


@attrs.frozen(kw_only=True)
class Expectation:
    """What has to come of a configuration."""

    #: Pointer → value; of an object, the members that are named.
    rendered: JsonObject = attrs.field(factory=dict)
    #: Pointers that lead to nothing.
    absent: tuple[str, ...] = ()
    findings: tuple[ExpectedFinding, ...] = ()
    #: None where it has to be rendered.
    error: ExpectedError | None = None


@attrs.frozen(kw_only=True)
class Case:
    """A configuration, and what has to come of it."""

    name: str
    file: str
    #: Where it begins, from 1.
    line: int
    config: JsonObject = attrs.field(factory=dict)
    #: Path, as ``--set`` takes it, → value; over the configuration.
    settings: JsonObject = attrs.field(factory=dict)
    language: str = "en"
    expect: Expectation


def case_files(index: PackageIndex) -> list[str]:
    """Return the files of a package that hold cases."""
    return sorted(path for path in index.files if _FILE.fullmatch(path))


def read_cases(reader: PackageReader) -> list[Case]:
    """Return the cases of a package, in the order of their files.

    :raises PackageInvalidError: with a finding for everything that is wrong with any file.
    """
    cases: list[Case] = []
    findings: list[Finding] = []
    for file in case_files(reader.index):
        try:
            cases += _cases(reader.read_text(file), file)
        except PackageInvalidError as ex:
            findings += ex.findings
    if len(cases) > _CASES_LIMIT:
        message = f"the package has {len(cases)} cases; {_CASES_LIMIT} are allowed"
        findings.append(Finding(level=Level.ERROR, code="case.limit", message=message))
    if findings:
        raise PackageInvalidError("The cases cannot be read.", findings=findings)
    return cases


def case_findings(reader: PackageReader) -> list[Finding]:
    """Say what is wrong with the files of cases, for who looks at all of a package.

    None of it is an error: it keeps nobody from offering or deploying the package. Files that say
    nothing of what is expected are taken for another tool's.
    """
    found = []
    for file in case_files(reader.index):
        try:
            text = reader.read_text(file)
            _ = list(_cases(text, file)) if _MEMBER.search(text) else []
        except PackageInvalidError as ex:
            found += [attrs.evolve(finding, level=Level.WARNING) for finding in ex.findings]
    return found


def _cases(text: str, file: str) -> Iterator[Case]:
    document, place_of = _read(text, file)
    items = document if isinstance(document, list) else [document]
    pointers = [f"/{number}" if isinstance(document, list) else "" for number in range(len(items))]
    findings = [
        _located(finding, place_of)
        for pointer, item in zip(pointers, items, strict=True)
        for finding in violations(item, CASE_SCHEMA, pointer=pointer, file=file)
    ]
    if findings:
        raise PackageInvalidError(f"{file}: {findings[0].message}", findings=findings)
    for number, item in enumerate(items):
        place = place_of(pointers[number])
        name = item.get("name") or _name(file, number if len(items) > 1 else None)
        yield _case(item, name=name, file=file, line=place.line if place else 1)


def _read(text: str, file: str) -> tuple[JsonValue, Callable[[str], Place | None]]:
    if file.endswith(".json"):
        document = parse_json(text, file=file)
        places = places_of(text)
        return document, lambda pointer: places.at(pointer) if places else None
    read = read_yaml(text, file=file)
    return read.value, read.at


def _located(finding: Finding, place_of: Callable[[str], Place | None]) -> Finding:
    if finding.code in _NAMES:
        finding = attrs.evolve(finding, next_step=_ON_NAMES)
    return placed(finding, place_of(finding.pointer))


def _name(file: str, number: int | None) -> str:
    stem = file.removeprefix("tests/").rpartition(".")[0]
    return stem if number is None else f"{stem} {number + 1}"


def _case(item: JsonObject, *, name: str, file: str, line: int) -> Case:
    expect = item["expect"]
    error = expect.get("error")
    return Case(
        name=name,
        file=file,
        line=line,
        config=item.get("config", {}),
        settings=item.get("set", {}),
        language=item.get("language", "en"),
        expect=Expectation(
            rendered=expect.get("rendered", {}),
            absent=tuple(expect.get("absent", ())),
            findings=tuple(ExpectedFinding(**found) for found in expect.get("findings", ())),
            error=None if error is None else ExpectedError(**error),
        ),
    )
