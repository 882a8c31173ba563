"""Give clusters up whose runtime does not answer any more: an account that was closed, a plugin
that is gone, a credential that nobody accepts.

Everything else deletes clusters by asking their cloud. So this is done only where the cloud cannot
be asked, or where somebody insists.
"""

import datetime as dt

from pitrix_core.errors import ConflictError, PitrixError
from pitrix_core.findings import errors_in
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Cluster, ClusterState, Job, Plan, Runtime
from pitrix_core.planner.build import PlanFrame
from pitrix_core.planner.forgetting import Leftovers, OpenRequest, forgetting_plan
from pitrix_core.service.gates import Gates
from pitrix_core.store import Transaction, new_id


def plan_of(cluster: Cluster, runtime: Runtime, left: Leftovers, *, why: str) -> Plan:
    """Return the plan that gives a cluster up."""
    frame = PlanFrame(
        id=new_id("pln"),
        owner=cluster.owner,
        revision=cluster.revision,
        app_version_id=cluster.app_version_id,
        created_at=dt.datetime.now(dt.UTC),
    )
    return forgetting_plan(cluster, runtime, left, frame=frame, why=why)


def leftovers(tx: Transaction, cluster_id: str) -> Leftovers:
    """Return what a cluster may leave behind."""
    return Leftovers(
        resources=tx.clusters.snapshot(cluster_id).resources,
        requests=[
            OpenRequest(title=title, request_key=key)
            for key, title in tx.ownership.open_requests(cluster_id).items()
        ],
    )


def require_unreachable(gates: Gates, runtime: Runtime, *, otherwise: str) -> str:
    """Return why a runtime's cloud cannot be asked to remove anything, as a sentence.

    Makes one or two requests of the cloud.

    :param otherwise: what to do where it can be asked.
    :raises ConflictError: it can be.
    """
    try:
        wrong = errors_in(gates.of(runtime.id).check())
    except PitrixError as ex:
        return f"Its cloud cannot be asked: {ex.message}"
    if not wrong:
        raise ConflictError(
            f"Runtime {runtime.name} answers: what is on it can be removed.",
            pointer="/forget",
            next_step=otherwise,
        )
    return f"Its cloud cannot be asked: {wrong[0].message}"


def give_up(tx: Transaction, cluster: Cluster, plan: Plan) -> Job:
    """Give up a cluster that pitrix made for itself; the job that says so has ended."""
    tx.clusters.start_change(
        cluster.id, state=ClusterState.DELETING, expected_revision=plan.revision
    )
    tx.plans.add(plan)
    job = tx.jobs.add(plan)
    tx.plans.mark_applied(plan.id, job_id=job.id)
    record(tx, plan)
    end_job(tx, job.id)
    return tx.jobs.get(job.id)


def record(tx: Transaction, plan: Plan) -> None:
    """Write down that a cluster was given up, and what it may have left behind."""
    tx.clusters.forget(plan.cluster_id)
    tx.metering.end_of(plan.cluster_id)
    data = {"findings": [finding.message for finding in plan.findings]}
    tx.events.add("cluster.forgotten", plan.cluster_id, owner=plan.owner, data=data)
