"""What the job engine adds to the work: time of a job, tasks a second, processor time of a task.

A toy job of 1 + 50 + 50 + 1 tasks, in layers. First of 20 ms each, alone, with a slot for every
task: the ideal is four times 20 ms. Then several such jobs at once whose tasks take no time, with
one, two and four runner processes. Beside it the least a durable queue can do: for each task one
update that takes it and one that ends it, each a transaction of its own.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bench.engine_runner import KIND, RunnerProcess
from bench.results import MeasurementError
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterState,
    JobState,
    Plan,
    Runtime,
    RuntimeLimits,
    Task,
    Totals,
)
from pitrix_core.store import Cipher, Store, make_engine, migrations, new_id, tables
from pitrix_core.testing import postgresql_server

#: Tasks in each layer of the toy job.
_LAYERS: Final = (1, 50, 50, 1)
_WORK_S: Final = 0.02
_SLOTS: Final = 50
_PROCESSES: Final = (1, 2, 4)
_LOOK_S: Final = 0.005
_LIMIT_S: Final = 300.0
#: Seconds for which the least is measured.
_BARE_S: Final = 2.0
#: More than any number of processes takes at a time: the engine is measured, and not a limit.
_LIMITS: Final = RuntimeLimits(concurrency=10_000)
_RUNTIME: Final = Runtime(id="rt-1", name="toy", provider="toy", owner="admin", limits=_LIMITS)


@attrs.frozen(kw_only=True)
class Throughput:
    """Several jobs at once whose tasks take no time."""

    runners: int
    tasks_per_s: float
    #: Of all runners together.
    cpu_ms_per_task: float


@attrs.frozen(kw_only=True)
class Engine:
    """What was measured on one kind of database."""

    database: str
    #: Median seconds of the toy job of 20 ms tasks.
    job_s: float
    throughput: tuple[Throughput, ...]
    #: Of two bare updates a task, one after another.
    bare_tasks_per_s: float


@attrs.frozen(kw_only=True)
class Result:
    """What was measured."""

    ideal_job_s: float
    tasks: int
    engines: tuple[Engine, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("-n", type=int, default=5, help="toy jobs alone; the median is shown")
    parser.add_argument("--jobs", type=int, default=20, metavar="N", help="toy jobs at once")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="an empty database; left out: SQLite, and PostgreSQL where it is installed",
    )


def measure(typed: argparse.Namespace) -> Result:
    """Measure on each database.

    :raises MeasurementError: a job did not end.
    """
    if typed.n < 1 or typed.jobs < 1:
        raise MeasurementError("-n, --jobs: at least 1")
    engines = [_engine(url, typed) for url in _databases(typed.database)]
    return Result(
        ideal_job_s=_WORK_S * len(_LAYERS),
        tasks=typed.jobs * sum(_LAYERS),
        engines=tuple(engines),
    )


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    return attrs.asdict(result)


def table(result: Result) -> str:
    """Return the result for people."""
    layers = " + ".join(map(str, _LAYERS))
    lines = [f"toy jobs of {layers} tasks; ideal for one of 20 ms tasks: {result.ideal_job_s:g} s"]
    for engine in result.engines:
        lines += [
            "",
            f"{engine.database}",
            f"  {'one job of 20 ms tasks':<34}{engine.job_s:8.2f} s",
        ]
        for each in engine.throughput:
            name = f"{result.tasks} tasks, {each.runners} runner(s)"
            figures = f"{each.tasks_per_s:8.0f}/s  {each.cpu_ms_per_task:6.2f} ms CPU a task"
            lines.append(f"  {name:<34}{figures}")
        lines.append(f"  {'two bare updates a task':<34}{engine.bare_tasks_per_s:8.0f}/s")
    return "\n".join(lines)


def _databases(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'engine.db'}"
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql_server.postgresql_server())
        except postgresql_server.PostgresqlMissingError as ex:
            sys.stderr.write(f"PostgreSQL is left out: {ex}\n")
            return
        yield server.url()


def _engine(url: str, typed: argparse.Namespace) -> Engine:
    engine = make_engine(url)
    store = Store(engine, cipher=Cipher(Fernet.generate_key()))
    migrations.upgrade(engine)
    with store.begin() as tx:
        tx.runtimes.add(_RUNTIME, credential_id=None)
    try:
        return Engine(
            database=engine.dialect.name,
            job_s=_job_s(store, url, runs=typed.n),
            throughput=tuple(
                _throughput(store, url, runners=runners, jobs=typed.jobs) for runners in _PROCESSES
            ),
            bare_tasks_per_s=_bare_tasks_per_s(engine),
        )
    finally:
        store.close()


def _job_s(store: Store, url: str, *, runs: int) -> float:
    runner = RunnerProcess(url, slots=_SLOTS)
    found = []
    for _ in range(runs + 1):  # the first one warms up
        began_s = time.monotonic()
        _submit(store, jobs=1, work_s=_WORK_S)
        _wait(store)
        found.append(time.monotonic() - began_s)
    runner.stop()
    return round(statistics.median(found[1:]), 3)


def _throughput(store: Store, url: str, *, runners: int, jobs: int) -> Throughput:
    processes = [RunnerProcess(url, slots=_SLOTS) for _ in range(runners)]
    _submit(store, jobs=1, work_s=0.0)
    _wait(store)  # they are warm
    began_s = time.monotonic()
    _submit(store, jobs=jobs, work_s=0.0)
    _wait(store)
    took_s = time.monotonic() - began_s
    cpu_s = sum(process.stop() for process in processes)
    tasks = jobs * sum(_LAYERS)
    return Throughput(
        runners=runners,
        tasks_per_s=round(tasks / took_s, 1),
        cpu_ms_per_task=round(1000 * cpu_s / (tasks + sum(_LAYERS)), 3),
    )


def _bare_tasks_per_s(engine: sa.Engine) -> float:
    """Update a row twice for each task, each time in a transaction of its own."""
    columns = tables.tasks.c
    with engine.connect() as connection:
        task_id = connection.scalar(sa.select(columns.id).limit(1))
    done, began_s = 0, time.monotonic()
    while (took_s := time.monotonic() - began_s) < _BARE_S:
        for number in (done, -done):
            with engine.begin() as connection:
                update = tables.tasks.update().where(columns.id == task_id)
                connection.execute(update.values(attempts=number))
        done += 1
    return round(done / took_s, 1)


def _wait(store: Store) -> None:
    """Wait until no job runs.

    :raises MeasurementError: one still does after a long time.
    """
    columns = tables.jobs.c
    open_jobs = sa.select(columns.id).where(columns.state == JobState.RUNNING).limit(1)
    ends_s = time.monotonic() + _LIMIT_S
    while time.monotonic() < ends_s:
        with store.engine.connect() as connection:
            if connection.scalar(open_jobs) is None:
                return
        time.sleep(_LOOK_S)
    raise MeasurementError(f"jobs still run after {_LIMIT_S:g} s")


def _submit(store: Store, *, jobs: int, work_s: float) -> None:
    with store.begin() as tx:
        for _ in range(jobs):
            cluster = Cluster(
                id=new_id("cl"),
                name=new_id("toy"),
                owner="admin",
                state=ClusterState.CREATING,
                runtime_id=_RUNTIME.id,
                app_version_id="ver-1",
                config={},
                revision=1,
                created_at=tx.now,
                updated_at=tx.now,
            )
            tx.clusters.add(cluster)
            tx.jobs.add(_plan(cluster, _tasks(work_s)))


def _plan(cluster: Cluster, tasks: tuple[Task, ...]) -> Plan:
    return Plan(
        id=new_id("pln"),
        action=Action.CREATE,
        owner=cluster.owner,
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        revision=0,
        app_version_id=cluster.app_version_id,
        runtime_id=cluster.runtime_id,
        config={},
        tasks=tasks,
        nodes=(),
        endpoints={},
        totals=Totals(),
        price=None,
        findings=(),
        digest="",
        created_at=cluster.created_at,
    )


def _tasks(work_s: float) -> tuple[Task, ...]:
    """Return the toy job's tasks: one after the other in each column, all after the first one and
    before the last.
    """
    layers: list[list[Task]] = []
    for number, width in enumerate(_LAYERS):
        before = [task.key for task in layers[-1]] if layers else []
        is_column = bool(layers) and len(before) == width
        layers.append(
            [
                Task(
                    key=f"l{number}-{place}",
                    kind=KIND,
                    title="Work",
                    input={"work_s": work_s},
                    after=(before[place],) if is_column else tuple(before),
                )
                for place in range(width)
            ]
        )
    return tuple(task for layer in layers for task in layer)
