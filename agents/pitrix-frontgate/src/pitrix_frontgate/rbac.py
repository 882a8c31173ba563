"""Users and roles in etcd: root for the Frontgate, one user a node, each shut in its own part.

What was granted is remembered below ``/frontgate/users/``; a node's entry is unsettled before its
user is touched and settled afterwards, so that a crash in between is made good by the next put and
no user is ever forgotten.

A node of protocol 2 has its role from the beginning, but no user until it enrols. Taking a user
away does not end its watches: whoever may see less than before is cut off. This machine's own
connections come last, when all is settled: of several machines another one leads from then on, and
finds nothing left to do. A crash before ends them as well, for etcd ends with the Frontgate.
"""

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pitrix_drone.etcd import EtcdClient, EtcdError, op_put
from pitrix_drone.files import write_durably
from pitrix_frontgate import tree
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
    """Who may read one node's part, as the Pilot says: by a password, or once it has enrolled."""

    node_id: str
    role: str
    #: Of protocol 1 only.
    password: str = ""
    #: SHA-256 of the one-time token, and until when it may be shown.
    enrolment_sha256: str = ""
    expires_at: str = ""
    #: SHA-256 of the password that the node got when it enrolled, where the Pilot knows it.
    credential_sha256: str = ""


class Entry(NamedTuple):
    """What is remembered of a node's user."""

    cluster_id: str
    #: Empty while the user is being changed.
    role: str
    #: Of the password that etcd knows; empty: there is no user yet.
    password_sha256: str
    enrolment_sha256: str = ""
    expires_at: str = ""
    is_enrolled: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether etcd holds what this says."""
        return bool(self.role)


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
    """Keeps the nodes' users as the Pilot wants them. Thread-safe by its lock.

    :param client: with root's rights.
    :param cut: ends every connection of etcd's clients; etcd answers again when it returns.
    :param cut_others: the same at other machines, where the Frontgate is several.
    """

    def __init__(
        self,
        client: EtcdClient,
        *,
        cut: Callable[[], None],
        cut_others: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._cut = cut
        self._cut_others = cut_others
        #: Held for as long as what was read has to stay true.
        self.lock = threading.RLock()

    def cluster_of(self, node_id: str) -> str | None:
        """Tell which cluster a node belongs to; None when it is not known."""
        entry = self.entry(node_id)
        return None if entry is None else entry.cluster_id

    def entry(self, node_id: str) -> Entry | None:
        """Read what is remembered of a node; None when it is not known."""
        found = self._client.get(tree.USERS + node_id)
        return None if found is None else _read_entry(found.value)

    def nodes(self) -> dict[str, str]:
        """List all nodes, each with its cluster."""
        return {node_id: entry.cluster_id for node_id, entry in self._entries().items()}

    def has_plain_users(self) -> bool:
        """Tell whether there are nodes of protocol 1, which know nothing of TLS."""
        return any(not entry.enrolment_sha256 for entry in self._entries().values())

    def remembering(self, node_id: str, entry: Entry) -> dict[str, Any]:
        """Return the step of a transaction that remembers an entry."""
        return op_put(tree.USERS + node_id, json.dumps(entry._asdict()))

    def set_login(self, node_id: str, entry: Entry, password: str) -> None:
        """Give a node that is known a user with this password.

        :param entry: what is remembered of it; the lock is held since it was read.
        :raises EtcdError: etcd could not be asked; do it again.
        """
        with self.lock:
            self._set_password(node_id, password)
            self._client.user_grant_role(node_id, node_id)
            changed = entry._replace(password_sha256=_digest(password))
            self._client.txn([], [self.remembering(node_id, changed)])

    def apply(self, cluster_id: str, users: Sequence[NodeUser]) -> None:
        """Give a cluster exactly these users; safe to repeat.

        :raises FrameError: a node belongs to another cluster; nothing was changed.
        """
        with self.lock:
            known = self._entries()
            self._refuse_strangers(cluster_id, users, known)
            wanted = {each.node_id: _wanted(cluster_id, each, known) for each in users}
            changed = [each for each in users if known.get(each.node_id) != wanted[each.node_id]]
            self._write({each.node_id: _unsettled(wanted[each.node_id]) for each in changed})
            for user in changed:
                self._change(user, known.get(user.node_id), wanted[user.node_id])
            of_cluster = {name for name, entry in known.items() if entry.cluster_id == cluster_id}
            gone = of_cluster - wanted.keys()
            for node_id in gone:
                _done(_NOT_FOUND, self._client.user_delete, node_id)
                _done(_NOT_FOUND, self._client.role_delete, node_id)
            # Where nobody is left, nothing is written that they could see.
            is_cut = users and (gone or any(_sees_less(each.node_id, known) for each in changed))
            if is_cut:
                self._cut_others()
            self._write({each.node_id: wanted[each.node_id] for each in changed})
            for node_id in gone:
                self._client.delete(tree.USERS + node_id)
            if is_cut:
                self._cut()

    def _refuse_strangers(
        self, cluster_id: str, users: Sequence[NodeUser], known: dict[str, Entry]
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

    def _entries(self) -> dict[str, Entry]:
        return {
            item.key.removeprefix(tree.USERS): _read_entry(item.value)
            for item in self._client.get_prefix(tree.USERS).items
        }

    def _write(self, entries: dict[str, Entry]) -> None:
        steps = [self.remembering(node_id, entry) for node_id, entry in entries.items()]
        for start in range(0, len(steps), _BATCH):
            self._client.txn([], steps[start : start + _BATCH])

    def _change(self, user: NodeUser, before: Entry | None, wanted: Entry) -> None:
        name = user.node_id
        if user.password:
            self._set_password(name, user.password)
        elif before is not None and not (wanted.password_sha256 and _is_same(user, before)):
            _done(_NOT_FOUND, self._client.user_delete, name)
        self._set_role(wanted, name, is_new=before is None)

    def _set_password(self, name: str, password: str) -> None:
        if _done(_EXISTS, self._client.user_add, name, password):
            return
        self._client.user_change_password(name, password)

    def _set_role(self, wanted: Entry, name: str, *, is_new: bool) -> None:
        cluster_id = wanted.cluster_id
        if not is_new:
            _done(_NOT_FOUND, self._client.role_delete, name)
        _done(_EXISTS, self._client.role_add, name)
        for prefix in (
            tree.shared(cluster_id),
            tree.role(cluster_id, wanted.role),
            tree.node(cluster_id, name),
            tree.commands(cluster_id, name),
        ):
            self._client.role_grant_prefix(name, prefix, permission="READ")
        own = tree.reports(cluster_id, name)
        self._client.role_grant_prefix(name, own, permission="READWRITE")
        if wanted.password_sha256:
            _done(_NOT_FOUND, self._client.user_grant_role, name, name)


def _root_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        password = secrets.token_urlsafe(32)
        write_durably(path, password)
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


def _wanted(cluster_id: str, user: NodeUser, known: dict[str, Entry]) -> Entry:
    """Tell what is to be remembered of a user; what came of the same token stays as it is."""
    role = user.role or tree.UNNAMED_ROLE
    if user.password:
        return Entry(cluster_id, role, _digest(user.password))
    before = known.get(user.node_id)
    if before is not None and _is_same(user, before):
        return before._replace(role=role)
    return Entry(
        cluster_id,
        role,
        user.credential_sha256,
        user.enrolment_sha256,
        user.expires_at,
        is_enrolled=bool(user.credential_sha256),
    )


def _is_same(user: NodeUser, entry: Entry) -> bool:
    """Tell whether it is still the same machine: each gets a token of its own."""
    return user.enrolment_sha256 == entry.enrolment_sha256


def _unsettled(entry: Entry) -> Entry:
    """Mark an entry as being changed; of a token, what it was used for is never forgotten."""
    return entry._replace(role="")


def _sees_less(node_id: str, known: dict[str, Entry]) -> bool:
    """Tell whether a node that was known before may have watches that it must not have now."""
    before = known.get(node_id)
    return before is not None and bool(before.password_sha256)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_entry(value: str) -> Entry:
    return Entry(**json.loads(value))


def _done(unless: str, call: Callable[..., None], *arguments: str) -> bool:
    """Make a call; False when etcd refuses it with the words *unless*."""
    try:
        call(*arguments)
    except EtcdError as ex:
        if unless not in ex.message:
            raise
        return False
    return True
