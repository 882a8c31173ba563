"""Turns a filled ``cluster.json`` into records, or says everything that is wrong with it."""

import functools

import attrs

from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import JsonValue
from pitrix_vm.cluster.building import built_cluster, built_roles
from pitrix_vm.cluster.consistency import inconsistencies
from pitrix_vm.cluster.endpoints import resolved_endpoints
from pitrix_vm.cluster.records import ClusterDocument
from pitrix_vm.cluster.schema import CLUSTER_SCHEMA
from pitrix_vm.cluster.walker import Prepared, prepared, walk


@attrs.frozen(kw_only=True)
class Reading:
    """What became of a document."""

    #: None where a finding of level error says why.
    cluster: ClusterDocument | None
    findings: tuple[Finding, ...]


def read_cluster(document: JsonValue, *, file: str) -> Reading:
    """Read a filled document.

    :param file: the template it is from, for the findings.
    """
    walked = walk(document, _root(), file=file)
    findings = walked.findings
    if errors_in(findings):
        return Reading(cluster=None, findings=findings)
    findings += inconsistencies(walked.document, file=file)
    if errors_in(findings):
        return Reading(cluster=None, findings=findings)
    roles = built_roles(walked.document)
    endpoints, unresolved = resolved_endpoints(
        walked.document.get("endpoints", {}),
        roles=roles,
        env=walked.document.get("env", {}),
        file=file,
    )
    cluster = built_cluster(walked.document, roles, endpoints)
    return Reading(cluster=cluster, findings=(*findings, *unresolved))


@functools.cache
def _root() -> Prepared:
    return prepared(CLUSTER_SCHEMA)
