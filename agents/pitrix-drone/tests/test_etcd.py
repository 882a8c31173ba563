"""The etcd client against a real etcd."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from drone_harness import EtcdServer, free_port, wait_for

from pitrix_drone.etcd import (
    EtcdClient,
    EtcdError,
    EtcdUnavailableError,
    Event,
    Snapshot,
    if_missing,
    if_mod_revision,
    op_delete,
    op_delete_prefix,
    op_put,
    op_range,
)


def test_a_key_comes_back_as_it_was_put(client: EtcdClient) -> None:
    """Text outside ASCII survives the way through base64 and JSON."""
    revision = client.put("/a/ü", "größe ✓\n")

    found = client.get("/a/ü")
    assert found is not None
    assert (found.key, found.value) == ("/a/ü", "größe ✓\n")
    assert found.mod_revision == found.create_revision == revision


def test_a_missing_key_is_none(client: EtcdClient) -> None:
    """Nothing is raised for a key that is not there."""
    assert client.get("/nope") is None


def test_a_prefix_is_read_in_key_order(client: EtcdClient) -> None:
    """Only keys under the prefix are read."""
    for key in ("/p/b", "/p/a", "/q/c"):
        client.put(key, key)

    assert [kv.key for kv in client.get_prefix("/p/").items] == ["/p/a", "/p/b"]


def test_several_prefixes_are_read_at_one_revision(client: EtcdClient) -> None:
    """The items come in the order of the prefixes."""
    client.put("/p/a", "1")
    last = client.put("/q/a", "2")

    snapshot = client.read(["/q/", "/none/", "/p/"])

    assert snapshot.revision == last
    assert [kv.value for kv in snapshot.items] == ["2", "1"]


def test_delete_tells_how_many_went(client: EtcdClient) -> None:
    """One key, a prefix, and nothing at all."""
    for key in ("/d/1", "/d/2", "/d/3"):
        client.put(key, "x")

    assert client.delete("/d/1") == 1
    assert client.delete_prefix("/d/") == 2
    assert client.delete("/d/1") == 0


def test_a_transaction_takes_the_branch_its_conditions_choose(client: EtcdClient) -> None:
    """The first wins, the second finds the key taken and reads it."""
    first = client.txn([if_missing("/t")], [op_put("/t", "1")], [op_range("/t")])
    second = client.txn([if_missing("/t")], [op_put("/t", "2")], [op_range("/t")])

    assert (first["succeeded"], second["succeeded"]) == (True, False)
    assert second["responses"][0]["response_range"]["kvs"]


def test_a_transaction_replaces_a_tree_in_one_revision(client: EtcdClient) -> None:
    """Deleting and writing happen together, if nobody was there in between."""
    client.put("/tree/old", "1")
    seen = client.put("/tree/rev", "1")

    answer = client.txn(
        [if_mod_revision("/tree/rev", seen)],
        [op_delete_prefix("/tree/o"), op_delete("/tree/none"), op_put("/tree/rev", "2")],
    )

    assert answer["succeeded"]
    assert [(kv.key, kv.value) for kv in client.get_prefix("/tree/").items] == [("/tree/rev", "2")]


def test_the_status_names_the_version(client: EtcdClient) -> None:
    """A healthy member knows its leader."""
    status = client.status()

    assert status.has_leader
    assert status.version.startswith("3.")


def test_threads_share_a_client(client: EtcdClient) -> None:
    """Every thread has a connection of its own."""
    threads = [
        threading.Thread(target=client.put, args=(f"/threads/{number}", "x")) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(client.get_prefix("/threads/").items) == 8


def test_nobody_there_is_unavailable() -> None:
    """The error says which call failed."""
    client = EtcdClient([f"http://127.0.0.1:{free_port()}"], timeout_s=1)

    with pytest.raises(EtcdUnavailableError, match="/kv/range"):
        client.get("/a")


def test_the_next_endpoint_is_tried(shared_etcd: EtcdServer) -> None:
    """A dead endpoint costs one refused connection."""
    client = EtcdClient([f"http://127.0.0.1:{free_port()}", shared_etcd.endpoint])

    assert client.get("/nope") is None
    client.close()


@pytest.mark.parametrize("url", ["127.0.0.1:2379", "ftp://h:1", "http://:1"])
def test_an_endpoint_must_be_a_url(url: str) -> None:
    """The message shows how to write it."""
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        EtcdClient([url])


def test_a_closed_client_refuses(shared_etcd: EtcdServer) -> None:
    """Closing is final."""
    client = EtcdClient([shared_etcd.endpoint])
    client.get("/a")
    client.close()

    with pytest.raises(EtcdUnavailableError, match="closed"):
        client.get("/a")


def test_a_connection_closed_by_a_restart_is_replaced(etcd_server: EtcdServer) -> None:
    """The first request after a restart succeeds."""
    client = EtcdClient([etcd_server.endpoint])
    client.put("/a", "1")
    etcd_server.stop()
    etcd_server.start()

    found = client.get("/a")
    assert found is not None
    client.close()


@pytest.fixture
def root(etcd_server: EtcdServer) -> Iterator[EtcdClient]:
    """The root user of an etcd with authentication, and a user ``n1`` who may read ``/c/1/``."""
    root = EtcdClient([etcd_server.endpoint], user="root", password="r")
    _guard(root)
    yield root
    root.close()


def _guard(root: EtcdClient) -> None:
    """Make both users in an empty store, and have everyone log in from now on."""
    root.user_add("root", "r")
    root.role_add("root")
    root.user_grant_role("root", "root")
    root.user_add("n1", "one")
    root.role_add("n1")
    root.role_grant_prefix("n1", "/c/1/", permission="READ")
    root.role_grant_prefix("n1", "/c/1/reports/", permission="READWRITE")
    root.user_grant_role("n1", "n1")
    root.auth_enable()


def test_one_client_serves_before_and_after_authentication_is_on(root: EtcdClient) -> None:
    """The login happens when it is first needed."""
    root.put("/c/1/shared/a", "1")

    assert root.auth_status()
    assert set(root.user_list()) == {"root", "n1"}
    assert root.user_roles("n1") == ("n1",)


def test_a_role_tells_its_permissions(root: EtcdClient) -> None:
    """The zero value READ is spelled out."""
    permissions = {(each.permission, each.key) for each in root.role_get("n1")}

    assert permissions == {("READ", "/c/1/"), ("READWRITE", "/c/1/reports/")}


def test_a_user_is_kept_to_its_prefix(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """Neighbours, parents and writes are denied."""
    node = EtcdClient([etcd_server.endpoint], user="n1", password="one")
    root.put("/c/10/secret", "x")

    node.get_prefix("/c/1/")
    node.put("/c/1/reports/status", "{}")
    for attempt in (
        lambda: node.get_prefix("/c/1"),
        lambda: node.get("/c/10/secret"),
        lambda: node.put("/c/1/shared/a", "x"),
        lambda: node.read(["/c/1/", "/c/2/"]),
    ):
        with pytest.raises(EtcdError, match="permission denied"):
            attempt()
    node.close()


def test_a_token_that_ended_is_renewed(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """A restart of etcd ends every simple token."""
    root.put("/a", "1")
    etcd_server.stop()
    etcd_server.start()

    root.put("/a", "2")

    found = root.get("/a")
    assert found is not None
    assert found.value == "2"


def test_a_token_of_another_store_is_given_up(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """etcd answers nothing to a token that is ahead of it, until it has come as far itself."""
    for number in range(30):
        root.put("/a", str(number))
    node = EtcdClient([etcd_server.endpoint], user="n1", password="one", timeout_s=1)
    node.get_prefix("/c/1/")
    etcd_server.stop()
    etcd_server.forget()
    etcd_server.start()
    other = EtcdClient([etcd_server.endpoint], user="root", password="r")
    _guard(other)
    other.close()

    with pytest.raises(EtcdUnavailableError):
        node.get_prefix("/c/1/")

    assert node.get_prefix("/c/1/").items == ()
    node.close()


def test_a_wrong_password_is_an_error(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """The password is not in the message."""
    thief = EtcdClient([etcd_server.endpoint], user="n1", password="guess-me")

    with pytest.raises(EtcdError, match="authentication failed") as caught:
        thief.get("/c/1/a")

    assert "guess-me" not in str(caught.value)
    thief.close()


def test_a_changed_password_replaces_the_old_one(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """The new one works, the deleted user's does not."""
    root.user_change_password("n1", "two")
    node = EtcdClient([etcd_server.endpoint], user="n1", password="two")
    node.get_prefix("/c/1/")
    root.user_delete("n1")
    root.role_delete("n1")

    with pytest.raises(EtcdError):
        node.get_prefix("/c/1/")
    assert root.role_list() == ("root",)
    node.close()


class Watched:
    """A watch in a thread, and what it saw."""

    def __init__(self, client: EtcdClient, prefix: str) -> None:
        self.snapshots: list[Snapshot] = []
        self.events: list[Event] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(client, prefix))
        self._thread.start()
        wait_for(lambda: self.snapshots, "the first snapshot")

    def _run(self, client: EtcdClient, prefix: str) -> None:
        client.watch(
            prefix, on_snapshot=self.snapshots.append, on_events=self.events.extend, stop=self._stop
        )

    def values(self) -> list[str]:
        """The values seen in events so far."""
        return [event.kv.value for event in self.events]

    def has_seen(self, key: str, value: str) -> bool:
        """Tell whether a key had a value, in a snapshot or in an event."""
        items = [kv for snapshot in self.snapshots for kv in snapshot.items]
        items += [event.kv for event in self.events]
        return any((kv.key, kv.value) == (key, value) for kv in items)

    def end(self) -> None:
        """Stop the watch."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def test_a_watch_begins_with_a_snapshot_and_goes_on_with_events(client: EtcdClient) -> None:
    """Deletions are events, too."""
    client.put("/w/a", "1")
    watched = Watched(client, "/w/")
    client.put("/w/b", "2")
    client.delete("/w/a")

    wait_for(lambda: len(watched.events) == 2, "two events")
    watched.end()

    assert [kv.value for kv in watched.snapshots[0].items] == ["1"]
    assert [(event.type, event.kv.key) for event in watched.events] == [
        ("PUT", "/w/b"),
        ("DELETE", "/w/a"),
    ]


@pytest.mark.parametrize("how", [15, 9], ids=["terminated", "killed"])
def test_a_watch_survives_a_restart_without_loss(etcd_server: EtcdServer, how: int) -> None:
    """Every event arrives once, in order."""
    client = EtcdClient([etcd_server.endpoint])
    watched = Watched(client, "/w/")
    for number in range(5):
        client.put(f"/w/{number}", str(number))
    wait_for(lambda: len(watched.events) == 5, "the events before the restart")
    etcd_server.stop(how)
    etcd_server.start()
    for number in range(5, 10):
        client.put(f"/w/{number}", str(number))

    wait_for(lambda: len(watched.events) >= 10, "the events after the restart", within_s=20)
    watched.end()

    assert watched.values() == [str(number) for number in range(10)]
    client.close()


def test_a_watch_reads_anew_after_a_compaction(client: EtcdClient) -> None:
    """What happened in between is in the second snapshot, and events follow it."""
    snapshots: list[Snapshot] = []
    events: list[Event] = []
    stop = threading.Event()

    def on_snapshot(snapshot: Snapshot) -> None:
        snapshots.append(snapshot)
        if len(snapshots) == 1:  # the watch is about to go on from here, and must not find it
            client.compact(max(client.put("/w/a", str(number)) for number in range(5)))
        else:
            client.put("/w/b", "after")

    def on_events(found: tuple[Event, ...]) -> None:
        events.extend(found)
        stop.set()

    client.watch("/w/", on_snapshot=on_snapshot, on_events=on_events, stop=stop)

    assert [[kv.value for kv in snapshot.items] for snapshot in snapshots] == [[], ["4"]]
    assert [event.kv.value for event in events] == ["after"]


def test_a_watch_that_is_refused_asks_again(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """It begins as soon as the permission is there."""
    node = EtcdClient([etcd_server.endpoint], user="n1", password="one")
    snapshots: list[Snapshot] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=node.watch,
        args=("/c/2/",),
        kwargs={"on_snapshot": snapshots.append, "on_events": print, "stop": stop},
    )
    thread.start()
    root.role_grant_prefix("n1", "/c/2/", permission="READ")

    wait_for(lambda: snapshots, "the snapshot")

    stop.set()
    thread.join(5)
    node.close()


def test_a_watch_logs_in_again(root: EtcdClient, etcd_server: EtcdServer) -> None:
    """A restart of etcd ends the token the watch began with."""
    node = EtcdClient([etcd_server.endpoint], user="n1", password="one")
    watched = Watched(node, "/c/1/")
    etcd_server.stop()
    etcd_server.start()
    root.put("/c/1/shared/a", "after")

    wait_for(lambda: watched.values() == ["after"], "the event", within_s=20)

    watched.end()
    node.close()


def test_a_watch_begins_anew_with_another_store(etcd_server: EtcdServer) -> None:
    """A store that lost everything counts from one again: nothing written to it is missed."""
    client = EtcdClient([etcd_server.endpoint])
    for number in range(5):
        client.put("/w/old", str(number))
    watched = Watched(client, "/w/")
    etcd_server.stop()
    etcd_server.forget()
    etcd_server.start()

    client.put("/w/new", "x")

    wait_for(lambda: watched.has_seen("/w/new", "x"), "the new store's value", within_s=20)
    watched.end()
    client.close()


def test_a_watch_waits_for_a_server_that_is_not_there_yet() -> None:
    """Stopping does not wait for the server either."""
    client = EtcdClient([f"http://127.0.0.1:{free_port()}"], timeout_s=1)
    stop = threading.Event()
    thread = threading.Thread(
        target=client.watch,
        args=("/w/",),
        kwargs={"on_snapshot": print, "on_events": print, "stop": stop},
    )
    thread.start()

    stop.set()
    thread.join(30)

    assert not thread.is_alive()
    client.close()


class _Impatient(threading.Event):
    """Notes how long somebody would wait for it, and is set after a number of times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.asked_s: list[float] = []
        self._times = times

    def wait(self, timeout: float | None = None) -> bool:
        if threading.current_thread() is not threading.main_thread():
            return super().wait(timeout)
        self.asked_s.append(timeout or 0.0)
        if len(self.asked_s) == self._times:
            self.set()
        return self.is_set()


def test_a_server_that_was_away_for_long_is_soon_noticed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Commands wait for the watch; the log does not grow with each attempt."""
    caplog.set_level("INFO")
    stop = _Impatient(times=12)
    client = EtcdClient([f"http://127.0.0.1:{free_port()}"])

    client.watch("/a/", on_snapshot=print, on_events=print, stop=stop)

    assert len(stop.asked_s) == 12
    assert max(stop.asked_s) <= 3.0
    assert len(caplog.records) == 1
    client.close()
