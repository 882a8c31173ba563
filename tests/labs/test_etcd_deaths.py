"""Debian's etcd dies in all ways: what it took is there, and no watch loses or doubles a change."""

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import lab_needs
import pytest
from lab_etcd import ClientOf, LabEtcd, close_the_door, eventually, free_port, own_loopback, running
from lab_watch import Diary, content, watching

from pitrix_drone.etcd import EtcdClient, EtcdError

_PREFIX: Final = "/c/cl-1/"
_DEATHS: Final = 6
#: Writes between two deaths, so that each comes in the middle of work.
_AT_LEAST: Final = 40
#: etcd looks once a second for tokens that nobody used for a second.
_TTL_PASSES_S: Final = 4.0


@pytest.fixture(scope="module")
def binary() -> str:
    """Debian's etcd."""
    return lab_needs.program("etcd", package="etcd-server")


@pytest.fixture
def server(binary: str, tmp_path: Path) -> Iterator[LabEtcd]:
    """One that runs, at an address of its own."""
    address = own_loopback()
    with running(
        LabEtcd(binary, tmp_path / "etcd", addresses=[f"{address}:{free_port(address)}"])
    ) as etcd:
        yield etcd


@contextmanager
def _writing(client: EtcdClient) -> Iterator[list[tuple[str, int]]]:
    """Write keys one after another inside the block; gives those that were taken."""
    taken: list[tuple[str, int]] = []
    stop = threading.Event()

    def write() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            key = f"{_PREFIX}{number:06}"
            try:
                taken.append((key, client.put(key, str(number))))
            except EtcdError:
                stop.wait(0.02)  # it is dead; the key may have been written all the same

    thread = threading.Thread(target=write, name="writer", daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def _die_often(server: LabEtcd, taken: list[tuple[str, int]]) -> None:
    dice = random.Random(23)  # noqa: S311 (spreads the deaths, guards nothing)
    for _ in range(_DEATHS):
        wanted = len(taken) + _AT_LEAST + dice.randrange(_AT_LEAST)
        eventually(lambda wanted=wanted: len(taken) >= wanted, "writes go on")
        server.kill()
        server.start()


def _await_all(diary: Diary, client: EtcdClient) -> dict[str, str]:
    """Wait until a watch knows all there is, and return that."""
    found = content(client, _PREFIX)
    eventually(lambda: diary.believes(found), "the watch knows all")
    return found


def test_a_killed_etcd_has_all_it_took(server: LabEtcd, client_of: ClientOf) -> None:
    """What was answered is on the disk, at the revision that was told."""
    client = client_of(server)

    with _writing(client) as taken:
        _die_often(server, taken)

    there = {item.key: item.mod_revision for item in client.get_prefix(_PREFIX).items}
    assert len(taken) > _DEATHS * _AT_LEAST
    assert [(key, there.get(key)) for key, _ in taken] == taken


def test_a_watch_tells_each_change_once_over_deaths(server: LabEtcd, client_of: ClientOf) -> None:
    """In their order, from one reading: nothing is read anew, nothing comes twice."""
    client = client_of(server)
    with watching(client, _PREFIX) as diary:
        eventually(lambda: diary.snapshots, "the watch begins")

        with _writing(client) as taken:
            _die_often(server, taken)
        _await_all(diary, client)

    written = sorted(item.mod_revision for item in client.get_prefix(_PREFIX).items)
    assert diary.revisions == written
    assert diary.snapshots == 1


def test_a_watch_with_a_login_outlives_the_tokens(server: LabEtcd, client_of: ClientOf) -> None:
    """Tokens die with etcd: each time the drone logs in again, and misses nothing."""
    close_the_door(server)
    client = client_of(server, "root")
    with watching(client, _PREFIX) as diary:
        eventually(lambda: diary.snapshots, "the watch begins")

        with _writing(client) as taken:
            _die_often(server, taken)
        _await_all(diary, client)

    assert diary.revisions == sorted(set(diary.revisions))
    assert diary.snapshots == 1


def test_a_watch_reads_anew_what_was_compacted(server: LabEtcd, client_of: ClientOf) -> None:
    """Changes and deletions that etcd forgot while the watch was away are made good."""
    client = client_of(server)
    for name in ("kept", "changed", "deleted"):
        client.put(_PREFIX + name, "before")
    with watching(client, _PREFIX) as diary:
        eventually(lambda: diary.snapshots, "the watch begins")
        home = server.addresses
        server.kill()

        _live_elsewhere(server, client_of)
        server.addresses = home
        server.start()
        found = _await_all(diary, client)

    assert found == {_PREFIX + "kept": "before", _PREFIX + "changed": "after"}
    assert diary.snapshots == 2


def _live_elsewhere(server: LabEtcd, client_of: ClientOf) -> None:
    """Run where the watch does not look, and forget all that happened there."""
    address = own_loopback()
    server.addresses = (f"{address}:{free_port(address)}",)
    server.start()
    elsewhere = client_of(server)
    elsewhere.put(_PREFIX + "changed", "after")
    elsewhere.delete(_PREFIX + "deleted")
    elsewhere.compact(elsewhere.put("/another", "thing"))
    server.stop()


def test_a_login_that_ran_out_is_renewed(binary: str, tmp_path: Path, client_of: ClientOf) -> None:
    """A drone that had nothing to say for long says the next thing all the same."""
    address = own_loopback()
    server = LabEtcd(
        binary,
        tmp_path / "etcd",
        addresses=[f"{address}:{free_port(address)}"],
        options=["--auth-token-ttl=1"],
    )
    with running(server):
        close_the_door(server)
        client = client_of(server, "root")
        with watching(client, _PREFIX) as diary:
            client.put(_PREFIX + "first", "1")
            token = _token(server)
            time.sleep(_TTL_PASSES_S)  # etcd knows no other way; asking would renew the token
            refusal = _refusal(server, token)

            client.put(_PREFIX + "second", "2")
            found = _await_all(diary, client)

    assert "invalid auth token" in refusal
    assert found == {_PREFIX + "first": "1", _PREFIX + "second": "2"}


def _token(server: LabEtcd) -> str:
    """Log in as the client did."""
    answer = _post(server, "/v3/auth/authenticate", {"name": "root", "password": "root"})
    return str(json.loads(answer)["token"])


def _refusal(server: LabEtcd, token: str) -> str:
    """Ask with a token, and return what etcd says."""
    return _post(server, "/v3/kv/range", {"key": "AA=="}, {"Authorization": token})


def _post(
    server: LabEtcd, path: str, body: object, headers: Mapping[str, str] | None = None
) -> str:
    connection = http.client.HTTPConnection(server.addresses[0], timeout=20)
    try:
        connection.request("POST", path, json.dumps(body), dict(headers or {}))
        return connection.getresponse().read().decode()
    finally:
        connection.close()
