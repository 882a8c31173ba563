"""Reads a package of this type into one record, and fills its template in."""

from typing import Final

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError, TemplateRenderError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import JsonObject, PackageIndex, PackageSpec
from pitrix_core.package import describe
from pitrix_vm.cluster import ClusterDocument, Reading, read_cluster
from pitrix_vm.form import (
    CONFIG_FILE,
    Form,
    default_findings,
    flat_values,
    read_form,
    sample_values,
)
from pitrix_vm.template import APPCENTER, TEMPLATE_FILES, Template, fill

#: What agents take resource keys to be relative to. Images of OpenPitrix packages, and of those
#: with access to the whole tree, write ``/self/…`` themselves.
_ROOT_PREFIX: Final = "/"
_OWN_PREFIX: Final = "/self"


@attrs.frozen(kw_only=True)
class VmSpec(PackageSpec):
    """A package as it was read."""

    form: Form = attrs.field(repr=False)
    template: Template = attrs.field(repr=False)
    #: What the template gives with the defaults, and plausible values where there are none.
    sample: ClusterDocument = attrs.field(repr=False)
    #: What its author should know, none of it of level error.
    findings: tuple[Finding, ...] = ()


def template_file(index: PackageIndex) -> str | None:
    """Return the template of a package of this type; None for a package of another type."""
    if not index.has(CONFIG_FILE):
        return None
    return next((name for name in TEMPLATE_FILES if index.has(name)), None)


def read_spec(reader: PackageReader) -> VmSpec:
    """Read a package.

    :raises PackageInvalidError: it cannot be read; with a finding for everything that is wrong with
        the first file that is.
    """
    file = template_file(reader.index) or TEMPLATE_FILES[0]
    template = Template(file=file, text=reader.read_text(file))
    form = read_form(reader.read_json(CONFIG_FILE))
    reading = _tried(template, form)
    if reading.cluster is None:
        raise _invalid(file, reading.findings)
    return VmSpec(
        info=describe(reader),
        dialect=template.dialect,
        form=form,
        template=template,
        sample=reading.cluster,
        findings=(*form.findings, *default_findings(form), *reading.findings),
    )


def read_configured(spec: VmSpec, config: JsonObject) -> Reading:
    """Read what a package's template gives with a user's configuration.

    :raises TemplateRenderError: it gives no JSON.
    """
    document = fill(spec.template, flat_values(spec.form, config))
    return read_cluster(document, file=spec.template.file)


def configured_cluster(spec: VmSpec, config: JsonObject) -> ClusterDocument:
    """Return the cluster that a user's configuration describes.

    :raises TemplateRenderError: there is none; the message says why.
    """
    reading = read_configured(spec, config)
    if reading.cluster is None:
        raise TemplateRenderError(f"{spec.template.file}: {_summary(reading.findings)}")
    return reading.cluster


def agent_prefix(spec: VmSpec, cluster: ClusterDocument) -> str:
    """Return what the resource keys of the images' templates are relative to."""
    if spec.dialect == APPCENTER and not cluster.has_metadata_root_access:
        return _OWN_PREFIX
    return _ROOT_PREFIX


def _tried(template: Template, form: Form) -> Reading:
    try:
        document = fill(template, sample_values(form))
    except TemplateRenderError as ex:
        finding = Finding(
            level=Level.ERROR, code="template.json", message=ex.message, file=template.file
        )
        raise PackageInvalidError(ex.message, findings=[finding]) from ex
    return read_cluster(document, file=template.file)


def _invalid(file: str, findings: tuple[Finding, ...]) -> PackageInvalidError:
    return PackageInvalidError(f"{file}: {_summary(findings)}", findings=findings)


def _summary(findings: tuple[Finding, ...]) -> str:
    found = errors_in(findings)
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""  # noqa: PLR2004
    return "; ".join(f"{f.pointer or '/'}: {f.message}" for f in found[:3]) + more
