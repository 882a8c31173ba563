"""Many jobs at once on one core, on the fake provider: time, memory, and how reading fares.

First a number of clusters is submitted before any runner is there, so that all their jobs begin at
once. Then, in another installation, more clusters are submitted one after another while a runner is
at work, until all are active. Submitting goes the way the API does, from the plan to the job. The
ideal is the time the cloud takes to make one cluster: it makes all of them at once.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import attrs
import sqlalchemy as sa

from bench.databases import add_database_argument, databases
from bench.results import MeasurementError
from bench.toy_installation import ADMIN, ToyInstallation
from bench.toy_runner import RunnerOrder, RunnerProcesses, kill
from pitrix_core.jobs.runner import RunnerSettings
from pitrix_core.model import ClusterState
from pitrix_core.rest.operation import PAGE_LIMIT_MAX
from pitrix_core.service import clusters, jobs
from pitrix_core.store import tables
from pitrix_core.store.slices import Slice

#: Operations after one another: a network and a volume at once, then the machine.
_DEPTH: Final = 2
_LOOK_S: Final = 0.5
#: Seconds without a cluster becoming active after which it is taken to be stuck.
_PATIENCE_S: Final = 120.0
#: How often reading is tried.
_READS: Final = 11
#: As the API asks for, for its longest page.
_PAGE: Final = Slice(limit=PAGE_LIMIT_MAX + 1)


@attrs.frozen(kw_only=True)
class Run:
    """One number of clusters, driven to active."""

    clusters: int
    tasks: int
    #: Seconds that submitting took, plans included.
    submitted_s: float
    #: Seconds from the first submission, or the runner's start if that was later, to the last
    #: active cluster.
    active_s: float
    ideal_s: float
    #: Of the runner, at its highest.
    peak_mib: float
    #: What was read, while all the jobs were in the database → median milliseconds.
    reads_ms: Mapping[str, float]


@attrs.frozen(kw_only=True)
class Result:
    """What was measured."""

    database: str
    at_once: Run
    one_by_one: Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("--jobs", type=int, default=1000, metavar="N", help="jobs at once")
    parser.add_argument(
        "--clusters", type=int, default=3000, metavar="N", help="clusters one by one"
    )
    parser.add_argument(
        "--delay", type=float, default=2.0, metavar="S", help="seconds the cloud takes for a thing"
    )
    add_database_argument(parser)


def measure(typed: argparse.Namespace) -> Result:
    """Submit, and wait until all is active.

    :raises MeasurementError: a cluster does not become active.
    """
    with _one_core(), databases(typed.database) as new_database:
        processes = RunnerProcesses()
        with _load(typed.delay, processes, database_url=new_database()) as load:
            at_once = load.at_once(typed.jobs)
        with _load(typed.delay, processes, database_url=new_database()) as load:
            one_by_one = load.one_by_one(typed.clusters)
    return Result(database=typed.database, at_once=at_once, one_by_one=one_by_one)


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    return attrs.asdict(result)


def table(result: Result) -> str:
    """Return the result for people."""
    runs = {"jobs at once": result.at_once, "clusters one by one": result.one_by_one}
    lines = []
    for what, run in runs.items():
        lines += [
            f"{run.clusters} {what}, {run.tasks} tasks, {result.database}, one core",
            f"  {'submitted in':<28}{run.submitted_s:>9.1f} s",
            f"  {'all active after':<28}{run.active_s:>9.1f} s   ideal {run.ideal_s:.1f} s",
            f"  {'tasks a second':<28}{run.tasks / run.active_s:>9.0f}",
            f"  {'memory of the runner':<28}{run.peak_mib:>9.0f} MiB",
        ]
        lines += [f"  {what:<28}{ms:>9.1f} ms" for what, ms in run.reads_ms.items()]
        lines.append("")
    return "\n".join(lines).rstrip()


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Stay on one core, with all processes that are started meanwhile; where that can be said."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _load(delay_s: float, processes: RunnerProcesses, *, database_url: str) -> Iterator["_Load"]:
    with tempfile.TemporaryDirectory(prefix="pitrix-load-") as folder:
        cloud = {"delay_s": delay_s, "retry_after_s": max(0.05, delay_s / 2)}
        installation = ToyInstallation(Path(folder), cloud=cloud, database_url=database_url)
        try:
            yield _Load(installation, processes, delay_s)
        finally:
            installation.close()


@attrs.frozen
class _Load:
    installation: ToyInstallation
    processes: RunnerProcesses
    delay_s: float

    def at_once(self, count: int) -> Run:
        """Submit first, and then start a runner."""
        submitted_s = self._submit(count)
        with self._runner() as runner:
            return self._run(runner, count, submitted_s, began_s=time.monotonic())

    def one_by_one(self, count: int) -> Run:
        """Submit while a runner works."""
        with self._runner() as runner:
            began_s = time.monotonic()
            submitted_s = self._submit(count)
            return self._run(runner, count, submitted_s, began_s=began_s)

    def _submit(self, count: int) -> float:
        began_s = time.monotonic()
        for number in range(count):
            self.installation.create(name=f"load-{number}")
        return time.monotonic() - began_s

    def _run(self, runner: BaseProcess, count: int, submitted_s: float, *, began_s: float) -> Run:
        self._wait(count)
        active_s = time.monotonic() - began_s
        return Run(
            clusters=count,
            tasks=self._count(tables.tasks),
            submitted_s=round(submitted_s, 2),
            active_s=round(active_s, 2),
            ideal_s=_DEPTH * self.delay_s,
            peak_mib=round(_peak_mib(runner), 1),
            reads_ms=self._reads_ms(),
        )

    def _wait(self, count: int) -> None:
        active, since_s = 0, time.monotonic()
        is_active = tables.clusters.c.state == ClusterState.ACTIVE
        while active < count:
            time.sleep(_LOOK_S)
            now = self._count(tables.clusters, is_active)
            if now > active:
                active, since_s = now, time.monotonic()
            if time.monotonic() - since_s > _PATIENCE_S:
                raise MeasurementError(f"Only {active} of {count} clusters became active.")

    def _count(self, table: sa.Table, *which: "sa.ColumnElement[bool]") -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*which)
        with self.installation.store.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    @contextlib.contextmanager
    def _runner(self) -> Iterator[BaseProcess]:
        order = RunnerOrder(config=self.installation.config, settings=RunnerSettings())
        runner = self.processes.start(order)
        try:
            yield runner
        finally:
            kill(runner)

    def _reads_ms(self) -> Mapping[str, float]:
        services = self.installation.services
        [newest, *_] = jobs.search(services, ADMIN, part=_PAGE)
        reads: Mapping[str, Callable[[], object]] = {
            "page of jobs": lambda: jobs.search(services, ADMIN, part=_PAGE),
            "one job": lambda: jobs.report(services, ADMIN, newest.id),
            "its tasks": lambda: jobs.tasks(services, ADMIN, newest.id),
            "page of clusters": lambda: clusters.search(services, ADMIN, part=_PAGE),
        }
        return {name: _median_ms(read) for name, read in reads.items()}


def _median_ms(read: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(_READS):
        began_s = time.perf_counter()
        read()
        taken.append((time.perf_counter() - began_s) * 1000)
    return round(statistics.median(taken), 2)


def _peak_mib(process: BaseProcess) -> float:
    """Return the most memory a process has had; 0 where the system does not tell.

    Source: https://www.kernel.org/doc/html/latest/filesystems/proc.html (VmHWM), read 2026-08.
    """
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return 0.0
    lines = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024
