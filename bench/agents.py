"""How fast a change of metadata reaches machines, and what the agents cost.

Drones watch a Frontgate's own etcd and reload after each change; all are of one cluster, so that
each change reaches all of them. Beside it: watches that only note the time, and a file written by
hand. Then etcd is killed under drones; then drones started from their archive, and Frontgates'
connections to a Pilot, are weighed, the latter beside a server that only holds connections; and
templates rendered, beside Go where it is installed. Drones of ``reach`` are forked from one process
on this machine and share its cores: with many of them it is the machine that is measured.
"""

import argparse
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from bench import agents_ideal, agents_pilot, agents_templates
from bench.agents_fleet import archived_fleet, forked_fleet
from bench.agents_pilot import Connections
from bench.agents_store import Store, running_store
from bench.process_facts import Memory, memory_of
from bench.results import MeasurementError

#: Drones at a time → changes that are measured; a quick run has the first two, and fewer.
_REACHES: Final = {1: 40, 100: 15, 1000: 4}
_QUICK_REACHES: Final = {1: 10, 50: 5}
_FIRST_S: Final = 600.0
_CHANGE_S: Final = 300.0
#: Between two changes, so that no drone still waits after the one before.
_PAUSE_S: Final = 0.5
_WEIGHED: Final = 10
_SETTLE_S: Final = 2.0
_RECOVERING: Final = 100
_DEATHS: Final = 3
_FRONTGATES: Final = 2000
_TEMPLATES_S: Final = 2.0
_LOOK_S: Final = 0.005


@attrs.frozen(kw_only=True)
class Spread:
    """Milliseconds of many."""

    p50_ms: float
    p99_ms: float


@attrs.frozen(kw_only=True)
class Reach:
    """From the change to the end of the reload command, over all drones and changes."""

    drones: int
    changes: int
    #: Seconds from the start of the first drone until all had rendered for the first time.
    first_s: float
    reload: Spread
    #: From the change to its event, at as many bare watches.
    ideal: Spread


@attrs.frozen(kw_only=True)
class Result:
    """What was measured."""

    etcd: str
    cores: int
    reaches: Sequence[Reach]
    #: A file written durably and at once, and a shell after it.
    write_and_run: Spread
    drones_recovering: int
    #: Seconds from etcd's death until the last drone has reloaded for a change made right after
    #: etcd answered again; medians.
    recovery_s: float
    #: Seconds from etcd's death until it answers again: nobody could be faster.
    recovery_ideal_s: float
    drone: Memory
    #: An interpreter that only waits.
    drone_ideal: Memory
    frontgates: int
    pilot: Connections
    pilot_ideal: Connections
    templates_per_s: float
    #: None where Go is not installed.
    go_templates_per_s: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("--quick", action="store_true", help="fewer of everything, in a minute")


def measure(typed: argparse.Namespace) -> Result:
    """Measure all of it.

    :raises MeasurementError: there is no etcd that is fit, or something did not happen in time.
    """
    reaches = _QUICK_REACHES if typed.quick else _REACHES
    scale = 10 if typed.quick else 1
    with _store(max(*reaches, _RECOVERING)) as (store, folder):
        reached = [
            _reach(store, folder, drones=drones, changes=changes)
            for drones, changes in reaches.items()
        ]
        recovery_s, ideal_s = _recovery(store, folder, drones=_RECOVERING // scale)
        drone = _drone_memory(store, folder)
        version, written = store.version, agents_ideal.write_and_run_s(folder)
    _say("weighing a Pilot")
    return Result(
        etcd=version,
        cores=os.cpu_count() or 1,
        reaches=reached,
        write_and_run=_spread(written),
        drones_recovering=_RECOVERING // scale,
        recovery_s=recovery_s,
        recovery_ideal_s=ideal_s,
        drone=drone,
        drone_ideal=_bare_memory(),
        frontgates=_FRONTGATES // scale,
        pilot=agents_pilot.of_pilot(_FRONTGATES // scale, idle_s=5.0),
        pilot_ideal=agents_pilot.of_bare_server(_FRONTGATES // scale, idle_s=5.0),
        templates_per_s=round(agents_templates.ours_per_s(_TEMPLATES_S / scale), 1),
        go_templates_per_s=_rounded(agents_templates.go_per_s(_TEMPLATES_S / scale)),
    )


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    return attrs.asdict(result)


def table(result: Result) -> str:
    """Return the result for people."""
    lines = [
        f"etcd {result.etcd}, {result.cores} cores",
        "",
        "from a change to the reload, ms    p50      p99   ideal p50  ideal p99",
    ]
    lines += [
        f"  {reach.drones:>5} drones, {reach.changes:>2} changes  "
        f"{_columns(reach.reload)}   {_columns(reach.ideal)}"
        f"   all rendered first after {reach.first_s:.1f} s"
        for reach in result.reaches
    ]
    lines += [
        f"  a file and a shell by hand {_columns(result.write_and_run)}",
        "",
        _beside(
            f"recovery of {result.drones_recovering} drones, s",
            result.recovery_s,
            result.recovery_ideal_s,
        ),
        _beside("drone, RSS MiB", result.drone.rss_mib, result.drone_ideal.rss_mib),
        _beside("drone, PSS MiB", result.drone.pss_mib, result.drone_ideal.pss_mib),
        f"{result.frontgates} Frontgates at a Pilot",
        _beside("  KiB each", result.pilot.kib_each, result.pilot_ideal.kib_each),
        _beside("  MiB in all", result.pilot.total_mib, result.pilot_ideal.total_mib),
        _beside("  welcome after, s", result.pilot.welcome_s, result.pilot_ideal.welcome_s),
        _beside("  cores, idle", result.pilot.idle_cpu, result.pilot_ideal.idle_cpu),
        _beside("templates/s, one core", result.templates_per_s, result.go_templates_per_s),
    ]
    return "\n".join(lines)


def _columns(spread: Spread) -> str:
    return f"{spread.p50_ms:9.1f}{spread.p99_ms:9.1f}"


def _beside(name: str, value: float, ideal: float | None) -> str:
    shown = "no Go here" if ideal is None else f"{ideal:10.2f}"
    return f"{name:<32}{value:10.2f}   ideal {shown}"


@contextlib.contextmanager
def _store(nodes: int) -> Iterator[tuple[Store, Path]]:
    with tempfile.TemporaryDirectory(prefix="pitrix-bench-") as name:
        folder = Path(name)
        with running_store(folder) as store:
            _say(f"making {nodes} users")
            store.add_nodes(nodes)
            store.put(1)
            yield store, folder


def _reach(store: Store, folder: Path, *, drones: int, changes: int) -> Reach:
    _say(f"{changes} changes for {drones} drones")
    began = time.time()
    with _emptied(folder / f"fleet-{drones}") as home, forked_fleet(store, home, drones) as fleet:
        revision = _next_revision(store)
        store.put(revision)
        first_s = max(fleet.await_reload(revision, within_s=_FIRST_S)) - began
        taken = []
        for _ in range(changes):
            time.sleep(_PAUSE_S)
            revision, at = revision + 1, time.time()
            store.put(revision)
            taken += [each - at for each in fleet.await_reload(revision, within_s=_CHANGE_S)]
    return Reach(
        drones=drones,
        changes=changes,
        first_s=round(first_s, 2),
        reload=_spread(taken),
        ideal=_spread(_bare_events(store, drones=drones, changes=changes)),
    )


def _bare_events(store: Store, *, drones: int, changes: int) -> list[float]:
    taken = []
    revision = _next_revision(store)
    for number in range(changes):
        with agents_ideal.bare_watches(store, drones) as watches:
            at = time.time()
            store.put(revision + number)
            taken += [each - at for each in watches.await_event()]
    return taken


def _recovery(store: Store, folder: Path, *, drones: int) -> tuple[float, float]:
    """Kill etcd again and again; return medians of the recovery and of its ideal."""
    _say(f"killing etcd under {drones} drones")
    recovered, ideal = [], []
    with _emptied(folder / "recovering") as home, forked_fleet(store, home, drones) as fleet:
        for _ in range(_DEATHS):
            revision = _next_revision(store)
            store.put(revision)
            fleet.await_reload(revision, within_s=_FIRST_S)
            began = time.time()
            _kill_etcd(store)
            ideal.append(time.time() - began)
            store.put(revision + 1)
            at = fleet.await_reload(revision + 1, within_s=_FIRST_S)
            recovered.append(max(at) - began)
    return round(statistics.median(recovered), 2), round(statistics.median(ideal), 2)


def _kill_etcd(store: Store) -> None:
    """Kill etcd, and return when it answers again."""
    pid = store.server.pid
    assert pid is not None  # noqa: S101  it answered a moment ago
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _FIRST_S
    while store.server.pid == pid and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    store.server.await_ready(within_s=_FIRST_S, stop=threading.Event())


def _next_revision(store: Store) -> int:
    return store.root.status().revision + 1


def _drone_memory(store: Store, folder: Path) -> Memory:
    _say("weighing drones")
    with _emptied(folder / "weighed") as home, archived_fleet(store, home, _WEIGHED) as pids:
        deadline = time.monotonic() + _FIRST_S
        while not all(path.read_text() for path in home.glob("*/opt/reloaded")):
            if time.monotonic() > deadline:
                raise MeasurementError("drones from the archive do not render")
            time.sleep(_PAUSE_S)
        time.sleep(_SETTLE_S)
        return _memory_of(pids)


def _bare_memory() -> Memory:
    command = [sys.executable, "-I", "-c", "print(flush=True); input()"]
    with contextlib.ExitStack() as stack:
        waiting = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            for _ in range(_WEIGHED)
        ]
        for each in waiting:
            assert each.stdout is not None  # noqa: S101  asked for above
            each.stdout.readline()
        memory = _memory_of([each.pid for each in waiting])
        for each in waiting:
            each.kill()
    return memory


def _memory_of(pids: Sequence[int]) -> Memory:
    found = [memory_of(pid) for pid in pids]
    return Memory(
        rss_mib=round(statistics.median(each.rss_mib for each in found), 1),
        pss_mib=round(statistics.median(each.pss_mib for each in found), 1),
    )


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _spread(seconds: Sequence[float]) -> Spread:
    ordered = sorted(seconds)
    late = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return Spread(p50_ms=round(statistics.median(ordered) * 1000, 1), p99_ms=round(late * 1000, 1))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
