"""Metadata of a cluster that is linked to others: what it sees of them, and what stays hidden."""

from collections.abc import Callable
from typing import Any

import core_world
import pytest

from pitrix_core.errors import PackageError, TaskFailedError
from pitrix_core.model import ClusterState, Metadata
from pitrix_core.pilot.inbox import Desk
from pitrix_core.pilot.tasks import MetadataPut

#: Of the linked cluster.
PASSWORD = "the-password-of-zk"


@pytest.fixture
def put(world: Any, release: Callable[..., Any]) -> MetadataPut:
    """The task kind, with a cluster that is linked to another, and its Frontgate."""
    note = release(agents=True, links={"zk": {}, "db": {}}, schema=core_world.LINKED_SCHEMA)
    with world.store.begin() as tx:
        secret = tx.secrets.add(PASSWORD, owner="admin").to_json()
    world.cluster(
        "cl-zk",
        version=note.version_id,
        name="my-zk",
        state=ClusterState.ACTIVE,
        config={"password": secret, "links": {"zk": "cl-1", "db": ""}},
    )
    world.cluster(version=note.version_id, config={"links": {"zk": "cl-zk", "db": ""}})
    world.frontgate("fg-1", "cl-1")
    return MetadataPut(store=world.store, loader=note.loader)


def shared(world: Any, put: MetadataPut) -> dict[str, Any]:
    """Return what the machines of the linked cluster can read."""
    call = world.task("metadata.put", cluster_id="cl-1")
    put.start(call, request_key=call.task.request_key)
    [message] = world.outbox()
    found: dict[str, Any] = message.body["shared"]
    return found


def test_a_cluster_sees_what_it_is_linked_to(world: Any, put: MetadataPut) -> None:
    """As that one's own app type shows it."""
    found = shared(world, put)

    assert found["name"] == "cl-1"
    assert found["links/zk/name"] == "my-zk"


def test_links_are_not_followed_further(world: Any, put: MetadataPut) -> None:
    """Two clusters that are linked to one another can be made; an empty link shows nothing."""
    found = shared(world, put)

    assert {key for key in found if key.startswith("links/")} == {
        "links/zk/name",
        "links/zk/password",
    }


def test_a_linked_clusters_secrets_are_stored_as_markers(world: Any, put: MetadataPut) -> None:
    """Their texts are put in for the wire alone."""
    stored = shared(world, put)["links/zk/password"]

    [(_, sent)] = Desk(store=world.store, pilot_id="pil-1").outgoing({"fg-1": 0})

    assert set(stored) == {"$secret"}
    assert sent.body["shared"]["links/zk/password"] == PASSWORD


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE clusters SET state = 'deleted' WHERE id = 'cl-zk'", id="deleted"),
        pytest.param("UPDATE clusters SET owner = 'other' WHERE id = 'cl-zk'", id="anothers"),
        pytest.param(
            "UPDATE clusters SET config = replace(config, 'cl-zk', 'cl-nil') WHERE id = 'cl-1'",
            id="never-there",
        ),
    ],
)
def test_a_linked_cluster_that_is_gone_fails_the_task(
    world: Any, put: MetadataPut, change: str
) -> None:
    """The plan had looked; it has gone since."""
    with world.store.engine.begin() as connection:
        connection.exec_driver_sql(change)

    with pytest.raises(TaskFailedError, match="linked as zk, is not there any more") as caught:
        shared(world, put)

    assert caught.value.next_step is not None
    assert world.outbox() == []


def test_an_app_type_that_cannot_say_what_is_linked_is_named(
    world: Any, put: MetadataPut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent."""
    monkeypatch.setattr(core_world.NoteType, "links", None)

    with pytest.raises(PackageError, match="App type note failed to say what is linked"):
        shared(world, put)


@pytest.mark.parametrize("owner", ["system", "other", None])
def test_a_secret_of_others_is_not_shown(
    world: Any, put: MetadataPut, monkeypatch: pytest.MonkeyPatch, owner: str | None
) -> None:
    """Whatever a package makes its app type say; a Frontgate's token is one of them."""
    named = {"node": {"host/token": {"$secret": "sec-fg-1"}}}
    made = Metadata(shared={}, roles={"_": {"env/a": "1"}}, nodes=named)
    monkeypatch.setattr(core_world.NoteType, "metadata", lambda *_: made)
    with world.store.begin() as tx:
        if owner:
            tx.secrets.add("a token", owner=owner, secret_id="sec-fg-1")

    with pytest.raises(TaskFailedError, match="secret sec-fg-1, which is not one of") as caught:
        shared(world, put)

    assert caught.value.next_step is not None
    assert world.outbox() == []
