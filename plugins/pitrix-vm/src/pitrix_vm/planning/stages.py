"""Orders a package's commands: role by role in ascending order, each stage after the one before.

The rule is the one of AppCenter's life cycle: roles with equal order go at a time, and a stage
waits for every node of the one before. Stages without nodes are left out, so nothing ever waits for
them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from pitrix_core.model import Task
from pitrix_vm.cluster import Role, Service
from pitrix_vm.planning.nodes import node_path, node_title

#: What a service does to the application: nodes are supervised while it runs.
_SUPERVISION: Final[Mapping[str, str]] = {"start": "begin", "stop": "end", "destroy": "end"}
#: Seconds a task may take beyond its command: the message goes out, the report comes back.
_REPORT_S: Final = 120.0


@attrs.frozen(kw_only=True)
class Target:
    """A node as commands need it."""

    id: str
    role: str
    sid: int


@attrs.frozen(kw_only=True)
class Phase:
    """All that is run of one service: which, and in which roles."""

    service: str
    applies: Callable[[Service], bool] = lambda _service: True
    #: What comes after it comes even when it fails.
    may_fail: bool = False


def service_tasks(
    phases: Iterable[Phase],
    roles: Sequence[Role],
    targets: Sequence[Target],
    *,
    cluster_id: str,
    after: tuple[str, ...],
) -> tuple[Task, ...]:
    """Return the tasks of several phases, one after another.

    :param targets: the nodes that can be told to run something.
    :param after: what the very first stage waits for.
    """
    tasks: list[Task] = []
    previous = after
    for phase in phases:
        for stage in _stages(phase, roles):
            made = [
                _task(phase, service, target, cluster_id=cluster_id, after=previous)
                for role, service in stage
                for target in _chosen(service, role, targets)
            ]
            tasks += made
            previous = tuple(task.key for task in made) or previous
    return tuple(tasks)


def last_stage(tasks: Sequence[Task], *, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys of the tasks that nothing among them waits for.

    :param otherwise: the answer where there are no tasks.
    """
    awaited = {key for task in tasks for key in task.after}
    return tuple(task.key for task in tasks if task.key not in awaited) or otherwise


def _stages(phase: Phase, roles: Sequence[Role]) -> list[list[tuple[Role, Service]]]:
    stages: dict[int, list[tuple[Role, Service]]] = {}
    for role in roles:
        service = role.services.get(phase.service)
        if service and service.cmd and role.has_agent and phase.applies(service):
            stages.setdefault(service.order, []).append((role, service))
    return [stages[order] for order in sorted(stages)]


def _chosen(service: Service, role: Role, targets: Sequence[Target]) -> Sequence[Target]:
    own = sorted(
        (target for target in targets if target.role == role.name), key=lambda target: target.sid
    )
    return own[: service.nodes_to_execute_on]  # None takes all


def _task(
    phase: Phase, service: Service, target: Target, *, cluster_id: str, after: tuple[str, ...]
) -> Task:
    return Task(
        key=f"service.run/{service.name}/{node_path(target.role, target.sid)}",
        kind="service.run",
        title=f"Run {service.name} on {node_title(target.role, target.sid)}",
        input={
            "cluster_id": cluster_id,
            "node_id": target.id,
            "service": service.name,
            "cmd": service.cmd,
            "timeout_s": service.timeout_s,
            "idempotent": False,
            "may_fail": phase.may_fail,
            **_supervision(service),
        },
        after=after,
        node_id=target.id,
        timeout_s=service.timeout_s + _REPORT_S,
    )


def _supervision(service: Service) -> dict[str, str]:
    effect = _SUPERVISION.get(service.name)
    return {"supervision": effect} if effect else {}
