"""Jobs that are paused, cancelled, given a deadline, undone and tried again by who types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Installation, local_settings, machine_of, wait_for
from .second_app import write_image, write_package

#: Seconds in which a job comes to any of its tasks.
PATIENCE_S = 90


@pytest.fixture(scope="module")
def ready(installation: Installation, folder: Path, etcd_folder: str) -> Iterator[Installation]:
    """An installation with the app and a runtime."""
    repo = folder / "repo"
    installation.run("package", "build", str(write_package(folder)), "-o", str(repo))
    installation.run("repo", "add", "mine", repo.as_uri())
    write_image(folder / "images")
    installation.run("runtime", "add", "here", *local_settings(etcd_folder, folder / "images"))
    yield installation
    installation.run("runtime", "delete", "here", "--yes")


@pytest.fixture
def plan_id(ready: Installation) -> str:
    """A plan of a cluster of one machine."""
    return str(ready.run("plan", "hello", "--set", "cluster.web.count=1", "--json").json["id"])


def test_a_job_is_stopped_and_goes_on(ready: Installation, plan_id: str) -> None:
    """Paused, cancelled and tried again, it ends well; so does a removal, paused and resumed."""
    job = ready.apply(plan_id)
    wait_for(lambda: ready.is_under_way(job, "compute.create"), limit_s=PATIENCE_S)
    with ready.held_up("pilot"):  # no metadata: it does not end meanwhile
        wait_for(lambda: ready.is_under_way(job, "metadata.put"), limit_s=PATIENCE_S)
        ready.run("job", "pause", job)
        paused = state_of(ready, job)
    ready.run("job", "cancel", job, "--yes")
    cancelled, begun = state_of(ready, job), ready.is_under_way(job, "service.run")
    ready.run("job", "retry", job)
    retried = state_of(ready, job)

    assert (paused, cancelled, begun, retried) == ("paused", "cancelled", False, "succeeded")

    [cluster] = ready.run("cluster", "list", "--json").json["items"]
    plan = ready.ask("POST", "plans", action="delete", cluster_id=cluster["id"])
    with ready.held_up("pilot"):
        removal = ready.ask("POST", f"clusters/{cluster['id']}/jobs", plan_id=plan["id"])["id"]
        wait_for(lambda: ready.is_under_way(removal, "service.run"), limit_s=PATIENCE_S)
        ready.run("job", "pause", removal)
    ready.run("job", "resume", removal)

    assert state_of(ready, removal) == "succeeded"
    assert ready.run("cluster", "list", "--json").json["items"] == []


def test_a_job_past_its_deadline_is_given_up_and_undone(ready: Installation, plan_id: str) -> None:
    """What is under way is not waited for, and nothing of the cluster stays."""
    with ready.held_up("pilot"):  # it cannot end in time
        job = ready.apply(plan_id, deadline_s=3.0)
        wait_for(lambda: state_of(ready, job) == "stopping", limit_s=PATIENCE_S)
        ready.run("job", "cancel", job, "--force", "--yes")
    stopped = ready.ask("GET", f"jobs/{job}")
    ready.run("job", "roll-back", job, "--yes")

    assert (stopped["state"], stopped["error_code"]) == ("failed", "deadline")
    assert ready.run("cluster", "list", "--json").json["items"] == []
    machines = {machine_of(process) for process in ready.processes()} - {None}
    assert len(machines) <= 1  # the Frontgate's


def state_of(installation: Installation, job: str) -> str:
    """Return a job's state."""
    return str(installation.ask("GET", f"jobs/{job}")["state"])
