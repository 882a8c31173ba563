"""Looks at a package as its author wants it looked at, with the app types installed here.

Found while it is written or built, a mistake costs a second; found when it is indexed, a version.
Everything that is wrong is said at once, each with its place; nothing a package holds makes this
fail.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import read_with, recognise
from pitrix_core.cli.authoring.case_files import case_findings
from pitrix_core.cli.plugin_commands import quiet_plugins
from pitrix_core.contracts import AppType
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import (
    PackageInvalidError,
    PitrixError,
    UnknownPackageError,
)
from pitrix_core.findings import Finding, Level, Rule, errors_in
from pitrix_core.model import AppInfo
from pitrix_core.package import (
    Package,
    archive_bytes,
    describe,
    read_archive,
    read_folder,
    supplemented,
)
from pitrix_core.package.advice import file_advice
from pitrix_core.package.locating import located_in_json
from pitrix_core.package.metadata import PACKAGE_FILE
from pitrix_core.package.rules import rules_by_code
from pitrix_core.plugins import Hooks, PluginRegistry

#: What stands for a package's own words about itself while it has none.
_ANY_NAME: Final = b'{"name": "unnamed", "version": "0.0.0"}'
_ORDER: Final = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}


@attrs.frozen(kw_only=True)
class Checked:
    """What there is to say about a package."""

    #: What it says about itself; None where that cannot be read.
    info: AppInfo | None
    #: Name of the app type that looked at it; empty where it is nobody's.
    app_type: str
    #: By file, line and column; within a place the gravest first.
    findings: tuple[Finding, ...]


class Checker:
    """Looks at packages; loads the plugins once."""

    def __init__(self, registry: PluginRegistry | None = None) -> None:
        """Load the plugins.

        :param registry: of others than those installed.
        """
        registry = registry or PluginRegistry()
        with quiet_plugins():
            self._app_types, self._hooks = registry.app_types(), registry.hooks()

    def rules(self) -> Mapping[str, Rule]:
        """Return what codes mean, in alphabetical order; hooks of plugins may use others."""
        own = (rule for app_type in self._app_types.values() for rule in app_type.rules())
        return dict(sorted(rules_by_code(own).items()))

    def check_at(
        self, path: Path, *, name: str | None = None, version: str | None = None
    ) -> Checked:
        """Look at a folder or an archive, however wrong it is.

        A package that does not say what it is called is fine otherwise, which is for who builds it
        to supply: AppCenter's have no place for it.

        :param name: of the package, instead of what it says itself.
        :param version: likewise.
        """
        try:
            package = read_folder(path) if path.is_dir() else read_archive(archive_bytes(path))
        except PitrixError as ex:
            return Checked(info=None, app_type="", findings=tuple(findings_of(ex)))
        try:
            files = supplemented(package.files, name=name, version=version)
        except PitrixError as ex:
            return self.check(package, findings_of(ex))
        checked = self.check(attrs.evolve(package, files=files))
        findings = tuple(_wanting_a_name(finding) for finding in checked.findings)
        return attrs.evolve(checked, findings=findings)

    def check(self, reader: PackageReader, known: Iterable[Finding] = ()) -> Checked:
        """Look at a package, however wrong it is.

        :param known: findings there are already.
        """
        app_type: AppType[Any] | None = None
        info, about_itself = _described(reader)
        findings = [*known, *about_itself]
        try:
            app_type = recognise(reader.index, self._app_types)
            if info is None:
                findings += _judgement(_named(reader), app_type)
            else:
                findings += _judgement(reader, app_type, self._hooks)
        except PitrixError as ex:
            findings += findings_of(ex)
        findings += [*file_advice(reader), *case_findings(reader)]
        return Checked(
            info=info,
            app_type=app_type.name if app_type else "",
            findings=_ordered(_located(reader, app_type, findings)),
        )


def remarks_on(content: bytes) -> tuple[Finding, ...]:
    """Return what its author should know of an archive that can be offered.

    A package that no app type recognises is not checked: its own may be installed elsewhere.

    :raises PackageError: it cannot be read or offered; the findings say why.
    """
    findings = tuple(
        _unchecked(finding) if finding.code == UnknownPackageError.code else finding
        for finding in Checker().check(read_archive(content)).findings
        if finding.level is not Level.INFO
    )
    if errors_in(findings):
        raise PackageInvalidError("The package cannot be offered.", findings=findings)
    return findings


def findings_of(error: PitrixError) -> list[Finding]:
    """Return what an error found; an error without findings is one itself."""
    found: Sequence[Finding] = getattr(error, "findings", ())
    own = Finding(
        level=Level.ERROR, code=error.code, message=error.message, next_step=error.next_step
    )
    return list(found) or [own]


def _judgement(
    reader: PackageReader, app_type: AppType[Any], hooks: Hooks | None = None
) -> list[Finding]:
    spec = read_with(app_type, reader).spec
    with asking(app_type, to="look at the package"):
        findings = [*app_type.validate(spec), *app_type.advice(reader, spec)]
    if hooks is not None:
        findings += hooks.check_package(reader, spec, app_type=app_type.name)
    return findings


def _named(reader: PackageReader) -> PackageReader:
    """Return a package that says what it is called, so that the rest of it can be judged."""
    files = {path: reader.read_bytes(path) for path in reader.index.files}
    return Package(digest=reader.digest, files={**files, PACKAGE_FILE: _ANY_NAME})


def _described(reader: PackageReader) -> tuple[AppInfo | None, list[Finding]]:
    """Look at what a package says about itself, also where its app type gives up before."""
    try:
        return describe(reader), []
    except PitrixError as ex:
        return None, findings_of(ex)


def _located(
    reader: PackageReader, app_type: AppType[Any] | None, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    found = tuple(dict.fromkeys(findings))
    if app_type is not None:
        try:
            with asking(app_type, to="find the places of findings"):
                found = app_type.located(reader, found)
        except PitrixError as ex:
            found = (*found, *findings_of(ex))
    return located_in_json(reader, found)


def _wanting_a_name(finding: Finding) -> Finding:
    is_unnamed = finding.code == "package.unnamed"
    return attrs.evolve(finding, level=Level.WARNING) if is_unnamed else finding


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    def place(finding: Finding) -> tuple[str, int, int, int]:
        at = (finding.file or "", finding.line or 0, finding.column or 0)
        return (*at, _ORDER[finding.level])

    return tuple(sorted(findings, key=place))


def _unchecked(finding: Finding) -> Finding:
    message = f"It was not checked: {finding.message}"
    return attrs.evolve(finding, level=Level.WARNING, message=message)
