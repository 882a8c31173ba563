"""Real parts for the tests: an etcd, a zipapp, a Pilot."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from frontgate_harness import (
    FrontgateProcess,
    Login,
    Pilot,
    Store,
    own_loopback,
    running,
)

from pitrix_drone.etcd import EtcdClient
from pitrix_frontgate.build import build
from pitrix_frontgate.etcd_binary import find_etcd
from pitrix_frontgate.etcd_server import EtcdServer
from pitrix_frontgate.rbac import open_store


@pytest.fixture(scope="session")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Frontgate as one file."""
    target = tmp_path_factory.mktemp("zipapp") / "frontgate.pyz"
    build(target)
    return target


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One etcd for all tests that use clusters of their own in it."""
    folder = tmp_path_factory.mktemp("store")
    server = EtcdServer(
        find_etcd(throw_away=True), address=own_loopback(), data=folder / "etcd", throw_away=True
    )
    server.start()
    try:
        server.await_ready(within_s=20, stop=Event())
        password = folder / "root-password"
        client = open_store(server.endpoint, password)
        yield Store(client, server.endpoint, password.read_text())
        client.close()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def login(store: Store) -> Iterator[Login]:
    """Makes clients of the store for users of one's choice."""
    clients = []

    def made(user: str | None, password: str | None) -> EtcdClient:
        clients.append(EtcdClient([store.endpoint], user=user, password=password))
        return clients[-1]

    yield made
    for client in clients:
        client.close()


@pytest.fixture
def pilot() -> Iterator[Pilot]:
    """A Pilot that listens; every frame it got has to obey the schemas."""
    stand_in = Pilot()
    stand_in.start()
    yield stand_in
    stand_in.stop()
    assert stand_in.faults == []


@pytest.fixture
def frontgate(zipapp: Path, tmp_path: Path, pilot: Pilot) -> Iterator[FrontgateProcess]:
    """A Frontgate that runs and dials the Pilot."""
    with running(FrontgateProcess(zipapp, tmp_path / "root", [pilot.url])) as process:
        yield process
