"""Finds out in which line and column the places of findings are."""

from collections.abc import Iterable

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding
from pitrix_core.package.json_text import Places, places_of
from pitrix_core.package.places import placed


def located_in_json(reader: PackageReader, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Add line and column to findings about JSON files, by their pointers.

    A finding stays as it is where it has a line already, names no place inside its file, or its
    file is no JSON.

    :param reader: the package they are about.
    :returns: the findings, in the same order.
    """
    places: dict[str, Places | None] = {}
    located = []
    for finding in findings:
        file = finding.file
        if file is None or finding.line is not None or not finding.pointer:
            located.append(finding)
            continue
        if file not in places:
            places[file] = _places(reader, file)
        located.append(_located(finding, places[file]))
    return tuple(located)


def _places(reader: PackageReader, file: str) -> Places | None:
    if not file.endswith(".json") or not reader.index.has(file):
        return None
    try:
        return places_of(reader.read_text(file))
    except PackageInvalidError:  # not UTF-8
        return None


def _located(finding: Finding, places: Places | None) -> Finding:
    return placed(finding, None if places is None else places.at(finding.pointer))
