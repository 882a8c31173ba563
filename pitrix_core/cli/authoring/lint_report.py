"""What ``pitrix package lint`` says of packages: as compilers do for people, JSON for programs."""

import collections
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import click

from pitrix_core.cli.authoring.checking import Checked
from pitrix_core.cli.terminal import in_one_line, indented
from pitrix_core.convert import to_json
from pitrix_core.findings import Finding, Level, Rule
from pitrix_core.model import JsonObject

_COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.INFO: "cyan"}
_INDENT = "    "


@attrs.frozen(kw_only=True)
class Linted:
    """A package that was looked at, and where it is."""

    #: As it was typed: a folder or an archive.
    path: Path
    is_archive: bool
    checked: Checked

    def file_of(self, finding: Finding) -> str:
        """Return the file a finding is about as a person would look for it."""
        if finding.file is None:
            return str(self.path)
        return f"{self.path}!/{finding.file}" if self.is_archive else str(self.path / finding.file)


def counts_of(packages: Sequence[Linted]) -> dict[str, int]:
    """Return how many findings there are of each level."""
    found = collections.Counter(f.level for linted in packages for f in linted.checked.findings)
    return {level.value: found[level] for level in Level}


def report_lines(packages: Sequence[Linted]) -> Iterator[str]:
    """Yield what a person reads: ``FILE:LINE:COLUMN: LEVEL RULE: MESSAGE``, and below it what to
    do; at the end a summary.
    """
    for linted in packages:
        for finding in linted.checked.findings:
            yield _place(linted, finding) + _remark(finding)
            if finding.next_step:
                yield _INDENT + indented(finding.next_step, len(_INDENT))
    yield _summary(packages)


def report_json(packages: Sequence[Linted]) -> JsonObject:
    """Return what a program reads."""
    return {
        "packages": [_about(linted) for linted in packages],
        "findings": [
            {"package": str(linted.path), **found}
            for linted in packages
            for found in to_json(list(linted.checked.findings))
        ],
        "counts": counts_of(packages),
    }


def rule_lines(rule: Rule) -> Iterator[str]:
    """Yield what a person reads of a rule."""
    yield click.style(rule.code, bold=True)
    yield from click.wrap_text(
        f"{rule.summary}\n\n{rule.remedy}",
        width=100,
        initial_indent="  ",
        subsequent_indent="  ",
        preserve_paragraphs=True,
    ).splitlines()


def _about(linted: Linted) -> JsonObject:
    info = linted.checked.info
    files = {finding.file for finding in linted.checked.findings if finding.file}
    return {
        "path": str(linted.path),
        "name": info.name if info else None,
        "version": info.version if info else None,
        "app_type": linted.checked.app_type or None,
        "files": sorted(files),
    }


def _place(linted: Linted, finding: Finding) -> str:
    parts = [linted.file_of(finding)]
    parts += [str(part) for part in (finding.line, finding.column) if part is not None]
    return ":".join(parts) + ": "


def _remark(finding: Finding) -> str:
    level = click.style(finding.level, fg=_COLOURS[finding.level])
    at = f" (at {in_one_line(finding.pointer)})" if finding.pointer and finding.line is None else ""
    return f"{level} {finding.code}: {indented(finding.message, len(_INDENT))}{at}"


def _summary(packages: Sequence[Linted]) -> str:
    counts = counts_of(packages)
    where = _number(len(packages), "package")
    if not any(counts.values()):
        return f"Nothing found in {where}."
    error, warning, remark = (
        _number(counts[level], word)
        for level, word in (("error", "error"), ("warning", "warning"), ("info", "remark"))
    )
    return (
        f"{error}, {warning} and {remark} in {where}. "
        "What a rule means: pitrix package lint --explain RULE"
    )


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
