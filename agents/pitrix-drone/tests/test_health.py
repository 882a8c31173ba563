"""Health checks: what they add up to, and what is done about it."""

from __future__ import annotations

import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from drone_harness import wait_for

from pitrix_drone import health
from pitrix_drone.health import Course, HealthChecks
from pitrix_drone.supervision import HealthCheck, Supervision
from pitrix_drone.turns import Turns


def check(**changes: Any) -> HealthCheck:
    """Return a check that turns after two."""
    parts = {"check_cmd": "true", "action_cmd": "", "interval_s": 1, "timeout_s": 5}
    parts.update({"action_timeout_s": 5, "healthy_threshold": 2, "unhealthy_threshold": 2})
    return HealthCheck(**{**parts, **changes})


def states(course: Course, checks: str) -> list[str]:
    """Return the state after each check: ``+`` is good, ``-`` is bad."""
    found = []
    for each in checks:
        course.take(is_good=each == "+")
        found.append(course.state)
    return found


@pytest.mark.parametrize(
    ("checks", "last"),
    [
        pytest.param("+", "healthy", id="the-first-good-one-is-enough"),
        pytest.param("-", "unknown", id="one-bad-one-says-little"),
        pytest.param("--", "unhealthy", id="enough-bad-ones-in-a-row"),
        pytest.param("+-+-+-", "healthy", id="never-two-bad-ones-in-a-row"),
        pytest.param("--+", "unhealthy", id="one-good-one-is-no-recovery"),
        pytest.param("--+-+", "unhealthy", id="good-ones-have-to-be-in-a-row"),
        pytest.param("--++", "healthy", id="enough-good-ones-in-a-row"),
    ],
)
def test_a_state_turns_after_enough_checks(checks: str, last: str) -> None:
    """Both thresholds count checks in a row."""
    assert states(Course(check()), checks)[-1] == last


def test_an_action_that_does_not_help_comes_more_rarely() -> None:
    """After 2, then 4, then 8 more bad checks; and from the beginning after a recovery."""
    course = Course(check())
    due = []
    for number in range(1, 20):
        course.take(is_good=False)
        if course.is_action_due:
            course.acted()
            due.append(number)
    states(course, "++--")

    assert due == [2, 6, 14]
    assert course.is_action_due


def test_no_action_is_due_while_checks_are_good() -> None:
    """A node that is recovering is left alone."""
    course = Course(check(healthy_threshold=5))
    states(course, "--")
    states(course, "+")

    assert (course.state, course.is_action_due) == ("unhealthy", False)


class CountedTurns(Turns):
    """Counts how often it is asked for a mark: once before each check."""

    asked = 0

    def mark(self) -> int | None:
        """Return what is asked for."""
        self.asked += 1
        return super().mark()


class Node:
    """Runs health checks in a thread; the node is well while the file ``well`` is there."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.well = folder / "well"
        self.turns = CountedTurns()
        self.supervision = Supervision(folder / "started")
        self.reports: list[dict[str, Any]] = []
        #: Called after each report, with its state.
        self.on_report: Callable[[str], None] = lambda _state: None
        self._stop = threading.Event()
        self._checks = HealthChecks(
            self.supervision,
            self.turns,
            report=self._take,
            scratch=folder / "scratch",
            stop=self._stop,
        )
        self._thread = threading.Thread(target=self._checks.run, daemon=True)

    def supervise(self, check_cmd: str = "", **changes: Any) -> None:
        """Begin, once the application is started."""
        parts = check(check_cmd=check_cmd or f"ls {self.well}", **changes)._asdict()
        supervision = {"waits_for_start": True, "health_check": parts}
        self.supervision.configure({"supervision": json.dumps(supervision)})
        if not self._thread.is_alive():
            self._thread.start()

    def hurry(self) -> int:
        """Let the next check be now; return how many there were time for."""
        self.supervision.wake()
        return self.turns.asked

    def wait_for_report(self, state: str) -> dict[str, Any]:
        """Return the newest report as soon as it is this one."""

        def found() -> dict[str, Any]:
            return self.reports[-1] if self.reports and self.reports[-1]["state"] == state else {}

        return wait_for(found, f"the report {state}", within_s=30)

    def end(self) -> None:
        """End the thread."""
        self._stop.set()
        self.supervision.wake()
        if self._thread.is_alive():
            self._thread.join(10)

    def _take(self, report: dict[str, Any]) -> None:
        self.reports.append(report)
        self.on_report(report["state"])


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[Node]:
    """A node that is not supervised yet."""
    node = Node(tmp_path)
    yield node
    node.end()


def test_nothing_is_known_before_the_start(node: Node) -> None:
    """And it is said."""
    node.supervise()

    assert node.wait_for_report("unknown")["detail"] == "it is not started"


def test_a_node_that_turns_is_reported_with_the_reason(node: Node) -> None:
    """What the check wrote on standard error is part of it."""
    node.well.touch()
    node.supervise(unhealthy_threshold=1)
    node.supervision.begin()
    well = node.wait_for_report("healthy")
    node.well.unlink()

    unwell = node.wait_for_report("unhealthy")

    assert well["detail"] == ""
    assert "exit code 2" in unwell["detail"]
    assert "No such file" in unwell["detail"]


def test_the_action_runs_and_its_end_is_reported(node: Node) -> None:
    """A node that it mends turns healthy."""
    node.supervise(
        unhealthy_threshold=1,
        healthy_threshold=1,
        action_cmd=f"touch {node.well}; echo mended; exit 3",
    )
    node.supervision.begin()

    found = node.wait_for_report("healthy")

    assert (found["action"]["exit_code"], found["action"]["output"]) == (3, "mended")


def test_a_check_that_hangs_is_a_bad_one(node: Node) -> None:
    """It is killed when its time is up."""
    parts = check(check_cmd="sleep 600", timeout_s=1, unhealthy_threshold=1)._asdict()
    node.supervise()
    node.supervision.configure({"supervision": json.dumps({"health_check": parts})})

    found = node.wait_for_report("unhealthy")

    assert found["detail"] == "the check took longer than 1 s"


def test_a_check_that_a_command_comes_into_counts_for_nothing(node: Node) -> None:
    """The command may be stopping the application for a moment."""
    began, may_end, bad, acted = (node.folder / name for name in ("began", "end", "bad", "acted"))
    check_cmd = f"touch {began}; until [ -e {may_end} ]; do sleep 0.01; done; ls {node.well}"
    node.supervise(
        f"{check_cmd} || ! touch {bad}",
        timeout_s=60,
        unhealthy_threshold=1,
        action_cmd=f"touch {acted}",
    )
    node.supervision.begin()
    wait_for(began.exists, "a check", within_s=30)
    with node.turns.command():
        may_end.touch()
        wait_for(bad.exists, "the check's end", within_s=30)
        node.well.touch()

    node.wait_for_report("healthy")

    assert "unhealthy" not in [each["state"] for each in node.reports]
    assert not acted.exists()


def test_nothing_is_checked_while_a_command_runs(node: Node) -> None:
    """However long it takes; what would be seen means nothing."""
    node.supervise(unhealthy_threshold=1)
    with node.turns.command():
        node.supervision.begin()
        wait_for(lambda: node.hurry() > 3, "times to check", within_s=30)
        node.well.touch()

    node.wait_for_report("healthy")

    assert "unhealthy" not in [each["state"] for each in node.reports]


def test_an_action_is_left_out_when_a_command_comes_before_it(node: Node) -> None:
    """The command may be what mends the node."""
    acted = node.folder / "acted"

    def mend(state: str) -> None:
        if state == "unhealthy":
            with node.turns.command():
                node.well.touch()

    node.on_report = mend
    node.supervise(unhealthy_threshold=1, healthy_threshold=1, action_cmd=f"touch {acted}")
    node.supervision.begin()

    node.wait_for_report("healthy")

    assert not acted.exists()


def test_a_stopped_application_is_not_checked(node: Node) -> None:
    """Nothing is known of it then."""
    node.well.touch()
    node.supervise()
    node.supervision.begin()
    node.wait_for_report("healthy")

    node.supervision.end()

    assert node.wait_for_report("unknown")["detail"] == "it is not started"


def test_a_check_that_is_taken_away_is_reported(node: Node) -> None:
    """Its last state does not stay for ever."""
    node.well.touch()
    node.supervise()
    node.supervision.begin()
    node.wait_for_report("healthy")

    node.supervision.configure({})

    assert node.wait_for_report("unknown")["detail"] == "it is not checked any more"


def test_reports_are_repeated_however_rarely_it_is_checked(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is not heard of would not be known to be well."""
    monkeypatch.setattr(health, "REPEAT_S", 0.02)
    node.well.touch()
    node.supervise(interval_s=86_400)
    node.supervision.begin()

    wait_for(lambda: len(node.reports) > 4, "reports", within_s=30)

    assert [each["state"] for each in node.reports[-3:]] == ["healthy"] * 3
    assert len({each["since"] for each in node.reports[-3:]}) == 1
