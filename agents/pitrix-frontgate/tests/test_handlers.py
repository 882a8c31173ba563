"""What frames of the Pilot do to etcd."""

import json
import secrets
from collections.abc import Mapping
from typing import Any, cast

import pytest
from frontgate_harness import Keeper, Store, command, handlers_of, metadata, result, status

from pitrix_frontgate.frames import Frame
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.rbac import AccessControl


@pytest.fixture(scope="module")
def handlers(store: Store) -> Handlers:
    """Handlers of the store."""
    return handlers_of(store)


@pytest.fixture
def cluster(store: Store, handlers: Handlers) -> str:
    """A cluster of two nodes at revision 5."""
    cluster_id = f"cl-{secrets.token_hex(4)}"
    _ask(handlers, "metadata.put", metadata(cluster_id, 5, nodes=2))
    return cluster_id


def _ask(
    handlers: Handlers, kind: str, body: Mapping[str, Any], frame_id: str | None = None
) -> Frame | None:
    return handlers.handle(Frame(frame_id or secrets.token_hex(8), kind, body))


def _held(store: Store, cluster_id: str) -> dict[str, str]:
    items = store.client.get_prefix(f"/c/{cluster_id}/").items
    return {item.key.removeprefix(f"/c/{cluster_id}/"): item.value for item in items}


def _revision(store: Store) -> int:
    return store.client.get_prefix("/c/").revision


def test_a_put_writes_the_tree(store: Store, cluster: str) -> None:
    """Shared, roles' and nodes' values stand where drones look for them."""
    held = _held(store, cluster)

    assert held == {
        "shared/cluster/cluster_id": cluster,
        "shared/revision": "5",
        "roles/main/env/size": "1",
        f"nodes/{cluster}-n1/host/ip": "127.0.0.1",
        f"nodes/{cluster}-n2/host/ip": "127.0.0.1",
    }


def test_a_put_is_answered_with_the_stored_revision(handlers: Handlers, cluster: str) -> None:
    """The Pilot learns what stands there now."""
    answer = _ask(handlers, "metadata.put", metadata(cluster, 6))

    assert answer is not None
    assert answer.type == "metadata.stored"
    assert answer.body == {"cluster_id": cluster, "revision": 6}


def test_a_newer_put_replaces_the_tree(store: Store, handlers: Handlers, cluster: str) -> None:
    """What is no longer in the metadata is gone."""
    body = metadata(cluster, 6, nodes=2, shared={"links/db/ip": "10.0.0.1"}, roles={"": {"a": "b"}})

    _ask(handlers, "metadata.put", body)

    held = _held(store, cluster)
    assert held["shared/links/db/ip"] == "10.0.0.1"
    assert held["roles/_/a"] == "b"
    assert "shared/cluster/cluster_id" not in held
    assert "roles/main/env/size" not in held


def test_a_put_is_one_revision_of_the_store(store: Store, handlers: Handlers, cluster: str) -> None:
    """A drone never sees half of a change."""
    shared = {f"key/{number}": "x" for number in range(500)}

    _ask(handlers, "metadata.put", metadata(cluster, 6, nodes=2, shared=shared))

    items = store.client.get_prefix(f"/c/{cluster}/shared/").items
    assert len(items) == 501
    assert len({item.mod_revision for item in items}) == 1


def test_an_older_put_changes_nothing(store: Store, handlers: Handlers, cluster: str) -> None:
    """A put that was overtaken is answered with what is stored."""
    before = _held(store, cluster)

    answer = _ask(handlers, "metadata.put", metadata(cluster, 4, nodes=1, shared={"x": "y"}))

    assert answer is not None
    assert answer.body["revision"] == 5
    assert _held(store, cluster) == before
    assert f"{cluster}-n2" in store.client.user_list()


def test_what_did_not_change_wakes_no_drone(store: Store, handlers: Handlers, cluster: str) -> None:
    """Keys with the same value keep their modification revision."""
    before = store.client.get(f"/c/{cluster}/roles/main/env/size")

    _ask(handlers, "metadata.put", metadata(cluster, 6, nodes=2))

    assert store.client.get(f"/c/{cluster}/roles/main/env/size") == before


def test_a_put_leaves_commands_and_reports_alone(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """What nodes that stay were told, and said, stays."""
    _ask(handlers, "command.run", command(cluster, "c-1"))
    store.client.put(f"/c/{cluster}/reports/{cluster}-n1/status", status())

    _ask(handlers, "metadata.put", metadata(cluster, 6, nodes=2))

    held = _held(store, cluster)
    assert f"commands/{cluster}-n1/c-1" in held
    assert f"reports/{cluster}-n1/status" in held


def test_a_put_clears_up_after_nodes_that_left(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """Commands and reports of a node that is no longer named are gone."""
    _ask(handlers, "command.run", command(cluster, "c-1", node=2))
    store.client.put(f"/c/{cluster}/reports/{cluster}-n2/status", status())

    _ask(handlers, "metadata.put", metadata(cluster, 6, nodes=1))

    assert not [key for key in _held(store, cluster) if f"{cluster}-n2" in key]


def test_a_delete_removes_everything(store: Store, handlers: Handlers, cluster: str) -> None:
    """No key, no user, no role stays behind; the neighbour's do."""
    neighbour = f"{cluster}0"
    _ask(handlers, "metadata.put", metadata(neighbour, 1))
    _ask(handlers, "command.run", command(cluster, "c-1"))

    answer = _ask(handlers, "metadata.delete", {"cluster_id": cluster})

    assert answer is not None
    assert answer.body == {"cluster_id": cluster, "revision": 0}
    assert _held(store, cluster) == {}
    names = {*store.client.user_list(), *store.client.role_list()}
    assert not names & {f"{cluster}-n1", f"{cluster}-n2"}
    assert f"{neighbour}-n1" in names
    assert _held(store, neighbour) != {}


def test_deleting_twice_is_fine(handlers: Handlers) -> None:
    """A cluster that was never there is answered in the same way."""
    answer = _ask(handlers, "metadata.delete", {"cluster_id": "cl-never"})

    assert answer is not None
    assert answer.body == {"cluster_id": "cl-never", "revision": 0}


def test_a_frame_that_comes_again_is_answered_again_without_effect(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """A late copy of a put does not bring a deleted cluster back."""
    first = _ask(handlers, "metadata.put", metadata(cluster, 6), "frame-of-" + cluster)
    _ask(handlers, "metadata.delete", {"cluster_id": cluster})
    before = _revision(store)

    second = _ask(handlers_of(store), "metadata.put", metadata(cluster, 6), "frame-of-" + cluster)

    assert second == first
    assert _revision(store) == before


def test_a_command_is_written_for_its_node(store: Store, handlers: Handlers, cluster: str) -> None:
    """The drone finds the command as the protocol has it."""
    answer = _ask(handlers, "command.run", command(cluster, "c-1"))

    assert answer is None
    assert json.loads(_held(store, cluster)[f"commands/{cluster}-n1/c-1"]) == {
        "command_id": "c-1",
        "cmd": "true",
        "timeout_s": 10,
        "idempotent": True,
    }


def test_a_command_says_what_it_means_for_supervision(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """What the drone has to know is passed on, and nothing else."""
    frame = {**command(cluster, "c-1"), "supervision": "begin", "answer": "table", "more": 1}

    _ask(handlers, "command.run", frame)

    [item] = store.client.get_prefix(f"/c/{cluster}/commands/").items
    written = json.loads(item.value)
    assert (written["supervision"], written["answer"]) == ("begin", "table")
    assert "more" not in written


def test_a_command_with_a_result_is_not_written_again(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """A result that stands in etcd means that the command ran."""
    store.client.put(f"/c/{cluster}/reports/{cluster}-n1/results/c-1", result("c-1"))

    _ask(handlers, "command.run", command(cluster, "c-1"))

    assert f"commands/{cluster}-n1/c-1" not in _held(store, cluster)


def test_a_finished_command_is_not_written_again(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """Also when its result is gone, and after a restart."""
    _ask(handlers, "command.run", command(cluster, "c-1"))
    key = f"/c/{cluster}/reports/{cluster}-n1/results/c-1"
    store.client.put(key, result("c-1"))
    found = store.client.get(key)
    assert found is not None
    handlers.finish(key, found.mod_revision)

    _ask(handlers_of(store), "command.run", command(cluster, "c-1"))

    assert not [name for name in _held(store, cluster) if name.endswith("/c-1")]


def test_finished_commands_are_forgotten_at_last(
    store: Store, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does not grow with every command that there ever was."""
    monkeypatch.setattr("pitrix_frontgate.handlers._REMEMBERED", 3)
    handlers = handlers_of(store)
    for number in range(6):
        key = f"/c/{cluster}/reports/{cluster}-n1/results/c-{number}"
        store.client.put(key, result(f"c-{number}"))
        found = store.client.get(key)
        assert found is not None

        handlers.finish(key, found.mod_revision)

    kept = store.client.get_prefix("/frontgate/finished/").items
    assert sorted(item.key.rpartition("/")[2] for item in kept) == ["c-3", "c-4", "c-5"]


def test_a_result_that_changed_meanwhile_is_kept(
    store: Store, handlers: Handlers, cluster: str
) -> None:
    """Only the result that the Pilot has is deleted."""
    key = f"/c/{cluster}/reports/{cluster}-n1/results/c-1"
    store.client.put(key, result("c-1"))
    older = store.client.get(key)
    assert older is not None
    store.client.put(key, result("c-1", output="more"))

    handlers.finish(key, older.mod_revision)

    assert store.client.get(key) is not None


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        pytest.param("metadata.patch", {}, "unknown-type", id="unknown-type"),
        pytest.param("metadata.put", {"cluster_id": "x"}, "bad-frame", id="incomplete-put"),
        pytest.param("command.run", command("cl-none", "c"), "unknown-node", id="unknown-node"),
        pytest.param("metadata.delete", {}, "bad-frame", id="empty-delete"),
        pytest.param(
            "metadata.put",
            metadata("cl-twice", 1, roles={"": {}, "_": {}}),
            "bad-frame",
            id="unnamed-role-twice",
        ),
        pytest.param(
            "metadata.put",
            metadata("cl-wide", 1, shared={f"k{number}": "" for number in range(10_001)}),
            "too-large",
            id="too-many-keys",
        ),
    ],
)
def test_what_can_never_be_done_is_failed(
    store: Store, handlers: Handlers, kind: str, body: dict[str, Any], code: str
) -> None:
    """The answer says why, and nothing was changed."""
    before = _revision(store)

    answer = _ask(handlers, kind, body)

    assert answer is not None
    assert (answer.type, answer.body["code"]) == ("failed", code)
    assert _held(store, body.get("cluster_id", "x")) == {}
    assert _revision(store) == before + 1  # only the frame's id was remembered


def test_a_certificate_goes_to_the_doorkeeper(store: Store) -> None:
    """As the Pilot sent it; the acknowledgement is all there is to say."""
    keeper = Keeper()
    pem = "-----BEGIN CERTIFICATE-----\n"
    body = {"ca": pem, "certificate": pem, "key": "a key", "not_after": "2027-01-01T00:00:00Z"}

    answer = handlers_of(store, keeper).handle(Frame("tls-put-1", "tls.put", body))

    assert answer is None
    assert keeper.certificates == [body]


def test_drones_of_version_1_open_their_door(store: Store) -> None:
    """They know plain HTTP only."""
    keeper = Keeper()

    _ask(handlers_of(store, keeper), "metadata.put", metadata("cl-plain", 1))

    assert keeper.is_plain


class _Nobody:
    """Stands in for the control of access to a store without nodes."""

    def apply(self, *_: object) -> None:
        """Do nothing."""

    def has_plain_users(self) -> bool:
        """Tell that there are none."""
        return False


def test_with_the_last_drone_of_version_1_its_door_is_closed(store: Store) -> None:
    """Also where its whole cluster goes."""
    keeper = Keeper()
    keeper.is_plain = True
    handlers = Handlers(store.client, cast("AccessControl", _Nobody()), keeper)

    _ask(handlers, "metadata.delete", {"cluster_id": "cl-plain-and-gone"})

    assert not keeper.is_plain
