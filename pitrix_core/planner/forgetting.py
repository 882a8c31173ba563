"""Plans that a cluster is given up without asking its cloud for anything.

Such a plan has no tasks. Its findings say what is left behind, as far as that is known; they are
kept with the plan, like those of every plan that was applied.
"""

from collections.abc import Iterable, Sequence

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import Action, Cluster, OwnedResource, Plan, Runtime, Totals
from pitrix_core.planner.build import PlanFrame, digest_of_plan


@attrs.frozen(kw_only=True)
class OpenRequest:
    """A request of which nobody knows what it made."""

    #: Of its task: ``Create machine etcd 1``.
    title: str
    request_key: str


@attrs.frozen(kw_only=True)
class Leftovers:
    """What a cluster may leave behind in its cloud."""

    resources: Sequence[OwnedResource] = ()
    requests: Sequence[OpenRequest] = ()


def forgetting_plan(
    cluster: Cluster, runtime: Runtime, left: Leftovers, *, frame: PlanFrame, why: str
) -> Plan:
    """Plan that a cluster is given up.

    :param why: why its cloud is not asked, as a sentence.
    """
    plan = Plan(
        id=frame.id,
        action=Action.DELETE,
        forgets=True,
        owner=frame.owner,
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        revision=frame.revision,
        app_version_id=frame.app_version_id,
        runtime_id=runtime.id,
        config=cluster.config,
        tasks=(),
        nodes=(),
        endpoints={},
        totals=Totals(),
        price=None,
        findings=tuple(_findings(runtime, left, why)),
        digest="",
        created_at=frame.created_at,
    )
    return attrs.evolve(plan, digest=digest_of_plan(plan))


def _findings(runtime: Runtime, left: Leftovers, why: str) -> Iterable[Finding]:
    yield Finding(
        level=Level.WARNING,
        code="forget.cloud",
        message=f"Nothing is removed from runtime {runtime.name}. {why}",
        next_step=f"Once it answers, remove what is left: pitrix runtime sweep {runtime.name}",
    )
    for resource in left.resources:
        interface = resource.kind.partition(".")[0]
        yield _left(f"May still exist, and cost money: {interface} {resource.resource_id}.")
    for request in left.requests:
        made = f"What came of {request.title!r} is not known"
        yield _left(f"{made}; it may have made something tagged {request.request_key}.")


def _left(message: str) -> Finding:
    return Finding(level=Level.WARNING, code="forget.left", message=message)
