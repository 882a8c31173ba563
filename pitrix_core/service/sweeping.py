"""Compare accounts with the database, and have removed what belongs to nobody.

What is to go is first recorded, under a hidden cluster of its own; then that cluster is deleted by
an ordinary job. So a sweep is crash-safe, can be watched, stopped and retried by the same means as
everything else, and nothing is deleted that is not written down.
"""

from collections.abc import Collection, Sequence

from pitrix_core.errors import ConflictError
from pitrix_core.jobs.orphans import report_of
from pitrix_core.model import (
    AccountReport,
    Cluster,
    ClusterState,
    Job,
    Orphan,
    Runtime,
)
from pitrix_core.model.access import Action, Actor
from pitrix_core.pilot.hidden import SYSTEM_OWNER, add_hidden, submit_hidden
from pitrix_core.planner.build import Offers
from pitrix_core.planner.orphans import draft_sweep
from pitrix_core.service.inputs import SweepInput
from pitrix_core.service.runtimes import get_for
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.ownership import NO_APP_VERSION


def report(services: Services, actor: Actor, runtime_id: str) -> AccountReport:
    """Say what in a runtime's account belongs to nothing here, and what is missing there.

    :raises ForbiddenError: the actor may not do it on this runtime.
    :raises NotFoundError: there is no such runtime.
    :raises ProviderTemporaryError: the cloud did not answer.
    """
    runtime = get_for(services, actor, Action.ORPHANS_READ, runtime_id)
    listed = services.gates.of(runtime.id).owned()  # before the database: see jobs/orphans.py
    with services.store.read() as tx:
        return report_of(tx, runtime.id, listed)


def sweep(services: Services, actor: Actor, runtime_id: str, data: SweepInput) -> Job | None:
    """Have orphans removed.

    :returns: the job that does it; None where there is nothing to remove.
    :raises ForbiddenError: the actor may not do it on this runtime.
    :raises NotFoundError: there is no such runtime.
    :raises ConflictError: one that is named is no orphan, or a sweep is at work already.
    :raises ProviderTemporaryError: the cloud did not answer.
    """
    runtime = get_for(services, actor, Action.ORPHANS_WRITE, runtime_id)
    gate = services.gates.of(runtime.id)
    listed = gate.owned()
    with services.store.begin() as tx:
        tx.runtimes.lock(runtime.id)
        _require_no_other(tx, runtime)
        wanted = _wanted(report_of(tx, runtime.id, listed).orphans, data.orphans)
        _end_failed(tx, runtime)
        return _submit(tx, runtime, wanted, provider=gate) if wanted else None


def _wanted(orphans: Sequence[Orphan], named: Collection[str]) -> list[Orphan]:
    unknown = sorted(set(named) - {orphan.id for orphan in orphans})
    if unknown:
        raise ConflictError(
            f"No orphan (any more): {', '.join(unknown)}.",
            pointer="/orphans",
            next_step="Look again: pitrix runtime sweep RUNTIME",
        )
    return [orphan for orphan in orphans if not named or orphan.id in named]


def _sweeps(tx: Transaction, runtime: Runtime) -> list[Cluster]:
    found = tx.clusters.search(runtime_id=runtime.id)
    return [cluster for cluster in found if cluster.app_version_id == NO_APP_VERSION]


def _require_no_other(tx: Transaction, runtime: Runtime) -> None:
    for cluster in _sweeps(tx, runtime):
        running = tx.jobs.running_on(cluster.id)
        if running is not None:
            raise ConflictError(
                f"Job {running} sweeps runtime {runtime.name} already.",
                next_step=f"pitrix job watch {running}",
            )


def _end_failed(tx: Transaction, runtime: Runtime) -> None:
    """End earlier sweeps that failed: what they left is found anew."""
    for cluster in _sweeps(tx, runtime):
        tx.ownership.let_go(cluster.id)
        tx.clusters.set_state(cluster.id, ClusterState.DELETED)


def _submit(
    tx: Transaction, runtime: Runtime, orphans: Sequence[Orphan], *, provider: Offers
) -> Job:
    cluster = add_hidden(
        tx,
        runtime,
        name=f"orphans-of-{runtime.name}",
        state=ClusterState.DELETING,
        app_version_id=NO_APP_VERSION,
    )
    tx.ownership.adopt(orphans, cluster=cluster)
    current = tx.clusters.snapshot(cluster.id)
    draft = draft_sweep(orphans)
    job = submit_hidden(tx, cluster, draft, provider=provider, current=current)
    data = {"job_id": job.id, "orphans": [orphan.id for orphan in orphans]}
    tx.events.add("runtime.sweep", runtime.id, owner=SYSTEM_OWNER, data=data)
    return job
