"""The application type itself: the contract's methods, each handed to the module that does it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pitrix_core import AppType, Finding, Level
from pitrix_core.contracts.apptype import MetadataRequest
from pitrix_core.contracts.authoring import Documents
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError, PlanRefusedError
from pitrix_core.findings import Rule
from pitrix_core.model import (
    Action,
    DisplayTab,
    ImageQuery,
    JsonObject,
    Link,
    MeasuredItem,
    Metadata,
    PackageIndex,
    PlanDraft,
    PlanRequest,
)
from pitrix_vm.authoring import (
    RULES,
    SKELETON_DIALECTS,
    advice,
    cluster_documents,
    every_finding,
    located,
    outline,
    skeleton_files,
    upgrade_findings,
)
from pitrix_vm.form import form_schema
from pitrix_vm.links import cluster_links, link_findings
from pitrix_vm.metadata import cluster_metadata
from pitrix_vm.planning.creation import creation_tasks
from pitrix_vm.planning.deletion import deletion_draft
from pitrix_vm.planning.effects import ineffective_members
from pitrix_vm.planning.nodes import planned_nodes, refusals, with_images_at
from pitrix_vm.spec import (
    VmSpec,
    configured_cluster,
    read_configured,
    read_spec,
    spec_of,
    template_file,
)
from pitrix_vm.supervision import display_tabs, measured_items

_MACHINES: Final = frozenset({"network.ensure", "compute.create", "compute.delete", "metadata.put"})
_VOLUMES: Final = frozenset({"volume.create", "volume.delete"})
_AGENTS: Final = frozenset({"agent.wait", "service.run"})


class VmAppType(AppType[VmSpec]):
    """Clusters of machines described by ``cluster.json``."""

    name = "vm"
    dialects = SKELETON_DIALECTS

    def __init__(self, *, template_names: Mapping[str, Any] | None = None) -> None:
        """Keep what plugins add to templates with logic."""
        self._template_names = template_names or {}

    def with_template_names(self, names: Mapping[str, Any]) -> "VmAppType":
        """Return this type with names for ``cluster.json.j2``."""
        return VmAppType(template_names=names)

    def claims(self, index: PackageIndex) -> bool:
        """Say whether there are a form and a template that can be filled in."""
        return template_file(index) is not None

    def parse(self, reader: PackageReader) -> VmSpec:
        """Read a package.

        :raises PackageInvalidError: with findings, each naming its file and place.
        """
        try:
            return read_spec(reader, names=self._template_names)
        except PackageInvalidError as ex:
            ex.findings = every_finding(reader, ex.findings, names=self._template_names)
            raise

    def validate(self, spec: VmSpec) -> list[Finding]:
        """Say what the author of a package that could be read should know."""
        file = spec.template.file
        remarks = ineffective_members(spec.sample, file=file)
        return [
            *spec.findings,
            *link_findings(spec.sample, spec.form, file=file),
            # what is only good to know is for those who deploy it
            *(remark for remark in remarks if remark.level is not Level.INFO),
        ]

    def config_schema(self, spec: VmSpec, *, language: str = "en") -> JsonObject:
        """Return the JSON Schema of a configuration."""
        return form_schema(spec.form, translate=spec.locales.into(language))

    def requires(self, spec: VmSpec) -> frozenset[str]:
        """Return the task kinds any deployment needs."""
        roles = spec.sample.roles
        volumes = _VOLUMES if any(role.volume for role in roles) else frozenset()
        agents = _AGENTS if any(role.has_agent for role in roles) else frozenset()
        return _MACHINES | volumes | agents

    def images(self, spec: VmSpec, config: JsonObject) -> frozenset[ImageQuery]:
        """Return the images of the roles that have machines.

        :raises TemplateRenderError: the template gives no cluster with this configuration.
        """
        roles = configured_cluster(spec, config).roles
        return frozenset(role.image for role in roles if role.count)

    def links(self, spec: VmSpec, config: JsonObject) -> dict[str, Link]:
        """Return the other clusters that a configuration names.

        :raises TemplateRenderError: the template gives no cluster with this configuration.
        """
        return cluster_links(configured_cluster(spec, config), spec.form, config)

    def measured_items(
        self, spec: VmSpec, config: JsonObject
    ) -> dict[str, tuple[MeasuredItem, ...]]:
        """Return what the monitors of the roles measure.

        :raises TemplateRenderError: the template gives no cluster with this configuration.
        """
        return measured_items(configured_cluster(spec, config))

    def display_tabs(self, spec: VmSpec, config: JsonObject) -> tuple[DisplayTab, ...]:
        """Return the package's tabs.

        :raises TemplateRenderError: the template gives no cluster with this configuration.
        """
        return display_tabs(configured_cluster(spec, config))

    def plan(self, request: PlanRequest) -> PlanDraft:
        """Turn an action into tasks.

        :raises PlanRefusedError: with findings.
        :raises TemplateRenderError: the template gives no JSON with this configuration.
        """
        if request.action is Action.DELETE:
            return deletion_draft(request)
        spec = spec_of(request)
        reading = read_configured(spec, request.config)
        cluster = reading.cluster
        # what is good to know of a package is for its author
        findings = [found for found in reading.findings if found.level is not Level.INFO]
        if cluster is not None:
            findings += refusals(cluster, request.runtime, file=spec.template.file)
            findings += ineffective_members(cluster, file=spec.template.file)
        if cluster is None or any(finding.level is Level.ERROR for finding in findings):
            raise PlanRefusedError(
                "this configuration gives no cluster that can be made", findings=findings
            )
        cluster = with_images_at(cluster, request.runtime)
        nodes = planned_nodes(cluster, cluster_id=request.cluster_id)
        return PlanDraft(
            tasks=creation_tasks(request, spec, cluster, nodes),
            nodes=nodes,
            endpoints=cluster.endpoints,
            findings=tuple(findings),
        )

    # -- for authors of packages -------------------------------------------------------------------

    def rules(self) -> tuple[Rule, ...]:
        """Return what this type's codes mean."""
        return RULES

    def advice(self, reader: PackageReader, spec: VmSpec) -> list[Finding]:
        """Say what the author may want to change."""
        return advice(reader, spec)

    def located(self, reader: PackageReader, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Add the places in the template."""
        return located(reader, findings, names=self._template_names)

    def documents(self, spec: VmSpec, config: JsonObject) -> Documents:
        """Return ``cluster.json`` as a configuration gives it.

        :raises TemplateRenderError: the template gives no JSON with this configuration.
        """
        return cluster_documents(spec, config)

    def outline(self, spec: VmSpec) -> JsonObject:
        """Say which roles and services there are, with the package's defaults."""
        return outline(spec, requires=self.requires(spec))

    def upgrade_findings(self, before: VmSpec, after: VmSpec) -> list[Finding]:
        """Compare the roles of two versions, and the mount points of their volumes."""
        return list(upgrade_findings(before, after))

    def skeleton(self, name: str, *, dialect: str = "") -> Mapping[str, bytes]:
        """Return the files of a new package.

        :raises InvalidInputError: there is no such dialect.
        """
        return skeleton_files(name, dialect=dialect)

    # -- while a cluster runs ----------------------------------------------------------------------

    def metadata(self, spec: VmSpec, request: MetadataRequest) -> Metadata:
        """Make the tree that the machines read.

        :raises TemplateRenderError: the template gives no cluster with this configuration.
        """
        return cluster_metadata(spec, request)
