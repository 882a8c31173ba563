"""An account of the fake cloud with things in it that no job has made, and sweeps of it."""

from typing import Any

from driven_engine import INSTALLATION, RUNTIME, Engine

from pitrix_core.jobs.orphan_tasks import OrphanDelete
from pitrix_core.jobs.orphans import ORPHAN_AGE, report_of
from pitrix_core.model import AccountReport, Action, ClusterState, Job, Tags
from pitrix_core.planner.orphans import draft_sweep
from pitrix_core.plugins.calls import ProviderGate

#: Age of what is old enough to be an orphan, in seconds.
OLD_S = 2 * ORPHAN_AGE.total_seconds()


def put(
    engine: Engine,
    interface: str = "compute",
    *,
    key: str = "t-gone-1",
    cluster_id: str = "cl-gone",
    installation_id: str = INSTALLATION,
    age_s: float = OLD_S,
    **facts: Any,
) -> str:
    """Put something into the account that no job has made; return its id."""
    tags = Tags(installation_id=installation_id, cluster_id=cluster_id, request_key=key)
    begun = {"kind": f"{interface}.create", "stage": 1, "stages": {}, "begun_at": 0.0}
    known: dict[str, Any] = {"volumes": [], "network_id": "", "attached_to": ""}
    with engine.provider.cloud.rows() as rows:
        made_at = engine.clock.time() - age_s
        made = rows.add(
            interface,
            prefix=interface,
            tags=tags,
            made_at=made_at,
            facts={**begun, **known, **facts},
        )
    return made.id


def gate(engine: Engine) -> ProviderGate:
    return ProviderGate(engine.provider, runtime_id=RUNTIME.id)


def look(engine: Engine) -> AccountReport:
    """Compare the account with the database."""
    listed = gate(engine).owned()
    with engine.store.read() as tx:
        return report_of(tx, RUNTIME.id, listed)


def swept(engine: Engine) -> Job:
    """Begin to remove every orphan."""
    engine.kinds.known["orphan.delete"] = OrphanDelete(
        store=engine.store, gate=lambda _: gate(engine)
    )
    found = look(engine).orphans
    job = engine.submit(*draft_sweep(found).tasks, action=Action.DELETE, hidden=True)
    with engine.store.begin() as tx:
        tx.clusters.set_state(job.cluster_id, ClusterState.DELETING)
        tx.ownership.adopt(found, cluster=tx.clusters.get(job.cluster_id))
    return job
