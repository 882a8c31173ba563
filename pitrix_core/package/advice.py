"""What the author of a package of any type may want to know about its files."""

import codecs
from collections.abc import Iterator
from typing import Final

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.package.json_text import duplicates_in
from pitrix_core.package.metadata import CHART_FILE, PACKAGE_FILE, describe
from pitrix_core.validation import pointer_parts

#: Ends of the names of files in which a byte order mark does harm: programs read them.
_READ_BY_PROGRAMS: Final = (".json", ".yaml", ".yml", ".tmpl", ".mustache", ".j2")
#: JSON that is looked at slowly, in all; real packages have less than a tenth of it.
_SLOW_LIMIT_BYTES: Final = 4 * 1024 * 1024
#: How files are called that say under which licence a package may be used.
_LICENCE_NAMES: Final = ("license", "licence", "copying")


def file_advice(reader: PackageReader) -> list[Finding]:
    """Say what is amiss in files, and what is not there and would help users.

    Reads every JSON file slowly: for an author who asks, not where packages are indexed.
    """
    return [*_marks(reader), *_duplicates(reader), *_absent_files(reader), *_unsaid(reader)]


def _marks(reader: PackageReader) -> Iterator[Finding]:
    for file in reader.index.files:
        if file.endswith(_READ_BY_PROGRAMS) and reader.read_bytes(file).startswith(codecs.BOM_UTF8):
            yield Finding(
                level=Level.WARNING,
                code="package.bom",
                message="the file begins with a byte order mark",
                file=file,
                line=1,
                column=1,
                next_step="Save it as UTF-8 without a byte order mark.",
            )


def _duplicates(reader: PackageReader) -> Iterator[Finding]:
    looked_at_bytes = 0
    for file, size_bytes in reader.index.files.items():
        if not file.endswith(".json") or looked_at_bytes + size_bytes > _SLOW_LIMIT_BYTES:
            continue
        looked_at_bytes += size_bytes
        try:
            pointers = duplicates_in(reader.read_text(file))
        except PackageInvalidError:  # not UTF-8, which is said where it matters
            continue
        for pointer in pointers:
            yield duplicate_finding(file, pointer)


def duplicate_finding(file: str, pointer: str) -> Finding:
    """Return the finding about a member that is there more than once."""
    name = pointer_parts(pointer)[-1]
    return Finding(
        level=Level.WARNING,
        code="json.duplicate",
        message=f"{name!r} is there more than once in this object; the last one counts",
        file=file,
        pointer=pointer,
        next_step="Keep the one that is meant.",
    )


def _absent_files(reader: PackageReader) -> Iterator[Finding]:
    top = [file.lower() for file in reader.index.files if "/" not in file]
    if not any(file.startswith("readme") for file in top):
        yield _absent("package.readme", "there is no README.md")
    if not any(file.startswith(_LICENCE_NAMES) for file in top):
        yield _absent("package.license", "there is no LICENSE")


def _unsaid(reader: PackageReader) -> Iterator[Finding]:
    file = PACKAGE_FILE if reader.index.has(PACKAGE_FILE) else CHART_FILE
    try:
        info = describe(reader)
    except PackageInvalidError:  # which is said as an error
        return
    if not info.description:
        yield _absent("package.description", "there is no description", file=file)
    if not info.icon:
        yield _absent("package.icon", "there is no icon", file=file)


def _absent(code: str, message: str, *, file: str | None = None) -> Finding:
    return Finding(level=Level.INFO, code=code, message=message, file=file)
