"""Make plans."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.catalog.match import match, needs_of
from pitrix_core.errors import (
    ConflictError,
    InvalidInputError,
    NoRuntimeError,
    PlanRefusedError,
    RuntimeChoiceError,
)
from pitrix_core.findings import errors_in
from pitrix_core.model import (
    Action,
    ClusterState,
    Plan,
    PlanDraft,
    PlanRequest,
    Runtime,
    access,
)
from pitrix_core.model.access import Actor
from pitrix_core.planner.build import PlanFrame, build_plan, digest_of_plan
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.service import deployments
from pitrix_core.service.access import find_cluster, require_own, require_seen
from pitrix_core.service.deployments import Deployment
from pitrix_core.service.forgetting import leftovers, plan_of, require_unreachable
from pitrix_core.service.inputs import PlanInput
from pitrix_core.service.jobs import undecided_remarks
from pitrix_core.service.languages import DEFAULT_LANGUAGE
from pitrix_core.service.links import dependent_remarks, distance_remarks
from pitrix_core.service.services import Services
from pitrix_core.service.versions import require_deployable
from pitrix_core.store import Transaction, new_id
from pitrix_core.store.catalog import AppVersion

_INSISTED: Final = "Its cloud was not asked."


def create(
    services: Services, actor: Actor, data: PlanInput, *, language: str = DEFAULT_LANGUAGE
) -> Plan:
    """Plan a change, store the plan, and return it; nothing is changed yet.

    :param language: of the labels in findings about the configuration.
    :raises InvalidInputError: something is missing, or contradicts the action.
    :raises ConfigInvalidError: the configuration violates its schema; with every finding.
    :raises ConflictError: the app version is not active, and not the actor's to try.
    :raises NotFoundError: app version, runtime or cluster is not there.
    :raises RuntimeChoiceError: several runtimes match; with the list.
    :raises NoRuntimeError: none matches; with the rule against each.
    :raises PlanRefusedError: the plan cannot be carried out; with every finding.
    """
    if data.action is Action.ROLL_BACK:
        raise InvalidInputError(
            "A roll back is not planned: it is made from the job that it undoes.",
            pointer="/action",
            next_step="pitrix job roll-back JOB",
        )
    if (data.force or data.forget) and not data.action.frees:
        raise InvalidInputError("`force` and `forget` are for deletions.", pointer="/action")
    if data.action is Action.CREATE:
        return _plan_create(services, actor, data, language=language)
    return _plan_change(services, actor, data)


def get(services: Services, actor: Actor, plan_id: str) -> Plan:
    """Return a plan.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        plan = tx.plans.get(plan_id)
        what = f"plan {plan_id!r}"
        require_seen(tx, actor, access.Action.CLUSTERS_READ, owner=plan.owner, what=what)
    return plan


def _plan_create(services: Services, actor: Actor, data: PlanInput, *, language: str) -> Plan:
    if not data.app_version_id:
        raise InvalidInputError("Which app version?", pointer="/app_version_id")
    if data.cluster_id:
        raise InvalidInputError("A new cluster has no id yet.", pointer="/cluster_id")
    require_own(actor, access.Action.CLUSTERS_WRITE)
    with services.store.read() as tx:
        version = tx.catalog.version(data.app_version_id, viewer=actor)
        require_deployable(tx, actor, version)
    wish = deployments.prepare(
        services, version, data.config, owner=actor.owner, name=data.name, language=language
    )
    runtime = _runtime_for(services, actor, wish, wanted=data.runtime_id)
    request = deployments.request_of(services, wish, runtime)
    draft = deployments.drafted(wish.package, request)
    distance = distance_remarks(services, wish.linked, runtime=runtime, draft=draft)
    draft = attrs.evolve(draft, findings=(*draft.findings, *wish.linked.findings, *distance))
    return _finish(services, actor, request, draft, kept=wish.kept, version=version)


def _plan_change(services: Services, actor: Actor, data: PlanInput) -> Plan:
    if not data.cluster_id:
        raise InvalidInputError("Which cluster?", pointer="/cluster_id")
    if data.app_version_id or data.runtime_id or data.name or data.config:
        raise InvalidInputError(f"To {data.action}, name the cluster only.", pointer="/action")
    with services.store.read() as tx:
        write = access.Action.CLUSTERS_WRITE
        cluster = find_cluster(tx, actor, data.cluster_id, action=write)
        current = tx.clusters.snapshot(cluster.id)
        running = tx.jobs.running_on(cluster.id)
        if cluster.hidden:
            raise ConflictError(
                "A Frontgate is not changed by itself; it goes with its runtime.",
                next_step="pitrix runtime delete RUNTIME",
            )
        if cluster.state is ClusterState.DELETED:
            raise ConflictError(
                f"Cluster {cluster.name} was deleted already.", next_step="pitrix cluster list"
            )
        version = tx.catalog.version(cluster.app_version_id)
        runtime = tx.runtimes.get(cluster.runtime_id)
        left = leftovers(tx, cluster.id)
    if running:
        raise ConflictError(
            f"Job {running} is at work on the cluster.",
            next_step=f"pitrix job watch {running}; or stop it: pitrix job cancel {running}",
        )
    if data.forget:
        why = _INSISTED if data.force else _unreachable(services, runtime)
        plan = plan_of(cluster, runtime, left, why=why)
        return _stored(services, _reviewed(services, plan, runtime), kept={})
    package = services.loader.load(version)
    request = PlanRequest(
        action=data.action,
        cluster_id=cluster.id,
        name=cluster.name,
        spec=package.spec,
        config=cluster.config,
        runtime=runtime,
        current=current,
        offers=services.gates.of(runtime.id).offers() | CORE_KINDS,
        is_forced=data.force,
    )
    draft = deployments.drafted(package, request)
    if data.action.frees:
        dependents = dependent_remarks(services, cluster)
        unknown = undecided_remarks(services, cluster)
        draft = attrs.evolve(draft, findings=(*draft.findings, *dependents, *unknown))
    return _finish(services, actor, request, draft, kept={}, version=version)


def _unreachable(services: Services, runtime: Runtime) -> str:
    step = "Delete it without `forget`; or say `force`, too, to leave all of it behind."
    return require_unreachable(services.gates, runtime, otherwise=step)


def _finish(
    services: Services,
    actor: Actor,
    request: PlanRequest,
    draft: PlanDraft,
    *,
    kept: Mapping[str, str],
    version: AppVersion,
) -> Plan:
    """Check and review the plan, and store it with the config's secrets.

    :param kept: id → text of each secret that the configuration refers to.
    """
    owner = request.current.cluster.owner if request.current else actor.owner
    frame = PlanFrame(
        id=new_id("pln"),
        owner=owner,
        revision=request.current.cluster.revision if request.current else 0,
        app_version_id=version.id,
        created_at=dt.datetime.now(dt.UTC),
        package_digest=version.digest or "",
    )
    provider = services.gates.of(request.runtime.id)
    plan = build_plan(request, draft, frame=frame, provider=provider)
    return _stored(services, _reviewed(services, plan, request.runtime), kept=kept)


def _stored(services: Services, plan: Plan, *, kept: Mapping[str, str]) -> Plan:
    with services.store.begin() as tx:
        for secret_id, text in kept.items():
            tx.secrets.add(text, owner=plan.owner, secret_id=secret_id)
        tx.plans.add(plan)
    return plan


def _reviewed(services: Services, plan: Plan, runtime: Runtime) -> Plan:
    objections = services.registry.hooks().review_plan(plan, runtime)
    if errors_in(objections):
        raise PlanRefusedError("A review objects to the plan.", findings=objections)
    if not objections:
        return plan
    plan = attrs.evolve(plan, findings=(*plan.findings, *objections))
    return attrs.evolve(plan, digest=digest_of_plan(plan))


def _runtime_for(
    services: Services, actor: Actor, wish: Deployment, *, wanted: str | None
) -> Runtime:
    with services.store.read() as tx:
        repo = tx.repos.get(tx.catalog.app(wish.version.app_id).repo_id)
        runtimes = tx.runtimes.all(viewer=actor)
        if wanted:
            runtimes = [_wanted_runtime(tx, actor, wanted)]
    needs = needs_of(wish.package, wish.linked.config, repo)
    matches = match(runtimes, needs, gate=services.gates.of, core_kinds=CORE_KINDS)
    fitting = [found.runtime for found in matches if not found.findings]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise RuntimeChoiceError(
            f"{len(fitting)} runtimes match.",
            candidates=[{"id": runtime.id, "name": runtime.name} for runtime in fitting],
        )
    raise NoRuntimeError(
        "No runtime can run this." if runtimes else "No runtime is registered.",
        findings=[finding for found in matches for finding in found.findings],
    )


def _wanted_runtime(tx: Transaction, actor: Actor, id_or_name: str) -> Runtime:
    runtime = tx.runtimes.get(id_or_name, viewer=actor)
    if tx.runtimes.state(runtime.id) != "active":
        raise ConflictError(
            f"Runtime {runtime.name} is being taken away, or gone.",
            pointer="/runtime_id",
            next_step="Choose another one: pitrix runtime list",
        )
    return runtime
