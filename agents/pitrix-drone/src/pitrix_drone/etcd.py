"""A client of etcd's v3 JSON gateway on the standard library alone.

No client library resumes a watch after a restart, a compaction or a vanished peer, and none logs
in again when its token has run out; with both written here, nothing is left that a library would
save, and the drone stays one small file.

Tokens end when etcd restarts and after idle time, so a request that is refused for its token is
sent once more after a new login. ``revision of auth store is old`` means that users were changed
while the request was under way: it is sent once more, too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Callable

from pitrix_drone.etcd_http import Transport
from pitrix_drone.etcd_watch import Watcher
from pitrix_drone.etcd_wire import (
    UNAUTHENTICATED,
    CompactedError,
    EtcdError,
    EtcdUnavailableError,
    Event,
    Json,
    KeyValue,
    Permission,
    Snapshot,
    Status,
    decode,
    encode,
    if_missing,
    if_mod_revision,
    key_of,
    key_values,
    op_delete,
    op_delete_prefix,
    op_put,
    op_range,
    range_of,
    responses,
    revision_of,
)

__all__ = [
    "CompactedError",
    "EtcdClient",
    "EtcdError",
    "EtcdUnavailableError",
    "Event",
    "KeyValue",
    "Permission",
    "Snapshot",
    "Status",
    "if_missing",
    "if_mod_revision",
    "op_delete",
    "op_delete_prefix",
    "op_put",
    "op_range",
]

#: etcd's words for "log in (again)"; an empty user name means that no token was sent.
#: Source: https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go
_LOGIN_NEEDED = ("invalid auth token", "user name is empty")
_AUTH_CHANGED = "revision of auth store is old"
_AUTH_OFF = "authentication is not enabled"
_LOGIN_FAILED = "authentication failed"

_DENIED_CODES = (3, 7, UNAUTHENTICATED)


class EtcdClient:
    """etcd behind its JSON gateway. Thread-safe: each thread has a connection of its own.

    Nothing is sent before the first call. With a user, the first call logs in; while etcd's
    authentication is still off, calls go without a login.

    :param endpoints: URLs such as ``http://127.0.0.1:2379``, tried in turn.
    :param password: what the user logs in with, or a function that returns it: called with the one
        that etcd has just refused, else with None; what it raises ends the request.
    :param ca: PEM text of the only authorities trusted for ``https`` endpoints.
    :param timeout_s: for connecting, and for each answer.
    :raises ValueError: no endpoint, or one that is not an http or https URL.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        user: str | None = None,
        password: str | Callable[[str | None], str] | None = None,
        ca: str | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._transport = Transport(endpoints, ca=ca, timeout_s=timeout_s)
        self._user = user
        self._password = password
        self._token: str | None = None
        self._login_lock = threading.Lock()

    def reach(self, endpoints: Sequence[str]) -> None:
        """Try these endpoints from now on; connections that there are stay.

        :raises ValueError: none, or one that is not such a URL as there were.
        """
        self._transport.reach(endpoints)

    def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._transport.close()

    def put(self, key: str, value: str) -> int:
        """Write one key.

        :returns: the revision of the store afterwards.
        """
        return revision_of(self._call("/kv/put", {"key": encode(key), "value": encode(value)}))

    def get(self, key: str) -> KeyValue | None:
        """Read one key, or None when it does not exist."""
        found = key_values(self._call("/kv/range", key_of(key)))
        return found[0] if found else None

    def get_prefix(self, prefix: str) -> Snapshot:
        """Read every key beginning with *prefix*, ordered by key."""
        answer = self._call("/kv/range", range_of(prefix))
        return Snapshot(revision=revision_of(answer), items=key_values(answer))

    def read(self, prefixes: Sequence[str]) -> Snapshot:
        """Read several prefixes in one transaction, so that all are seen at one revision."""
        answer = self.txn([], [op_range(prefix) for prefix in prefixes])
        items = [kv for each in responses(answer) for kv in key_values(each["response_range"])]
        return Snapshot(revision=revision_of(answer), items=tuple(items))

    def delete(self, key: str) -> int:
        """Delete one key.

        :returns: how many keys were deleted, 0 or 1.
        """
        return int(self._call("/kv/deleterange", key_of(key)).get("deleted", 0))

    def delete_prefix(self, prefix: str) -> int:
        """Delete every key beginning with *prefix*.

        :returns: how many keys were deleted.
        """
        return int(self._call("/kv/deleterange", range_of(prefix)).get("deleted", 0))

    def txn(
        self, compare: Sequence[Json], success: Sequence[Json], failure: Sequence[Json] = ()
    ) -> Json:
        """Carry out *success* when every condition holds, else *failure*, in one revision.

        etcd takes at most 128 steps unless it was started with ``--max-txn-ops``.

        :returns: etcd's answer; ``succeeded`` is always there.
        """
        body = {"compare": list(compare), "success": list(success), "failure": list(failure)}
        answer = self._call("/kv/txn", body)
        answer["succeeded"] = bool(answer.get("succeeded"))
        return answer

    def compact(self, revision: int) -> None:
        """Let etcd forget what was before *revision*; watches that are behind read anew.

        :raises EtcdError: it is ahead of the store, or forgotten already.
        """
        self._call("/kv/compaction", {"revision": str(revision)})

    def status(self) -> Status:
        """Ask a member for its version and health; needs no login before etcd 3.6."""
        answer = self._call("/maintenance/status", {})
        return Status(
            version=str(answer.get("version", "")),
            revision=revision_of(answer),
            has_leader=int(answer.get("leader", 0)) != 0,
        )

    def call(self, path: str, body: Json) -> Json:
        """Make a call that has no method here.

        :param path: below ``/v3``, such as ``/cluster/member/list``.
        :raises EtcdError: etcd refuses, or cannot be asked.
        """
        return self._call(path, body)

    def watch(
        self,
        prefix: str,
        *,
        on_snapshot: Callable[[Snapshot], None],
        on_events: Callable[[tuple[Event, ...]], None],
        stop: threading.Event,
    ) -> None:
        """Follow a prefix until *stop* is set; returns within a second of that.

        Failures of any kind are retried with pauses of 0.1 to 3 s. After a compaction
        *on_snapshot* is called again, so it must replace what was known.

        :param on_snapshot: called in this thread with the whole prefix; what it
            raises ends the watch.
        :param on_events: called in this thread with the changes of one message, in order.
        """
        watcher = Watcher(
            self._transport,
            prefix,
            snapshot=lambda: self.get_prefix(prefix),
            token=self._current_token,
            forget_token=self._forget_token,
        )
        watcher.run(on_snapshot=on_snapshot, on_events=on_events, stop=stop)

    def user_add(self, name: str, password: str) -> None:
        """Create a user.

        :raises EtcdError: the name is taken.
        """
        self._call("/auth/user/add", {"name": name, "password": password})

    def user_delete(self, name: str) -> None:
        """Delete a user.

        :raises EtcdError: there is no such user.
        """
        self._call("/auth/user/delete", {"name": name})

    def user_list(self) -> tuple[str, ...]:
        """Return the names of all users."""
        return tuple(self._call("/auth/user/list", {}).get("users") or ())

    def user_roles(self, name: str) -> tuple[str, ...]:
        """Return the names of a user's roles."""
        return tuple(self._call("/auth/user/get", {"name": name}).get("roles") or ())

    def user_change_password(self, name: str, password: str) -> None:
        """Give a user a new password; its tokens end."""
        self._call("/auth/user/changepw", {"name": name, "password": password})

    def user_grant_role(self, user: str, role: str) -> None:
        """Give a user a role; nothing happens when it has it."""
        self._call("/auth/user/grant", {"user": user, "role": role})

    def role_add(self, name: str) -> None:
        """Create a role.

        :raises EtcdError: the name is taken.
        """
        self._call("/auth/role/add", {"name": name})

    def role_delete(self, name: str) -> None:
        """Delete a role; users lose it.

        :raises EtcdError: there is no such role.
        """
        self._call("/auth/role/delete", {"role": name})

    def role_list(self) -> tuple[str, ...]:
        """Return the names of all roles."""
        return tuple(self._call("/auth/role/list", {}).get("roles") or ())

    def role_get(self, name: str) -> tuple[Permission, ...]:
        """Return what a role may do.

        :raises EtcdError: there is no such role.
        """
        answer = self._call("/auth/role/get", {"role": name})
        return tuple(
            Permission(
                # READ is the zero value, which answers leave out
                permission=item.get("permType", "READ"),
                key=decode(item.get("key")),
                range_end=decode(item.get("range_end")),
            )
            for item in answer.get("perm") or ()
        )

    def role_grant_prefix(self, role: str, prefix: str, *, permission: str) -> None:
        """Let a role use every key beginning with *prefix*.

        :param prefix: end it with a slash, or ``/c/1`` covers ``/c/10`` as well.
        :param permission: ``READ``, ``WRITE`` or ``READWRITE``.
        """
        grant = {"permType": permission}
        grant.update(range_of(prefix))
        self._call("/auth/role/grant", {"name": role, "perm": grant})

    def auth_enable(self) -> None:
        """Switch authentication on.

        :raises EtcdError: there is no user ``root`` with the role ``root`` yet.
        """
        self._call("/auth/enable", {})

    def auth_status(self) -> bool:
        """Tell whether authentication is on; etcd 3.5 or newer."""
        try:
            return bool(self._call("/auth/status", {}).get("enabled"))
        except EtcdError as ex:
            if ex.code in _DENIED_CODES:
                return True
            raise

    def _call(self, path: str, body: Json) -> Json:
        token = self._current_token()
        try:
            return self._transport.post(path, body, token=token)
        except EtcdUnavailableError:
            # Whoever answers next may not know it; an etcd that lost everything is silent until
            # it has come as far as the one the token is of.
            self._forget_token(token)
            raise
        except EtcdError as ex:
            if self._needs_login(ex):
                self._forget_token(token)
            elif _AUTH_CHANGED not in ex.message:
                raise
        return self._transport.post(path, body, token=self._current_token())

    def _needs_login(self, ex: EtcdError) -> bool:
        return self._user is not None and (
            ex.code == UNAUTHENTICATED or any(words in ex.message for words in _LOGIN_NEEDED)
        )

    def _forget_token(self, stale: str | None = None) -> None:
        """Drop the token, unless another thread has a newer one than *stale* already."""
        with self._login_lock:
            if stale is None or self._token == stale:
                self._token = None

    def _current_token(self) -> str | None:
        if self._user is None:
            return None
        with self._login_lock:
            if self._token is None:
                self._token = self._login()
            return self._token

    def _login(self) -> str | None:
        password = self._password
        if not callable(password):
            return self._authenticated(password or "")
        current = password(None)
        try:
            return self._authenticated(current)
        except EtcdError as ex:
            if _LOGIN_FAILED not in ex.message:
                raise
        return self._authenticated(password(current))

    def _authenticated(self, password: str) -> str | None:
        body = {"name": self._user, "password": password}
        try:
            return str(self._transport.post("/auth/authenticate", body, token=None)["token"])
        except EtcdError as ex:
            if _AUTH_OFF in ex.message:
                return None
            raise
