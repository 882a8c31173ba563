"""The rows of Frontgates that were asked for: their clusters and jobs, and how these go on."""

from typing import Any

from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Job
from pitrix_core.pilot.inbox import Desk


def hidden(world: Any) -> list[Any]:
    """Return the hidden clusters."""
    with world.store.read() as tx:
        return [cluster for cluster in tx.clusters.search() if cluster.hidden]


def jobs_of(world: Any, cluster_id: str) -> list[Job]:
    """Return a cluster's jobs, newest first."""
    with world.store.read() as tx:
        found: list[Job] = tx.jobs.search(cluster_id=cluster_id)
    return found


def connect(world: Any, cluster_id: str, endpoint: str = "https://[2001:db8::1]:2381") -> str:
    """Have a hidden cluster's Frontgate connect, and return its id."""
    with world.store.read() as tx:
        frontgate = tx.agents.frontgate_of(cluster_id)
        secret = tx.secrets.get(frontgate.secret_id)
    said = {
        "protocol": frontgate.protocol,
        "frontgate_id": frontgate.id,
        "token" if frontgate.protocol == 1 else "enrolment": secret,
        "endpoints": [endpoint],
    }
    return Desk(store=world.store, pilot_id="pil-1").welcome(said).held.frontgate_id


def fail(world: Any, cluster_id: str, error: str = "no image") -> None:
    """Let the newest job of a cluster fail at its first task."""
    [job, *_] = jobs_of(world, cluster_id)
    with world.store.begin() as tx:
        tx.queue.claim("run-1", limit=100)
        first = tx.jobs.tasks(job.id)[0]
        tx.queue.fail(first, None, error=error, error_code="provider")
        end_job(tx, job.id)
