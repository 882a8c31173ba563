"""etcd is kept running, and never left behind."""

import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from authority import Authority
from frontgate_harness import FrontgateProcess, eventually, own_loopback

from pitrix_drone.etcd import EtcdClient
from pitrix_frontgate.errors import EtcdServerError
from pitrix_frontgate.etcd_binary import find_etcd
from pitrix_frontgate.etcd_server import PLAIN, Doors, EtcdServer, client_urls


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EtcdServer]:
    """An etcd that answers."""
    started = EtcdServer(
        find_etcd(throw_away=True), address=own_loopback(), data=tmp_path / "etcd", throw_away=True
    )
    started.start()
    started.await_ready(within_s=20, stop=Event())
    yield started
    started.stop()


def test_a_killed_etcd_is_started_again(server: EtcdServer) -> None:
    """The guard notices at once, and the data is there again."""
    first = server.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    eventually(lambda: server.pid != first)
    server.await_ready(within_s=20, stop=Event())

    assert server.pid != first


def test_a_stopped_etcd_stays_stopped(server: EtcdServer) -> None:
    """The guard does not bring back what was ended on purpose."""
    pid = server.pid
    assert pid is not None

    server.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert server.pid == pid


def test_a_port_in_use_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says where, and how to choose another address."""
    monkeypatch.setattr("pitrix_frontgate.etcd_server._PORT_WAIT_S", 0.2)
    address = own_loopback()
    server = EtcdServer(find_etcd(throw_away=True), address=address, data=tmp_path, throw_away=True)

    with socket.create_server((address, 2379)), pytest.raises(EtcdServerError) as caught:
        server.start()

    assert f"{address}:2379" in str(caught.value)
    assert "PITRIX_ADDRESS" in str(caught.value)


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="on Linux, whose kernel ends it: pytest tests/test_etcd_server.py",
)
def test_etcd_does_not_outlive_a_killed_frontgate(frontgate: FrontgateProcess) -> None:
    """Not even a Frontgate that had no chance to clean up leaves its etcd behind."""
    eventually(frontgate.etcd_pid)

    frontgate.kill()

    eventually(lambda: frontgate.etcd_pid() is None, within_s=5)


def test_the_environment_does_not_reach_into_etcd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a proxy nor etcd's own variables change how it runs."""
    monkeypatch.setenv("ETCD_NAME", "somebody-else")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = EtcdServer(
        find_etcd(throw_away=True), address=own_loopback(), data=tmp_path / "e", throw_away=True
    )
    server.start()

    try:
        server.await_ready(within_s=20, stop=Event())
    finally:
        server.stop()

    assert (tmp_path / "e" / "member").is_dir()


def _served_serial(server: EtcdServer, authority: Authority) -> str:
    """Tell which certificate is shown to a client that trusts the authority alone."""
    context = ssl.create_default_context(cadata=authority.pem)
    host, _, port = server.tls_endpoint.removeprefix("https://").partition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        return str((tls.getpeercert() or {})["serialNumber"])


def test_the_door_with_tls_opens_while_it_runs(server: EtcdServer, tmp_path: Path) -> None:
    """etcd comes back with its data; a client of the authority gets in."""
    authority = Authority()
    host = server.tls_endpoint.removeprefix("https://").partition(":")[0]
    identity = tmp_path / "identity.pem"
    identity.write_text("".join(authority.identity(host)))
    client = EtcdClient([server.endpoint])
    client.put("/kept", "x")

    server.open(Doors(identity=identity, is_plain=False))
    server.await_ready(within_s=20, stop=Event())

    assert _served_serial(server, authority)
    found = client.get("/kept")
    client.close()
    assert found is not None
    assert found.value == "x"


def test_a_renewed_certificate_needs_no_restart(server: EtcdServer, tmp_path: Path) -> None:
    """The file is replaced, and the next connection gets the new one."""
    authority = Authority()
    host = server.tls_endpoint.removeprefix("https://").partition(":")[0]
    identity = tmp_path / "identity.pem"
    identity.write_text("".join(authority.identity(host)))
    server.open(Doors(identity=identity, is_plain=False))
    server.await_ready(within_s=20, stop=Event())
    before, pid = _served_serial(server, authority), server.pid

    (tmp_path / "new.pem").write_text("".join(authority.identity(host)))
    (tmp_path / "new.pem").replace(identity)

    assert _served_serial(server, authority) != before
    assert server.pid == pid


def test_doors_that_stay_the_same_disturb_nobody(server: EtcdServer) -> None:
    """etcd is only started again when something changes."""
    pid = server.pid

    server.open(PLAIN)

    assert server.pid == pid


def test_without_version_1_nothing_but_tls_is_open_to_the_network(tmp_path: Path) -> None:
    """Plain HTTP is for the machine itself alone."""
    doors = Doors(identity=tmp_path / "identity.pem", is_plain=False)

    urls = client_urls("192.0.2.1", doors)

    assert urls == ("http://127.0.0.1:2379", "https://192.0.2.1:2381")


def test_before_there_is_a_certificate_the_network_is_shut_out() -> None:
    """No drone could be told over plain HTTP what is meant for it alone."""
    urls = client_urls("192.0.2.1", Doors(identity=None, is_plain=False))

    assert urls == ("http://127.0.0.1:2379",)


def test_drones_of_version_1_get_in_without_tls() -> None:
    """Their configuration names the port as it was."""
    urls = client_urls("192.0.2.1", PLAIN)

    assert urls == ("http://127.0.0.1:2379", "http://192.0.2.1:2379")


def test_a_machine_with_loopback_only_listens_once() -> None:
    """Its own address and the network's are the same there."""
    urls = client_urls("127.64.0.1", PLAIN)

    assert urls == ("http://127.64.0.1:2379",)
