"""Two that do the same at the same time, over connections of their own: one of them was first."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from pitrix_core.catalog.remarks import remarks_on
from pitrix_core.errors import ConflictError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import AppInfo, Cluster, Job, PlannedNode, Runtime, Task
from pitrix_core.store import Store, Transaction, new_id
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.groups import ROOT_ID
from pitrix_core.store.index_entries import Listed
from pitrix_core.store.logins import ApiToken
from pitrix_core.store.repos import Repo
from pitrix_core.testing.manual_clock import ManualClock

#: Seconds in which a transaction that waits for nobody has long ended.
MOMENT_S = 0.15

Act = Callable[[Transaction], Any]


def overlapping(store: Store, first: Act, second: Act) -> list[Any]:
    """Begin the second transaction while the first one is open; return what came of them: what
    they returned, or raised.
    """
    outcomes: list[Any] = []

    def run() -> None:
        try:
            outcomes.append(store.carry_out(second))
        except Exception as ex:  # noqa: BLE001  # it is looked at
            outcomes.append(ex)

    other = threading.Thread(target=run)
    with store.begin() as tx:
        own = first(tx)
        other.start()
        other.join(timeout=MOMENT_S)  # it waits for this one, or has ended
    other.join(timeout=20)
    return [own, *outcomes]


@pytest.fixture
def frontgate(store: Store, cluster: Cluster) -> Frontgate:
    """A stored Frontgate."""
    frontgate = Frontgate(
        id="fg-1",
        owner="system",
        cluster_id=cluster.id,
        runtime_id=cluster.runtime_id,
        network_id="net-1",
        secret_id="sec-fg",
    )
    with store.begin() as tx:
        tx.secrets.add("token", owner="system", secret_id=frontgate.secret_id)
        tx.agents.add_frontgate(frontgate)
    return frontgate


def message(message_id: str) -> Message:
    """A message of the Frontgate, or to it."""
    return Message(id=message_id, frontgate_id="fg-1", type="t", body={})


def runtime_named(name: str) -> Runtime:
    """A runtime with an id of its own."""
    return Runtime(id=new_id("rt"), name=name, provider="fake", owner="admin", zone="")


@pytest.mark.usefixtures("frontgate")
def test_a_message_is_received_once(store: Store) -> None:
    """Also when it comes over two connections: its effects are for the first."""
    received = overlapping(
        store,
        lambda tx: tx.agents.receive(message("m-1")),
        lambda tx: tx.agents.receive(message("m-1")),
    )

    assert received == [True, False]


def test_a_message_is_sent_once(store: Store, frontgate: Frontgate) -> None:
    """Two that send it put it in once, and neither fails."""
    outcomes = overlapping(
        store,
        lambda tx: tx.agents.send(message("m-1")),
        lambda tx: tx.agents.send(message("m-1")),
    )

    with store.read() as tx:
        sent = tx.agents.unacknowledged({frontgate.id: 0})
    assert outcomes == [None, None]
    assert [found.id for _, found in sent] == ["m-1"]


def test_no_message_appears_below_one_that_was_sent(store: Store, frontgate: Frontgate) -> None:
    """A Pilot that goes by numbers misses none: they are in the order of commits."""
    seen: list[str] = []

    def look() -> None:
        with store.read() as tx:
            seen.extend(found.id for _, found in tx.agents.unacknowledged({frontgate.id: 0}))

    def send_and_look(tx: Transaction) -> None:
        tx.agents.send(message("m-1"))
        look()

    overlapping(store, send_and_look, lambda tx: tx.agents.send(message("m-2")))

    look()
    assert seen == ["m-1", "m-2"]


def test_no_event_appears_below_one_that_was_read(store: Store) -> None:
    """Whoever began first: numbers are in the order of commits, so that a stream misses none."""
    with store.begin() as tx:
        tx.events.add("slow", "cl-1", owner="admin", data={})
        faster = threading.Thread(target=_add_event, args=(store, "fast"))
        faster.start()
        faster.join(timeout=MOMENT_S)
        with store.read() as reading:
            seen = [event.kind for event in reading.events.after(0, limit=9)]
            last_id = reading.events.last_id()
    faster.join(timeout=20)

    with store.read() as tx:
        seen += [event.kind for event in tx.events.after(last_id, limit=9)]
    assert sorted(seen) == ["fast", "slow"]


def _add_event(store: Store, kind: str) -> None:
    with store.begin() as tx:
        tx.events.add(kind, "cl-1", owner="admin", data={})


def test_an_installation_has_one_id(store: Store) -> None:
    """Whichever process asks for it first, at whatever moment."""
    mine, others = overlapping(
        store, lambda tx: tx.identity.installation_id(), lambda tx: tx.identity.installation_id()
    )

    assert mine == others


def test_there_is_one_first_token(store: Store) -> None:
    """Of two that prepare an installation, one writes down its token."""
    added = overlapping(
        store,
        lambda tx: _add_first_token(tx, "digest-1"),
        lambda tx: _add_first_token(tx, "digest-2"),
    )

    assert added == [True, False]


def _add_first_token(tx: Transaction, digest: str) -> bool:
    is_first = tx.logins.take_first_turn()
    if is_first:
        tx.groups.ensure_root()
        tx.users.add("admin", group_id=ROOT_ID, role="admin")
        token = ApiToken(id=f"tok-{digest}", owner="admin", created_at=tx.now)
        tx.logins.add_token(token, digest=digest)
    return is_first


def test_an_idempotency_key_is_reserved_once(store: Store) -> None:
    """The request that comes second finds the first one at work."""
    reserved = overlapping(
        store,
        lambda tx: tx.identity.reserve_key("key-1", owner="alice", request_digest="d"),
        lambda tx: tx.identity.reserve_key("key-1", owner="alice", request_digest="d"),
    )

    assert reserved == [True, False]


def test_a_key_is_free_once_its_request_has_failed(store: Store) -> None:
    """Who waited for a reservation that is taken back gets the key."""
    outcomes: list[bool] = []

    def reserve() -> None:
        with store.begin() as tx:
            outcomes.append(tx.identity.reserve_key("k", owner="alice", request_digest="d"))

    other = threading.Thread(target=reserve)
    with contextlib.suppress(ZeroDivisionError), store.begin() as tx:
        tx.identity.reserve_key("k", owner="alice", request_digest="d")
        other.start()
        other.join(timeout=MOMENT_S)
        raise ZeroDivisionError
    other.join(timeout=20)

    assert outcomes == [True]


def test_a_runtimes_name_is_taken_once(store: Store) -> None:
    """The second gets the conflict that it would have got later."""
    _, outcome = overlapping(
        store,
        lambda tx: tx.runtimes.add(runtime_named("here"), credential_id=None),
        lambda tx: tx.runtimes.add(runtime_named("here"), credential_id=None),
    )

    assert isinstance(outcome, ConflictError)
    assert outcome.pointer == "/name"


def test_a_repo_is_indexed_by_two_at_once(store: Store, manual_clock: ManualClock) -> None:
    """Its name, its apps and its versions are there once, and nobody fails."""
    repo = Repo(id="repo-1", owner="admin", name="r", url="file:///r", created_at=manual_clock())
    with store.begin() as tx:
        tx.repos.add(repo)

    first, second = overlapping(
        store, lambda tx: _index(tx, manual_clock), lambda tx: _index(tx, manual_clock)
    )
    _, taken = overlapping(
        store,
        lambda tx: tx.repos.get("r"),
        lambda tx: tx.repos.add(attrs.evolve(repo, id="repo-2")),
    )

    with store.read() as tx:
        versions = tx.catalog.versions(first)
    assert first == second
    assert len(versions) == 1
    assert isinstance(taken, ConflictError)


def _index(tx: Transaction, clock: ManualClock) -> str:
    """Store a version as an indexer does that has not found it; return its app."""
    tx.catalog.add_package("sha256:1", b"bytes")
    app = tx.catalog.put_app(
        App(id=new_id("app"), owner="admin", repo_id="repo-1", name="a", created_at=clock())
    )
    tx.catalog.add_version(
        AppVersion(
            id=new_id("appv"),
            owner="admin",
            app_id=app.id,
            version="1.0.0",
            app_version="",
            app_type="vm",
            digest="sha256:1",
            state="active",
            info=AppInfo(name="a", version="1.0.0"),
            created_at=clock(),
        )
    )
    return app.id


def test_nodes_of_two_clusters_have_numbers_of_their_own(store: Store, cluster: Cluster) -> None:
    """Clusters that are made at the same time share no ``gsid``."""
    other = attrs.evolve(cluster, id="cl-2")
    with store.begin() as tx:
        tx.clusters.add(other)

    overlapping(store, lambda tx: _add_nodes(tx, "cl-1"), lambda tx: _add_nodes(tx, "cl-2"))

    with store.read() as tx:
        numbers = [node.gsid for made in ("cl-1", "cl-2") for node in tx.clusters.nodes(made)]
    assert len(set(numbers)) == 6


def _add_nodes(tx: Transaction, cluster_id: str) -> None:
    planned = [
        PlannedNode(id=f"{cluster_id}-{sid}", role="", sid=sid, gid=sid) for sid in range(1, 4)
    ]
    tx.clusters.add_nodes(cluster_id, planned, owner="alice", secret_ids={})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_gets_anothers_things_waits_for_who_ends_jobs(
    store: Store, submit: Callable[..., Job]
) -> None:
    """All lock jobs first, in one order, so that neither has what the other waits for."""
    first, last = sorted(submit(Task(key="a", kind="x.y", title="a")).id for _ in range(2))
    with store.begin() as tx:
        tx.courses.pause(first)  # its row is the last one in PostgreSQL's table from now on
    failures: list[Exception] = []

    def hand_over() -> None:
        try:
            with store.begin() as tx:
                tx.belongings.hand_over("alice", to="bob")
        except Exception as ex:  # noqa: BLE001  # it is looked at
            failures.append(ex)

    other = threading.Thread(target=hand_over)
    with store.begin() as tx:
        tx.queue.lock_jobs([first])
        other.start()
        other.join(timeout=MOMENT_S)
        tx.queue.lock_jobs([last])
    other.join(timeout=20)

    with store.read() as tx:
        owners = [tx.jobs.get(job_id).owner for job_id in (first, last)]
    assert failures == []
    assert owners == ["bob", "bob"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_transactions_that_are_in_each_others_way_are_carried_out(
    store: Store, runtime: Runtime
) -> None:
    """The database ends one of two that wait for each other; it is done again."""
    other = runtime_named("there")
    with store.begin() as tx:
        tx.runtimes.add(other, credential_id=None)
    barrier = threading.Barrier(2)
    begun: list[str] = []
    done: list[str] = []

    def lock_both(first: str, second: str) -> None:
        def act(tx: Transaction) -> None:
            tx.runtimes.lock(first)
            begun.append(first)
            if begun.count(first) == 1:
                barrier.wait(timeout=10)
            tx.runtimes.lock(second)

        store.carry_out(act)
        done.append(first)

    threads = [
        threading.Thread(target=lock_both, args=ids)
        for ids in ((runtime.id, other.id), (other.id, runtime.id))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert sorted(done) == sorted([runtime.id, other.id])
    assert len(begun) == 3


def test_what_two_find_wrong_with_a_repo_is_told_of_both(
    store: Store, manual_clock: ManualClock
) -> None:
    """Whoever comes second counts what the first one found."""
    repo = Repo(id="repo-1", owner="admin", name="r", url="file:///r", created_at=manual_clock())
    listed = [
        Listed(info=AppInfo(name=name, version="1.0.0"), urls=("x",), digest=None, fingerprint=name)
        for name in "ab"
    ]
    with store.begin() as tx:
        tx.repos.add(repo)
        ids = tx.index_entries.put(repo, listed, state="active").ids

    def fail(version_id: str) -> Act:
        def act(tx: Transaction) -> None:
            tx.repos.lock(repo.id)
            wrong = Finding(level=Level.ERROR, code="x", message=version_id)
            tx.readings.mark_failed(version_id, findings=[wrong], is_unreadable=True, due_s=60.0)
            tx.repos.mark_found(repo.id, remarks_on(tx, repo.id))

        return act

    overlapping(store, *map(fail, ids))

    with store.read() as tx:
        found = tx.repos.get(repo.id).findings
    assert [finding.message for finding in found] == list(ids)
