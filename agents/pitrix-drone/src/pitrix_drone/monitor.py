"""Measures a node again and again, and reports one value of each item for every few measurements.

Each minute is measured, so that short peaks are seen; every five minutes are reported as one value
an item, made as the package says. A report costs a write at the Frontgate, a frame and a row in the
database: a thousand nodes make three a second that way.
"""

from __future__ import annotations

import logging
import pathlib
import threading
import time
from typing import Any, Callable, Final, NamedTuple

from pitrix_drone.measures import MeasureError, Value, one_of, read_measures
from pitrix_drone.processes import MACHINE, Shell, ask_shell
from pitrix_drone.reports import excerpt, now
from pitrix_drone.supervision import Monitor, Supervision

log = logging.getLogger(__name__)

MEASURE_S: Final = 60.0
REPORT_S: Final = 300.0
#: Source: AppCenter's specification of monitor/cmd.
_TIMEOUT_S: Final = 5.0


class _Sample(NamedTuple):
    at_s: float
    values: dict[str, Value]


class Period:
    """What was measured since the last report."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self._before: _Sample | None = None
        self._samples: list[_Sample] = []

    def add(self, values: dict[str, Value], *, at_s: float) -> None:
        """Take a measurement."""
        self._samples.append(_Sample(at_s, values))

    def close(self) -> dict[str, Value]:
        """Return one value of each item that was measured, and begin the next period."""
        found = {}
        for name, item in self.monitor.items.items():
            mine = [sample for sample in self._samples if name in sample.values]
            if mine:
                found[name] = self._value(name, item.statistics, mine)
        self._before = self._samples[-1] if self._samples else self._before
        self._samples = []
        return found

    def _value(self, name: str, how: str, mine: list[_Sample]) -> Value:
        before = self._before if self._before and name in self._before.values else None
        return one_of(
            [sample.values[name] for sample in mine],
            how,
            before=None if before is None else before.values[name],
            spent_s=mine[-1].at_s - (before or mine[0]).at_s,
        )


class MonitorRunner:
    """Measures in the thread that calls :meth:`run`.

    :param report: stores a report, and returns once it is stored or the drone stops.
    :param scratch: a folder for output while the command runs.
    """

    def __init__(
        self,
        supervision: Supervision,
        *,
        report: Callable[[dict[str, Any]], None],
        scratch: pathlib.Path,
        stop: threading.Event,
        shell: Shell = MACHINE,
    ) -> None:
        self._supervision = supervision
        self._report = report
        self._scratch = scratch
        self._stop = stop
        self._shell = shell
        self._period: Period | None = None
        self._reported_s = 0.0
        self._problem = ""

    def run(self) -> None:
        """Measure until the drone stops."""
        while not self._stop.is_set():
            current = self._supervision.current()
            monitor = current.supervised.monitor
            if monitor is None or not current.is_begun:
                self._period = None
                self._supervision.wait(current, None)
                continue
            began_s = time.monotonic()
            self._round(monitor, began_s)
            spent_s = time.monotonic() - began_s
            self._supervision.wait(current, max(0.0, MEASURE_S - spent_s))

    def _round(self, monitor: Monitor, began_s: float) -> None:
        """Measure once; the first time is reported at once."""
        is_first = self._period is None or self._period.monitor != monitor
        period = Period(monitor) if is_first or self._period is None else self._period
        self._period = period
        try:
            period.add(self._measured(monitor), at_s=began_s)
        except (OSError, MeasureError) as ex:
            self._problem = str(ex)
        if not self._stop.is_set() and (is_first or began_s - self._reported_s >= REPORT_S):
            self._close(period, at_s=began_s)

    def _measured(self, monitor: Monitor) -> dict[str, Value]:
        outcome = ask_shell(
            monitor.cmd,
            timeout_s=_TIMEOUT_S,
            stop=self._stop,
            scratch=self._scratch,
            shell=self._shell,
        )
        if outcome.exit_code is None:
            raise MeasureError(f"it took longer than {_TIMEOUT_S:g} s")
        if outcome.exit_code:
            raise MeasureError(f"it ended with exit code {outcome.exit_code}")
        if outcome.is_truncated:
            raise MeasureError("it printed more than 64 KiB")
        values, problems = read_measures(outcome.output, monitor.items)
        self._problem = "; ".join(problems)
        return values

    def _close(self, period: Period, *, at_s: float) -> None:
        self._reported_s = at_s
        self._report({"at": now(), "values": period.close(), "detail": excerpt(self._problem)})
