"""``runtime``, ``plan``, ``deploy``, ``cluster``, ``event`` and ``plugins``."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

RUNTIME = {"id": "rt-1", "name": "here", "provider": "local", "zone": "", "settings": {}}
PLAN: dict[str, Any] = {
    "id": "plan-1",
    "action": "create",
    "cluster_id": "cl-1",
    "cluster_name": "demo",
    "runtime_id": "rt-1",
    "tasks": [
        {"kind": "volume.create", "title": "Create the volume of etcd 1"},
        {"kind": "compute.create", "title": "Create machine etcd 1"},
        {"kind": "compute.create", "title": "Create machine etcd 2"},
    ],
    "totals": {"machines": 2, "cpu": 2, "memory_mib": 2048, "volume_gib": 0},
    "price": {"amount_per_month": "12.50", "currency": "USD", "source": "price list of 2026-08"},
    "findings": [{"level": "warning", "code": "w", "message": "is small", "pointer": "/cluster"}],
}
CLUSTER = {
    "id": "cl-1",
    "name": "demo",
    "state": "active",
    "endpoints": {"client": {"port": 2379, "protocol": "http"}},
}
SNAPSHOT = {
    "cluster": CLUSTER,
    "nodes": [{"id": "cln-1", "role": "etcd", "facts": {"ip": "1.2.3.4"}}],
}
JOB = {"id": "job-1", "state": "succeeded", "cluster_id": "cl-1", "error": None}


@pytest.fixture
def store(api: StandIn) -> StandIn:
    """An API with one app that can be deployed."""
    schema = {"properties": {"cluster": {"properties": {"count": {"type": "integer"}}}}}
    api.answers("GET", "/v1/apps/etcd", {"id": "app-1", "name": "etcd"})
    api.lists("/v1/apps/app-1/versions", {"id": "ver-1", "version": "1.0.0"})
    api.answers("GET", "/v1/app_versions/ver-1/config_schema", schema)
    api.answers("GET", "/v1/runtimes/here", RUNTIME)
    api.answers("POST", "/v1/plans", PLAN, status=201)
    api.answers("POST", "/v1/clusters", JOB, status=202)
    api.answers("GET", "/v1/jobs/job-1", JOB)
    api.lists("/v1/jobs/job-1/tasks")
    api.answers("GET", "/v1/clusters/cl-1", SNAPSHOT)
    return api


def test_a_plan_can_be_read(store: StandIn, pitrix: Callable[..., Result]) -> None:
    """Tasks by kind, totals, price and findings are shown; nothing is applied."""
    result = pitrix("plan", "etcd", "--runtime", "here", "--set", "cluster.count=3")

    assert result.code == 0
    assert store.asked("POST", "/v1/plans")[0].body == {
        "action": "create",
        "app_version_id": "ver-1",
        "config": {"cluster": {"count": 3}},
        "runtime_id": "rt-1",
    }
    assert "compute.create (2)\n  Create machine etcd 1\n  Create machine etcd 2" in result.out
    assert "2 machines, 2 CPUs, 2048 MiB of memory" in result.out
    assert "12.50 USD a month (price list of 2026-08)" in result.out
    assert "warning /cluster: is small" in result.out
    assert store.asked("POST", "/v1/clusters") == []


def test_several_runtimes_that_match_are_listed(
    store: StandIn, pitrix: Callable[..., Result]
) -> None:
    """A choice that the user has to make shows what there is to choose."""
    candidates = [{"id": "rt-1", "name": "here"}, {"id": "rt-2", "name": "there"}]
    problem = {"detail": "Several match.", "code": "runtime_choice", "candidates": candidates}
    store.forget("POST", "/v1/plans")
    store.answers("POST", "/v1/plans", problem, status=409)

    result = pitrix("plan", "etcd")

    assert result.code == 1
    assert "there (rt-2)" in result.err
    assert "--runtime NAME" in result.err


def test_everything_that_is_wrong_is_listed_once(
    store: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Each violation with its place; the message does not repeat them."""
    findings = [
        {"level": "error", "pointer": f"/config/{name}", "message": f"{name} is wrong"}
        for name in ("a", "b")
    ]
    problem = {
        "detail": "/config/a: a is wrong; …",
        "code": "config_invalid",
        "pointer": "/config/a",
    }
    store.forget("POST", "/v1/plans")
    store.answers("POST", "/v1/plans", {**problem, "findings": findings}, status=422)

    result = pitrix("plan", "etcd")

    assert result.code == 1
    assert result.err.splitlines() == [
        "Error: 2 things are wrong with the configuration.",
        "  error /config/a: a is wrong",
        "  error /config/b: b is wrong",
        "Next: See what is allowed: pitrix config show ver-1",
    ]


def test_deploying_applies_the_plan_and_watches(
    store: StandIn, pitrix: Callable[..., Result]
) -> None:
    """With --yes nothing is asked; the answer says where the cluster is reached."""
    result = pitrix("deploy", "etcd", "--name", "demo", "--yes")

    assert result.code == 0
    assert store.asked("POST", "/v1/plans")[0].body["name"] == "demo"
    assert store.asked("POST", "/v1/clusters")[0].body == {"plan_id": "plan-1"}
    assert "demo is active. client http/2379" in result.out


def test_deploying_without_a_yes_changes_nothing(
    store: StandIn, pitrix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody there to confirm: nothing is applied, exit code not 0."""
    monkeypatch.setattr("sys.stdin", io.StringIO())

    result = pitrix("deploy", "etcd")

    assert result.code == 1
    assert "Say --yes" in result.err
    assert store.asked("POST", "/v1/clusters") == []


def test_an_answer_of_no_changes_nothing(
    store: StandIn, pitrix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and the exit code is that of what was not done."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    result = pitrix("deploy", "etcd")

    assert result.code == 1
    assert "Nothing was done." in result.err
    assert store.asked("POST", "/v1/clusters") == []


def test_a_plan_with_an_error_is_not_applied(store: StandIn, pitrix: Callable[..., Result]) -> None:
    """A finding of level error stops before the question."""
    finding = {"level": "error", "code": "e", "message": "no image", "pointer": "/image"}
    store.forget("POST", "/v1/plans")
    store.answers("POST", "/v1/plans", {**PLAN, "findings": [finding]})

    result = pitrix("deploy", "etcd", "--yes")

    assert result.code == 1
    assert "no image" in result.err
    assert store.asked("POST", "/v1/clusters") == []


def test_deleting_plans_first(store: StandIn, pitrix: Callable[..., Result]) -> None:
    """A cluster is removed by a plan of its own, found by name."""
    store.answers("GET", "/v1/clusters/demo", SNAPSHOT)
    store.lists("/v1/clusters", CLUSTER)
    store.answers("POST", "/v1/clusters/cl-1/jobs", JOB, status=202)

    result = pitrix("cluster", "delete", "demo", "--yes")

    assert result.code == 0
    assert store.asked("POST", "/v1/plans")[0].body == {"action": "delete", "cluster_id": "cl-1"}
    assert store.asked("POST", "/v1/clusters/cl-1/jobs")[0].body == {"plan_id": "plan-1"}


@pytest.mark.parametrize(
    ("option", "question"),
    [("--force", "Delete demo and its data?"), ("--forget", "Forget demo, and leave behind")],
)
def test_a_deletion_can_be_forced_or_leave_things_behind(
    store: StandIn,
    pitrix: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    question: str,
) -> None:
    """The question says which."""
    store.lists("/v1/clusters", CLUSTER)
    store.answers("POST", "/v1/clusters/cl-1/jobs", JOB, status=202)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    result = pitrix("cluster", "delete", "cl-1", option)

    assert result.code == 0
    assert question in result.err
    [asked] = store.asked("POST", "/v1/plans")
    assert asked.body == {"action": "delete", "cluster_id": "cl-1", option[2:]: True}


def test_what_a_forgotten_cluster_left_behind_is_shown(
    store: StandIn, pitrix: Callable[..., Result]
) -> None:
    """It may still cost money."""
    forgotten = {**CLUSTER, "state": "deleted", "forgotten_at": "2026-08-01T00:00:00Z"}
    left = {"kind": "volume.create", "resource_id": "vol-1"}
    store.answers("GET", "/v1/clusters/cl-9", {"cluster": forgotten, "resources": [left]})

    result = pitrix("cluster", "show", "cl-9")

    assert "may still be in its cloud" in result.out
    assert result.out.splitlines()[-1].split() == ["volume.create", "vol-1"]


def test_of_two_clusters_of_one_name_none_is_deleted(
    store: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Which one is meant is not guessed: their ids are said."""
    store.answers("GET", "/v1/clusters/demo", SNAPSHOT)
    store.lists("/v1/clusters", CLUSTER, {**CLUSTER, "id": "cl-2"})

    result = pitrix("cluster", "delete", "demo", "--yes")

    assert result.code == 1
    assert "cl-1, cl-2" in result.err
    assert store.asked("POST", "/v1/plans") == []


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        pytest.param(("deploy", "etcd"), "/v1/clusters", id="deploying"),
        pytest.param(("cluster", "delete", "cl-1"), "/v1/clusters/cl-1/jobs", id="deleting"),
    ],
)
def test_a_job_is_given_a_deadline(
    store: StandIn, pitrix: Callable[..., Result], typed: tuple[str, ...], path: str
) -> None:
    """Beside the plan; a job without one is not sent any."""
    store.lists("/v1/clusters", CLUSTER)
    store.answers("POST", "/v1/clusters/cl-1/jobs", JOB, status=202)

    pitrix(*typed, "--yes", "--deadline", "90")
    pitrix(*typed, "--yes")

    sent = [request.body for request in store.asked("POST", path)]
    assert sent == [{"plan_id": "plan-1", "deadline_s": 90.0}, {"plan_id": "plan-1"}]


def test_a_cluster_is_shown_with_its_machines(
    store: StandIn, pitrix: Callable[..., Result]
) -> None:
    """State, endpoints and addresses are there."""
    result = pitrix("cluster", "show", "cl-1")

    assert "client http/2379" in result.out
    assert "1.2.3.4" in result.out


def test_a_runtime_is_limited(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Only what was named is sent; the rest is the server's to say."""
    api.answers("POST", "/v1/runtimes/here/limit", {**RUNTIME, "limits": {"concurrency": 8}})

    result = pitrix("runtime", "limit", "here", "--concurrency", "8")

    assert result.code == 0
    assert api.asked("POST", "/v1/runtimes/here/limit")[0].body == {"concurrency": 8}
    assert "concurrency" in result.out


def test_a_runtime_is_shown_with_its_pace(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """What its cloud is asked for now, and since when that is less than it was."""
    pace = {"under_way": 3, "concurrency": 64, "rate_per_s": 12.5, "throttled_at": None}
    slowed = {**pace, "rate_per_s": 2.0 / 3, "throttled_at": "2026-08-21T09:30:00.5Z"}
    paces = {"free": {**pace, "rate_per_s": None}, "limited": pace, "slow": slowed}
    for name, shown in paces.items():
        api.answers("GET", f"/v1/runtimes/{name}", {**RUNTIME, "pace": shown})

    texts = [pitrix("runtime", "show", name).out for name in paces]

    assert "3 of 64 requests under way; as many a second as the cloud takes\n" in texts[0]
    assert "3 of 64 requests under way; 12.5 a second\n" in texts[1]
    assert "; 0.667 a second, throttled 2026-08-21 09:30:00Z\n" in texts[2]


def test_settings_of_a_runtime_are_typed_by_its_provider(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """The provider's schema says what a list is."""
    schema = {"properties": {"images": {"type": "array", "items": {"type": "string"}}}}
    api.answers("GET", "/v1/providers/local", {"name": "local", "settings_schema": schema})
    api.answers("POST", "/v1/runtimes", RUNTIME, status=201)

    result = pitrix(
        *("runtime", "add", "here", "--provider", "local", "--set", "images=/i", "--throw-away"),
        *("--label", "zone=a"),
    )

    assert result.code == 0
    body = api.asked("POST", "/v1/runtimes")[0].body
    assert body["settings"] == {"images": ["/i"]}
    assert body["labels"] == {"zone": "a"}
    assert body["throw_away"] is True


def test_a_secret_is_not_taken_from_the_command_line(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """A secret that was typed is refused before anything is sent, and not repeated."""
    api.answers("GET", "/v1/providers/aws", {"name": "aws", "settings_schema": {}})

    result = pitrix("runtime", "add", "x", "--provider", "aws", "--credential", "key=abc123")

    assert result.code == 2
    assert "abc123" not in result.err
    assert api.asked("POST", "/v1/runtimes") == []


def test_a_secret_is_read_from_a_file(
    api: StandIn, pitrix: Callable[..., Result], tmp_path: Path
) -> None:
    """Whole credentials and single members come from files."""
    (tmp_path / "credential.json").write_text('{"id": "me"}')
    (tmp_path / "key").write_text("abc123\n")
    api.answers("GET", "/v1/providers/aws", {"name": "aws", "settings_schema": {}})
    api.answers("POST", "/v1/runtimes", RUNTIME, status=201)

    pitrix(
        *("runtime", "add", "x", "--provider", "aws", "--credential", f"key=@{tmp_path / 'key'}"),
        *("--credential-file", str(tmp_path / "credential.json")),
    )

    body = api.asked("POST", "/v1/runtimes")[0].body
    assert body["credential"] == {"id": "me", "key": "abc123"}


@pytest.mark.parametrize(("level", "code"), [("info", 0), ("warning", 0), ("error", 1)])
def test_a_check_ends_as_it_found(
    api: StandIn, pitrix: Callable[..., Result], level: str, code: int
) -> None:
    """Only a finding of level error makes the exit code 1."""
    findings = [{"level": level, "code": "c", "message": "Seen."}]
    api.answers("POST", "/v1/runtimes/rt-1/check", {"findings": findings})

    result = pitrix("runtime", "check", "rt-1")

    assert result.code == code
    assert "Seen." in result.out


def test_a_runtime_can_be_forgotten(store: StandIn, pitrix: Callable[..., Result]) -> None:
    """Its cloud is not asked for anything."""
    store.answers("DELETE", "/v1/runtimes/rt-1", None, status=204)

    result = pitrix("runtime", "delete", "rt-1", "--forget", "--yes")

    assert result.code == 0
    assert store.asked("DELETE", "/v1/runtimes/rt-1")[0].query == {"forget": "true"}


def test_deleting_a_runtime_watches_its_jobs(store: StandIn, pitrix: Callable[..., Result]) -> None:
    """What pitrix itself kept there is removed before the verb ends."""
    store.answers("DELETE", "/v1/runtimes/rt-1", {"jobs": [JOB]}, status=202)

    result = pitrix("runtime", "delete", "rt-1", "--yes")

    assert result.code == 0
    assert "The runtime is gone." in result.out


def test_a_runtime_without_anything_is_gone_at_once(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """204: there is no job to watch."""
    api.answers("DELETE", "/v1/runtimes/rt-1", None, status=204)

    result = pitrix("runtime", "delete", "rt-1", "--yes", "--json")

    assert json.loads(result.out) == {"jobs": []}


def test_events_are_listed(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Time, kind and data stand in a line each."""
    event = {"id": 7, "kind": "job.ended", "at": "2026-08-21T09:30:00Z", "subject": "job-1"}
    api.lists("/v1/events", {**event, "data": {"state": "failed"}})

    result = pitrix("event", "list", "--subject", "job-1", "--after", "3")

    assert api.requests[0].query["after"] == "3"
    assert "2026-08-21 09:30:00Z  job.ended" in result.out
    assert "state=failed" in result.out


def test_plugins_of_the_server_are_listed(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """A broken plugin is shown with its reason, and makes the exit code 1."""
    report = {"group": "pitrix.providers", "name": "local", "distribution": "d", "version": "1"}
    api.lists("/v1/plugins", {**report, "status": "broken", "error": "no module"})

    result = pitrix("plugins")

    assert result.code == 1
    assert "no module" in result.out


def test_plugins_of_this_installation_need_no_server(type_command: Callable[..., Result]) -> None:
    """Where no server is known, what is installed here is looked at."""
    result = type_command("plugins", "--json")

    assert isinstance(json.loads(result.out)["items"], list)


def test_the_version_names_the_core(type_command: Callable[..., Result]) -> None:
    """``pitrix version --json`` has the version of each distribution."""
    result = type_command("version", "--json")

    assert "pitrix-core" in json.loads(result.out)["versions"]
