"""Watching a job."""

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.cli import progress
from pitrix_core.cli.client import Api
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.progress import LineDisplay, LiveDisplay, Snapshot


def task(key: str, state: str, **more: Any) -> dict[str, Any]:
    """Return a task as the API shows it."""
    return {
        "key": key,
        "kind": "compute.create",
        "title": f"Create machine {key}",
        "state": state,
        "attempts": 1,
        "started_at": None,
        "finished_at": None,
        "error": None,
        **more,
    }


def job(state: str, **more: Any) -> dict[str, Any]:
    """Return a job as the API shows it."""
    times = {"created_at": "2026-08-21T09:30:00Z", "finished_at": None}
    return {
        "id": "job-1",
        "action": "create",
        "cluster_id": "cl-1",
        "state": state,
        **times,
        **more,
    }


def snapshot(state: str, *tasks: dict[str, Any]) -> Snapshot:
    """Return what is seen at one look."""
    return Snapshot(job=job(state), tasks=tasks, elapsed_s=1.5)


STARTED = "2026-08-21T09:30:01Z"


def test_a_task_between_two_polls_is_running() -> None:
    """Ready, but started: the cloud is at work on it."""
    assert progress.state_of(task("a", "ready", started_at=STARTED)) == "running"


def test_a_task_that_waits_for_its_turn_is_ready() -> None:
    """Ready, and not started."""
    assert progress.state_of(task("a", "ready")) == "ready"


def test_a_line_is_written_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    """What did not change since the last look is not repeated."""
    display = LineDisplay()

    display.show(snapshot("running", task("a", "claimed", started_at=STARTED), task("b", "ready")))
    display.show(snapshot("running", task("a", "claimed", started_at=STARTED), task("b", "ready")))
    display.show(snapshot("running", task("a", "succeeded"), task("b", "ready")))

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        "runs     Create machine a",
        "done     Create machine a",
    ]


def test_a_failed_task_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The error stands in the line of the task."""
    LineDisplay().show(snapshot("failed", task("a", "failed", error="quota")))

    assert "failed   Create machine a: quota" in capsys.readouterr().out


def test_another_attempt_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A task that is tried again says which attempt it is."""
    display = LineDisplay()

    display.show(snapshot("running", task("a", "claimed", started_at=STARTED)))
    display.show(snapshot("running", task("a", "claimed", started_at=STARTED, attempts=2)))

    assert "(attempt 2)" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("remaining_s", "words"),
    [
        pytest.param(None, "", id="unknown"),
        pytest.param(0.0, "about 0 s left", id="any-moment"),
        pytest.param(11.2, "about 12 s left", id="seconds"),
        pytest.param(89.9, "about 90 s left", id="nearly-minutes"),
        pytest.param(90.0, "about 2 min left", id="minutes"),
        pytest.param(3600.0, "about 60 min left", id="an-hour"),
    ],
)
def test_what_is_left_is_told_in_words(remaining_s: float | None, words: str) -> None:
    """In seconds, or minutes where it is long; not at all where nobody knows."""
    assert progress.time_left(job("running", remaining_s=remaining_s)) == words


def test_how_long_it_takes_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A log is not the place for a countdown."""
    display = LineDisplay()

    for remaining_s in (None, 30.0, 20.0):
        display.show(Snapshot(job=job("running", remaining_s=remaining_s), tasks=()))

    [line] = capsys.readouterr().out.splitlines()
    assert line.endswith("about 30 s left, going by past jobs")


def test_the_picture_shows_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the time it took so far."""
    with LiveDisplay() as display:
        display.show(Snapshot(job=job("running", remaining_s=30.0), tasks=(), elapsed_s=1.5))

    assert "about 30 s left" in capsys.readouterr().out


def test_the_picture_shows_counts_running_and_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """The live picture ends with what was last seen."""
    with LiveDisplay() as display:
        display.show(
            snapshot(
                "running",
                task("a", "succeeded"),
                task("b", "claimed", started_at=STARTED),
                task("c", "failed", error="no room"),
            )
        )

    picture = capsys.readouterr().out
    assert "1/3 tasks" in picture
    assert "compute.create" in picture
    assert "Create machine b" in picture
    assert "no room" in picture


def test_a_failed_job_names_the_tasks_and_the_next_command() -> None:
    """The summary says what failed, why, and how to try again."""
    lines = progress.summary(snapshot("failed", task("a", "failed", error="quota")))

    text = "\n".join(lines)
    assert "Create machine a: quota" in text
    assert "pitrix job retry job-1" in text


def test_a_job_is_watched_to_its_end(api: StandIn) -> None:
    """Looks go on until the job has ended."""
    api.answers("GET", "/v1/jobs/job-1", job("running"), job("running"), job("succeeded"))
    api.lists("/v1/jobs/job-1/tasks", task("a", "succeeded"))

    with Api(api.url, token=None) as client:
        seen = progress.watch(client, "job-1", display=LineDisplay(), poll_s=0.01)

    assert seen.has_succeeded
    assert len(api.asked("GET", "/v1/jobs/job-1")) == 3


def test_a_job_that_takes_too_long_is_given_up(api: StandIn) -> None:
    """Who sets a limit is told when it is over."""
    api.answers("GET", "/v1/jobs/job-1", job("running"))
    api.lists("/v1/jobs/job-1/tasks")

    with Api(api.url, token=None) as client, pytest.raises(CliError, match="did not end"):
        progress.watch(client, "job-1", display=LineDisplay(), poll_s=0.01, give_up_s=0.0)


def test_watching_a_failed_job_ends_with_1(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """The exit code of ``job watch`` is the job's."""
    api.answers("GET", "/v1/jobs/job-1", job("failed", error="quota"))
    api.lists("/v1/jobs/job-1/tasks")

    result = pitrix("job", "watch", "job-1")

    assert result.code == 1
    assert "quota" in result.out


def test_retrying_watches_the_job(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """``job retry`` asks once and watches to the end."""
    api.answers("POST", "/v1/jobs/job-1/retry", job("running"), status=202)
    api.answers("GET", "/v1/jobs/job-1", job("succeeded"))
    api.lists("/v1/jobs/job-1/tasks", task("a", "succeeded"))

    result = pitrix("job", "retry", "job-1")

    assert result.code == 0
    assert "Job job-1 succeeded: 1 task in" in result.out


def test_a_job_for_programs_has_its_tasks_in_it(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Standard output holds one JSON object and nothing else."""
    api.answers("GET", "/v1/jobs/job-1", job("succeeded"))
    api.lists("/v1/jobs/job-1/tasks", task("a", "succeeded"))

    result = pitrix("job", "watch", "job-1", "--json")

    assert result.code == 0
    assert result.out.count("\n") == 1
    assert '"tasks": [{"key": "a"' in result.out


def test_a_job_is_shown_with_its_tasks(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Titles and errors of all tasks are listed."""
    api.answers("GET", "/v1/jobs/job-1", job("failed", error="quota"))
    api.lists("/v1/jobs/job-1/tasks", task("a", "failed", error="quota"))

    result = pitrix("job", "show", "job-1")

    assert result.code == 0
    assert "Create machine a" in result.out
    assert "2026-08-21 09:30:00Z" in result.out


def test_a_job_that_ended_long_ago_took_as_long_as_it_was_at_work(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Not as long as it was watched."""
    api.answers("GET", "/v1/jobs/job-1", job("succeeded", finished_at="2026-08-21T09:30:04.500Z"))
    api.lists("/v1/jobs/job-1/tasks")

    result = pitrix("job", "watch", "job-1")

    assert "Job job-1 succeeded: 0 tasks in 4.5 s." in result.out
