"""What the demo does, step by step, through the same API as everyone."""

import base64
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

from pitrix_core.cli.client import Api
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.progress import Display, Snapshot, watch
from pitrix_core.cli.verbs.packages.build import build_into
from pitrix_core.model import JsonObject

APP: Final = "etcd"
CLUSTER: Final = "demo"
RUNTIME: Final = "here"
REPO: Final = "examples"
#: Seconds in which a key written through one node has to be readable through another.
PROOF_S: Final = 15.0
_CLIENT_PORT: Final = 2379


@attrs.frozen(kw_only=True)
class Deployed:
    """What came of the deployment."""

    cluster: JsonObject
    nodes: Sequence[JsonObject]
    #: Addresses of etcd, in the order of the nodes.
    endpoints: tuple[str, ...]
    #: ``namespace`` or ``prefix``: how the machines are kept apart.
    mode: str


def build_packages(examples: Path, repo: Path) -> list[str]:
    """Build every example package into an indexed folder.

    :returns: the archives' names.
    """
    folders = sorted(f for f in (examples / "packages").iterdir() if f.is_dir())
    return [build_into(repo, folder).path.name for folder in folders]


def register_repo(api: Api, folder: Path) -> JsonObject:
    """Register the folder as a repo, and have it read now.

    :raises CliError: its index or packages are not sound.
    """
    repo = api.post("/v1/repos", {"name": REPO, "url": folder.as_uri()})
    indexed: JsonObject = api.post(f"/v1/repos/{repo['id']}/index")
    for found in indexed.get("findings") or []:
        if found["level"] == "error":
            raise CliError(f"The example packages are not sound: {found['message']}")
    return indexed


def register_runtime(api: Api, settings: JsonObject) -> JsonObject:
    """Register this machine as a runtime on which nothing of value may be lost.

    :raises CliError: it cannot be used.
    """
    body = {"name": RUNTIME, "provider": "local", "settings": settings, "throw_away": True}
    runtime: JsonObject = api.post("/v1/runtimes", body)
    for found in api.post(f"/v1/runtimes/{runtime['id']}/check")["findings"]:
        if found["level"] == "error":
            raise CliError(found["message"], next_step=found.get("next_step"))
    return runtime


def make_plan(api: Api, runtime_id: str) -> JsonObject:
    """Plan the newest etcd on the runtime.

    :raises CliError: the plan cannot be carried out.
    """
    versions = api.items(f"/v1/apps/{APP}/versions")
    body = {"action": "create", "app_version_id": versions[0]["id"], "name": CLUSTER}
    plan: JsonObject = api.post("/v1/plans", {**body, "runtime_id": runtime_id})
    for found in plan["findings"]:
        if found["level"] == "error":
            raise CliError(f"The plan cannot be carried out: {found['message']}")
    return plan


def deploy(api: Api, plan: JsonObject, *, display: Display) -> Snapshot:
    """Carry the plan out, showing its tasks.

    :raises CliError: the job failed.
    """
    job = api.post("/v1/clusters", {"plan_id": plan["id"]})
    seen = watch(api, job["id"], display=display)
    if not seen.has_succeeded:
        failed = [task for task in seen.tasks if task["state"] == "failed"]
        causes = [f"{task['title']}: {task['error']}" for task in failed]
        raise CliError("\n  ".join(["The deployment failed.", *(causes or [seen.job["error"]])]))
    return seen


def look_at_cluster(api: Api, cluster_id: str) -> Deployed:
    """Return where etcd is reached."""
    found = api.get(f"/v1/clusters/{cluster_id}")
    cluster = found.get("cluster", found)
    nodes = sorted(found["nodes"], key=lambda node: int(node["sid"]))
    port = _client_port(cluster.get("endpoints") or {})
    facts: list[Mapping[str, Any]] = [node["facts"] for node in nodes]
    return Deployed(
        cluster=cluster,
        nodes=nodes,
        endpoints=tuple(f"http://{fact['ip']}:{port}" for fact in facts),
        mode=str(facts[0].get("mode", "")),
    )


def prove(endpoints: Sequence[str], *, within_s: float = PROOF_S) -> str:
    """Write a key through the first node, read it through the last.

    :returns: what was read.
    :raises CliError: it is not what was written, or etcd does not answer.
    """
    value = f"written at {time.time_ns()}"
    deadline = time.monotonic() + within_s
    with httpx.Client(timeout=5.0, trust_env=False) as http:
        _until(deadline, lambda: _put(http, endpoints[0], "demo", value))
        read = _until(deadline, lambda: _get(http, endpoints[-1], "demo"))
    if read != value:
        raise CliError(f"{endpoints[-1]} answers {read!r}, {value!r} was written.")
    return value


def spans(tasks: Sequence[JsonObject]) -> dict[str, float]:
    """Return task kind → seconds from its first task's start to its last task's end."""
    bounds: dict[str, tuple[dt.datetime, dt.datetime]] = {}
    for task in tasks:
        if not (task.get("started_at") and task.get("finished_at")):
            continue
        start = dt.datetime.fromisoformat(task["started_at"])
        end = dt.datetime.fromisoformat(task["finished_at"])
        first, last = bounds.get(task["kind"], (start, end))
        bounds[task["kind"]] = (min(first, start), max(last, end))
    return {
        kind: round((last - first).total_seconds(), 3) for kind, (first, last) in bounds.items()
    }


def _client_port(endpoints: Mapping[str, Any]) -> int:
    """Return the port of the endpoint named client, of the only one, or etcd's usual one."""
    known = {name: point for name, point in endpoints.items() if isinstance(point, Mapping)}
    chosen = known.get("client") or next(iter(known.values()), {})
    return int(chosen.get("port", _CLIENT_PORT))


def _until(deadline: float, ask: Callable[[], str]) -> str:
    """Ask until there is an answer: a cluster may still choose its leader."""
    while True:
        try:
            return ask()
        except (httpx.HTTPError, LookupError) as ex:
            if time.monotonic() > deadline:
                raise CliError(f"etcd does not answer: {ex}") from ex
            time.sleep(0.1)


def _put(http: httpx.Client, endpoint: str, key: str, value: str) -> str:
    body = {"key": _encoded(key), "value": _encoded(value)}
    http.post(f"{endpoint}/v3/kv/put", json=body).raise_for_status()
    return value


def _get(http: httpx.Client, endpoint: str, key: str) -> str:
    answer = http.post(f"{endpoint}/v3/kv/range", json={"key": _encoded(key)}).raise_for_status()
    return base64.b64decode(answer.json()["kvs"][0]["value"]).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
