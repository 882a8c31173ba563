"""Register runtimes, look at them, and take them away."""

import json

from pitrix_core.errors import ConflictError
from pitrix_core.findings import Finding
from pitrix_core.model import Cluster, ClusterState, Job, Runtime
from pitrix_core.pilot.frontgates import remove_frontgate
from pitrix_core.planner.build import Offers
from pitrix_core.service.inputs import RuntimeInput
from pitrix_core.service.services import Services, require_admin
from pitrix_core.store import Transaction, new_id
from pitrix_core.store.identity import Actor


def add(services: Services, actor: Actor, data: RuntimeInput) -> Runtime:
    """Register a runtime whose settings and credential fit its provider.

    Makes no request to the cloud; :func:`check` does.

    :raises ForbiddenError: the actor is no admin, or the provider needs the operator's consent.
    :raises InvalidInputError: settings or credential do not fit; with every finding.
    :raises PluginError: the provider is not installed, not enabled, or broken.
    :raises ConflictError: the name is taken.
    """
    require_admin(actor, "register runtimes")
    runtime = Runtime(
        id=new_id("rt"),
        name=data.name,
        provider=data.provider,
        owner=actor.owner,
        zone=data.zone,
        settings=data.settings,
        labels=data.labels,
        throw_away=data.throw_away,
    )
    services.gates.build(runtime, credential=data.credential).close()
    with services.store.begin() as tx:
        credential_id = None
        if data.credential:
            text = json.dumps(dict(data.credential))
            credential_id = tx.secrets.add(text, owner=actor.owner).id
        tx.runtimes.add(runtime, credential_id=credential_id)
        tx.events.add("runtime.added", runtime.id, owner=actor.owner, data={"name": runtime.name})
    return runtime


def search(services: Services, actor: Actor) -> list[Runtime]:
    """Return every runtime, oldest first."""
    with services.store.read() as tx:
        return tx.runtimes.all()


def get(services: Services, actor: Actor, runtime_id: str) -> Runtime:
    """Return a runtime by id or name.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        return tx.runtimes.get(runtime_id)


def check(services: Services, actor: Actor, runtime_id: str) -> list[Finding]:
    """Ask the cloud whether a runtime can be used.

    :raises NotFoundError: there is no such runtime.
    :raises ProviderTemporaryError: the cloud did not answer.
    """
    return services.gates.of(get(services, actor, runtime_id).id).check()


def delete(services: Services, actor: Actor, runtime_id: str) -> list[Job]:
    """Take a runtime away, and its Frontgates before it.

    :returns: the jobs that remove the Frontgates; none where the runtime is gone at once.
    :raises ForbiddenError: the actor is no admin.
    :raises NotFoundError: there is no such runtime.
    :raises ConflictError: clusters are on it.
    """
    require_admin(actor, "remove runtimes")
    runtime = get(services, actor, runtime_id)
    offers = services.gates.of(runtime.id)
    with services.store.begin() as tx:
        _require_empty(tx, runtime)
        tx.runtimes.close(runtime.id)
        hidden = tx.clusters.search(runtime_id=runtime.id)
        jobs = [_removal(tx, cluster, offers) for cluster in hidden]
        if not hidden:
            tx.runtimes.delete(runtime.id)
    return jobs


def _removal(tx: Transaction, cluster: Cluster, offers: Offers) -> Job:
    """Return the job that removes a Frontgate: the one at work, or a new one."""
    running = tx.jobs.running_on(cluster.id)
    return tx.jobs.get(running) if running else remove_frontgate(tx, cluster, provider=offers)


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
