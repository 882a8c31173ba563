"""``pitrix runtime sweep`` shows what belongs to nothing, and deletes only what it has shown."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

ORPHAN = {
    "interface": "volume",
    "id": "vol-1",
    "cluster_id": "cl-gone",
    "request_key": "t-1-1",
    "age_s": 7300.0,
}
REPORT: dict[str, Any] = {
    "runtime_id": "rt-1",
    "orphans": [ORPHAN],
    "unrecorded": [],
    "lost": [],
}
JOB = {"id": "job-1", "state": "succeeded", "cluster_id": "cl-1", "error": None}
LOOK, SWEEP = "/v1/runtimes/here/orphans", "/v1/runtimes/here/orphans/sweep"


@pytest.fixture
def cloud(api: StandIn) -> StandIn:
    """An API that knows of one orphan, and deletes it when it is asked to."""
    api.answers("GET", LOOK, REPORT)
    api.answers("POST", SWEEP, JOB, status=202)
    api.answers("GET", "/v1/jobs/job-1", JOB)
    api.lists("/v1/jobs/job-1/tasks")
    return api


def test_orphans_are_shown_and_left_alone(cloud: StandIn, pitrix: Callable[..., Result]) -> None:
    """With their age and the cluster they were made for."""
    result = pitrix("runtime", "sweep", "here")

    assert result.code == 0
    assert result.out.splitlines()[1].split() == ["volume", "vol-1", "2", "h", "cl-gone"]
    assert cloud.asked("POST", SWEEP) == []


def test_what_does_not_agree_otherwise_is_shown(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """What clusters do not know of, and what they miss."""
    unrecorded = {**ORPHAN, "id": "vol-2", "age_s": None}
    old = {**ORPHAN, "id": "vol-3", "age_s": 10 * 86400.0}
    lost = {"kind": "volume.create", "resource_id": "vol-9", "cluster_name": "demo"}
    api.answers("GET", LOOK, {**REPORT, "orphans": [], "unrecorded": [unrecorded, old],
                              "lost": [{**lost, "cluster_id": "cl-1"}]})  # fmt: skip

    out = pitrix("runtime", "sweep", "here").out

    assert "There is no orphan." in out
    assert ["volume", "vol-2", "unknown", "cl-gone"] in [line.split() for line in out.splitlines()]
    assert ["volume", "vol-3", "10", "d", "cl-gone"] in [line.split() for line in out.splitlines()]
    assert ["volume.create", "vol-9", "demo", "cl-1"] in [line.split() for line in out.splitlines()]


def test_what_was_shown_is_deleted(cloud: StandIn, pitrix: Callable[..., Result]) -> None:
    """Its ids are sent, so that nothing goes that turned up since."""
    result = pitrix("runtime", "sweep", "here", "--delete", "--yes")

    assert result.code == 0
    assert [asked.body for asked in cloud.asked("POST", SWEEP)] == [{"orphans": ["vol-1"]}]


def test_nothing_is_deleted_without_an_answer(
    cloud: StandIn, pitrix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has to say yes."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    result = pitrix("runtime", "sweep", "here", "--delete")

    assert result.code == 1
    assert cloud.asked("POST", SWEEP) == []


def test_programs_get_report_and_job(cloud: StandIn, pitrix: Callable[..., Result]) -> None:
    """In one object."""
    plain = pitrix("runtime", "sweep", "here", "--json")
    swept = pitrix("runtime", "sweep", "here", "--delete", "--yes", "--json")

    assert json.loads(plain.out) == REPORT
    assert json.loads(swept.out) == {**REPORT, "job": {**JOB, "tasks": []}}


def test_a_sweep_that_fails_says_so(cloud: StandIn, pitrix: Callable[..., Result]) -> None:
    """By its exit code."""
    cloud.forget("GET", "/v1/jobs/job-1")
    cloud.answers("GET", "/v1/jobs/job-1", {**JOB, "state": "failed", "error": "no"})

    assert pitrix("runtime", "sweep", "here", "--delete", "--yes").code == 1
