"""Findings as SARIF 2.1.0, which editors, code hosts and build servers read.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/, read 2026-08.
"""

import importlib.metadata
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pitrix_core.cli.authoring.lint_report import Linted
from pitrix_core.findings import Finding, Level, Rule
from pitrix_core.model import JsonObject

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS: Final[Mapping[Level, str]] = {
    Level.ERROR: "error",
    Level.WARNING: "warning",
    Level.INFO: "note",
}


def sarif_log(packages: Sequence[Linted], rules: Mapping[str, Rule], *, folder: Path) -> JsonObject:
    """Return a log of one run.

    :param rules: by code; a finding of another code becomes a rule without text.
    :param folder: what paths are relative to; those outside of it are absolute.
    """
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_Run(rules, folder).of(packages)]}


class _Run:
    """Numbers rules and files as they occur: results refer to them by their places in lists."""

    def __init__(self, rules: Mapping[str, Rule], folder: Path) -> None:
        self._folder = folder
        self._rules = [_descriptor(rule) for rule in rules.values()]
        self._rule_numbers = {code: number for number, code in enumerate(rules)}
        self._artifacts: list[JsonObject] = []
        self._artifact_numbers: dict[tuple[Path, str], int] = {}

    def of(self, packages: Sequence[Linted]) -> JsonObject:
        results = [
            self._result(linted, finding)
            for linted in packages
            for finding in linted.checked.findings
        ]
        driver = {
            "name": "pitrix",
            "version": importlib.metadata.version("pitrix-core"),
            "rules": self._rules,
        }
        return {
            "tool": {"driver": driver},
            "invocations": [{"executionSuccessful": True}],
            "columnKind": "unicodeCodePoints",
            "artifacts": self._artifacts,
            "results": results,
        }

    def _result(self, linted: Linted, finding: Finding) -> JsonObject:
        text = " ".join(part for part in (finding.message, finding.next_step) if part)
        return {
            "ruleId": finding.code,
            "ruleIndex": self._rule_number(finding.code),
            "level": _LEVELS[finding.level],
            "message": {"text": text},
            "locations": [dict(self._location(linted, finding))],
        }

    def _location(
        self, linted: Linted, finding: Finding
    ) -> Iterator[tuple[str, JsonObject | list[JsonObject]]]:
        number = self._artifact_number(linted, finding.file or "")
        uri = self._artifacts[number]["location"]["uri"]
        physical: dict[str, JsonObject] = {"artifactLocation": {"uri": uri, "index": number}}
        places = {"startLine": finding.line, "startColumn": finding.column}
        if region := {name: place for name, place in places.items() if place is not None}:
            physical["region"] = region
        yield "physicalLocation", physical
        if finding.pointer:
            yield "logicalLocations", [{"fullyQualifiedName": finding.pointer}]

    def _rule_number(self, code: str) -> int:
        if code not in self._rule_numbers:
            self._rule_numbers[code] = len(self._rules)
            self._rules.append({"id": code})
        return self._rule_numbers[code]

    def _artifact_number(self, linted: Linted, file: str) -> int:
        key = (linted.path, file)
        if key not in self._artifact_numbers:
            artifact = self._artifact(linted, file)
            self._artifact_numbers[key] = len(self._artifacts)
            self._artifacts.append(artifact)
        return self._artifact_numbers[key]

    def _artifact(self, linted: Linted, file: str) -> JsonObject:
        if linted.is_archive and file:  # section 3.24.3: a nested artifact is named inside its own
            parent = self._artifact_number(linted, "")
            return {"location": {"uri": urllib.parse.quote(file)}, "parentIndex": parent}
        return {"location": {"uri": self._uri(linted.path / file)}}

    def _uri(self, path: Path) -> str:
        whole = path.resolve()
        if not whole.is_relative_to(self._folder):
            return whole.as_uri()
        return urllib.parse.quote(whole.relative_to(self._folder).as_posix())


def _descriptor(rule: Rule) -> JsonObject:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.remedy},
    }
