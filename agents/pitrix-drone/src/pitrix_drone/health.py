"""Checks again and again whether the application is well, and acts when it is not.

A node turns unhealthy after so many bad checks in a row, and healthy after so many good ones; the
first good check of all is enough, since there is nothing to recover from. The action runs when a
node turns unhealthy, and again where it stays so: after as many bad checks as the first time,
then twice as many, and so on, so that what no restart mends is not restarted for ever.
"""

from __future__ import annotations

import logging
import pathlib
import threading
import time
from typing import Any, Callable, Final, NamedTuple

from pitrix_drone.processes import MACHINE, Outcome, Shell, run_shell
from pitrix_drone.reports import excerpt, now
from pitrix_drone.supervision import Current, HealthCheck, Supervision
from pitrix_drone.turns import Turns

log = logging.getLogger(__name__)

HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"
UNKNOWN: Final = "unknown"
#: A report is repeated after so long: a node that is not heard of for three times as long is not
#: known to be well. Source: agents/protocol/README.md, section 5.
REPEAT_S: Final = 300.0
#: What a shell answers for a command that it cannot start.
_NOT_FOUND: Final = 127
#: The action's pauses grow no further than to so many times the first.
_LONGEST_PAUSE: Final = 64


class Course:
    """What checks in a row add up to."""

    def __init__(self, check: HealthCheck) -> None:
        self.check = check
        self._in_a_row = 0
        self._was_good = False
        self._pause = 1
        self._bad_since_action = 0
        self.state = UNKNOWN

    def take(self, *, is_good: bool) -> bool:
        """Take the next check into account.

        :returns: whether the state changed.
        """
        self._in_a_row = self._in_a_row + 1 if is_good == self._was_good else 1
        self._was_good = is_good
        before = self.state
        if is_good and (before == UNKNOWN or self._in_a_row >= self.check.healthy_threshold):
            self.state = HEALTHY
            self._pause, self._bad_since_action = 1, 0
        elif not is_good:
            self._bad_since_action += 1
            if self._in_a_row >= self.check.unhealthy_threshold:
                self.state = UNHEALTHY
        return self.state != before

    @property
    def is_action_due(self) -> bool:
        """Tell whether something has to be done about a node that is unhealthy."""
        due = self.check.unhealthy_threshold * self._pause
        return self.state == UNHEALTHY and not self._was_good and self._bad_since_action >= due

    def acted(self) -> None:
        """Take note that it was done."""
        self._bad_since_action = 0
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


class Health(NamedTuple):
    """What is reported, but for the moment of the report."""

    state: str
    since: str
    detail: str = ""
    action: dict[str, Any] | None = None


class HealthChecks:
    """Runs a node's health check in the thread that calls :meth:`run`.

    :param report: stores a report, and returns once it is stored or the drone stops.
    :param scratch: a folder for output while commands run.
    """

    def __init__(
        self,
        supervision: Supervision,
        turns: Turns,
        *,
        report: Callable[[dict[str, Any]], None],
        scratch: pathlib.Path,
        stop: threading.Event,
        shell: Shell = MACHINE,
    ) -> None:
        self._supervision = supervision
        self._turns = turns
        self._report = report
        self._scratch = scratch
        self._stop = stop
        self._shell = shell
        self._course: Course | None = None
        self._health: Health | None = None
        self._reported_s = 0.0

    def run(self) -> None:
        """Check until the drone stops."""
        while not self._stop.is_set():
            current = self._supervision.current()
            check = current.supervised.health_check
            if check is None or not current.is_begun:
                self._rest(current, check)
                continue
            if self._course is None or self._course.check != check:
                self._course = Course(check)
            began_s = time.monotonic()
            self._look(self._course)
            self._repeat()
            self._pause(current, until_s=began_s + check.interval_s)

    def _pause(self, current: Current, *, until_s: float) -> None:
        """Wait for the next check, and repeat the report meanwhile."""
        while not self._stop.is_set() and time.monotonic() < until_s:
            within_s = min(until_s - time.monotonic(), REPEAT_S)
            if self._supervision.wait(current, max(0.0, within_s)):
                return
            self._repeat()

    def _rest(self, current: Current, check: HealthCheck | None) -> None:
        """Say that nothing is known, and wait until there is something to check.

        Before the node is configured the last report stands: the drone may have been started anew.
        """
        self._course = None
        if current.is_configured and check is not None:
            self._turn(UNKNOWN, "it is not started")
        elif current.is_configured and self._health is not None:
            self._turn(UNKNOWN, "it is not checked any more")
        self._repeat()
        self._supervision.wait(current, None if self._health is None else REPEAT_S)

    def _look(self, course: Course) -> None:
        mark = self._turns.mark()
        if mark is None:
            return
        outcome = self._ran(course.check.check_cmd, timeout_s=course.check.timeout_s)
        if self._stop.is_set() or self._turns.mark() != mark:
            return
        is_good = outcome.exit_code == 0
        if course.take(is_good=is_good):
            self._turn(course.state, "" if is_good else _why(outcome, course.check))
        if course.check.action_cmd and course.is_action_due:
            self._act(course, mark)

    def _act(self, course: Course, mark: int) -> None:
        with self._turns.action(mark) as may_go_on:
            if not may_go_on:
                return
            log.warning("the node is unhealthy: its action runs")
            course.acted()
            at = now()
            outcome = self._ran(course.check.action_cmd, timeout_s=course.check.action_timeout_s)
        if self._health is not None and not self._stop.is_set():
            output = excerpt(outcome.output)
            action = {"at": at, "exit_code": outcome.exit_code, "output": output}
            self._store(self._health._replace(action=action))

    def _ran(self, command: str, *, timeout_s: float) -> Outcome:
        try:
            return run_shell(
                command,
                timeout_s=timeout_s,
                stop=self._stop,
                scratch=self._scratch,
                shell=self._shell,
            )
        except OSError as ex:
            return Outcome(_NOT_FOUND, f"the shell could not be started: {ex}", is_truncated=False)

    def _turn(self, state: str, detail: str) -> None:
        """Report a state that is not the last one."""
        before = self._health
        if before is not None and (before.state, before.detail) == (state, detail):
            return
        if before is None or before.state != state:
            log.info("the node is %s %s", state, detail)
        action = before.action if before is not None and state != UNKNOWN else None
        self._store(Health(state, now(), detail, action))

    def _repeat(self) -> None:
        if self._health is not None and time.monotonic() - self._reported_s >= REPEAT_S:
            self._store(self._health)

    def _store(self, health: Health) -> None:
        self._health = health
        self._reported_s = time.monotonic()
        self._report({**health._asdict(), "at": now()})


def _why(outcome: Outcome, check: HealthCheck) -> str:
    said = excerpt(outcome.output)
    if outcome.exit_code is None:
        return f"the check took longer than {check.timeout_s:g} s" + (f": {said}" if said else "")
    return f"the check ended with exit code {outcome.exit_code}" + (f": {said}" if said else "")
