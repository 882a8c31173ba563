"""Processes killed with -9 in the middle of a deployment."""

import contextlib
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from .conftest import Installation, local_settings, machine_of, wait_for
from .second_app import write_image, write_package


@pytest.fixture
def runtime(installation: Installation, tmp_path: Path, etcd_folder: str) -> Installation:
    """An installation with the app and a runtime."""
    repo = tmp_path / "repo"
    installation.run("package", "build", str(write_package(tmp_path)), "-o", str(repo))
    installation.run("repo", "add", "mine", repo.as_uri())
    write_image(tmp_path / "images")
    installation.run("runtime", "add", "here", *local_settings(etcd_folder, tmp_path / "images"))
    return installation


@pytest.mark.parametrize(
    "kind", ["volume.create", "frontgate.ensure", "compute.create", "agent.wait", "service.run"]
)
@pytest.mark.parametrize("process", ["runner"])
def test_the_job_goes_on_where_it_was(runtime: Installation, kind: str, process: str) -> None:
    """Killed when a kind of task is under way, the job succeeds, and nothing is made twice."""
    plan = runtime.run("plan", "hello", "--set", "cluster.web.count=3", "--json").json
    job = _apply(runtime, plan["id"])
    wait_for(lambda: _is_under_way(runtime, job, kind), limit_s=30)

    runtime.child(process).send_signal(signal.SIGKILL)

    runtime.run("job", "watch", job)
    cluster = runtime.run("cluster", "show", plan["cluster_id"], "--json").json
    assert cluster["cluster"]["state"] == "active"
    assert len(cluster["nodes"]) == 3
    assert len([r for r in cluster["resources"] if r["kind"] == "compute.create"]) == 3
    machines = {machine_of(process) for process in runtime.processes()} - {None}
    assert len(machines) == 4  # three, and the Frontgate's
    _remove(runtime, plan["cluster_id"])


def test_a_whole_restart_in_the_middle(runtime: Installation) -> None:
    """The server and all its processes killed at once, and started again: the job ends well."""
    plan = runtime.run("plan", "hello", "--json").json
    job = _apply(runtime, plan["id"])
    wait_for(lambda: _is_under_way(runtime, job, "compute.create"), limit_s=30)

    assert runtime.server is not None
    for child in [runtime.child(name) for name in ("runner", "pilot", "api")]:
        child.suspend()
        child.kill()
    runtime.server.kill()
    runtime.server.wait()
    (runtime.data / "url").unlink(missing_ok=True)
    runtime.start()

    runtime.run("job", "watch", job)
    assert runtime.run("job", "show", job, "--json").json["state"] == "succeeded"
    _remove(runtime, plan["cluster_id"])


def _apply(installation: Installation, plan_id: str) -> str:
    url = (installation.data / "url").read_text().strip()
    token = (installation.data / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{url}/v1/clusters", json={"plan_id": plan_id}, headers=headers)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def _is_under_way(installation: Installation, job: str, kind: str) -> bool:
    url = (installation.data / "url").read_text().strip()
    token = (installation.data / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    tasks = httpx.get(f"{url}/v1/jobs/{job}/tasks?limit=200", headers=headers).json()["items"]
    return any(task["kind"] == kind and task["started_at"] for task in tasks)


def _remove(installation: Installation, cluster_id: str) -> None:
    installation.run("cluster", "delete", cluster_id, "--yes")
    installation.run("runtime", "delete", "here", "--yes")


def test_a_machine_that_dies_is_not_waited_for(runtime: Installation) -> None:
    """The job fails in bounded time and names the machine; the cluster can be deleted."""
    plan = runtime.run("plan", "hello", "--json").json
    job = _apply(runtime, plan["id"])
    wait_for(lambda: _is_under_way(runtime, job, "compute.create"), limit_s=30)
    pilot = runtime.child("pilot")
    pilot.suspend()  # no metadata, so that no node is configured yet
    wait_for(lambda: _is_under_way(runtime, job, "metadata.put"), limit_s=30)
    _kill_one_machine(runtime, plan["cluster_id"])
    pilot.resume()

    watched = runtime.run("job", "watch", job, check=False)

    assert watched.code == 1
    assert "machine i-" in watched.out + watched.err
    _remove(runtime, plan["cluster_id"])


def _kill_one_machine(installation: Installation, cluster_id: str) -> None:
    """Kill every process of one machine of a cluster."""
    states = installation.data.glob("runtimes/*/machines/i-*/state.json")
    machine = next(state.parent.name for state in states if cluster_id in state.read_text())
    for process in installation.processes():
        if machine_of(process) == machine:
            with contextlib.suppress(psutil.NoSuchProcess):  # it went with another one
                process.kill()
