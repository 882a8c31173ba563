"""Another client of etcd, over gRPC, sees what ours does at the same server, and ours what it does.

Runs in the environment ``etcd3``; that client is from 2020, and only used as a witness.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab_needs
import pytest
from lab_etcd import ClientOf, LabEtcd, close_the_door, eventually, free_port, own_loopback, running
from lab_watch import watching

from pitrix_drone.etcd import EtcdClient, EtcdError, if_missing, if_mod_revision, op_delete, op_put

etcd3 = pytest.importorskip("etcd3", reason="run by: .tox/runner/bin/tox run -e etcd3")

#: Not ASCII, a slash at the end, all that base64 and ranges could get wrong.
_KEYS = ("/p/a", "/p/a/b", "/p/ä ö", "/p/z\x7f", "/p/\U0001f409")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LabEtcd]:
    """An etcd that knows no users."""
    address = own_loopback()
    binary = lab_needs.program("etcd", package="etcd-server")
    endpoint = f"{address}:{free_port(address)}"
    with running(LabEtcd(binary, tmp_path / "etcd", addresses=[endpoint])) as etcd:
        yield etcd


@pytest.fixture
def witness_of() -> Iterator[Callable[..., Any]]:
    """Makes witnesses, for a user whose password is its name, or for nobody."""
    made = []

    def witness(server: LabEtcd, user: str | None = None) -> Any:
        host, _, port = server.addresses[0].partition(":")
        made.append(etcd3.client(host=host, port=int(port), user=user, password=user, timeout=20))
        # It sends its token twice, once in a way that gRPC refuses without TLS since then.
        made[-1].call_credentials = None
        return made[-1]

    yield witness
    for each in made:
        each.close()
    for thread in threading.enumerate():
        if thread.name.startswith("etcd3_watch"):
            thread.join(20)


@pytest.fixture
def ours(server: LabEtcd, client_of: ClientOf) -> EtcdClient:
    """Our client of the server without users."""
    return client_of(server)


@pytest.fixture
def witness(server: LabEtcd, witness_of: Callable[..., Any]) -> Any:
    """The witness at the same server."""
    return witness_of(server)


def test_what_we_write_is_what_the_witness_reads(ours: EtcdClient, witness: Any) -> None:
    """Keys, values and revisions are the same, whatever letters they have."""
    written = {key: ours.put(key, f"value of {key}") for key in _KEYS}

    seen = {key: witness.get(key) for key in _KEYS}
    assert {key: value.decode() for key, (value, _) in seen.items()} == {
        key: f"value of {key}" for key in _KEYS
    }
    assert {key: meta.mod_revision for key, (_, meta) in seen.items()} == written


def test_what_the_witness_writes_is_what_we_read(ours: EtcdClient, witness: Any) -> None:
    """One by one, and by prefix in the order of keys."""
    for key in _KEYS:
        witness.put(key, f"value of {key}")
    witness.put("/q", "not asked for")

    alone = [ours.get(key) for key in _KEYS]
    together = ours.get_prefix("/p/")
    assert [found.value for found in alone if found] == [f"value of {key}" for key in _KEYS]
    assert [item.key for item in together.items] == sorted(_KEYS, key=str.encode)
    assert [item.key.encode() for item in together.items] == [
        meta.key for _, meta in witness.get_prefix("/p/")
    ]


def test_both_delete_the_same(ours: EtcdClient, witness: Any) -> None:
    """A prefix is deleted by the one as by the other, and not a key more."""
    for key in (*_KEYS, "/p", "/pp/1"):
        ours.put(key, "")
        ours.put(f"/2{key}", "")

    ours_deleted = ours.delete_prefix("/p/")
    witness_deleted = witness.delete_prefix("/2/p/").deleted

    assert ours_deleted == witness_deleted == len(_KEYS)
    left = [meta.key.decode() for _, meta in witness.get_all()]
    assert sorted(left) == ["/2/p", "/2/pp/1", "/p", "/pp/1"]


def test_conditions_of_ours_hold_for_the_witness(ours: EtcdClient, witness: Any) -> None:
    """A key of the witness fails ``if_missing``, and holds ``if_mod_revision`` until it changes."""
    witness.put("/t/1", "by the witness")
    _, meta = witness.get("/t/1")

    refused = ours.txn([if_missing("/t/1")], [op_put("/t/1", "ours")])
    taken = ours.txn(
        [if_mod_revision("/t/1", meta.mod_revision), if_missing("/t/2")],
        [op_delete("/t/1"), op_put("/t/2", "ours")],
    )
    again = ours.txn([if_mod_revision("/t/1", meta.mod_revision)], [op_put("/t/3", "ours")])

    assert [each["succeeded"] for each in (refused, taken, again)] == [False, True, False]
    assert [meta.key for _, meta in witness.get_prefix("/t/")] == [b"/t/2"]


def test_conditions_of_the_witness_hold_for_us(ours: EtcdClient, witness: Any) -> None:
    """What its transaction does, we read at one revision."""
    ours.put("/t/1", "ours")
    compare = [witness.transactions.value("/t/1") == "ours"]
    success = [witness.transactions.put("/t/1", "new"), witness.transactions.put("/t/2", "new")]

    done, _ = witness.transaction(compare=compare, success=success, failure=[])
    undone, _ = witness.transaction(compare=compare, success=[], failure=[])

    items = ours.get_prefix("/t/").items
    assert (done, undone) == (True, False)
    assert [(item.key, item.value) for item in items] == [("/t/1", "new"), ("/t/2", "new")]
    assert len({item.mod_revision for item in items}) == 1


def test_we_watch_what_the_witness_does(ours: EtcdClient, witness: Any) -> None:
    """Puts, deletions and transactions, each once."""
    witness.put("/w/0", "before")
    with watching(ours, "/w/") as diary:
        eventually(lambda: diary.snapshots, "the watch begins")

        witness.put("/w/1", "one")
        witness.delete("/w/0")
        witness.transaction(
            compare=[],
            success=[witness.transactions.put(f"/w/{number}", "two") for number in (2, 3)],
            failure=[],
        )
        eventually(
            lambda: diary.believes({"/w/1": "one", "/w/2": "two", "/w/3": "two"}), "all of it"
        )

    assert len(diary.revisions) == 4
    assert diary.revisions[2] == diary.revisions[3]


# Its thread ends by an exception when its connection is closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_witness_watches_what_we_do(ours: EtcdClient, witness: Any) -> None:
    """It is told the same changes at the same revisions as our own watch."""
    told: queue.Queue[Any] = queue.Queue()
    number = witness.add_watch_prefix_callback("/w/", told.put)
    with watching(ours, "/w/") as diary:
        eventually(lambda: diary.snapshots, "the watch begins")

        ours.put("/w/1", "one")
        ours.txn([], [op_put("/w/2", "two"), op_delete("/w/1")])
        eventually(lambda: len(diary.revisions) == 3, "our watch knows all")
    events = [event for _ in range(2) for event in told.get(timeout=20).events]
    witness.cancel_watch(number)

    assert [event.mod_revision for event in events] == diary.revisions
    assert [type(event).__name__ for event in events] == ["PutEvent", "PutEvent", "DeleteEvent"]


def test_a_watch_of_ours_sees_a_lease_of_the_witness_end(ours: EtcdClient, witness: Any) -> None:
    """We make no leases; a key that ends with one is deleted to us as any other."""
    with watching(ours, "/l/") as diary:
        lease = witness.lease(3600)
        witness.put("/l/1", "leased", lease)
        eventually(lambda: diary.believes({"/l/1": "leased"}), "the key is there")

        lease.revoke()
        eventually(lambda: diary.believes({}), "the key is gone")

    assert len(diary.revisions) == 2


def test_users_of_ours_are_users_to_the_witness(
    server: LabEtcd, client_of: ClientOf, witness_of: Callable[..., Any]
) -> None:
    """Whom we let in, it lets in, and no further than we said."""
    close_the_door(server)
    root = client_of(server, "root")
    root.role_add("node")
    root.role_grant_prefix("node", "/c/1/", permission="READ")
    root.user_add("node", "node")
    root.user_grant_role("node", "node")
    root.put("/c/1/a", "may be read")
    root.put("/c/10/a", "may not")

    witness = witness_of(server, "node")

    assert witness.get("/c/1/a")[0] == b"may be read"
    for refused in (lambda: witness.get("/c/10/a"), lambda: witness.put("/c/1/a", "changed")):
        with pytest.raises(Exception, match="permission denied"):
            refused()


def test_a_stranger_is_refused_alike(
    server: LabEtcd, client_of: ClientOf, witness_of: Callable[..., Any]
) -> None:
    """A user that is not there gets in by neither."""
    close_the_door(server)

    with pytest.raises(EtcdError, match="authentication failed"):
        client_of(server, "stranger").get("/")
    with pytest.raises(Exception, match="authentication failed"):
        witness_of(server, "stranger")
