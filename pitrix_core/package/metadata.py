"""What a package says about itself: ``package.json``, or ``Chart.yaml`` of a Helm chart."""

import re
from collections.abc import Iterable
from typing import Final

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import AppInfo, JsonObject, JsonValue
from pitrix_core.package.semver import Version
from pitrix_core.package.yaml import parse_yaml

PACKAGE_FILE: Final = "package.json"
CHART_FILE: Final = "Chart.yaml"
#: Names also stand in file names and URLs. Packages of before pitrix hold capitals and dots.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_BUILD: Final = "Build it with: pitrix package build FOLDER --name NAME --version VERSION"


def describe(reader: PackageReader) -> AppInfo:
    """Return what a package says about itself.

    :raises PackageInvalidError: it has neither file, or the file contradicts its format; with every
        finding.
    """
    if reader.index.has(PACKAGE_FILE):
        return app_info(reader.read_json(PACKAGE_FILE), file=PACKAGE_FILE)
    if reader.index.has(CHART_FILE):
        return app_info(parse_yaml(reader.read_text(CHART_FILE), file=CHART_FILE), file=CHART_FILE)
    message = "there is no such file, so the package's name and version are unknown"
    raise _invalid([_finding("package.unnamed", message, next_step=_BUILD)])


def app_info(document: JsonValue, *, file: str) -> AppInfo:
    """Read a metadata document.

    :param file: for the findings.
    :raises PackageInvalidError: with every finding.
    """
    if not isinstance(document, dict):
        raise _invalid([_finding("package.metadata", "this should be an object", file=file)])
    if findings := list(_findings(document, file)):
        raise _invalid(findings)
    return AppInfo(
        name=document["name"],
        version=str(document["version"]),
        app_version=text_of(document, "app_version", "appVersion"),
        description=text_of(document, "description"),
        home=text_of(document, "home"),
        icon=text_of(document, "icon"),
        keywords=texts_of(document, "keywords"),
        maintainers=objects_of(document, "maintainers"),
        sources=texts_of(document, "sources"),
        screenshots=texts_of(document, "screenshots"),
        title=text_of(document, "title"),
        categories=categories_of(document),
    )


def categories_of(document: JsonObject) -> tuple[str, ...]:
    """Return the categories that a package or an index's entry names.

    Charts name one in an annotation.
    Source: https://artifacthub.io/docs/topics/annotations/helm/ (``artifacthub.io/category``) and
    Bitnami's charts (``category``), read 2026-11.
    """
    annotations = document.get("annotations")
    noted = annotations if isinstance(annotations, dict) else {}
    category = text_of(noted, "artifacthub.io/category", "category")
    return texts_of(document, "categories") or ((category,) if category else ())


def is_name(text: object) -> bool:
    """Say whether a package may be called so."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def text_of(document: JsonObject, *names: str) -> str:
    """Return the first of several members that is a text; numbers are written out."""
    for name in names:
        value = document.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def texts_of(document: JsonObject, name: str) -> tuple[str, ...]:
    """Return the texts of a list; a text alone counts as a list of one."""
    value = document.get(name)
    if isinstance(value, str):
        return (value,) if value else ()
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def objects_of(document: JsonObject, name: str) -> tuple[JsonObject, ...]:
    """Return the objects of a list."""
    value = document.get(name)
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, dict))


def _findings(document: JsonObject, file: str) -> Iterable[Finding]:
    if not is_name(document.get("name")):
        message = (
            "name: 1 to 63 letters, digits, '-', '_' and '.', beginning with a letter or digit"
        )
        yield _finding("package.name", message, file=file, pointer="/name")
    try:
        Version.parse(str(document.get("version", "")))
    except ValueError as ex:
        yield _finding("package.version", f"version: {ex}", file=file, pointer="/version")


def _finding(
    code: str,
    message: str,
    *,
    file: str = PACKAGE_FILE,
    pointer: str = "",
    next_step: str | None = None,
) -> Finding:
    return Finding(
        level=Level.ERROR,
        code=code,
        message=message,
        file=file,
        pointer=pointer,
        next_step=next_step,
    )


def _invalid(findings: list[Finding]) -> PackageInvalidError:
    error = PackageInvalidError(
        "; ".join(f"{finding.file}: {finding.message}" for finding in findings), findings=findings
    )
    error.next_step = findings[0].next_step
    return error
