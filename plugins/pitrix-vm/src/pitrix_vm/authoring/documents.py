"""Shows an author what a package's template gives: the document, and what is wrong with it."""

from typing import Final

from pitrix_core.contracts.authoring import Documents
from pitrix_core.findings import Finding
from pitrix_core.model import JsonObject
from pitrix_core.package import placed
from pitrix_vm.cluster import read_cluster
from pitrix_vm.planning.nodes import emptiness
from pitrix_vm.spec import VmSpec, fill_configured
from pitrix_vm.template import Filled

#: What the document is called, whatever the template's dialect.
DOCUMENT: Final = "cluster.json"


def cluster_documents(spec: VmSpec, config: JsonObject) -> Documents:
    """Return the document that a configuration gives.

    :raises TemplateRenderError: it gives no JSON.
    """
    file = spec.template.file
    filled = fill_configured(spec, config)
    reading = read_cluster(filled.document, file=file)
    findings = [*filled.findings, *reading.findings]
    if reading.cluster is not None:
        findings += emptiness(reading.cluster, file=file)
    return Documents(
        files={DOCUMENT: filled.document},
        findings=tuple(_located(finding, filled) for finding in findings),
    )


def _located(finding: Finding, filled: Filled) -> Finding:
    return placed(finding, None if finding.line else filled.place_of(finding.pointer))
