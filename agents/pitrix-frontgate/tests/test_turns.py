"""What a machine does that is not the Frontgate now, and what it is asked by the one that is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import pytest
from frontgate_harness import Json, Store, eventually

from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_frontgate.config import Places
from pitrix_frontgate.doors import Doorkeeper
from pitrix_frontgate.etcd_server import EtcdServer, peer_url
from pitrix_frontgate.members import Member, Members
from pitrix_frontgate.status import Presence
from pitrix_frontgate.turns import Turn, take_turns


class Group:
    """Stands in for three members of which one leads, or none."""

    def __init__(self, *, leads: bool = False) -> None:
        self._leads = leads

    def leads(self) -> bool:
        """Tell whether the machine that asks leads."""
        return self._leads

    def listed(self) -> list[Member]:
        """List them."""
        return [
            Member(str(n), f"member-{n}", peer_url(f"192.0.2.{n}"), is_learner=False)
            for n in (1, 2, 3)
        ]


class Machine:
    """Stands in for a machine's etcd, its doorkeeper and its notes: writes down what is asked."""

    def __init__(self, number: int, on_restart: Callable[[], None] = lambda: None) -> None:
        self.number = number
        self.address = f"192.0.2.{number}"
        self.on_restart = on_restart
        self.restarts = 0
        self.certificates: list[Json] = []

    def restart(self) -> None:
        """Count restarts of etcd."""
        self.restarts += 1
        self.on_restart()

    def is_newer(self, body: Json) -> bool:
        """Take what ends in a later year than this one's."""
        return bool(body["not_after"] > "2027")

    def certify(self, body: Json) -> None:
        """Take a certificate."""
        self.certificates.append(body)

    def write(self) -> None:
        """Take notes."""


@contextmanager
def standing_by(
    machine: Machine, client: EtcdClient, *, tmp_path: Path, leads: bool = False
) -> Iterator[None]:
    """Have a machine wait for its turn, which does not come, inside the block."""
    stop = Event()
    thread = Thread(
        target=take_turns,
        args=(cast("Members", Group(leads=leads)), client, cast("EtcdServer", machine)),
        kwargs={
            "number": machine.number,
            "places": Places(tmp_path),
            "keeper": cast("Doorkeeper", machine),
            "presence": cast("Presence", machine),
            "serve": lambda _: stop.wait(20),
            "stop": stop,
        },
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Unsteady(EtcdClient):
    """A client whose etcd is away for one request after each restart, as a restarted one is."""

    is_away = False

    def leave(self) -> None:
        """Be away."""
        self.is_away = True

    def txn(self, *steps: Any) -> Any:
        """Fail once."""
        if self.is_away:
            self.is_away = False
            raise EtcdError(None, "connection refused")
        return super().txn(*steps)


@pytest.fixture
def unsteady(store: Store, tmp_path: Path) -> Iterator[Unsteady]:
    """Such a client, with root's rights."""
    client = Unsteady([store.endpoint], user="root", password=store.password)
    yield client
    client.close()


@pytest.mark.parametrize("leads", [False, True], ids=["stands-by", "is-about-to-begin"])
def test_connections_are_cut_once_for_each_time_that_is_asked(
    unsteady: Unsteady, tmp_path: Path, *, leads: bool
) -> None:
    """Also where etcd does not answer right after it was restarted."""
    key = "/frontgate/cuts/member-2"
    machine = Machine(2, unsteady.leave)

    with standing_by(machine, unsteady, tmp_path=tmp_path, leads=leads):
        for _ in range(2):
            unsteady.put(key, "")
            eventually(lambda: unsteady.get(key) is None)

    assert machine.restarts == 2


def test_connections_are_cut_at_one_machine_after_the_other(store: Store, tmp_path: Path) -> None:
    """Most of them are there at any time; the one that leads does it itself."""
    order: list[int] = []
    second, third = (Machine(n, lambda n=n: order.append(n)) for n in (2, 3))
    turn = Turn(
        cast("Members", Group()),
        store.client,
        number=1,
        address="192.0.2.1",
        places=Places(tmp_path),
    )

    with (
        standing_by(third, store.client, tmp_path=tmp_path),
        standing_by(second, store.client, tmp_path=tmp_path),
    ):
        turn.cut_others()

    assert order == [2, 3]


def test_a_machine_that_stands_by_takes_a_newer_certificate(store: Store, tmp_path: Path) -> None:
    """The one that leads has asked for it; what is no newer than its own is left alone."""
    key = "/frontgate/certificates/3"
    entrance_writes = '{{"not_after": "{}-01-01T00:00:00Z"}}'
    machine = Machine(3)
    store.client.put(key, entrance_writes.format(2026))

    with standing_by(machine, store.client, tmp_path=tmp_path):
        store.client.put(key, entrance_writes.format(2028))
        eventually(lambda: machine.certificates)

    store.client.delete(key)
    assert machine.certificates == [{"not_after": "2028-01-01T00:00:00Z"}]
