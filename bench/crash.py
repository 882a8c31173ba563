"""Whether anything is lost, made twice or left behind when runners are killed, again and again.

Several installations at a time, on clouds with and without request keys that are honoured, with
what was made seen at once or late; answers are lost, calls hang, requests are throttled and refused
all the while. In half of them runners are killed with SIGKILL at every boundary of every task of a
creation, a growth, a roll back and a deletion; in the other half at random instants, while clusters
come and go, and jobs are paused, cancelled, rolled back and retried.
At the end new runners finish what is left, and the cloud is compared with the database. Scaling is
a growth that is planned by hand (``traffic.py``).
"""

import argparse
import concurrent.futures
import contextlib
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import attrs

from bench.audit import Audit, audit, what_decides
from bench.databases import add_database_argument, databases
from bench.toy_installation import ToyInstallation
from bench.toy_runner import RunnerOrder, RunnerProcesses, kill, takeovers
from bench.traffic import Traffic
from pitrix_core.jobs.runner import RunnerSettings
from pitrix_core.testing.fake_provider import FakeEffect

_SEED: Final = 2026
#: More would starve one another of two cores, and no job would get further between two kills.
_PLAYED_AT_ONCE: Final = 4
#: Seconds; far below an installation's, so that hundreds of take-overs fit into minutes.
_LEASE_S: Final = 0.5
_REQUEST_S: Final = 1.0
_HIDDEN_S: Final = 0.5
#: Seconds a call may hang: less than it may take, as the contract wants.
_HANG_S: Final = (0.1, 0.8)
#: Seconds a runner lives that is killed at a random instant; what is longer than a lease lets it
#: take over from the one before.
_LIFE_S: Final = (0.02, 1.2)
#: Seconds without a job that ends after which none will: several times what a task may take.
_PATIENCE_S: Final = 240.0
#: Seconds between looks.
_LOOK_S: Final = 0.05
#: Calls of a kind among which faults are spread, and the part of them that go wrong.
_CALLS: Final = 3000
_FAULTY: Final = 0.06
_EFFECTS: Final[Mapping[str, tuple[FakeEffect, ...]]] = {
    "create": (
        FakeEffect.LOST, FakeEffect.LOST, FakeEffect.HANG, FakeEffect.SLOW, FakeEffect.TEMPORARY,
        FakeEffect.THROTTLED, FakeEffect.QUOTA, FakeEffect.FAILED, FakeEffect.UNEXPECTED,
    ),
    "poll": (FakeEffect.TEMPORARY, FakeEffect.THROTTLED, FakeEffect.HANG, FakeEffect.LOST),
    "advance": (FakeEffect.LOST, FakeEffect.SLOW, FakeEffect.TEMPORARY, FakeEffect.THROTTLED),
    "find": (FakeEffect.TEMPORARY, FakeEffect.AUTH, FakeEffect.HANG, FakeEffect.THROTTLED),
    "delete": (
        FakeEffect.LOST, FakeEffect.HANG, FakeEffect.SLOW, FakeEffect.TEMPORARY,
        FakeEffect.THROTTLED, FakeEffect.PERMANENT,
    ),
}  # fmt: skip


#: What must not be found, by its key in the result.
_WRONG: Final = ("lost", "duplicated", "orphaned", "stuck", "unfinished")


@attrs.frozen(kw_only=True)
class World:
    """One installation's cloud, and how its runners die."""

    name: str
    at_boundaries: bool
    honours_keys: bool
    visible_after_s: float
    #: At a time.
    runners: int
    seed: int
    #: At most, where they die at boundaries.
    kills: int


@attrs.frozen(kw_only=True)
class Fate:
    """What became of one installation."""

    world: World
    kills: int
    #: Tasks that were taken over.
    takeovers: int
    #: What users did → how often.
    done: Mapping[str, int]
    clusters: int
    resources: int
    audit: Audit
    #: What is to be known of jobs that did not end; then the audit counts what they are about, too.
    unfinished: tuple[str, ...]
    seconds: float


@attrs.frozen(kw_only=True)
class Result:
    """What was measured."""

    database: str
    fates: tuple[Fate, ...]
    seconds: float

    def total(self, name: str) -> int:
        """Return how many of a kind disagree in all installations; of ``unfinished``, in how many
        of them jobs did not end.
        """
        if name == "unfinished":
            return sum(bool(fate.unfinished) for fate in self.fates)
        return sum(len(getattr(fate.audit, name)) for fate in self.fates)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument(
        "--points", type=int, default=500, metavar="N", help="random instants to kill at"
    )
    parser.add_argument(
        "--boundaries",
        type=int,
        default=10_000,
        metavar="N",
        help="boundaries of tasks to kill at, at most; every one by default",
    )
    parser.add_argument(
        "--clouds",
        type=int,
        choices=range(1, 5),
        default=4,
        help="kinds of clouds, the hardest first: keys forgotten or kept, seen late or at once",
    )
    add_database_argument(parser)
    parser.add_argument("--seed", type=int, default=_SEED)


def measure(typed: argparse.Namespace) -> Result:
    """Kill, and compare."""
    began_s = time.monotonic()
    processes = RunnerProcesses()
    with contextlib.ExitStack() as stack:
        new_database = stack.enter_context(databases(typed.database))
        plays = [
            stack.enter_context(_played(world, processes, database_url=new_database()))
            for world in worlds_of(
                typed.points, typed.boundaries, clouds=typed.clouds, seed=typed.seed
            )
        ]  # one by one: migrations are no business of several threads
        with concurrent.futures.ThreadPoolExecutor(_PLAYED_AT_ONCE) as pool:
            fates = tuple(pool.map(_Play.fate, plays))
    seconds = time.monotonic() - began_s
    return Result(database=typed.database, fates=fates, seconds=seconds)


def is_sound(result: Result) -> bool:
    """Say whether nothing was found that must not be."""
    return not any(result.total(name) for name in _WRONG)


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    fates = [attrs.asdict(fate) for fate in result.fates]
    return {
        **{name: result.total(name) for name in _WRONG},
        "database": result.database,
        "kills": sum(fate.kills for fate in result.fates),
        "takeovers": sum(fate.takeovers for fate in result.fates),
        "seconds": round(result.seconds, 1),
        "ideal": dict.fromkeys(_WRONG, 0),
        "installations": fates,
    }


def table(result: Result) -> str:
    """Return the result for people."""
    head = f"{'installation':<42}{'kills':>7}{'taken over':>12}{'changes':>9}{'resources':>11}"
    lines = [f"{head}{'lost':>6}{'doubled':>9}{'orphaned':>10}{'stuck':>7}"]
    for fate in result.fates:
        changes = sum(fate.done.values())
        counts = f"{fate.kills:>7}{fate.takeovers:>12}{changes:>9}{fate.resources:>11}"
        found = fate.audit
        ends = f"{len(found.lost):>6}{len(found.duplicated):>9}{len(found.orphaned):>10}"
        lines.append(f"{fate.world.name:<42}{counts}{ends}{len(found.stuck):>7}")
    kills = sum(fate.kills for fate in result.fates)
    where = f"on {result.database}, {kills} kills in {result.seconds:.0f} s"
    lines += ["", f"{where}; ideal: nothing but zeros at the end"]
    for fate in result.fates:
        if fate.unfinished:
            lines += ["", f"{fate.world}: jobs do not end any more:", *fate.unfinished]
    return "\n".join(lines)


# -- installations ---------------------------------------------------------------------------------


def worlds_of(points: int, boundaries: int, *, clouds: int, seed: int) -> Iterator[World]:
    """Return the installations among which kills are shared out; none where there are none."""
    known = [(honours, hidden_s) for hidden_s in (_HIDDEN_S, 0.0) for honours in (False, True)]
    shared = known[:clouds]  # the hardest first
    for number, (honours_keys, hidden_s) in enumerate(shared):
        keys = "keys kept" if honours_keys else "keys forgotten"
        cloud = f"{keys}, seen {'late' if hidden_s else 'at once'}"
        blank = World(
            name=f"boundaries: {cloud}",
            at_boundaries=True,
            honours_keys=honours_keys,
            visible_after_s=hidden_s,
            runners=1,
            seed=seed + number,
            kills=boundaries,
        )
        if boundaries:
            yield blank
        if points:
            yield attrs.evolve(
                blank,
                name=f"instants: {cloud}",
                at_boundaries=False,
                runners=1 + number % 2,
                kills=-(-points // len(shared)),
            )


def cloud_of(world: World) -> dict[str, Any]:
    """Return the fake provider's settings."""
    chance = random.Random(world.seed)  # noqa: S311 (to be repeated; guards nothing)
    return {
        "honours_keys": world.honours_keys,
        "visible_after_s": world.visible_after_s,
        "request_s": _REQUEST_S,
        "delay_s": 0.05,
        "retry_after_s": 0.03,
        "stages": 2,
        "faults": list(_faults(chance)),
    }


def _faults(chance: random.Random) -> Iterator[dict[str, Any]]:
    for verb, effects in _EFFECTS.items():
        for interface in ("compute",) if verb == "advance" else ("compute", "volume"):
            for number in range(_CALLS):
                if chance.random() < _FAULTY:
                    yield {
                        "operation": f"{interface}.{verb}",
                        "effect": str(chance.choice(effects)),
                        "skip": number,
                        "seconds": chance.uniform(*_HANG_S),
                    }


@contextlib.contextmanager
def _played(world: World, processes: RunnerProcesses, *, database_url: str) -> Iterator["_Play"]:
    """Make one installation, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pitrix-crash-") as folder:
        cloud = cloud_of(world)
        installation = ToyInstallation(Path(folder), cloud=cloud, database_url=database_url)
        try:
            yield _Play(world, installation, processes)
        finally:
            installation.close()


class _UnfinishedError(Exception):
    """Jobs do not end any more."""


class _Play:
    """One installation while its runners die."""

    def __init__(
        self, world: World, installation: ToyInstallation, processes: RunnerProcesses
    ) -> None:
        self._kills = 0
        self._world = world
        self._installation = installation
        self._processes = processes
        self._chance = random.Random(world.seed)  # noqa: S311 (to be repeated; guards nothing)
        config = installation.config
        self._order = RunnerOrder(
            config=config,
            settings=RunnerSettings(slots=8, lease_s=_LEASE_S, look_s=0.02, drain_s=0.5),
        )
        self._mortal = attrs.evolve(self._order, deaths=config.data_dir / "deaths")
        at_once = 2 if world.at_boundaries else 4
        self._traffic = Traffic(installation, seed=world.seed, at_once=at_once)

    def fate(self) -> Fate:
        """Let runners die and a last one finish, and see what became of it all."""
        began_s = time.monotonic()
        unfinished: tuple[str, ...] = ()
        try:
            self._run()
        except _UnfinishedError:
            unfinished = (*self._traffic.left(), *what_decides(self._installation))
        time.sleep(self._world.visible_after_s)
        return Fate(
            world=self._world,
            kills=self._kills,
            takeovers=takeovers(self._installation.config),
            done=dict(self._traffic.done),
            clusters=len(self._traffic.cluster_ids),
            resources=_resources(self._installation),
            audit=audit(self._installation, self._traffic.cluster_ids),
            unfinished=unfinished,
            seconds=round(time.monotonic() - began_s, 1),
        )

    def _run(self) -> None:
        if self._world.at_boundaries:
            for change in ("create", "grow", "undo", "create", "delete"):
                self._die_at_boundaries_of(change)
        else:
            self._kill_at_instants()
        last = self._processes.start(self._order)
        try:
            self._finish(last)
        finally:
            kill(last)

    def _kill_at_instants(self) -> None:
        runners = [self._processes.start(self._order) for _ in range(self._world.runners)]
        try:
            while self._kills < self._world.kills:
                self._traffic.go_on()
                time.sleep(self._chance.uniform(*_LIFE_S) / len(runners))
                victim = self._chance.randrange(len(runners))
                kill(runners[victim])
                self._kills += 1
                runners[victim] = self._processes.start(self._order)
        finally:
            for runner in runners:
                kill(runner)

    def _die_at_boundaries_of(self, change: str) -> None:
        """Start a runner whenever the last one has died, until none dies any more."""
        self._traffic.begin(change)
        ends_s = time.monotonic() + _PATIENCE_S
        runner = self._started_mortal()
        try:
            while self._traffic.mend():
                if not runner.is_alive():
                    runner.join()
                    self._kills += 1
                    runner = self._started_mortal()
                    ends_s = time.monotonic() + _PATIENCE_S
                self._require(time.monotonic() < ends_s)
                time.sleep(_LOOK_S)
        finally:
            kill(runner)

    def _started_mortal(self) -> BaseProcess:
        """Start a runner that dies at a boundary, unless as many have as should."""
        is_over = self._kills >= self._world.kills
        return self._processes.start(self._order if is_over else self._mortal)

    def _finish(self, runner: BaseProcess) -> None:
        before, ends_s = 0, 0.0
        while left := self._traffic.mend():
            if left != before:
                before, ends_s = left, time.monotonic() + _PATIENCE_S
            self._require(runner.is_alive() and time.monotonic() < ends_s)
            time.sleep(_LOOK_S)

    def _require(self, goes_on: bool) -> None:
        if not goes_on:
            raise _UnfinishedError


def _resources(installation: ToyInstallation) -> int:
    with installation.cloud.rows() as rows:
        return sum(len(rows.all(name)) for name in ("compute", "volume", "network"))
