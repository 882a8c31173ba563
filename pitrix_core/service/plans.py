"""Make plans."""

import datetime as dt
from typing import Any

import attrs

from pitrix_core.catalog.match import match, needs_of
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.errors import (
    ConflictError,
    InvalidInputError,
    NoRuntimeError,
    PlanRefusedError,
    RuntimeChoiceError,
)
from pitrix_core.findings import errors_in
from pitrix_core.model import Action, JsonObject, Plan, PlanRequest, Runtime, SecretRef
from pitrix_core.planner.build import PlanFrame, build_plan, digest_of_plan
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.service.configs import completed_config, without_secrets
from pitrix_core.service.inputs import PlanInput
from pitrix_core.service.services import Services, require_owner
from pitrix_core.store import new_id
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.identity import Actor


def create(services: Services, actor: Actor, data: PlanInput) -> Plan:
    """Plan a change, store the plan, and return it; nothing is changed yet.

    :raises InvalidInputError: something is missing, or contradicts the action.
    :raises ConfigInvalidError: the configuration violates its schema; with every finding.
    :raises NotFoundError: app version, runtime or cluster is not there.
    :raises RuntimeChoiceError: several runtimes match; with the list.
    :raises NoRuntimeError: none matches; with the rule against each.
    :raises PlanRefusedError: the plan cannot be carried out; with every finding.
    """
    if data.action is Action.CREATE:
        return _plan_create(services, actor, data)
    return _plan_change(services, actor, data)


def get(services: Services, actor: Actor, plan_id: str) -> Plan:
    """Return a plan.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        plan = tx.plans.get(plan_id)
    require_owner(actor, plan.owner, f"plan {plan_id!r}")
    return plan


def _plan_create(services: Services, actor: Actor, data: PlanInput) -> Plan:
    if not data.app_version_id:
        raise InvalidInputError("Which app version?", pointer="/app_version_id")
    if data.cluster_id:
        raise InvalidInputError("A new cluster has no id yet.", pointer="/cluster_id")
    with services.store.read() as tx:
        version = tx.catalog.version(data.app_version_id)
    package = services.loader.load(version)
    schema = package.app_type.config_schema(package.spec)
    config = completed_config(data.config, schema)
    runtime = _runtime_for(services, version, package, config, wanted=data.runtime_id)
    name = data.name or _name_in(config) or package.spec.info.name
    request = PlanRequest(
        action=data.action,
        cluster_id=new_id("cl"),
        name=name,
        spec=package.spec,
        config=_named(config, schema, name),
        runtime=runtime,
        current=None,
        offers=services.gates.of(runtime.id).offers() | CORE_KINDS,
    )
    return _finish(services, actor, request, package, schema=schema, version=version)


def _plan_change(services: Services, actor: Actor, data: PlanInput) -> Plan:
    if not data.cluster_id:
        raise InvalidInputError("Which cluster?", pointer="/cluster_id")
    if data.app_version_id or data.runtime_id or data.name or data.config:
        raise InvalidInputError(f"To {data.action}, name the cluster only.", pointer="/action")
    with services.store.read() as tx:
        cluster = tx.clusters.get(data.cluster_id)
        require_owner(actor, cluster.owner, f"cluster {data.cluster_id!r}")
        current = tx.clusters.snapshot(cluster.id)
        running = tx.jobs.running_on(cluster.id)
        if cluster.hidden:
            raise ConflictError(
                "A Frontgate is not changed by itself; it goes with its runtime.",
                next_step="pitrix runtime delete RUNTIME",
            )
        version = tx.catalog.version(cluster.app_version_id)
        runtime = tx.runtimes.get(cluster.runtime_id)
    if running:
        raise ConflictError(
            f"Job {running} is at work on the cluster.", next_step=f"pitrix job watch {running}"
        )
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
    )
    return _finish(services, actor, request, package, schema={}, version=version)


def _finish(
    services: Services,
    actor: Actor,
    request: PlanRequest,
    package: ReadPackage,
    *,
    schema: JsonObject,
    version: AppVersion,
) -> Plan:
    """Have the app type plan, check and review the plan, and store it with the config's secrets."""
    owner = request.current.cluster.owner if request.current else actor.owner
    kept: dict[str, str] = {}

    def keep(text: str) -> SecretRef:
        ref = SecretRef(new_id("sec"))
        kept[ref.id] = text
        return ref

    config: Any = without_secrets(request.config, schema, keep=keep)
    request = attrs.evolve(request, config=config)
    draft = package.app_type.plan(request)
    frame = PlanFrame(
        id=new_id("pln"),
        owner=owner,
        revision=request.current.cluster.revision if request.current else 0,
        app_version_id=version.id,
        created_at=dt.datetime.now(dt.UTC),
    )
    provider = services.gates.of(request.runtime.id)
    plan = build_plan(request, draft, frame=frame, provider=provider)
    plan = _reviewed(services, plan, request.runtime)
    with services.store.begin() as tx:
        for secret_id, text in kept.items():
            tx.secrets.add(text, owner=owner, secret_id=secret_id)
        tx.plans.add(plan)
    return plan


def _reviewed(services: Services, plan: Plan, runtime: Runtime) -> Plan:
    objections = services.registry.hooks().review_plan(plan, runtime)
    if errors_in(objections):
        raise PlanRefusedError("A plugin objects to the plan.", findings=objections)
    if not objections:
        return plan
    plan = attrs.evolve(plan, findings=(*plan.findings, *objections))
    return attrs.evolve(plan, digest=digest_of_plan(plan))


def _runtime_for(
    services: Services,
    version: AppVersion,
    package: ReadPackage,
    config: JsonObject,
    *,
    wanted: str | None,
) -> Runtime:
    with services.store.read() as tx:
        repo = tx.catalog.repo(tx.catalog.app(version.app_id).repo_id)
        runtimes = [tx.runtimes.get(wanted)] if wanted else tx.runtimes.all()
    needs = needs_of(package, config, repo)
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


def _name_in(config: JsonObject) -> str:
    cluster = config.get("cluster")
    found = cluster.get("name") if isinstance(cluster, dict) else None
    return found if isinstance(found, str) else ""


def _named(config: JsonObject, schema: JsonObject, name: str) -> JsonObject:
    """Put the cluster's name where packages expect it, if the package has such a field."""
    members = schema.get("properties", {}).get("cluster", {}).get("properties", {})
    if "name" not in members:
        return config
    return {**config, "cluster": {**config.get("cluster", {}), "name": name}}
