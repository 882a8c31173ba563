"""What a node may see and do in etcd, asked from the node's side."""

import secrets
from collections.abc import Callable

import pytest
from frontgate_harness import Keeper, Login, Store, handlers_of, metadata, password_of

from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.rbac import AccessControl, NodeUser, open_store


def _put(store: Store, cluster_id: str, **more: object) -> None:
    body = metadata(cluster_id, **{"revision": 1, "nodes": 2, **more})  # type: ignore[arg-type]
    answer = handlers_of(store).handle(Frame(secrets.token_hex(8), "metadata.put", body))
    assert answer is not None
    assert answer.type == "metadata.stored", answer


@pytest.fixture(scope="module")
def node(store: Store, login: Login) -> EtcdClient:
    """Node 1 of cluster ``cl-1``, which has a neighbour whose name begins alike."""
    _put(store, "cl-1")
    _put(store, "cl-10")
    return login("cl-1-n1", password_of("cl-1-n1"))


@pytest.mark.parametrize(
    "prefix",
    [
        "/c/cl-1/shared/",
        "/c/cl-1/roles/main/",
        "/c/cl-1/nodes/cl-1-n1/",
        "/c/cl-1/commands/cl-1-n1/",
        "/c/cl-1/reports/cl-1-n1/",
    ],
)
def test_a_node_reads_its_own_part(node: EtcdClient, prefix: str) -> None:
    """Everything that the protocol lists can be read, all at one revision."""
    found = node.read([prefix])

    assert found.revision > 0


def test_a_node_writes_its_reports(node: EtcdClient) -> None:
    """A report can be written and read back."""
    node.put("/c/cl-1/reports/cl-1-n1/status", "x")

    assert node.get("/c/cl-1/reports/cl-1-n1/status") is not None


@pytest.mark.parametrize(
    "prefix",
    [
        "/",
        "/c/",
        "/c/cl-1",
        "/c/cl-1/",
        "/c/cl-1/shared",
        "/c/cl-10/",
        "/c/cl-10/shared/",
        "/c/cl-1/roles/",
        "/c/cl-1/roles/other/",
        "/c/cl-1/nodes/",
        "/c/cl-1/nodes/cl-1-n2/",
        "/c/cl-1/commands/cl-1-n2/",
        "/c/cl-1/commands/cl-1-n1",
        "/c/cl-1/reports/cl-1-n2/",
        "/frontgate/",
        "/frontgate/users/",
    ],
)
def test_a_node_reads_nothing_else(node: EtcdClient, prefix: str) -> None:
    """Neither other clusters, nor other nodes, nor what only begins like its own."""
    with pytest.raises(EtcdError) as caught:
        node.get_prefix(prefix)

    assert "permission denied" in caught.value.message


@pytest.mark.parametrize(
    "key",
    [
        "/c/cl-1/shared/x",
        "/c/cl-1/shared/revision",
        "/c/cl-1/roles/main/x",
        "/c/cl-1/nodes/cl-1-n1/x",
        "/c/cl-1/commands/cl-1-n1/x",
        "/c/cl-1/reports/cl-1-n2/status",
        "/c/cl-10/reports/cl-10-n1/status",
        "/frontgate/users/cl-1-n1",
    ],
)
def test_a_node_writes_nothing_else(node: EtcdClient, key: str) -> None:
    """Only its own reports may be written."""
    with pytest.raises(EtcdError) as caught:
        node.put(key, "x")

    assert "permission denied" in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda node: node.user_add("intruder", "a-password"), id="adds-a-user"),
        pytest.param(lambda node: node.user_grant_role("cl-1-n1", "root"), id="becomes-root"),
        pytest.param(
            lambda node: node.role_grant_prefix("cl-1-n1", "/", permission="READWRITE"),
            id="widens-its-role",
        ),
    ],
)
def test_a_node_cannot_change_rights(
    node: EtcdClient, change: Callable[[EtcdClient], None]
) -> None:
    """Users and roles are root's."""
    with pytest.raises(EtcdError) as caught:
        change(node)

    assert "permission denied" in caught.value.message


@pytest.mark.parametrize(
    ("user", "password"),
    [
        pytest.param(None, None, id="nobody"),
        pytest.param("cl-1-n1", "a-wrong-password", id="wrong-password"),
        pytest.param("cl-1-n2", password_of("cl-1-n1"), id="another-ones-password"),
        pytest.param("root", "", id="root-without-password"),
    ],
)
def test_who_has_no_password_reads_nothing(
    login: Login, node: EtcdClient, user: str | None, password: str | None
) -> None:
    """The door is closed from the first moment."""
    stranger = login(user, password)

    with pytest.raises(EtcdError):
        stranger.get("/c/cl-1/shared/revision")


def test_a_new_password_replaces_the_old_one(store: Store, login: Login) -> None:
    """After a put with another password, only that one opens."""
    _put(store, "cl-pw")
    users = [{"node_id": "cl-pw-n1", "role": "main", "password": "another-password"}]

    _put(store, "cl-pw", revision=2, nodes=1, users=users)

    new = login("cl-pw-n1", "another-password")
    old = login("cl-pw-n1", password_of("cl-pw-n1"))
    assert new.get("/c/cl-pw/shared/revision") is not None
    with pytest.raises(EtcdError):
        old.get("/c/cl-pw/shared/revision")


def test_a_new_role_replaces_the_old_one(store: Store, login: Login) -> None:
    """A node that changes its role sees the new part and no longer the old."""
    _put(store, "cl-role")
    users = [{"node_id": "cl-role-n1", "role": "", "password": password_of("cl-role-n1")}]

    _put(store, "cl-role", revision=2, nodes=1, users=users)

    node = login("cl-role-n1", password_of("cl-role-n1"))
    assert node.read(["/c/cl-role/roles/_/"]).revision > 0
    with pytest.raises(EtcdError):
        node.read(["/c/cl-role/roles/main/"])


def test_a_node_that_is_left_out_loses_its_user(store: Store) -> None:
    """Users and roles that a newer put does not name are removed."""
    _put(store, "cl-less")

    _put(store, "cl-less", revision=2, nodes=1)

    assert "cl-less-n2" not in {*store.client.user_list(), *store.client.role_list()}
    assert "cl-less-n1" in store.client.user_list()


def test_a_put_that_was_cut_off_is_made_good(store: Store, login: Login) -> None:
    """Whatever half of a user exists already, the next attempt makes it whole."""
    store.client.user_add("cl-half-n1", "some-old-password")
    store.client.role_add("cl-half-n2")

    _put(store, "cl-half")

    for name in ("cl-half-n1", "cl-half-n2"):
        node = login(name, password_of(name))
        assert node.get("/c/cl-half/shared/revision") is not None


def test_a_node_of_another_cluster_is_not_taken(store: Store) -> None:
    """A put that names a node of another cluster changes nothing."""
    _put(store, "cl-mine")
    access = AccessControl(store.client, cut=Keeper().cut)
    taken = NodeUser("cl-mine-n1", "main", "a-new-password")

    with pytest.raises(FrameError) as caught:
        access.apply("cl-theirs", [NodeUser("cl-theirs-n1", "", "a-new-password"), taken])

    assert caught.value.code == "node-taken"
    assert access.cluster_of("cl-theirs-n1") is None
    assert "a-new-password" not in caught.value.message


def test_opening_the_store_again_changes_nothing(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A second start finds the same password and the same store."""
    password_file = next(tmp_path_factory.getbasetemp().glob("store*/root-password"))
    before = password_file.read_text()

    client = open_store(store.endpoint, password_file)

    assert password_file.read_text() == before
    assert password_file.stat().st_mode & 0o777 == 0o600
    assert client.user_list() == store.client.user_list()
    client.close()
