"""Plans the deletion of a cluster, however far its creation got.

What was made is what the database says was made, not what the package would make. Commands are run
only on machines whose agent has reported a finished configuration: one that never did would never
answer, and the deletion would hang. A package's ``destroy`` may object to the deletion by failing;
users may override that, unless the package says ``allow_force: false``. ``stop`` may not object:
what never started well can mostly not be stopped well.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from pitrix_core.errors import TemplateRenderError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import (
    ClusterSnapshot,
    OwnedResource,
    PlanDraft,
    PlanRequest,
    Task,
)
from pitrix_vm.cluster import Role
from pitrix_vm.planning.nodes import node_title
from pitrix_vm.planning.stages import Phase, Target, last_stage, service_tasks
from pitrix_vm.spec import VmSpec, configured_cluster, spec_of

#: Source: AppCenter's life cycle: destroy, stop, destroy with post_stop_service.
_PHASES: Final = (
    Phase(service="destroy", applies=lambda service: not service.is_post_stop),
    Phase(service="stop", may_fail=True),
    Phase(service="destroy", applies=lambda service: service.is_post_stop),
)
_CONFIGURED: Final = "configured"  # a state of agents/protocol, section 3


def deletion_draft(request: PlanRequest) -> PlanDraft:
    """Return the tasks that stop a cluster and remove what is its own; the network stays.

    Where the package's commands cannot be read any more, the plan goes on without them and says so:
    a cluster that nobody can delete would cost more.
    """
    current = request.current
    if current is None:
        return PlanDraft(tasks=())
    targets = _targets(current)
    try:
        roles = configured_cluster(spec_of(request), request.config).roles if targets else ()
    except TemplateRenderError as ex:
        tasks = _removal_tasks(current, ())
        return PlanDraft(tasks=tasks, findings=(_not_run(ex, spec_of(request)),))
    phases = [attrs.evolve(each, may_fail=each.may_fail or request.is_forced) for each in _PHASES]
    services = service_tasks(phases, roles, targets, cluster_id=request.cluster_id, after=())
    objections = tuple(_objections(roles, targets)) if request.is_forced else ()
    return PlanDraft(tasks=_removal_tasks(current, services), findings=objections)


def _removal_tasks(current: ClusterSnapshot, services: tuple[Task, ...]) -> tuple[Task, ...]:
    stopped = last_stage(services, otherwise=())
    machines = [
        _delete_task(resource, current, kind="compute.delete", after=stopped)
        for resource in _made(current, "compute.create")
    ]
    volumes = [
        _delete_task(
            resource,
            current,
            kind="volume.delete",
            after=tuple(task.key for task in machines if resource.node_id in (None, task.node_id))
            or stopped,
        )
        for resource in _made(current, "volume.create")
    ]
    return (*services, *_metadata_task(current, stopped), *machines, *volumes)


def _targets(current: ClusterSnapshot) -> list[Target]:
    machines = {resource.node_id for resource in _made(current, "compute.create")}
    return [
        Target(id=node.id, role=node.role, sid=node.sid)
        for node in current.nodes
        if node.id in machines and node.agent.get("state") == _CONFIGURED
    ]


def _objections(roles: Iterable[Role], targets: Iterable[Target]) -> Iterator[Finding]:
    """Name the commands that are to be run, and that nobody may pass over."""
    present = {target.role for target in targets}
    for role in roles:
        destroy = role.services.get("destroy")
        if destroy is None or not destroy.cmd or destroy.allows_force:
            continue
        if role.has_agent and role.name in present:
            yield Finding(
                level=Level.ERROR,
                code="deletion.force",
                message=f"The package does not allow {_command_of(role)} to be passed over.",
                next_step="Delete the cluster without force; where destroy fails, its output "
                "says why.",
            )


def _command_of(role: Role) -> str:
    return f"destroy of role {role.name}" if role.name else "destroy"


def _not_run(error: TemplateRenderError, spec: VmSpec) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="deletion.commands",
        message=f"stop and destroy are not run: {error.message}",
        file=spec.template.file,
    )


def _made(current: ClusterSnapshot, kind: str) -> tuple[OwnedResource, ...]:
    return tuple(resource for resource in current.resources if resource.kind == kind)


def _metadata_task(current: ClusterSnapshot, after: tuple[str, ...]) -> tuple[Task, ...]:
    if not current.metadata_revision:
        return ()
    task = Task(
        key="metadata.delete",
        kind="metadata.delete",
        title="Remove the metadata",
        input={"cluster_id": current.cluster.id},
        after=after,
    )
    return (task,)


def _delete_task(
    resource: OwnedResource, current: ClusterSnapshot, *, kind: str, after: tuple[str, ...]
) -> Task:
    node = next((node for node in current.nodes if node.id == resource.node_id), None)
    siblings = [r for r in _made(current, resource.kind) if r.node_id == resource.node_id]
    is_only = node is not None and len(siblings) == 1
    whose = node_title(node.role, node.sid) if node else resource.resource_id
    what = "machine" if kind == "compute.delete" else "the volume of"
    return Task(
        key=f"{kind}/{resource.node_id if is_only else resource.resource_id}",
        kind=kind,
        title=f"Delete {what} {whose}",
        input={"id": resource.resource_id, "cluster_id": resource.cluster_id},
        after=after,
        node_id=resource.node_id,
    )
