"""A Frontgate of three machines that are killed at random: what was acknowledged is there, and no
drone's watch misses or doubles a change.
"""

import contextlib
import itertools
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import lab_needs
import pytest
from lab_etcd import eventually
from lab_watch import Diary, content, watching

from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_frontgate.build import build

sys.path.insert(0, str(Path(__file__).parents[2] / "agents/pitrix-frontgate/tests"))

from frontgate_harness import command, enrolling
from machines import PATIENCE_S, Group, three_machines

_PREFIX: Final = "/c/cl-1/"
_KILLS: Final = 6
#: Writes that were acknowledged between two kills, so that each comes in the middle of work.
_AT_LEAST: Final = 5
#: A machine is away for at most so long: now and then it is killed while the last one starts.
_AWAY_S: Final = 1.5

pytestmark = pytest.mark.timeout(6 * PATIENCE_S)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """Three machines that wait for their disks."""
    lab_needs.program("etcd", package="etcd-server")
    build(tmp_path / "frontgate.pyz")
    with three_machines(tmp_path / "frontgate.pyz", tmp_path, throw_away=False) as made:
        made.tell("metadata.put", enrolling("cl-1", 1))
        yield made


@contextlib.contextmanager
def _writing(group: Group) -> Iterator[list[int]]:
    """Have the Pilot send metadata and commands inside the block; gives what was acknowledged."""
    taken: list[int] = []
    stop = threading.Event()

    def write() -> None:
        for revision in itertools.count(2):
            if stop.is_set():
                return
            group.tell("metadata.put", enrolling("cl-1", revision))
            group.tell("command.run", command("cl-1", f"c-{revision}"))
            taken.append(revision)

    thread = threading.Thread(target=write, name="writer", daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join(2 * PATIENCE_S)
    assert not thread.is_alive()


def _die_often(group: Group, taken: list[int]) -> None:
    dice = random.Random(23)  # noqa: S311 (spreads the deaths, guards nothing)
    for _ in range(_KILLS):
        wanted = len(taken) + _AT_LEAST
        eventually(lambda wanted=wanted: len(taken) >= wanted, "writes go on", within_s=PATIENCE_S)
        victims = dice.sample(sorted(group.machines), k=dice.choice((1, 1, 2)))
        for number in victims:
            group.kill(number)
        time.sleep(dice.uniform(0, _AWAY_S))  # how long it is away is what differs
        for number in victims:
            group.machines[number].start()


def _drone(group: Group, number: int) -> EtcdClient:
    """Make a drone's client; each tries another machine first."""
    places = [group.machines[n].tls_endpoint for n in (number, *sorted(group.machines))]
    password = group.machines[number].places.root_password.read_text()
    assert group.pilot.authority is not None
    return EtcdClient(
        tuple(dict.fromkeys(places)), user="root", password=password, ca=group.pilot.authority.pem
    )


def _content(drone: EtcdClient) -> dict[str, str]:
    """Read what is there, as soon as there is a majority."""

    def read() -> dict[str, str] | None:
        with contextlib.suppress(EtcdError):
            return content(drone, _PREFIX)
        return None

    found: dict[str, str] = eventually(read, "etcd answers", within_s=PATIENCE_S)
    return found


def test_machines_that_are_killed_lose_nothing(group: Group) -> None:
    """One at a time, or two: without a majority nothing is acknowledged, and all of it goes on."""
    drones = {number: _drone(group, number) for number in group.machines}
    diaries: dict[int, Diary] = {}
    with contextlib.ExitStack() as stack:
        for number, drone in drones.items():
            stack.callback(drone.close)
            diaries[number] = stack.enter_context(watching(drone, _PREFIX))
        eventually(lambda: all(each.snapshots for each in diaries.values()), "the watches begin")

        with _writing(group) as taken:
            _die_often(group, taken)
        group.await_all()
        there = _content(drones[1])
        for each in diaries.values():
            eventually(lambda each=each: each.believes(there), "the watch knows all")

    commands = {key.rpartition("/")[2] for key in there if "/commands/" in key}
    assert commands == {f"c-{revision}" for revision in taken}
    assert there[f"{_PREFIX}shared/revision"] == str(taken[-1])
    assert [each.snapshots for each in diaries.values()] == [1, 1, 1]
    first = diaries[1].revisions
    assert first == sorted(set(first))
    assert all(each.revisions == first for each in diaries.values())
