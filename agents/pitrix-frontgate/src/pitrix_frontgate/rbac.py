"""Users and roles in etcd: root for the Frontgate, one user a node, each shut in its own part.

What was granted is remembered below ``/frontgate/users/``; a node's entry is emptied before its
user is touched and filled in afterwards, so that a crash in between is made good by the next put
and no user is ever forgotten.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pitrix_drone.etcd import EtcdClient, EtcdError, op_put
from pitrix_frontgate import tree
from pitrix_frontgate.config import write_private
from pitrix_frontgate.errors import EtcdServerError, FrameError

#: etcd's words. Source: https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go
_EXISTS: Final = "already exists"
_NOT_FOUND: Final = "not found"
_LOGIN_FAILED: Final = "authentication failed"
_ANONYMOUS: Final = "user name is empty"

_ROOT: Final = "root"

#: One request's steps; well below the server's limit of 10,000.
_BATCH: Final = 1000


class NodeUser(NamedTuple):
    """Who may read one node's part."""

    node_id: str
    role: str
    password: str


class _Entry(NamedTuple):
    """What is remembered of a node's user; an empty digest: it was being changed."""

    cluster_id: str
    role: str
    password_sha256: str


def open_store(endpoint: str, password_file: Path) -> EtcdClient:
    """Return a client with root's rights; on the first start, make root and close the door.

    :param password_file: made when missing, readable by its owner only.
    :raises EtcdServerError: etcd has a root password that this file does not hold.
    """
    password = _root_password(password_file)
    client = EtcdClient([endpoint], user=_ROOT, password=password)
    if not _is_guarded(endpoint):
        if not _done(_EXISTS, client.user_add, _ROOT, password):
            client.user_change_password(_ROOT, password)
        _done(_EXISTS, client.role_add, _ROOT)
        client.user_grant_role(_ROOT, _ROOT)
        client.auth_enable()
    _ensure_store_id(client, password_file)
    return client


def store_id(client: EtcdClient) -> str:
    """Read the name that tells this store from any other."""
    found = client.get(tree.STORE_ID)
    return found.value if found is not None else ""


class AccessControl:
    """Keeps the nodes' users as the Pilot wants them. One thread at a time.

    :param client: with root's rights.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client

    def cluster_of(self, node_id: str) -> str | None:
        """Tell which cluster a node belongs to; None when it is not known."""
        found = self._client.get(tree.USERS + node_id)
        return None if found is None else _read_entry(found.value).cluster_id

    def nodes(self) -> dict[str, str]:
        """List all nodes, each with its cluster."""
        return {node_id: entry.cluster_id for node_id, entry in self._entries().items()}

    def apply(self, cluster_id: str, users: Sequence[NodeUser]) -> None:
        """Give a cluster exactly these users; safe to repeat.

        :raises FrameError: a node belongs to another cluster; nothing was changed.
        """
        known = self._entries()
        self._refuse_strangers(cluster_id, users, known)
        changed = [user for user in users if known.get(user.node_id) != _entry(cluster_id, user)]
        self._write({user.node_id: _Entry(cluster_id, "", "") for user in changed})
        for user in changed:
            self._change(cluster_id, user, known.get(user.node_id))
        self._write({user.node_id: _entry(cluster_id, user) for user in changed})
        wanted = {user.node_id for user in users}
        for node_id, entry in known.items():
            if entry.cluster_id == cluster_id and node_id not in wanted:
                self._remove(node_id)

    def _refuse_strangers(
        self, cluster_id: str, users: Sequence[NodeUser], known: dict[str, _Entry]
    ) -> None:
        if len({user.node_id for user in users}) != len(users):
            raise FrameError(
                "bad-frame", f"metadata.put: {cluster_id}: /users: a node stands twice"
            )
        for user in users:
            entry = known.get(user.node_id)
            if entry is not None and entry.cluster_id != cluster_id:
                raise FrameError(
                    "node-taken",
                    f"metadata.put: {cluster_id}: node {user.node_id} belongs to cluster "
                    f"{entry.cluster_id}; give it another name, or delete that cluster first",
                )

    def _entries(self) -> dict[str, _Entry]:
        return {
            item.key.removeprefix(tree.USERS): _read_entry(item.value)
            for item in self._client.get_prefix(tree.USERS).items
        }

    def _write(self, entries: dict[str, _Entry]) -> None:
        steps = [
            op_put(tree.USERS + node_id, json.dumps(entry._asdict()))
            for node_id, entry in entries.items()
        ]
        for start in range(0, len(steps), _BATCH):
            self._client.txn([], steps[start : start + _BATCH])

    def _change(self, cluster_id: str, user: NodeUser, before: _Entry | None) -> None:
        wanted = _entry(cluster_id, user)
        if before is None or before.password_sha256 != wanted.password_sha256:
            self._set_password(user, is_new=before is None)
        if before is None or before.role != wanted.role or not before.password_sha256:
            self._set_role(cluster_id, user, is_new=before is None)

    def _set_password(self, user: NodeUser, *, is_new: bool) -> None:
        name, password = user.node_id, user.password
        if not is_new and _done(_NOT_FOUND, self._client.user_change_password, name, password):
            return
        if not _done(_EXISTS, self._client.user_add, name, password):
            self._client.user_change_password(name, password)

    def _set_role(self, cluster_id: str, user: NodeUser, *, is_new: bool) -> None:
        name = user.node_id
        if not is_new:
            _done(_NOT_FOUND, self._client.role_delete, name)
        _done(_EXISTS, self._client.role_add, name)
        for prefix in (
            tree.shared(cluster_id),
            tree.role(cluster_id, user.role),
            tree.node(cluster_id, name),
            tree.commands(cluster_id, name),
        ):
            self._client.role_grant_prefix(name, prefix, permission="READ")
        own = tree.reports(cluster_id, name)
        self._client.role_grant_prefix(name, own, permission="READWRITE")
        self._client.user_grant_role(name, name)

    def _remove(self, node_id: str) -> None:
        _done(_NOT_FOUND, self._client.user_delete, node_id)
        _done(_NOT_FOUND, self._client.role_delete, node_id)
        self._client.delete(tree.USERS + node_id)


def _root_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        password = secrets.token_urlsafe(32)
        write_private(path, password)
        return password


def _is_guarded(endpoint: str) -> bool:
    """Tell whether etcd asks for a login; works on every version, unlike ``auth/status``."""
    anonymous = EtcdClient([endpoint])
    try:
        anonymous.get(tree.STORE_ID)
    except EtcdError as ex:
        if _ANONYMOUS in ex.message:
            return True
        raise
    finally:
        anonymous.close()
    return False


def _ensure_store_id(client: EtcdClient, password_file: Path) -> None:
    try:
        if not store_id(client):
            client.put(tree.STORE_ID, secrets.token_hex(4))
    except EtcdError as ex:
        if _LOGIN_FAILED not in ex.message:
            raise
        raise EtcdServerError(
            f"etcd does not take root's password in {password_file}; restore that file, or stop "
            "the Frontgate and remove its state folder: the Pilot will fill it again"
        ) from ex


def _entry(cluster_id: str, user: NodeUser) -> _Entry:
    digest = hashlib.sha256(user.password.encode()).hexdigest()
    return _Entry(cluster_id, user.role or tree.UNNAMED_ROLE, digest)


def _read_entry(value: str) -> _Entry:
    return _Entry(**json.loads(value))


def _done(unless: str, call: Callable[..., None], *arguments: str) -> bool:
    """Make a call; False when etcd refuses it with the words *unless*."""
    try:
        call(*arguments)
    except EtcdError as ex:
        if unless not in ex.message:
            raise
        return False
    return True
