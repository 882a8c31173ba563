"""How long a task waits for another runner, after its own was killed.

A runner with the settings of an installation is killed with SIGKILL while it holds a task in one of
its stages; another one is there. Measured is the time until that one has claimed the task. The
ideal is the lease: who is silent for that long is taken for dead. It may be a little less, since
the last sign of life was before the kill, and by a look more.
"""

import argparse
import concurrent.futures
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from bench.results import MeasurementError
from bench.toy_installation import ToyInstallation
from bench.toy_runner import RunnerOrder, RunnerProcesses, kill
from pitrix_core.jobs.runner import RunnerSettings
from pitrix_core.model import TaskRecord
from pitrix_core.store import tables

_HANG: Final = {"effect": "hang", "seconds": 120.0}
_LOST: Final = {"effect": "lost"}
_PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.01


@attrs.frozen(kw_only=True)
class Stage:
    """What a task is about when its runner is killed."""

    name: str
    #: Settings of the fake provider.
    cloud: Mapping[str, Any]
    #: The call that the runner is in, or has made last.
    call: str
    #: Least seconds until another can have the task.
    ideal_s: float


@attrs.frozen(kw_only=True)
class Sample:
    """One kill."""

    stage: str
    waited_s: float


@attrs.frozen(kw_only=True)
class Result:
    """What was measured; seconds."""

    samples: tuple[Sample, ...]
    ideals_s: Mapping[str, float]
    lease_s: float

    def waited_s(self, stage: str | None = None) -> list[float]:
        """Return how long tasks waited.

        :param stage: only of this one.
        """
        return [s.waited_s for s in self.samples if stage in (None, s.stage)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("-n", type=int, default=5, help="kills in each stage")
    parser.add_argument("--seed", type=int, default=2026)


def measure(typed: argparse.Namespace) -> Result:
    """Kill runners in every stage, all at a time.

    :raises MeasurementError: a task is not taken over at all.
    """
    settings = RunnerSettings()
    stages = list(_stages(settings.lease_s))
    chance = random.Random(typed.seed)  # noqa: S311 (to be repeated; guards nothing)
    processes = RunnerProcesses()
    with contextlib.ExitStack() as stack:
        trials = [
            stack.enter_context(_trial(stage, settings, processes, chance))
            for stage in stages
            for _ in range(typed.n)
        ]
        with concurrent.futures.ThreadPoolExecutor(max(1, len(trials))) as pool:
            samples = tuple(pool.map(_Trial.sample, trials))
    ideals_s = {stage.name: stage.ideal_s for stage in stages}
    return Result(samples=samples, ideals_s=ideals_s, lease_s=settings.lease_s)


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    waited = result.waited_s()
    return {
        "median_s": round(statistics.median(waited), 2),
        "max_s": round(max(waited), 2),
        "ideal_s": result.lease_s,
        "kills": len(waited),
        "stages": {
            stage: {
                "median_s": round(statistics.median(result.waited_s(stage)), 2),
                "max_s": round(max(result.waited_s(stage)), 2),
                "ideal_s": ideal_s,
            }
            for stage, ideal_s in result.ideals_s.items()
        },
    }


def table(result: Result) -> str:
    """Return the result for people."""
    lines = [f"{'killed while':<34}{'median':>9}{'longest':>9}{'ideal':>9}"]
    for stage, ideal_s in result.ideals_s.items():
        waited = result.waited_s(stage)
        lines.append(
            f"{stage:<34}{statistics.median(waited):>7.2f} s{max(waited):>7.2f} s{ideal_s:>7.2f} s"
        )
    waited = result.waited_s()
    lines.append(
        f"{f'all {len(waited)}':<34}{statistics.median(waited):>7.2f} s"
        f"{max(waited):>7.2f} s{result.lease_s:>7.2f} s"
    )
    return "\n".join(lines)


def _stages(lease_s: float) -> Iterator[Stage]:
    def hanging(call: str, *more: Mapping[str, Any], **cloud: Any) -> dict[str, Any]:
        return {**cloud, "faults": [{"operation": call, **_HANG}, *more]}

    lost = {"operation": "volume.create", **_LOST}
    forgetful = {"honours_keys": False, "request_s": 0.5}
    calls = {
        "a start is under way": ("volume.create", hanging("volume.create")),
        "a poll is under way": ("volume.poll", hanging("volume.poll", delay_s=600.0)),
        "a next stage is begun": ("compute.advance", hanging("compute.advance", stages=2)),
        "a lost request is looked for": ("volume.find", hanging("volume.find", lost, **forgetful)),
    }
    for name, (call, cloud) in calls.items():
        yield Stage(name=name, cloud=cloud, call=call, ideal_s=lease_s)
    waiting = {"delay_s": 600.0, "retry_after_s": 1.0}
    yield Stage(name="a task waits for the cloud", cloud=waiting, call="volume.poll", ideal_s=1.0)


@contextlib.contextmanager
def _trial(
    stage: Stage, settings: RunnerSettings, processes: RunnerProcesses, chance: random.Random
) -> Iterator["_Trial"]:
    with tempfile.TemporaryDirectory(prefix="pitrix-takeover-") as folder:
        installation = ToyInstallation(Path(folder), cloud=stage.cloud)
        order = RunnerOrder(config=installation.config, settings=settings)
        pause_s = chance.uniform(0.0, settings.lease_s / 4)  # anywhere between two signs of life
        try:
            yield _Trial(stage, installation, order, processes, pause_s)
        finally:
            installation.close()


@attrs.frozen
class _Trial:
    stage: Stage
    installation: ToyInstallation
    order: RunnerOrder
    processes: RunnerProcesses
    pause_s: float

    def sample(self) -> Sample:
        """Kill a runner, and wait for the other one.

        :raises MeasurementError: it never comes.
        """
        job = self.installation.create()
        dying = self.processes.start(self.order)
        self._wait_until(self._is_called)
        other = self.processes.start(self.order)
        try:
            self._wait_until(lambda: self._runners() > 1)
            time.sleep(self.pause_s)
            kill(dying)
            killed_s = time.monotonic()
            fences = self._fences(job.id)
            self._wait_until(lambda: self._fences(job.id) != fences)
            return Sample(stage=self.stage.name, waited_s=time.monotonic() - killed_s)
        finally:
            kill(dying)
            kill(other)

    def _is_called(self) -> bool:
        with self.installation.cloud.rows() as rows:
            return rows.calls(self.stage.call) > 0

    def _runners(self) -> int:
        with self.installation.store.engine.connect() as connection:
            return len(connection.execute(tables.runners.select()).all())

    def _fences(self, job_id: str) -> dict[str, int]:
        with self.installation.store.read() as tx:
            tasks = tx.jobs.tasks(job_id)
        return {task.key: task.fence for task in tasks if _is_about(task, self.stage.call)}

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        ends_s = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > ends_s:
                raise MeasurementError(f"{self.stage.name}: not within {_PATIENCE_S:.0f} s")
            time.sleep(_LOOK_S)


def _is_about(task: TaskRecord, call: str) -> bool:
    return task.kind.partition(".")[0] == call.partition(".")[0]
