"""Reads a template in whatever dialect, and fills values into it: from text to a JSON document."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from pitrix_core.errors import PackageInvalidError, TemplateRenderError
from pitrix_core.findings import Finding, Level
from pitrix_core.package import parse_tolerant, place_at
from pitrix_vm.template.markers import made_marker
from pitrix_vm.template.records import Filled, Origins, Template, TemplateFaultError, Values
from pitrix_vm.template.tags import TagTemplate

#: Template files, the first one that is there counts.
TEMPLATE_FILES: Final = ("cluster.json.j2", "cluster.json.tmpl", "cluster.json.mustache")
#: Longest template, in characters: more than twenty times the largest real one that was seen.
_TEXT_LIMIT: Final = 500_000


def read_template(text: str, *, file: str, names: Mapping[str, Any] | None = None) -> Template:
    """Read the text of a template.

    The tags of a text tell which dialect it is written in; only the one with logic is told from
    the file's name, for its expressions look like tags.

    :param names: what plugins add to templates with logic: name → value or function.
    :raises TemplateRenderError: it is not written in its dialect; with one finding.
    """
    if len(text) > _TEXT_LIMIT:
        reason = f"it has more than {_TEXT_LIMIT} characters"
        raise _error(file, text, TemplateFaultError(reason, code="template.limit"))
    if not file.endswith(".j2"):
        return TagTemplate(file=file, text=text)
    from pitrix_vm.template.jinja import JinjaTemplate  # noqa: PLC0415  # slow, seldom needed

    try:
        return JinjaTemplate.read(text, file=file, names=names or {})
    except TemplateFaultError as ex:
        raise _error(file, text, ex) from ex


def fill(template: Template, values: Values) -> Filled:
    """Return what a template gives with these values.

    :param values: a parameter that is not among them is null to a tag, and an error where there is
        logic.
    :raises TemplateRenderError: it gives no JSON, is beyond a limit, or names a secret that is not
        among the values; with one finding that has line and column of the template.
    """
    try:
        pieces = template.pieces(values)
    except TemplateFaultError as ex:
        raise _error(template.file, template.text, ex) from ex
    origins = Origins.of(template.text, pieces)
    text = "".join([piece.text for piece in pieces])
    try:
        read = parse_tolerant(text, file=template.file, place=origins.place)
    except PackageInvalidError as ex:
        findings = [attrs.evolve(finding, code="template.json") for finding in ex.findings]
        raise TemplateRenderError(ex.message, findings=findings) from ex
    done = Filled(document=read.value, findings=read.findings, text=text, origins=origins)
    _refuse_made_markers(template, done, text, values)
    return done


def _refuse_made_markers(template: Template, done: Filled, text: str, values: Values) -> None:
    marker = made_marker(text, done.document, values)
    if marker is None:
        return
    place = done.place_of(marker.pointer)
    finding = Finding(
        level=Level.ERROR,
        code="template.marker",
        message=f"an object with {marker.name!r} alone in it stands for something that no package"
        " may name",
        pointer=marker.pointer,
        file=template.file,
        line=place.line if place else None,
        column=place.column if place else None,
        next_step="Make it a parameter of the type password, and write that one here.",
    )
    at = f"{place}: " if place else ""
    raise TemplateRenderError(f"{template.file}: {at}{finding.message}", findings=[finding])


def _error(file: str, text: str, fault: TemplateFaultError) -> TemplateRenderError:
    place = None if fault.offset is None else place_at(text, fault.offset)
    finding = Finding(
        level=Level.ERROR,
        code=fault.code,
        message=fault.reason,
        file=file,
        line=place.line if place else None,
        column=place.column if place else None,
        next_step=fault.next_step,
    )
    at = f"{place}: " if place else ""
    return TemplateRenderError(f"{file}: {at}{fault.reason}", findings=[finding])
