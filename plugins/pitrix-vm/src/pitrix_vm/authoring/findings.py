"""Reads the files of a package one by one, for authors: also of a package that cannot be read.

Reading a package stops at the first file that is wrong, as nothing can be done with it then. Its
author wants to know of the other files, too, and where in the template everything stands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError, TemplateRenderError
from pitrix_core.findings import Finding
from pitrix_core.package import describe, placed
from pitrix_vm.cluster import read_cluster
from pitrix_vm.form import CONFIG_FILE, Form, parse_form, read_locales
from pitrix_vm.spec import (
    fill_sample,
    ignored_templates,
    template_file,
    unknown_parameters,
)
from pitrix_vm.template import JINJA, TEMPLATE_FILES, Filled, Template, Values, fill, read_template

T = TypeVar("T")

#: Codes of findings that are right whatever the values are: those about names.
_WITHOUT_VALUES: Final = frozenset({"cluster.unknown", "cluster.misspelt"})
#: Codes of findings that a template without values gives, and one with values may not.
_FOR_VALUES: Final = frozenset({"template.calculation"})


def every_finding(
    reader: PackageReader, known: Sequence[Finding], *, names: Mapping[str, Any] | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with each file of a package, as far as it can be told of one alone.

    :param known: why the package cannot be read; comes first, as it is.
    :param names: what plugins add to templates with logic.
    """
    parts = _Parts(reader, names or {})
    form = parts.form()
    filled = parts.filled_blank() if form is None else parts.filled(form)
    if filled is not None:
        read = read_cluster(filled.document, file=parts.file)
        parts.findings += filled.findings
        parts.findings += (
            found for found in read.findings if form is not None or found.code in _WITHOUT_VALUES
        )
    found = (*parts.about_itself(), *parts.findings, *read_locales(reader).findings)
    said = {_subject(finding) for finding in known}
    return (*known, *(finding for finding in found if _subject(finding) not in said))


def located(
    reader: PackageReader,
    findings: Sequence[Finding],
    *,
    names: Mapping[str, Any] | None = None,
) -> tuple[Finding, ...]:
    """Add line and column to findings about the template.

    :param names: what plugins add to templates with logic.
    :returns: the findings, in the same order.
    """
    parts = _Parts(reader, names or {})
    if not any(_is_placeless(finding, parts.file) for finding in findings):
        return tuple(findings)
    form = parts.form()
    filled = parts.filled_blank() if form is None else parts.filled(form)
    if filled is None:
        return tuple(findings)
    return tuple(
        placed(finding, filled.place_of(finding.pointer))
        if _is_placeless(finding, parts.file)
        else finding
        for finding in findings
    )


class _Parts:
    """Reads a package's files, and keeps what is wrong with them."""

    def __init__(self, reader: PackageReader, names: Mapping[str, Any]) -> None:
        self._reader = reader
        self._names = names
        #: Name of the template.
        self.file = template_file(reader.index) or TEMPLATE_FILES[0]
        self.findings: list[Finding] = []

    def about_itself(self) -> list[Finding]:
        try:
            describe(self._reader)
        except PackageInvalidError as ex:
            return list(ex.findings)
        return []

    def form(self) -> Form | None:
        form = self._tried(lambda: parse_form(self._reader.read_text(CONFIG_FILE)))
        if form is not None:
            self.findings += form.findings
        return form

    def filled(self, form: Form) -> Filled | None:
        template = self._tried(self._template)
        if template is None:
            return None
        self.findings += ignored_templates(self._reader.index, self.file)
        self.findings += template.remarks()
        self.findings += unknown_parameters(template, form)
        return self._tried(lambda: fill_sample(template, form))

    def filled_blank(self) -> Filled | None:
        """Return what the template gives without values; nothing for one with logic, which would
        fail for each parameter.
        """
        template = self._tried(self._template)
        if template is None or template.dialect == JINJA:
            return None
        filled = self._tried(lambda: fill(template, Values()))
        self.findings = [found for found in self.findings if found.code not in _FOR_VALUES]
        return filled

    def _template(self) -> Template:
        return read_template(self._reader.read_text(self.file), file=self.file, names=self._names)

    def _tried(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except (PackageInvalidError, TemplateRenderError) as ex:
            self.findings += ex.findings
            return None


def _subject(finding: Finding) -> tuple[object, ...]:
    """Return what a finding is about; its words may differ, as reading knows more of the causes."""
    return (finding.code, finding.file, finding.pointer, finding.line, finding.column)


def _is_placeless(finding: Finding, file: str) -> bool:
    return finding.file == file and finding.line is None and bool(finding.pointer)
