"""Packages and requests for tests, made from dictionaries."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pitrix_core.contracts.apptype import MetadataRequest
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterSnapshot,
    ClusterState,
    Node,
    NodeState,
    OwnedResource,
    PlanDraft,
    PlanRequest,
    Runtime,
)
from pitrix_core.package import Package, build_archive, read_archive
from pitrix_vm.apptype import VmAppType
from pitrix_vm.spec import VmSpec

VM = VmAppType()
NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
RUNTIME = Runtime(id="rt-1", name="here", provider="local", owner="admin", zone="z1")
PACKAGE_JSON = {"api_version": "v1", "name": "app", "version": "0.1.0"}


def leaf(key: str, kind: str = "integer", **attributes: Any) -> dict[str, Any]:
    """Return a leaf of config.json."""
    return {"key": key, "label": key.title(), "type": kind, **attributes}


def group(key: str, *members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an array node of config.json."""
    return {"key": key, "type": "array", "properties": list(members)}


def config_json(*members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config.json."""
    return {"type": "array", "properties": list(members)}


#: A form of two roles, and parameters of one of them.
FORM = config_json(
    group(
        "cluster",
        leaf("name", "string", default="app", required="no"),
        leaf("subnet", "string", default="", required="yes"),
        group("db", leaf("count", default=2), leaf("size", default=10, min=10, max=100, step=10)),
        group("web", leaf("count", default=1)),
    ),
    group("env", leaf("db.port", default=5432), leaf("password", "password", default="")),
)


def node(role: str, **members: Any) -> dict[str, Any]:
    """Return a node of cluster.json in the OpenPitrix dialect."""
    return {
        "role": role,
        "container": {"type": "docker", "image": f"{role}:1"},
        "count": f"{{{{.cluster.{role}.count}}}}",
        "cpu": 1,
        "memory": 512,
        **members,
    }


def cluster_json(*nodes: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a cluster.json in the OpenPitrix dialect."""
    return {"name": "{{.cluster.name}}", "subnet": "{{.cluster.subnet}}", "nodes": nodes, **members}


def package(
    template: str | Mapping[str, Any],
    *,
    form: Mapping[str, Any] | str = FORM,
    file: str = "cluster.json.tmpl",
    info: Mapping[str, Any] | None = PACKAGE_JSON,
) -> Package:
    """Return a package of a template, a form and metadata."""
    texts = {
        file: template if isinstance(template, str) else json.dumps(template, indent=1),
        "config.json": form if isinstance(form, str) else json.dumps(form),
    }
    if info is not None:
        texts["package.json"] = json.dumps(info)
    files = {name: text.encode() for name, text in texts.items()}
    return Package(digest="sha256:" + "0" * 64, files=files)


def parsed(template: str | Mapping[str, Any], **options: Any) -> VmSpec:
    """Return a package as the type reads it."""
    return VM.parse(package(template, **options))


def planned(
    spec: VmSpec,
    config: Mapping[str, Any] | None = None,
    *,
    current: ClusterSnapshot | None = None,
    is_forced: bool = False,
) -> PlanDraft:
    """Plan a cluster's creation, or its deletion where there is one already."""
    request = PlanRequest(
        action=Action.DELETE if current else Action.CREATE,
        cluster_id="cl-1",
        name="Shop 1",
        spec=spec,
        config=config or {},
        runtime=RUNTIME,
        current=current,
        offers=frozenset(),
        is_forced=is_forced,
    )
    return VM.plan(request)


def snapshot(
    draft: PlanDraft, *, state: str | None = "configured", revision: int = 1, made: bool = True
) -> ClusterSnapshot:
    """Return the cluster that a plan made.

    :param state: what every agent reported last; None for nothing.
    :param made: whether its machines and volumes are there.
    """
    cluster = Cluster(
        id="cl-1",
        name="Shop 1",
        owner="admin",
        state=ClusterState.ACTIVE,
        runtime_id="rt-1",
        app_version_id="appv-1",
        config={},
        revision=1,
        created_at=NOW,
        updated_at=NOW,
    )
    nodes = tuple(
        Node(
            id=node.id,
            cluster_id="cl-1",
            role=node.role,
            sid=node.sid,
            gid=node.gid,
            gsid=100 + number,
            state=NodeState.RUNNING,
            facts={"id": f"i-{number}", "ip": f"127.0.0.{number}"},
            planned=node.planned,
            agent={"state": state} if state else {},
        )
        for number, node in enumerate(draft.nodes, start=1)
    )
    resources = tuple(
        OwnedResource(
            cluster_id="cl-1",
            kind=task.kind,
            resource_id=f"r-{task.key}",
            node_id=task.node_id,
            request_key=task.key,
        )
        for task in draft.tasks
        if made and task.kind in ("network.ensure", "volume.create", "compute.create")
    )
    return ClusterSnapshot(
        cluster=cluster, nodes=nodes, resources=resources, metadata_revision=revision
    )


def metadata_request(
    current: ClusterSnapshot, config: Mapping[str, Any] | None = None
) -> MetadataRequest:
    """Return what metadata are made from."""
    return MetadataRequest(snapshot=current, runtime=RUNTIME, config=config or {})


def parsed_folder(folder: Path) -> VmSpec:
    """Return a package as it is read from the archive built of a folder."""
    return VM.parse(read_archive(build_archive(folder).content))
