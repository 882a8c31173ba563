"""Clusters, plans, events, identity, secrets and runtimes as they are kept."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pitrix_core.errors import (
    ConflictError,
    NotFoundError,
    PitrixError,
    RevisionConflictError,
)
from pitrix_core.model import (
    Cluster,
    ClusterState,
    OwnedResource,
    Plan,
    PlannedNode,
    Runtime,
    Totals,
)
from pitrix_core.model.access import BUILT_IN_ROLES, Actor
from pitrix_core.store import Cipher, Store, make_engine, new_id
from pitrix_core.store.engine import UtcTime, db_now
from pitrix_core.store.logins import ApiToken

# -- clusters --------------------------------------------------------------------------------------


def test_a_cluster_is_found_by_id_and_while_it_lives_by_name(
    store: Store, cluster: Cluster
) -> None:
    """A deleted one is known by its id alone."""
    with store.begin() as tx:
        by_name = tx.clusters.get("demo")
        tx.clusters.set_state("cl-1", ClusterState.DELETED)
        by_id = tx.clusters.get("cl-1")
        listed = tx.clusters.search()
        with pytest.raises(NotFoundError, match="no cluster 'demo'"):
            tx.clusters.get("demo")
        with pytest.raises(NotFoundError, match="no cluster 'cl-2'"):
            tx.clusters.snapshot("cl-2")

    assert by_name == cluster
    assert by_id.state is ClusterState.DELETED
    assert listed == []


def test_clusters_are_listed_by_owner_and_runtime(store: Store, cluster: Cluster) -> None:
    """Of everybody, or of one."""
    with store.read() as tx:
        assert tx.clusters.search(owner="alice", runtime_id="rt-1") == [cluster]
        assert tx.clusters.search(owner="bob") == []
        assert tx.clusters.search(runtime_id="rt-2") == []


@pytest.mark.parametrize(
    ("word", "others"),
    [
        pytest.param("cl-other", {}, id="that-it-has"),
        pytest.param("cl_other", None, id="that-differs-where-sql-has-a-wildcard"),
        pytest.param("cl-other", {"owner": "somebody"}, id="of-somebody-else"),
        pytest.param("cl-other", {"state": ClusterState.DELETED}, id="deleted"),
    ],
)
def test_clusters_are_found_by_a_word_of_their_configuration(
    store: Store, cluster: Cluster, word: str, others: dict[str, Any] | None
) -> None:
    """Only the owner's, and only those that are there."""
    linked = attrs.evolve(cluster, id="cl-2", config={"a": {"b": "cl-other"}}, **(others or {}))
    with store.begin() as tx:
        tx.clusters.add(linked)

    with store.read() as tx:
        found = tx.clusters.mentioning(word, owner=cluster.owner)

    assert [one.id for one in found] == (["cl-2"] if others == {} else [])


def test_a_change_needs_the_revision_it_was_planned_for(store: Store, cluster: Cluster) -> None:
    """Of two plans for one revision, one is carried out."""
    with store.begin() as tx:
        tx.clusters.start_change("cl-1", state=ClusterState.DELETING, expected_revision=1)
        with pytest.raises(RevisionConflictError):
            tx.clusters.start_change("cl-1", state=ClusterState.DELETING, expected_revision=1)
        changed = tx.clusters.get("cl-1")

    assert (changed.state, changed.revision) == (ClusterState.DELETING, 2)


def test_metadata_is_numbered(store: Store, cluster: Cluster) -> None:
    """From 1."""
    with store.begin() as tx:
        numbers = [tx.clusters.next_metadata_revision("cl-1") for _ in range(2)]
        snapshot = tx.clusters.snapshot("cl-1")

    assert numbers == [1, 2]
    assert snapshot.metadata_revision == 2


def test_nodes_are_numbered_through_the_installation(store: Store, cluster: Cluster) -> None:
    """Their ``gsid`` goes on after the highest one; secrets are known by node."""
    with store.begin() as tx:
        tx.secrets.add("password", owner="alice", secret_id="sec-1")
        for name in ("n1", "n2"):
            planned = [PlannedNode(id=name, role="", sid=int(name[1]), gid=1)]
            secrets = {"n1": "sec-1"} if name == "n1" else {}
            tx.clusters.add_nodes("cl-1", planned, owner="alice", secret_ids=secrets)
        nodes = tx.clusters.nodes("cl-1")
        logins = tx.clusters.node_logins("cl-1")
        password = tx.secrets.get("sec-1")

    assert [node.gsid for node in nodes] == [100_000_000, 100_000_001]
    assert {name: login.secret_id for name, login in logins.items()} == {"n1": "sec-1"}
    assert password == "password"


def test_a_machine_that_is_made_keeps_to_its_version_of_the_protocol(
    store: Store, cluster: Cluster
) -> None:
    """Its user-data said so; only those that come later are told another one."""
    with store.begin() as tx:
        tx.secrets.add("password", owner="alice", secret_id="sec-1")
        planned = [PlannedNode(id=name, role="", sid=1, gid=1) for name in ("made", "later")]
        secrets = dict.fromkeys(("made", "later"), "sec-1")
        tx.clusters.add_nodes("cl-1", planned, owner="alice", secret_ids=secrets)
        tx.clusters.set_node_facts("made", {"id": "i-1"})

        tx.clusters.set_agent_protocol("cl-1", 2)

        logins = tx.clusters.node_logins("cl-1")
    assert {name: login.protocol for name, login in logins.items()} == {"made": 1, "later": 2}


def test_a_report_counts_from_the_frontgate_that_serves_the_cluster(
    store: Store, cluster: Cluster
) -> None:
    """One of another Frontgate is dropped."""
    with store.begin() as tx:
        planned = [PlannedNode(id="n1", role="", sid=1, gid=1)]
        tx.clusters.add_nodes("cl-1", planned, owner="alice", secret_ids={})
        tx.agents.serve("cl-1", frontgate_id="fg-1")
        tx.clusters.set_node_agent("n1", {"state": "foreign"}, reported_by="fg-2")
        [before] = tx.clusters.nodes("cl-1")
        tx.clusters.set_node_agent("n1", {"state": "configured"}, reported_by="fg-1")
        [after] = tx.clusters.nodes("cl-1")

    assert before.agent == {}
    assert after.agent == {"state": "configured"}


def test_a_resource_has_one_record_for_its_key(store: Store, cluster: Cluster) -> None:
    """What is newly known takes the place of what was known."""
    with store.begin() as tx:
        for outputs in ({}, {"id": "i-1"}):
            resource = OwnedResource(
                cluster_id="cl-1",
                kind="compute.create",
                resource_id="i-1",
                node_id="n1",
                request_key="k",
                outputs=outputs,
            )
            tx.clusters.put_resource(resource, owner="alice", runtime_id="rt-1")
        found = tx.clusters.snapshot("cl-1").resources
        node_id = tx.clusters.release_resource("cl-1", interface="compute", resource_id="i-1")
        left = tx.clusters.snapshot("cl-1").resources

    assert found == (resource,)
    assert node_id == "n1"
    assert left == ()


# -- plans and events ------------------------------------------------------------------------------


def test_a_plan_is_kept_whole(store: Store, plan_of: Callable[..., Plan]) -> None:
    """With the job that carries it out."""
    plan = plan_of(config={"a": 1}, totals=Totals(machines=3), digest="d")
    with store.begin() as tx:
        tx.plans.add(plan)
        before = tx.plans.applied_by("pln-1")
        tx.plans.mark_applied("pln-1", job_id="job-1")
        stored, after = tx.plans.get("pln-1"), tx.plans.applied_by("pln-1")
        with pytest.raises(NotFoundError, match="no plan 'pln-2'"):
            tx.plans.get("pln-2")

    assert stored == plan
    assert (before, after) == (None, "job-1")


def test_events_are_read_in_their_order(store: Store) -> None:
    """All, or those of one owner, or about some subjects."""
    with store.begin() as tx:
        none = tx.events.last_id()
        for number, owner in enumerate(("alice", "bob", "alice")):
            tx.events.add("x", f"s{number}", owner=owner, data={"n": number})
        everybodys = tx.events.after(0, limit=2)
        alice = Actor(owner="alice", actions=BUILT_IN_ROLES["user"])
        alices = tx.events.after(0, limit=9, viewer=alice)
        some = tx.events.after(0, limit=9, subjects=frozenset({"s1", "s2"}))
        last = tx.events.last_id()

    assert [event.data["n"] for event in everybodys] == [0, 1]
    assert [event.data["n"] for event in alices] == [0, 2]
    assert [event.data["n"] for event in some] == [1, 2]
    assert (none, last) == (0, some[-1].id)


# -- identity --------------------------------------------------------------------------------------


def test_an_installation_keeps_its_id(store: Store) -> None:
    """It is made when it is asked for first."""
    with store.begin() as tx:
        first = tx.identity.installation_id()
    with store.begin() as tx:
        second = tx.identity.installation_id()

    assert first == second
    assert len(first) == 32


def test_a_token_says_who_asks(store: Store) -> None:
    """By its digest."""
    with store.begin() as tx:
        before = tx.logins.has_tokens()
        for number, owner in enumerate(("alice", "bob"), start=1):
            token = ApiToken(id=f"tok-{number}", owner=owner, created_at=tx.now)
            tx.logins.add_token(token, digest=f"d{number}")
        known = [tx.logins.token_of(digest) for digest in ("d1", "d2", "d3")]
        after = tx.logins.has_tokens()

    assert (before, after) == (False, True)
    assert [token and token.owner for token in known] == ["alice", "bob", None]


def test_an_answer_is_kept_for_its_key(store: Store) -> None:
    """Each owner's by itself; a key whose request did nothing is free again."""
    with store.begin() as tx:
        tx.identity.reserve_key("k", owner="alice", request_digest="d")
        reserved = tx.identity.kept_answer("k", owner="alice")
        tx.identity.keep_answer("k", owner="alice", status="201", headers={"a": "b"}, body="{}")
        kept = tx.identity.kept_answer("k", owner="alice")
        bobs = tx.identity.kept_answer("k", owner="bob")
        tx.identity.release_key("k", owner="alice")
        released = tx.identity.kept_answer("k", owner="alice")

    assert reserved is not None
    assert kept is not None
    assert (reserved.request_digest, reserved.status) == ("d", None)
    assert (kept.status, kept.headers, kept.body) == ("201", {"a": "b"}, "{}")
    assert (bobs, released) == (None, None)


# -- secrets ---------------------------------------------------------------------------------------


def test_a_secret_is_encrypted_in_the_database(store: Store) -> None:
    """Its text is nowhere in the row."""
    with store.begin() as tx:
        reference = tx.secrets.add("pa55word", owner="alice")
    with store.engine.connect() as connection:
        stored = connection.scalar(sa.text("SELECT ciphertext FROM secrets"))
    with store.read() as tx, pytest.raises(NotFoundError, match="no secret sec-none"):
        tx.secrets.get("sec-none")

    with store.read() as tx:
        assert tx.secrets.get(reference.id) == "pa55word"
    assert b"pa55word" not in bytes(stored or b"")


def test_it_is_known_whose_a_secret_is(store: Store) -> None:
    """Nobody's, where there is none."""
    with store.begin() as tx:
        reference = tx.secrets.add("pa55word", owner="alice")

    with store.read() as tx:
        owners = tx.secrets.owner_of(reference.id), tx.secrets.owner_of("sec-none")

    assert owners == ("alice", None)


def test_another_key_does_not_decrypt(store: Store) -> None:
    """The error says what to put back, and nothing of the secret."""
    with store.begin() as tx:
        reference = tx.secrets.add("pa55word", owner="alice")
    other = Store(store.engine, cipher=Cipher(Fernet.generate_key()))

    with other.read() as tx, pytest.raises(PitrixError, match="key file") as caught:
        tx.secrets.get(reference.id)

    assert "pa55word" not in f"{caught.value} {caught.value.next_step}"


# -- runtimes --------------------------------------------------------------------------------------


def test_a_runtimes_name_is_free_once_it_is_deleted(store: Store, runtime: Runtime) -> None:
    """Until then it is taken, also while it is being taken away."""
    again = Runtime(id="rt-2", name="here", provider="fake", owner="admin", zone="")
    with store.begin() as tx:
        secret = tx.secrets.add("{}", owner="admin")
        listed = tx.runtimes.all()
        tx.runtimes.close("rt-1")
        closing = (tx.runtimes.state("rt-1"), tx.runtimes.all())
        with pytest.raises(ConflictError, match="already"):
            tx.runtimes.add(again, credential_id=None)
        tx.runtimes.delete("rt-1")
        tx.runtimes.add(again, credential_id=secret.id)
        found = tx.runtimes.get("here")
        credential_ids = [tx.runtimes.credential_id(each) for each in ("rt-1", "rt-2")]
        with pytest.raises(NotFoundError, match="no runtime 'rt-3'"):
            tx.runtimes.get("rt-3")

    assert listed == [runtime]
    assert closing == ("deleting", [])
    assert found == again
    assert credential_ids == [None, secret.id]


# -- the engine ------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_times_are_kept_in_utc(store: Store) -> None:
    """Whatever offset they came with; on PostgreSQL the database keeps the offset."""
    there = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    postgresql: Any = type("Dialect", (), {"name": "postgresql"})()
    kind = UtcTime()

    kept = kind.process_bind_param(there, store.engine.dialect)

    assert kept == dt.datetime(2026, 1, 1, 10)  # noqa: DTZ001  # SQLite keeps no offset
    assert kind.process_result_value(kept, store.engine.dialect) == there
    assert kind.process_bind_param(there, postgresql) == there
    assert kind.process_result_value(None, postgresql) is None
    assert kind.process_bind_param(None, postgresql) is None


def test_the_time_is_the_databases(store: Store) -> None:
    """On SQLite that is this machine's; it stands still within a transaction."""
    plain = Store(store.engine, cipher=Cipher(Fernet.generate_key()))
    with plain.begin() as tx:
        first, second = tx.now, tx.now
    with store.engine.connect() as connection:
        later = db_now(connection)

    assert first == second <= later
    assert first.utcoffset() == dt.timedelta(0)


def test_an_engine_of_another_database_is_left_as_it_is() -> None:
    """What is prepared for SQLite is for SQLite alone."""
    pytest.importorskip("psycopg", reason="pip install 'psycopg[binary]'")

    engine = make_engine("postgresql+psycopg://localhost/pitrix")

    assert engine.dialect.name == "postgresql"


def test_readers_do_not_wait_for_a_writer(store: Store, runtime: Runtime) -> None:
    """They see what was there before."""
    with store.begin() as writer:
        writer.runtimes.close("rt-1")
        with store.read() as reader:
            seen = reader.runtimes.state("rt-1")

    assert seen == "active"


def test_a_failed_transaction_writes_nothing(store: Store, runtime: Runtime) -> None:
    """All of it is undone."""

    def fail() -> None:
        with store.begin() as tx:
            tx.runtimes.close("rt-1")
            tx.runtimes.get("rt-none")

    with pytest.raises(NotFoundError):
        fail()

    with store.read() as tx:
        assert tx.runtimes.state("rt-1") == "active"


def test_ids_are_fit_for_host_names() -> None:
    """And differ."""
    first, second = new_id("cl"), new_id("cl")

    assert first != second
    assert first.startswith("cl-")
    assert first.replace("-", "").isalnum()
    assert first == first.lower()
