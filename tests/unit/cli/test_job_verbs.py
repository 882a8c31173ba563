"""Stopping, undoing and resuming jobs, and what is said of them."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.cli import job_report
from pitrix_core.cli.progress import LineDisplay, Snapshot, summary


def job(state: str, job_id: str = "job-1", **more: Any) -> dict[str, Any]:
    """Return a job as the API shows it."""
    times = {"created_at": "2026-08-21T09:30:00Z", "finished_at": None}
    about = {"id": job_id, "action": "create", "cluster_id": "cl-1", "state": state}
    return {**about, **times, **more}


FAILED = job(
    "failed",
    error="Make vm: no",
    failures=[
        {
            "title": "Make vm",
            "error": "no",
            "vendor_code": "Limit",
            "vendor_request_id": "req-1",
        }
    ],
    made=[{"task": "volume.create/1", "kind": "volume.create", "resource_id": "vol-1"}],
    undecided=[{"title": "Make disk", "request_key": "t-1-1", "resource_id": "vol-2"}],
    actions=["retry", "roll_back", "delete"],
)


@pytest.fixture
def watched(api: StandIn) -> Callable[..., None]:
    """Return a function that says how a job is when it is watched."""

    def say(*seen: dict[str, Any]) -> None:
        job_id = seen[0]["id"]
        api.answers("GET", f"/v1/jobs/{job_id}", *seen)
        api.lists(f"/v1/jobs/{job_id}/tasks")

    return say


def test_a_failed_job_is_shown_with_everything_to_decide_by(
    pitrix: Callable[..., Result], watched: Callable[..., None]
) -> None:
    """The vendor's facts, what was made, what is not known, and the commands."""
    watched(FAILED)

    shown = pitrix("job", "show", "job-1").out

    assert "Make vm: no [code Limit, request req-1]" in shown
    assert "vol-1  by volume.create/1" in shown
    assert "Make disk: request t-1-1, which makes vol-2" in shown
    assert "try again from there  pitrix job retry job-1" in shown
    assert "undo what it did      pitrix job roll-back job-1" in shown
    assert "remove the cluster    pitrix cluster delete cl-1" in shown


def test_a_job_of_which_nothing_is_to_be_said_has_no_headings() -> None:
    """Members that are not there, or empty, are left out."""
    assert job_report.report_lines(job("succeeded", failures=[])) == []


def test_a_server_that_names_no_actions_is_understood() -> None:
    """What every version could do is offered."""
    assert job_report.next_steps(job("failed")) == (
        "Next: pitrix job show job-1; try again from there: pitrix job retry job-1"
    )


def test_pausing_says_how_to_go_on(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """It does not wait for anything."""
    api.answers("POST", "/v1/jobs/job-1/pause", job("paused"))

    result = pitrix("job", "pause", "job-1")

    assert result.out == "Job job-1 is paused. Go on: pitrix job resume job-1\n"


def test_pausing_for_programs_prints_the_job(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """As the API answers it."""
    api.answers("POST", "/v1/jobs/job-1/pause", job("paused"))

    result = pitrix("job", "pause", "job-1", "--json")

    assert json.loads(result.out)["state"] == "paused"


def test_resuming_watches_the_job(
    api: StandIn, pitrix: Callable[..., Result], watched: Callable[..., None]
) -> None:
    """To its end."""
    api.answers("POST", "/v1/jobs/job-1/resume", job("running"))
    watched(job("succeeded"))

    assert pitrix("job", "resume", "job-1").code == 0


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        pytest.param((), {"mode": "graceful", "then": "leave"}, id="graceful"),
        pytest.param(("--force",), {"mode": "forced", "then": "leave"}, id="forced"),
    ],
)
def test_cancelling_waits_for_the_end(
    api: StandIn,
    pitrix: Callable[..., Result],
    watched: Callable[..., None],
    options: tuple[str, ...],
    asked: dict[str, str],
) -> None:
    """What was asked for was done: the exit code is 0."""
    api.answers("POST", "/v1/jobs/job-1/cancel", job("stopping"), status=202)
    watched(job("cancelled", error="Cancelled by admin."))

    result = pitrix("job", "cancel", "job-1", "--yes", *options)

    assert result.code == 0
    assert "Job job-1 was cancelled." in result.out
    assert api.asked("POST", "/v1/jobs/job-1/cancel")[0].body == asked


def test_cancelling_with_a_roll_back_watches_that_too(
    api: StandIn, pitrix: Callable[..., Result], watched: Callable[..., None]
) -> None:
    """A roll back that fails is a failure."""
    api.answers("POST", "/v1/jobs/job-1/cancel", job("stopping"), status=202)
    watched(job("cancelled", undone_by="job-2"))
    watched(job("failed", "job-2", error="no"))

    result = pitrix("job", "cancel", "job-1", "--yes", "--roll-back")

    assert result.code == 1
    assert "Job job-2 failed." in result.out


def test_cancelling_for_programs_prints_the_job(
    api: StandIn, pitrix: Callable[..., Result], watched: Callable[..., None]
) -> None:
    """With its tasks in it."""
    api.answers("POST", "/v1/jobs/job-1/cancel", job("stopping"), status=202)
    watched(job("cancelled"))

    result = pitrix("job", "cancel", "job-1", "--yes", "--json")

    assert json.loads(result.out)["state"] == "cancelled"


def test_cancelling_asks_first(
    api: StandIn, pitrix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer nothing is asked of the API."""
    monkeypatch.setattr("sys.stdin", io.StringIO())

    result = pitrix("job", "cancel", "job-1")

    assert result.code != 0
    assert api.asked("POST", "/v1/jobs/job-1/cancel") == []


def test_rolling_back_watches_the_job_that_does_it(
    api: StandIn, pitrix: Callable[..., Result], watched: Callable[..., None]
) -> None:
    """Which is another one."""
    api.answers("POST", "/v1/jobs/job-1/roll_back", job("running", "job-2"), status=202)
    watched(job("succeeded", "job-2"))

    result = pitrix("job", "roll-back", "job-1", "--yes")

    assert result.code == 0
    assert "Job job-2 succeeded" in result.out


def test_rolling_back_shows_what_goes_and_asks(
    api: StandIn,
    pitrix: Callable[..., Result],
    watched: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody answers: nothing is done."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    watched(FAILED)

    result = pitrix("job", "roll-back", "job-1")

    assert result.code != 0
    assert "vol-1  by volume.create/1" in result.err
    assert api.asked("POST", "/v1/jobs/job-1/roll_back") == []


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        pytest.param(job("queued", waits_for="job-0"), "waits for job job-0", id="queued"),
        pytest.param(job("paused"), "is paused; go on: pitrix job resume job-1", id="paused"),
        pytest.param(job("stopping"), "stops when what is under way has ended", id="stopping"),
        pytest.param(job("stopping", error="Too late."), "has ended: Too late.", id="and-why"),
    ],
)
def test_a_watched_job_that_does_not_go_on_says_so_once(
    capsys: pytest.CaptureFixture[str], seen: dict[str, Any], line: str
) -> None:
    """Not at every look."""
    display = LineDisplay()

    display.show(Snapshot(job=seen, tasks=()))
    display.show(Snapshot(job=seen, tasks=()))

    assert capsys.readouterr().out.count(line) == 1


def test_a_job_that_was_stopped_says_why_before_what_failed() -> None:
    """What was under way when it was stopped is not the reason."""
    task = {"title": "Make disk", "state": "failed", "error": "Given up."}
    stopped = job("failed", error="Not done in time.")

    _, *reasons, _ = summary(Snapshot(job=stopped, tasks=(task,)))

    assert reasons == ["  Not done in time.", "  Make disk: Given up."]


def test_a_job_that_failed_by_a_task_says_so_once() -> None:
    """The job's error is the task's."""
    task = {"title": "Make disk", "state": "failed", "error": "no"}
    failed = job("failed", error="Make disk: no")

    _, *reasons, _ = summary(Snapshot(job=failed, tasks=(task,)))

    assert reasons == ["  Make disk: no"]


def test_a_job_that_stops_need_not_be_waited_for() -> None:
    """It was cancelled already; what is left is to do so by force."""
    steps = job_report.next_steps(job("stopping", actions=["cancel"]))

    assert steps.endswith("do not wait for what is under way: pitrix job cancel job-1 --force")
