"""Reads a package of this type into one record, and fills its template in."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError, TemplateRenderError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import JsonObject, JsonValue, PackageIndex, PackageSpec, PlanRequest
from pitrix_core.package import describe
from pitrix_core.validation import resolve_pointer, summary
from pitrix_vm.cluster import ClusterDocument, Reading, read_cluster
from pitrix_vm.form import (
    CONFIG_FILE,
    Form,
    Group,
    Locales,
    flat_values,
    parse_form,
    read_locales,
    sample_values,
)
from pitrix_vm.template import (
    APPCENTER,
    JINJA,
    OPENPITRIX,
    TEMPLATE_FILES,
    Filled,
    Secret,
    Template,
    Values,
    fill,
    read_template,
)

#: What agents take resource keys to be relative to. Images of OpenPitrix packages, and of those
#: with access to the whole tree, write ``/self/…`` themselves.
_ROOT_PREFIX: Final = "/"
_OWN_PREFIX: Final = "/self"


@attrs.frozen(kw_only=True)
class VmSpec(PackageSpec):
    """A package as it was read."""

    form: Form = attrs.field(repr=False)
    locales: Locales = attrs.field(factory=Locales, repr=False)
    template: Template = attrs.field(repr=False)
    #: What the template gives with the defaults, and plausible values where there are none.
    sample: ClusterDocument = attrs.field(repr=False)
    #: What its author should know. Of level error is only what keeps the package from being
    #: deployed, and not from being looked at.
    findings: tuple[Finding, ...] = ()


def spec_of(request: PlanRequest) -> VmSpec:
    """Return the package that a plan is asked for.

    :raises TypeError: it was read by another app type, which the core never lets happen.
    """
    if not isinstance(request.spec, VmSpec):
        raise TypeError(f"a {VmSpec.__name__} is needed, not a {type(request.spec).__name__}")
    return request.spec


def template_file(index: PackageIndex) -> str | None:
    """Return the template of a package of this type; None for a package of another type."""
    if not index.has(CONFIG_FILE):
        return None
    return next((name for name in TEMPLATE_FILES if index.has(name)), None)


def read_spec(reader: PackageReader, *, names: Mapping[str, Any] | None = None) -> VmSpec:
    """Read a package.

    :param names: what plugins add to templates with logic: name → value or function.
    :raises PackageInvalidError: it cannot be read; with a finding for everything that is wrong with
        the first file that is.
    """
    file = template_file(reader.index) or TEMPLATE_FILES[0]
    text = reader.read_text(file)
    form = parse_form(reader.read_text(CONFIG_FILE))
    locales = read_locales(reader)
    try:
        template = read_template(text, file=file, names=names)
        filled = fill_sample(template, form)
    except TemplateRenderError as ex:
        raise PackageInvalidError(ex.message, findings=ex.findings) from ex
    reading = read_cluster(filled.document, file=file)
    if reading.cluster is None:
        reading = _explained(reading, filled.document, template, form)
    if reading.cluster is None:
        raise _invalid(file, (*filled.findings, *reading.findings))
    return VmSpec(
        info=describe(reader),
        dialect=template.dialect,
        form=form,
        locales=locales,
        template=template,
        sample=reading.cluster,
        findings=(
            *form.findings,
            *locales.findings,
            *ignored_templates(reader.index, file),
            *template.remarks(),
            *unknown_parameters(template, form),
            *filled.findings,
            *reading.findings,
        ),
    )


def unknown_parameters(template: Template, form: Form) -> Iterator[Finding]:
    """Say which parameters a template names that its form does not have."""
    known = [leaf.path for leaf in form.root.leaves()]
    what = "needing it is an error" if template.dialect == JINJA else "it is null"
    for path, offset in sorted(template.strangers(known).items()):
        yield template.remark(
            "template.parameter",
            f"{path!r}: {CONFIG_FILE} has no such parameter; {what}",
            offset=offset,
            next_step=f"Add the parameter to {CONFIG_FILE}, or correct the path.",
        )


def ignored_templates(index: PackageIndex, file: str) -> Iterator[Finding]:
    """Say which templates are there beside the one that is read."""
    for other in TEMPLATE_FILES:
        if other != file and index.has(other):
            yield Finding(
                level=Level.WARNING,
                code="template.ignored",
                message=f"{file} is read, and this template is not",
                file=other,
                next_step="Keep one template in the package.",
            )


def fill_sample(template: Template, form: Form) -> Filled:
    """Return what a template gives with the defaults, and plausible values where there are none.

    :raises TemplateRenderError: it gives no JSON.
    """
    return fill(template, _values(template, form, sample_values(form)))


def fill_configured(spec: VmSpec, config: JsonObject) -> Filled:
    """Return what a package's template gives with a user's configuration.

    :raises TemplateRenderError: it gives no JSON.
    """
    return fill(spec.template, _values(spec.template, spec.form, flat_values(spec.form, config)))


def read_configured(spec: VmSpec, config: JsonObject) -> Reading:
    """Read what a package's template gives with a user's configuration.

    :returns: commas that were put right are among its findings.
    :raises TemplateRenderError: it gives no JSON.
    """
    filled = fill_configured(spec, config)
    reading = read_cluster(filled.document, file=spec.template.file)
    return attrs.evolve(reading, findings=(*filled.findings, *reading.findings))


def configured_cluster(spec: VmSpec, config: JsonObject) -> ClusterDocument:
    """Return the cluster that a user's configuration describes.

    :raises TemplateRenderError: there is none; the message says why.
    """
    reading = read_configured(spec, config)
    if reading.cluster is None:
        raise TemplateRenderError(f"{spec.template.file}: {summary(errors_in(reading.findings))}")
    return reading.cluster


def image_dialect(spec: VmSpec) -> str:
    """Return the dialect of the images' templates, which decides the shape of their metadata.

    A package in our own dialect says nothing of its images; they are taken for AppCenter's, whose
    metadata are the ones that are documented in full.
    """
    return OPENPITRIX if spec.dialect == OPENPITRIX else APPCENTER


def agent_prefix(spec: VmSpec, cluster: ClusterDocument) -> str:
    """Return what the resource keys of the images' templates are relative to."""
    if image_dialect(spec) == APPCENTER and not cluster.has_metadata_root_access:
        return _OWN_PREFIX
    return _ROOT_PREFIX


def _values(template: Template, form: Form, flat: Mapping[str, JsonValue]) -> Values:
    if template.dialect != JINJA:
        return Values(flat=flat)
    return Values(flat=flat, tree=_tree(form.root, flat))


def _tree(group: Group, flat: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return the values below a group as nested objects.

    A password is sealed whatever its value: a template that looks at it has to fail when it is
    tried, and not once its value is a marker.
    """
    tree: dict[str, Any] = {}
    for member in group.members:
        if isinstance(member, Group):
            tree[member.key] = _tree(member, flat)
        else:
            value = flat.get(member.path)
            tree[member.key] = Secret(value) if member.type == "password" else value
    return tree


def _explained(reading: Reading, document: JsonValue, template: Template, form: Form) -> Reading:
    """Return what was found, naming the parameter where a tag names one that is not there.

    The template is filled in once more, with each such path for its own value: what stands at the
    place of a finding is the path. Where nothing else is wrong the cluster is read with a number
    for each: it cannot be deployed, but its author can look at it.
    """
    paths = template.strangers(leaf.path for leaf in form.root.leaves())
    values = _values(template, form, {**sample_values(form), **{path: path for path in paths}})
    named = fill(template, values).document if paths else None
    lacking = {
        finding.pointer: path
        for finding in reading.findings
        if finding.code == "cluster.missing"
        and isinstance(path := _at(named, finding.pointer), str)
        and path in paths
    }
    findings = tuple(_naming(finding, lacking) for finding in reading.findings)
    if {finding.pointer for finding in errors_in(findings)} != lacking.keys():
        return Reading(cluster=None, findings=findings)
    assumed = read_cluster(_assuming(document, lacking), file=template.file)
    return Reading(cluster=assumed.cluster, findings=findings)


def _naming(finding: Finding, lacking: Mapping[str, JsonValue]) -> Finding:
    if finding.pointer not in lacking:
        return finding
    path = lacking[finding.pointer]
    return attrs.evolve(
        finding,
        message=f"{finding.message}: {CONFIG_FILE} has no parameter {path!r}",
        next_step=f"Add the parameter to {CONFIG_FILE}, or correct the path.",
    )


def _assuming(document: JsonValue, pointers: Iterable[str]) -> JsonValue:
    """Return a document with a one at some of its places, all of which are members of objects."""
    assumed = copy.deepcopy(document)
    for pointer in pointers:
        parent, _, member = pointer.rpartition("/")
        resolve_pointer(assumed, parent)[member] = 1
    return assumed


def _at(document: JsonValue, pointer: str) -> JsonValue:
    try:
        return resolve_pointer(document, pointer)
    except KeyError:
        return None


def _invalid(file: str, findings: tuple[Finding, ...]) -> PackageInvalidError:
    return PackageInvalidError(f"{file}: {summary(errors_in(findings))}", findings=findings)
