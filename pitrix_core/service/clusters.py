"""Carry plans out, and look at clusters."""

import secrets
from typing import Final

from pitrix_core.errors import ConflictError, InvalidInputError
from pitrix_core.jobs.effects import end_job
from pitrix_core.jobs.succession import lock_undecided, submit
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterSnapshot,
    ClusterState,
    Job,
    Plan,
    access,
)
from pitrix_core.model.access import Actor
from pitrix_core.planner.agents import node_secret
from pitrix_core.service import forgetting
from pitrix_core.service.access import find_cluster, require_seen
from pitrix_core.service.inputs import ApplyInput
from pitrix_core.service.jobs import state_during
from pitrix_core.service.links import require_linked
from pitrix_core.service.measures import snapshot_with_health, with_health
from pitrix_core.service.plans import get as get_plan
from pitrix_core.service.quotas import require_room
from pitrix_core.service.services import Services
from pitrix_core.service.versions import require_deployable
from pitrix_core.store import Transaction
from pitrix_core.store.slices import WHOLE, Slice

_PASSWORD_BYTES: Final = 32
#: Longest deadline, in seconds: a year; whoever means more means none.
_LONGEST_DEADLINE_S: Final = 366 * 24 * 3600.0


def apply(
    services: Services, actor: Actor, data: ApplyInput, *, cluster_id: str | None = None
) -> Job:
    """Carry a plan out: the cluster and the job are written in one transaction.

    :param cluster_id: of the cluster that is to change; None for a new one.
    :raises NotFoundError: there is no such plan, or the actor sees the runtime or the app version
        of a new cluster no more.
    :raises InvalidInputError: the plan is about another cluster, or the deadline is none.
    :raises ConflictError: the plan was applied before, another job is at work on the cluster, or
        the app version or a cluster that it is linked to is not active any more, or the app
        version was uploaded anew.
    :raises RevisionConflictError: the cluster changed since the plan was made.
    :raises QuotaExceededError: there is no room for what the plan adds any more.
    """
    plan = get_plan(services, actor, data.plan_id)
    deadline_s = _deadline_of(data, otherwise=services.job_deadline_s)
    with services.store.read() as tx:
        write, what = access.Action.CLUSTERS_WRITE, f"plan {plan.id!r}"
        require_seen(tx, actor, write, owner=plan.owner, what=what)
    _require_same_cluster(services, actor, plan, cluster_id)
    if plan.action is Action.CREATE:
        require_linked(services, plan)
    with services.store.begin() as tx:
        tx.plans.lock(plan.id)
        tx.runtimes.hold(plan.runtime_id)
        if plan.action.frees:
            lock_undecided(tx, plan.cluster_id)
        _require_applicable(tx, plan)
        if not plan.action.frees:
            require_room(tx, plan)
        if plan.action is Action.CREATE:
            _require_offered(tx, actor, plan)
            _add_cluster(tx, plan)
        else:
            tx.clusters.start_change(
                plan.cluster_id,
                state=state_during(plan.action),
                expected_revision=plan.revision,
            )
        if not plan.action.frees:
            tx.quotas.allot(plan)
        job = submit(tx, plan, deadline_s=deadline_s)
        tx.plans.mark_applied(plan.id, job_id=job.id)
        data_ = {"job_id": job.id, "action": plan.action}
        tx.events.add("job.submitted", plan.cluster_id, owner=plan.owner, data=data_)
        tx.audit.add(plan.cluster_id, after={**data_, "plan_id": plan.id, "digest": plan.digest})
        if plan.forgets:
            forgetting.record(tx, plan)
        if not plan.tasks:
            end_job(tx, job.id)
    return job


def search(
    services: Services,
    actor: Actor,
    *,
    runtime_id: str | None = None,
    hidden: bool = False,
    part: Slice = WHOLE,
) -> list[Cluster]:
    """Return clusters that are not deleted, oldest first.

    :param runtime_id: only those on this runtime.
    :param hidden: instead, those that pitrix made for itself (Frontgates).
    :param part: which of them.
    :raises NotFoundError: there is no cluster that the part begins after.
    """
    with services.store.read() as tx:
        found = tx.clusters.search(viewer=actor, runtime_id=runtime_id, hidden=hidden, part=part)
        return with_health(tx, found)


def get(services: Services, actor: Actor, cluster_id: str) -> ClusterSnapshot:
    """Return a cluster by id or name, with its nodes and resources.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        snapshot = tx.clusters.snapshot(find_cluster(tx, actor, cluster_id).id)
        return snapshot_with_health(tx, snapshot)


def _deadline_of(data: ApplyInput, *, otherwise: float | None) -> float | None:
    if data.deadline_s is None:
        return otherwise
    if not 0 < data.deadline_s <= _LONGEST_DEADLINE_S:
        raise InvalidInputError(
            f"A deadline is more than 0 and at most {_LONGEST_DEADLINE_S:.0f} seconds.",
            pointer="/deadline_s",
            next_step="Leave it out for a job without one.",
        )
    return data.deadline_s


def _require_same_cluster(
    services: Services, actor: Actor, plan: Plan, cluster_id: str | None
) -> None:
    if cluster_id is None:
        if plan.action is not Action.CREATE:
            raise InvalidInputError(
                f"The plan is about cluster {plan.cluster_id}.",
                pointer="/plan_id",
                next_step=f"POST it to /v1/clusters/{plan.cluster_id}/jobs.",
            )
        return
    with services.store.read() as tx:
        cluster = find_cluster(tx, actor, cluster_id, action=access.Action.CLUSTERS_WRITE)
    if plan.cluster_id != cluster.id:
        raise InvalidInputError(
            "The plan is about another cluster.",
            pointer="/plan_id",
            next_step=f"Make a plan for cluster {cluster.id}.",
        )


def _require_applicable(tx: Transaction, plan: Plan) -> None:
    applied_by = tx.plans.applied_by(plan.id)
    if applied_by is not None:
        raise ConflictError(
            f"The plan was applied already, by job {applied_by}.",
            pointer="/plan_id",
            next_step=f"pitrix job show {applied_by}",
        )
    running = tx.jobs.running_on(plan.cluster_id)
    if running is not None:
        raise ConflictError(
            f"Job {running} is at work on the cluster.",
            next_step=f"pitrix job watch {running}; or stop it: pitrix job cancel {running}",
        )
    if tx.runtimes.state(plan.runtime_id) != "active" and plan.action is Action.CREATE:
        raise ConflictError("The runtime is being taken away.", next_step="Make a new plan.")


def _require_offered(tx: Transaction, actor: Actor, plan: Plan) -> None:
    """Let a cluster be made only where, and of what, its maker may still see."""
    tx.runtimes.get(plan.runtime_id, viewer=actor)
    tx.reviews.hold(plan.app_version_id)
    version = tx.catalog.version(plan.app_version_id)
    require_deployable(tx, actor, version)  # says why, before it is not there
    tx.catalog.version(version.id, viewer=actor)
    if plan.package_digest and plan.package_digest != version.digest:
        raise ConflictError(
            f"Version {version.version} has another archive than the plan was made from.",
            pointer="/plan_id",
            next_step="Make a new plan.",
        )


def _add_cluster(tx: Transaction, plan: Plan) -> None:
    tx.clusters.add(
        Cluster(
            id=plan.cluster_id,
            name=plan.cluster_name,
            owner=plan.owner,
            state=ClusterState.CREATING,
            runtime_id=plan.runtime_id,
            app_version_id=plan.app_version_id,
            config=plan.config,
            revision=1,
            endpoints=plan.endpoints,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    for node in plan.nodes:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        tx.secrets.add(password, owner=plan.owner, secret_id=node_secret(node.id).id)
    tx.clusters.add_nodes(
        plan.cluster_id,
        plan.nodes,
        owner=plan.owner,
        secret_ids={node.id: node_secret(node.id).id for node in plan.nodes},
    )
