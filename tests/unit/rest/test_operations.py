"""Tests the table: each operation over the real uses, a real store and the fake provider."""

import hashlib
from pathlib import Path
from typing import Any

import falcon.testing
import pytest
from stored_cluster import cluster_on, plan_on

from pitrix_core.model import (
    Cluster,
    ClusterState,
    Runtime,
)
from pitrix_core.rest.app import make_app
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.groups import ROOT_ID
from pitrix_core.store.logins import ApiToken

Client = falcon.testing.TestClient


@pytest.fixture
def api(services: Services) -> Client:
    """A client of the whole API, as the admin."""
    return Client(make_app(services), headers={"Authorization": "Bearer the-admin's-token"})


@pytest.fixture
def repo(api: Client, tmp_path: Path) -> Any:
    """A repo without packages."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "index.yaml").write_text("apiVersion: v1\nentries: {}\n")
    return api.simulate_post("/v1/repos", json={"name": "empty", "url": f"file://{folder}"})


@pytest.fixture
def runtime(api: Client) -> Any:
    """A runtime of the fake provider."""
    body = {"name": "here", "provider": "fake", "credential": {"api_key": "hunter2"}}
    return api.simulate_post("/v1/runtimes", json=body)


@pytest.fixture
def cluster(store: Store, runtime: Any) -> Cluster:
    """A cluster at revision 3, with a plan to delete it."""
    made = cluster_on(runtime.json["id"])
    with store.begin() as tx:
        tx.clusters.add(made)
        tx.plans.add(plan_on(runtime.json["id"]))
    return made


@pytest.fixture
def job(api: Client, cluster: Cluster) -> Any:
    """The job of that plan."""
    return api.simulate_post("/v1/clusters/cl-1/jobs", json={"plan_id": "plan-1"})


def test_the_api_is_healthy_once_the_database_answers(services: Services) -> None:
    """Whoever started it can wait for this; it needs no token."""
    assert Client(make_app(services)).simulate_get("/healthz").json == {"status": "ok"}


def test_the_api_is_not_healthy_without_its_tables(
    services: Services, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """What the database says is in the log, not in the answer."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tokens")

    answer = Client(make_app(services)).simulate_get("/healthz")

    assert answer.status_code == 503
    assert answer.json["code"] == "unhealthy"
    assert "tokens" not in answer.text
    assert "no such table: tokens" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/plugins",
        "/v1/providers",
        "/v1/repos",
        "/v1/apps",
        "/v1/runtimes",
        "/v1/frontgates",
        "/v1/clusters",
        "/v1/jobs",
        "/v1/events",
    ],
)
def test_lists_are_pages(api: Client, path: str) -> None:
    """Every list has the same form."""
    answer = api.simulate_get(path)

    assert answer.status_code == 200
    assert isinstance(answer.json["items"], list)
    assert answer.json["next_cursor"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/providers/none"),
        ("GET", "/v1/repos/none"),
        ("POST", "/v1/repos/none/index"),
        ("GET", "/v1/apps/none"),
        ("GET", "/v1/apps/none/versions"),
        ("GET", "/v1/app_versions/none"),
        ("GET", "/v1/app_versions/none/config_schema"),
        ("GET", "/v1/runtimes/none"),
        ("POST", "/v1/runtimes/none/check"),
        ("DELETE", "/v1/runtimes/none"),
        ("GET", "/v1/frontgates/none"),
        ("POST", "/v1/frontgates/none/revoke"),
        ("POST", "/v1/frontgates/none/renew"),
        ("GET", "/v1/plans/none"),
        ("GET", "/v1/clusters/none"),
        ("GET", "/v1/jobs/none"),
        ("GET", "/v1/jobs/none/tasks"),
        ("POST", "/v1/jobs/none/retry"),
        ("GET", "/v1/agents/none/0"),
    ],
)
def test_what_is_not_there_is_not_found(api: Client, method: str, path: str) -> None:
    """Every thing that is named and missing is answered with 404."""
    answer = api.simulate_request(method, path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_installed_plugins_are_listed(api: Client) -> None:
    """The report says of each whether it is sound."""
    listed = api.simulate_get("/v1/plugins").json["items"]

    assert [(plugin["name"], plugin["status"]) for plugin in listed] == [
        ("fake", "ok"),
        ("file", "ok"),
    ]


def test_a_provider_says_what_can_be_set(api: Client) -> None:
    """Its schemas are what forms are drawn from."""
    described = api.simulate_get("/v1/providers/fake").json

    assert described["name"] == "fake"
    assert "settings_schema" in described
    assert "credential_schema" in described


def test_a_repo_is_registered_indexed_and_shown(api: Client, repo: Any) -> None:
    """The same repo is behind its id and its name."""
    repo_id = repo.json["id"]

    assert repo.status_code == 201
    assert repo.headers["location"] == f"/v1/repos/{repo_id}"
    assert api.simulate_post(f"/v1/repos/{repo_id}/index").status_code == 200
    assert api.simulate_get("/v1/repos/empty").json["id"] == repo_id


def test_a_repo_that_cannot_be_read_is_refused(api: Client) -> None:
    """The pointer names the member that is at fault."""
    refused = api.simulate_post("/v1/repos", json={"name": "x", "url": "file:///nowhere"})

    assert refused.status_code == 422
    assert refused.json["pointer"] == "/url"


def test_a_runtime_is_registered_without_showing_its_credential(
    api: Client, runtime: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret goes in and never comes out."""
    shown = api.simulate_get(runtime.headers["location"])

    assert runtime.status_code == 201
    assert shown.json == {**runtime.json, "pace": shown.json["pace"]}
    assert "hunter2" not in runtime.text + shown.text + caplog.text


def test_a_credential_that_does_not_fit_is_not_quoted(
    api: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer says where, and not what."""
    body = {"name": "here", "provider": "fake", "credential": {"api_key": ["hunter2"]}}

    refused = api.simulate_post("/v1/runtimes", json=body)

    assert refused.status_code == 422
    assert refused.json["findings"][0]["pointer"] == "/credential/api_key"
    assert "hunter2" not in refused.text + caplog.text


def test_a_runtime_is_checked(api: Client, runtime: Any) -> None:
    """Nothing to object to is an empty list."""
    checked = api.simulate_post(f"{runtime.headers['location']}/check")

    assert checked.status_code == 200
    assert checked.json == {"findings": []}


def test_a_runtime_is_limited(api: Client, runtime: Any) -> None:
    """What is not named has its default again."""
    where = runtime.headers["location"]
    limited = api.simulate_post(f"{where}/limit", json={"rate_per_s": 5.0})
    shown = api.simulate_get(where)

    assert limited.status_code == 200
    assert shown.json["limits"] == {"concurrency": 64, "rate_per_s": 5.0}
    assert shown.json["pace"] == {
        "under_way": 0,
        "concurrency": 64,
        "rate_per_s": 5.0,
        "throttled_at": None,
    }


@pytest.mark.parametrize(
    "limits",
    [{"concurrency": 0}, {"rate_per_s": 0}, {"rate_per_s": 1e9}, {"concurrency": "many"}],
    ids=["nothing-at-a-time", "never", "beyond-any-cloud", "no-number"],
)
def test_limits_that_cannot_be_are_refused(
    api: Client, runtime: Any, limits: dict[str, Any]
) -> None:
    """And the old ones stay."""
    where = runtime.headers["location"]
    refused = api.simulate_post(f"{where}/limit", json=limits)

    assert refused.status_code == 422
    assert api.simulate_get(where).json["limits"] == {"concurrency": 64, "rate_per_s": None}


def test_a_runtime_that_holds_nothing_is_gone_at_once(api: Client, runtime: Any) -> None:
    """There is nothing left to tell, not even when it is told twice."""
    key = {"Idempotency-Key": "key-1"}
    gone = [api.simulate_delete(runtime.headers["location"], headers=key) for _ in range(2)]

    assert [answer.status_code for answer in gone] == [204, 204]


def test_a_plan_that_lacks_something_is_refused(api: Client) -> None:
    """What a plan needs depends on its action; the use says so."""
    refused = api.simulate_post("/v1/plans", json={})

    assert refused.status_code == 422
    assert refused.json["pointer"] == "/app_version_id"


def test_a_plan_is_shown(api: Client, cluster: Cluster) -> None:
    """Tasks of a plan are shown with their inputs: they are what is agreed to."""
    shown = api.simulate_get("/v1/plans/plan-1").json

    assert shown["tasks"][0]["input"] == {"made": "up"}


def test_a_cluster_is_shown_with_its_nodes(api: Client, cluster: Cluster) -> None:
    """Its ETag begins with its revision."""
    shown = api.simulate_get("/v1/clusters/one")

    assert shown.json["cluster"]["id"] == "cl-1"
    assert shown.json["nodes"] == shown.json["resources"] == []
    assert shown.headers["etag"].startswith('"3-')


def test_a_cluster_that_moved_on_is_shown_anew(api: Client, cluster: Cluster, store: Store) -> None:
    """A change of state is seen, though the revision is the same."""
    tag = api.simulate_get("/v1/clusters/cl-1").headers["etag"]
    with store.begin() as tx:
        tx.clusters.set_state("cl-1", ClusterState.FAILED)

    again = api.simulate_get("/v1/clusters/cl-1", headers={"If-None-Match": tag})

    assert again.status_code == 200
    assert again.json["cluster"]["state"] == "failed"


@pytest.mark.parametrize("tag", ['"3"', '"3-abc"', '"2", W/"3"', "*"])
def test_a_change_goes_through_at_the_revision_it_is_for(
    api: Client, cluster: Cluster, tag: str
) -> None:
    """A plan for the cluster as it is becomes a job."""
    job = api.simulate_post(
        "/v1/clusters/cl-1/jobs", json={"plan_id": "plan-1"}, headers={"If-Match": tag}
    )

    assert job.status_code == 202
    assert job.headers["location"] == f"/v1/jobs/{job.json['id']}"


def test_a_change_of_another_revision_is_refused(api: Client, cluster: Cluster) -> None:
    """If-Match with an older ETag changes nothing."""
    refused = api.simulate_post(
        "/v1/clusters/cl-1/jobs", json={"plan_id": "plan-1"}, headers={"If-Match": '"2-abc"'}
    )

    assert refused.status_code == 412
    assert api.simulate_get("/v1/jobs").json["items"] == []


def test_a_change_is_no_new_cluster(api: Client, cluster: Cluster) -> None:
    """A plan for a cluster that is there goes to that cluster."""
    refused = api.simulate_post("/v1/clusters", json={"plan_id": "plan-1"})

    assert refused.status_code == 422
    assert "/v1/clusters/cl-1/jobs" in refused.json["next_step"]


def test_a_job_is_shown_with_its_tasks(api: Client, job: Any) -> None:
    """Tasks are shown without their input."""
    shown = api.simulate_get(job.headers["location"]).json
    [task] = api.simulate_get(f"{job.headers['location']}/tasks").json["items"]

    assert shown["state"] == "running"
    assert (task["title"], task["state"]) == ("A", "ready")
    assert "input" not in task


def test_a_job_that_has_not_failed_is_not_retried(api: Client, job: Any) -> None:
    """Only failed jobs can be retried."""
    refused = api.simulate_post(f"{job.headers['location']}/retry")

    assert refused.status_code == 409


def test_events_say_what_happened(api: Client, job: Any) -> None:
    """A job that is submitted is an event about its cluster."""
    answer = api.simulate_get("/v1/events", query_string="subject=cl-1").json

    assert "job.submitted" in [event["kind"] for event in answer["items"]]


def test_an_agent_is_downloaded_without_a_token(services: Services) -> None:
    """Machines have none when they start."""
    digest = services.agent_files.file_of("drone").sha256
    client = Client(make_app(services))

    answer = client.simulate_get(f"/v1/agents/drone/{digest}")
    again = client.simulate_get(
        f"/v1/agents/drone/{digest}", headers={"If-None-Match": answer.headers["etag"]}
    )

    assert answer.content == b"an agent"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert again.status_code == 304


def test_another_owner_s_things_are_not_there(store: Store, services: Services) -> None:
    """What a caller may not see is answered as what does not exist."""
    with store.begin() as tx:
        runtime = Runtime(id="rt-1", name="rt", provider="fake", owner="admin")
        tx.runtimes.add(runtime, credential_id=None)
        tx.clusters.add(cluster_on("rt-1"))
        digest = hashlib.sha256(b"somebody's").hexdigest()
        tx.users.add("somebody", group_id=ROOT_ID, role="user")
        token = ApiToken(id="tok-2", owner="somebody", created_at=tx.now)
        tx.logins.add_token(token, digest=digest)
    stranger = Client(make_app(services), headers={"Authorization": "Bearer somebody's"})

    answer = stranger.simulate_get("/v1/clusters/cl-1")

    assert answer.status_code == 404
    assert answer.json["code"] == "not_found"


def test_orphans_are_listed_and_swept(api: Client, runtime: Any) -> None:
    """Where there is none, nothing is begun."""
    listed = api.simulate_get("/v1/runtimes/here/orphans")
    swept = api.simulate_post("/v1/runtimes/here/orphans/sweep", json={})

    nothing = {"orphans": [], "unrecorded": [], "lost": []}
    assert listed.json == {"runtime_id": runtime.json["id"], **nothing}
    assert (swept.status_code, swept.content) == (204, b"")


@pytest.fixture
def job_path(api: Client, cluster: Cluster) -> str:
    """Path of a job whose one task is in a runner's hands."""
    job = api.simulate_post("/v1/clusters/cl-1/jobs", json={"plan_id": "plan-1"})
    return str(job.headers["location"])


def test_a_job_is_paused_resumed_and_cancelled(api: Client, job_path: str) -> None:
    """Each answers the job as it is then; a cancel needs no body."""
    paused = api.simulate_post(f"{job_path}/pause")
    resumed = api.simulate_post(f"{job_path}/resume")
    cancelled = api.simulate_post(f"{job_path}/cancel")

    assert [paused.json["state"], resumed.json["state"]] == ["paused", "running"]
    assert cancelled.status_code == 202
    assert cancelled.json["state"] == "cancelled"
    shown = api.simulate_get(job_path).json
    assert (shown["failures"], shown["made"], shown["undecided"]) == ([], [], [])
    assert shown["actions"][0] == "retry"


def test_a_cancel_that_is_sent_again_is_answered_as_the_first_time(
    api: Client, job_path: str
) -> None:
    """Without the key, the job has ended; with it, the request was carried out already."""
    key = {"Idempotency-Key": "once"}
    first = api.simulate_post(f"{job_path}/cancel", headers=key)

    again = api.simulate_post(f"{job_path}/cancel", headers=key)
    other = api.simulate_post(f"{job_path}/cancel")

    assert (again.status_code, again.json) == (202, first.json)
    assert other.status_code == 409


@pytest.mark.parametrize(
    "body",
    [{"mode": "gently"}, {"then": "forget"}, {"now": True}],
    ids=lambda body: next(iter(body)),
)
def test_a_cancel_that_is_none_is_refused(
    api: Client, job_path: str, body: dict[str, object]
) -> None:
    """The refusal names the member; the job goes on."""
    refused = api.simulate_post(f"{job_path}/cancel", json=body)

    assert refused.status_code == 422
    assert api.simulate_get(job_path).json["state"] == "running"


def test_what_cannot_be_undone_is_refused(api: Client, job_path: str) -> None:
    """The job is a deletion; the refusal says what can be done."""
    refused = api.simulate_post(f"{job_path}/roll_back")

    assert refused.status_code == 409
    assert "pitrix job retry" in refused.json["next_step"]


@pytest.mark.parametrize("query", ["minutes=0", "minutes=20161", "minutes=soon"])
def test_measurements_are_kept_for_two_weeks(api: Client, cluster: Cluster, query: str) -> None:
    """Nothing older can be asked for."""
    answer = api.simulate_get(f"/v1/clusters/cl-1/measures?{query}")

    assert (answer.status_code, "minutes" in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "measures"), ("GET", "tabs"), ("POST", "tabs")],
)
def test_what_is_not_there_cannot_be_looked_at(api: Client, method: str, path: str) -> None:
    """The answer names the cluster."""
    body = {"title": "Users"} if method == "POST" else None

    answer = api.simulate_request(method, f"/v1/clusters/nobody/{path}", json=body)

    assert (answer.status_code, "nobody" in answer.text) == (404, True)


def test_a_tab_that_nobody_asked_for_is_not_there(api: Client) -> None:
    """Its id is no command's."""
    assert api.simulate_get("/v1/tabs/key-1").status_code == 404
