"""Register runtimes, look at them, and take them away."""

import json
from collections.abc import Iterable

import attrs

from pitrix_core.errors import ConflictError, NotFoundError
from pitrix_core.findings import Finding
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Cluster, ClusterState, Job, Runtime, RuntimeAtWork, RuntimeLimits
from pitrix_core.model.access import Action, Actor
from pitrix_core.pilot.frontgates import remove_frontgate
from pitrix_core.planner.build import Offers
from pitrix_core.service import forgetting
from pitrix_core.service.access import require_allowed, require_own
from pitrix_core.service.inputs import RuntimeInput
from pitrix_core.service.names import require_name
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction, new_id


def add(services: Services, actor: Actor, data: RuntimeInput) -> Runtime:
    """Register a runtime whose settings and credential fit its provider.

    Makes no request to the cloud; :func:`check` does.

    :raises ForbiddenError: the actor may not, or the provider needs the operator's consent.
    :raises InvalidInputError: settings or credential do not fit; with every finding.
    :raises PluginError: the provider is not installed, not enabled, or broken.
    :raises ConflictError: the name is taken.
    """
    require_own(actor, Action.RUNTIMES_WRITE)
    require_name(data.name)
    runtime = Runtime(
        id=new_id("rt"),
        name=data.name,
        provider=data.provider,
        owner=actor.owner,
        zone=data.zone,
        settings=data.settings,
        labels=data.labels,
        throw_away=data.throw_away,
        limits=data.limits,
    )
    services.gates.build(runtime, credential=data.credential).close()
    with services.store.begin() as tx:
        credential_id = None
        if data.credential:
            text = json.dumps(dict(data.credential))
            credential_id = tx.secrets.add(text, owner=actor.owner).id
        tx.runtimes.add(runtime, credential_id=credential_id)
        tx.audit.add(runtime.id, after=data)
        tx.events.add("runtime.added", runtime.id, owner=actor.owner, data={"name": runtime.name})
    return runtime


def search(services: Services, actor: Actor) -> list[Runtime]:
    """Return the runtimes that the actor sees, oldest first."""
    with services.store.read() as tx:
        return tx.runtimes.all(viewer=actor)


def get(services: Services, actor: Actor, runtime_id: str) -> Runtime:
    """Return a runtime by id or name.

    :raises NotFoundError: there is none, or it was deleted.
    """
    with services.store.read() as tx:
        runtime = tx.runtimes.get(runtime_id, viewer=actor)
        if tx.runtimes.state(runtime.id) == "deleted":
            raise NotFoundError(
                f"There is no runtime {runtime_id!r}.", next_step="List them: pitrix runtime list"
            )
    return runtime


def get_for(services: Services, actor: Actor, action: Action, runtime_id: str) -> Runtime:
    """Return a runtime by id or name, with which something is to be done.

    :raises NotFoundError: there is none that the actor sees, or it was deleted.
    :raises ForbiddenError: the actor may not do this with it.
    """
    runtime = get(services, actor, runtime_id)
    with services.store.read() as tx:
        require_allowed(tx, actor, action, owner=runtime.owner, what=f"runtime {runtime.name}")
    return runtime


def at_work(services: Services, actor: Actor, runtime_id: str) -> RuntimeAtWork:
    """Return a runtime by id or name, with how much its cloud is asked for now.

    :raises NotFoundError: there is none, or it was deleted.
    """
    runtime = get(services, actor, runtime_id)
    with services.store.read() as tx:
        return RuntimeAtWork.of(runtime, pace=tx.lanes.pace(runtime.id))


def limit(services: Services, actor: Actor, runtime_id: str, limits: RuntimeLimits) -> Runtime:
    """Change how much a runtime's cloud is asked for; jobs that run keep to it from now on.

    :raises ForbiddenError: the actor may not change this runtime.
    :raises NotFoundError: there is no such runtime.
    """
    runtime = get_for(services, actor, Action.RUNTIMES_WRITE, runtime_id)
    with services.store.begin() as tx:
        tx.runtimes.set_limits(runtime.id, limits)
        tx.audit.add(runtime.id, before=runtime.limits, after=limits)
        data = {"name": runtime.name, **attrs.asdict(limits)}
        tx.events.add("runtime.limited", runtime.id, owner=actor.owner, data=data)
    return attrs.evolve(runtime, limits=limits)


def check(services: Services, actor: Actor, runtime_id: str) -> list[Finding]:
    """Ask the cloud whether a runtime can be used.

    :raises NotFoundError: there is no such runtime.
    :raises ProviderTemporaryError: the cloud did not answer.
    """
    return services.gates.of(get(services, actor, runtime_id).id).check()


def delete(services: Services, actor: Actor, runtime_id: str) -> list[Job]:
    """Take a runtime away, and its Frontgates before it.

    :returns: the jobs that remove the Frontgates; none where the runtime is gone at once.
    :raises ForbiddenError: the actor may not change this runtime.
    :raises NotFoundError: there is no such runtime.
    :raises ConflictError: clusters are on it.
    """
    runtime = get_for(services, actor, Action.RUNTIMES_WRITE, runtime_id)
    with services.store.read() as tx:
        _require_empty(tx, runtime)
        has_frontgates = bool(tx.clusters.search(runtime_id=runtime.id))
    # A provider whose plugin is gone must not keep a runtime with nothing on it.
    offers = services.gates.of(runtime.id) if has_frontgates else None
    with services.store.begin() as tx:
        tx.runtimes.lock(runtime.id)
        _require_empty(tx, runtime)
        hidden = tx.clusters.search(runtime_id=runtime.id)
        if hidden and offers is None:
            raise ConflictError(
                f"Runtime {runtime.name} was used just now.", next_step="Try again."
            )
        tx.runtimes.close(runtime.id)
        tx.audit.add(runtime.id, before=runtime)
        jobs = [_removal(tx, cluster, offers) for cluster in hidden if offers]
        if not hidden:
            tx.runtimes.delete(runtime.id)
    if not hidden:
        services.gates.forget(runtime.id)
    return jobs


def forget(services: Services, actor: Actor, runtime_id: str) -> None:
    """Take a runtime away whose cloud does not answer any more; nothing is removed from the cloud.

    :raises ForbiddenError: the actor may not change this runtime.
    :raises NotFoundError: there is no such runtime.
    :raises ConflictError: clusters are on it, or its cloud answers.
    """
    runtime = get_for(services, actor, Action.RUNTIMES_WRITE, runtime_id)
    with services.store.read() as tx:
        _require_empty(tx, runtime)
    step = f"pitrix runtime delete {runtime.name}"
    why = forgetting.require_unreachable(services.gates, runtime, otherwise=step)
    with services.store.begin() as tx:
        _require_empty(tx, runtime)
        hidden = tx.clusters.search(runtime_id=runtime.id)
        _require_idle(tx, hidden)
        tx.runtimes.close(runtime.id)
        tx.audit.add(runtime.id, before=runtime)
        for cluster in hidden:
            left = forgetting.leftovers(tx, cluster.id)
            plan = forgetting.plan_of(cluster, runtime, left, why=why)
            forgetting.give_up(tx, cluster, plan)
        if not hidden:
            tx.runtimes.delete(runtime.id)
    services.gates.forget(runtime.id)


def _require_idle(tx: Transaction, clusters: Iterable[Cluster]) -> None:
    for cluster in clusters:
        running = tx.jobs.running_on(cluster.id)
        if running is not None:
            raise ConflictError(
                f"Job {running} is at work on the runtime.",
                next_step=f"pitrix job watch {running}",
            )


def _removal(tx: Transaction, cluster: Cluster, offers: Offers) -> Job:
    """Return the job that removes a Frontgate: the one at work, or a new one."""
    running = tx.jobs.running_on(cluster.id)
    if running is not None:
        return tx.jobs.get(running)
    job = remove_frontgate(tx, cluster, provider=offers)
    if not tx.jobs.tasks(job.id):  # it failed before anything was made
        end_job(tx, job.id)
    return tx.jobs.get(job.id)


def _require_empty(tx: Transaction, runtime: Runtime) -> None:
    clusters = tx.clusters.search(runtime_id=runtime.id)
    visible = [cluster for cluster in clusters if not cluster.hidden]
    if visible:
        names = ", ".join(f"{cluster.name} ({cluster.id})" for cluster in visible)
        raise ConflictError(
            f"Clusters are on runtime {runtime.name}: {names}.",
            next_step="Delete them first: pitrix cluster delete ID",
        )
    busy = [cluster for cluster in clusters if cluster.state is ClusterState.CREATING]
    if busy:
        raise ConflictError(
            f"The Frontgate of runtime {runtime.name} is being made.",
            next_step="Try again when its job has ended.",
        )
