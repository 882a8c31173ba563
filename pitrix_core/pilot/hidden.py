"""Hidden clusters: what pitrix makes for itself, by the same means as everything else."""

from typing import Final

from pitrix_core.jobs.succession import submit
from pitrix_core.model import (
    Action,
    AppInfo,
    Cluster,
    ClusterSnapshot,
    ClusterState,
    Job,
    PackageSpec,
    PlanDraft,
    PlanRequest,
    Runtime,
)
from pitrix_core.planner.build import Offers, PlanFrame, build_plan
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.store import Transaction, new_id

#: Owner of what pitrix makes for itself.
SYSTEM_OWNER: Final = "system"


def add_hidden(
    tx: Transaction, runtime: Runtime, *, name: str, state: ClusterState, app_version_id: str
) -> Cluster:
    """Add a hidden cluster.

    :param app_version_id: what it is; no app version there is has such an id.
    """
    cluster = Cluster(
        id=new_id("cl"),
        name=name,
        owner=SYSTEM_OWNER,
        state=state,
        runtime_id=runtime.id,
        app_version_id=app_version_id,
        config={},
        revision=1,
        hidden=True,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.clusters.add(cluster)
    return cluster


def submit_hidden(
    tx: Transaction,
    cluster: Cluster,
    draft: PlanDraft,
    *,
    provider: Offers,
    current: ClusterSnapshot | None = None,
) -> Job:
    """Submit the job of a draft for a hidden cluster.

    :param current: what is there of it, where that is to go; None where it is made or mended.
    :raises PitrixError: no plan can be made.
    """
    request = PlanRequest(
        action=Action.CREATE if current is None else Action.DELETE,
        cluster_id=cluster.id,
        name=cluster.name,
        spec=PackageSpec(info=AppInfo(name=cluster.app_version_id, version="0.1.0")),
        config={},
        runtime=tx.runtimes.get(cluster.runtime_id),
        current=current,
        offers=provider.offers() | CORE_KINDS,
    )
    frame = PlanFrame(
        id=new_id("pln"),
        owner=SYSTEM_OWNER,
        revision=0 if current is None else current.cluster.revision,
        app_version_id=cluster.app_version_id,
        created_at=tx.now,
    )
    plan = build_plan(request, draft, frame=frame, provider=provider)
    tx.plans.add(plan)
    job = submit(tx, plan)
    tx.plans.mark_applied(plan.id, job_id=job.id)
    return job
