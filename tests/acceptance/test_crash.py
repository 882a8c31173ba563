"""Processes killed with -9 in the middle of a deployment."""

import contextlib
import signal
from pathlib import Path

import psutil
import pytest

from .conftest import Installation, local_settings, machine_of, wait_for
from .second_app import write_image, write_package

#: Seconds in which a job comes to any of its tasks.
PATIENCE_S = 90


@pytest.fixture(scope="module")
def ready(installation: Installation, folder: Path) -> Installation:
    """An installation with the app."""
    repo = folder / "repo"
    installation.run("package", "build", str(write_package(folder)), "-o", str(repo))
    installation.run("repo", "add", "mine", repo.as_uri())
    write_image(folder / "images")
    return installation


@pytest.fixture
def runtime(ready: Installation, folder: Path, etcd_folder: str, tmp_path: Path) -> str:
    """A runtime of the test's own, in which there is no Frontgate yet."""
    name = tmp_path.name  # another one for each test
    ready.run("runtime", "add", name, *local_settings(etcd_folder, folder / "images"))
    return name


@pytest.mark.parametrize(
    "kind", ["volume.create", "frontgate.ensure", "compute.create", "agent.wait", "service.run"]
)
def test_the_job_goes_on_where_it_was(ready: Installation, runtime: str, kind: str) -> None:
    """The runner killed while a kind of task is under way: nothing is made twice."""
    count = ("--set", "cluster.web.count=3")
    plan = ready.run("plan", "hello", "--runtime", runtime, *count, "--json").json
    job = ready.apply(plan["id"])
    wait_for(lambda: ready.is_under_way(job, kind), limit_s=PATIENCE_S)

    ready.child("runner").send_signal(signal.SIGKILL)

    ready.run("job", "watch", job)
    cluster = ready.run("cluster", "show", plan["cluster_id"], "--json").json
    assert cluster["cluster"]["state"] == "active"
    assert len(cluster["nodes"]) == 3
    assert len([r for r in cluster["resources"] if r["kind"] == "compute.create"]) == 3
    machines = {machine_of(process) for process in ready.processes()} - {None}
    assert len(machines) == 4  # three, and the Frontgate's
    _remove(ready, runtime, plan["cluster_id"])


def test_a_whole_restart_in_the_middle(ready: Installation, runtime: str) -> None:
    """The server and all its processes killed at once, and started again: the job ends well."""
    plan = ready.run("plan", "hello", "--runtime", runtime, "--json").json
    job = ready.apply(plan["id"])
    wait_for(lambda: ready.is_under_way(job, "compute.create"), limit_s=PATIENCE_S)

    assert ready.server is not None
    for child in [ready.child(name) for name in ("runner", "pilot", "api")]:
        child.suspend()
        child.kill()
    ready.server.kill()
    ready.server.wait()
    (ready.data / "url").unlink(missing_ok=True)
    ready.start()

    ready.run("job", "watch", job)
    assert ready.run("job", "show", job, "--json").json["state"] == "succeeded"
    _remove(ready, runtime, plan["cluster_id"])


def test_a_machine_that_dies_is_not_waited_for(ready: Installation, runtime: str) -> None:
    """The job fails in bounded time and names the machine; the cluster can be deleted."""
    plan = ready.run("plan", "hello", "--runtime", runtime, "--json").json
    job = ready.apply(plan["id"])
    wait_for(lambda: ready.is_under_way(job, "compute.create"), limit_s=PATIENCE_S)
    with ready.held_up("pilot"):  # no metadata, so that no node is configured yet
        wait_for(lambda: ready.is_under_way(job, "metadata.put"), limit_s=PATIENCE_S)
        _kill_one_machine(ready, plan["cluster_id"])

    watched = ready.run("job", "watch", job, check=False)

    assert watched.code == 1
    assert "machine i-" in watched.out + watched.err
    _remove(ready, runtime, plan["cluster_id"])


def _remove(installation: Installation, runtime: str, cluster_id: str) -> None:
    installation.run("cluster", "delete", cluster_id, "--yes")
    installation.run("runtime", "delete", runtime, "--yes")


def _kill_one_machine(installation: Installation, cluster_id: str) -> None:
    """Kill every process of one machine of a cluster."""
    states = installation.data.glob("runtimes/*/machines/i-*/state.json")
    machine = next(state.parent.name for state in states if cluster_id in state.read_text())
    for process in installation.processes():
        if machine_of(process) == machine:
            with contextlib.suppress(psutil.NoSuchProcess):  # it went with another one
                process.kill()
