"""Exchanges a node's one-time token for a login of its own.

The login is made here and told to the node alone. Until the node has confirmed that it wrote it
down, the token may be shown again, since an answer can get lost; each time there is a new password,
and the one before is dead. From then on the token is worth nothing. What is remembered is digests.

A node whose login this store does not know, for the store is a new one, is let in again with its
password: the Pilot keeps that one's digest.
"""

import datetime as dt
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pitrix_drone.etcd import EtcdClient, op_put
from pitrix_frontgate import tree
from pitrix_frontgate.rbac import AccessControl, Entry

log = logging.getLogger(__name__)

_PASSWORD_BYTES: Final = 32


class Login(NamedTuple):
    """What a node logs in with."""

    user: str
    password: str


class RefusedError(Exception):
    """A node does not get in.

    :param code: stable, for the drone.
    :param message: what is wrong and what to do; never a secret.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Enrolment:
    """Lets nodes in. Thread-safe.

    :param client: with root's rights.
    :param clock: tells the time, aware.
    """

    def __init__(
        self,
        client: EtcdClient,
        access: AccessControl,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._client = client
        self._access = access
        self._clock = clock

    def enrol(self, *, cluster_id: str, node_id: str, token: str) -> Login:
        """Make a login for who shows a node's token.

        :raises RefusedError: it is not to have one, or not yet.
        :raises EtcdError: etcd could not be asked; nothing was promised.
        """
        with self._access.lock:
            entry = self._entry(cluster_id, node_id)
            if not _is(token, entry.enrolment_sha256):
                raise _wrong(node_id)
            self._require_fresh(node_id, entry)
            password = secrets.token_urlsafe(_PASSWORD_BYTES)
            self._access.set_login(node_id, entry, password)
            return Login(node_id, password)

    def confirm(self, *, cluster_id: str, node_id: str, password: str) -> None:
        """Take note that a node has its login: its token is dead now. Safe to repeat.

        :raises RefusedError: it is not this login.
        :raises EtcdError: etcd could not be asked; the node asks again.
        """
        with self._access.lock:
            entry = self._entry(cluster_id, node_id)
            if not _is(password, entry.password_sha256):
                raise _wrong(node_id)
            if entry.is_enrolled:
                return
            enrolled = entry._replace(is_enrolled=True)
            said = {"state": "enrolled", "credential_sha256": entry.password_sha256}
            steps = [
                self._access.remembering(node_id, enrolled),
                self._report(entry, node_id, said),
            ]
            self._client.txn([], steps)

    def resume(self, *, cluster_id: str, node_id: str, password: str) -> Login:
        """Let a node in again that enrolled when there was another store.

        :raises RefusedError: that is not its login.
        :raises EtcdError: etcd could not be asked.
        """
        with self._access.lock:
            entry = self._entry(cluster_id, node_id)
            if not entry.is_enrolled or not _is(password, entry.password_sha256):
                raise _wrong(node_id)
            self._access.set_login(node_id, entry, password)
            return Login(node_id, password)

    def _entry(self, cluster_id: str, node_id: str) -> Entry:
        entry = self._access.entry(node_id)
        if entry is None or not entry.is_settled or entry.cluster_id != cluster_id:
            raise RefusedError(
                "unknown-node", f"cluster {cluster_id} has no node {node_id} here yet; ask again"
            )
        return entry

    def _require_fresh(self, node_id: str, entry: Entry) -> None:
        if entry.is_enrolled:
            raise self._refusal(
                node_id,
                entry,
                "enrolment-used",
                "the one-time token of its user-data was used before, so that somebody else may "
                "have it; if the machine lost its disk, it needs to be replaced: a new machine "
                "gets a new token",
            )
        if dt.datetime.fromisoformat(entry.expires_at) <= self._clock():
            raise self._refusal(
                node_id,
                entry,
                "enrolment-expired",
                f"the one-time token of its user-data expired at {entry.expires_at}; only a new "
                "machine gets a new token",
            )

    def _refusal(self, node_id: str, entry: Entry, code: str, why: str) -> RefusedError:
        """Build a refusal and tell the Pilot, once."""
        message = f"node {node_id} cannot enrol: {why}"
        key = tree.reports(entry.cluster_id, node_id) + tree.ENROLMENT
        before = self._client.get(key)
        if before is None or f'"{code}"' not in before.value:
            said = {"state": "refused", "code": code, "message": message}
            self._client.txn([], [self._report(entry, node_id, said)])
        return RefusedError(code, message)

    def _report(self, entry: Entry, node_id: str, said: dict[str, str]) -> dict[str, Any]:
        at = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        nothing = dict.fromkeys(("code", "message", "credential_sha256"), "")
        key = tree.reports(entry.cluster_id, node_id) + tree.ENROLMENT
        return op_put(key, json.dumps({**nothing, **said, "at": at}))


def _is(secret: str, digest: str) -> bool:
    """Compare without telling by the time it takes how much was right; nothing has no digest."""
    found = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
    return hmac.compare_digest(found, digest)


def _wrong(node_id: str) -> RefusedError:
    return RefusedError("enrolment-wrong", f"this is not the token or the password of {node_id}")
