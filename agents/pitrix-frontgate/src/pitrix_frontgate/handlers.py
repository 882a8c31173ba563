"""Carries out what the Pilot asks: metadata and commands into etcd.

Each handler may be cut off anywhere and asked again: it is safe to repeat, and what it did is
remembered under the frame's id, so that a frame that comes a second time is answered as the first
time and changes nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from pitrix_drone.etcd import (
    EtcdClient,
    EtcdError,
    KeyValue,
    if_missing,
    if_mod_revision,
    op_delete,
    op_delete_prefix,
    op_put,
)
from pitrix_frontgate import shapes, tree
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.etcd_server import MAX_TXN_OPS
from pitrix_frontgate.frames import Frame, reply_id
from pitrix_frontgate.ledger import Ledger
from pitrix_frontgate.rbac import AccessControl, NodeUser

#: Frames and commands that are recognised when they come again.
_REMEMBERED: Final = 10_000

#: gRPC's INVALID_ARGUMENT: etcd will never take this request (too many steps, too large).
_INVALID_ARGUMENT: Final = 3

#: Parts of a cluster's tree that a put leaves alone.
_OF_NODES: Final = ("commands", "reports")

_COMMAND_PARTS: Final = (
    "command_id",
    "cmd",
    "timeout_s",
    "idempotent",
    "supervision",
    "answer",
)


class _Answer(NamedTuple):
    type: str
    body: Mapping[str, Any]


class Keeper(Protocol):
    """What a doorkeeper is asked for here; see :class:`pitrix_frontgate.doors.Doorkeeper`."""

    def certify(self, body: Mapping[str, Any]) -> None:
        """Take a certificate."""

    def set_plain(self, *, is_needed: bool) -> None:
        """Open or close the door of version 1."""


class Entrance(Protocol):
    """What lets other machines in; see :class:`pitrix_frontgate.joining.Entrance`."""

    def expect(self, body: Mapping[str, Any]) -> None:
        """Take note of who may join."""

    def keep(self, body: Mapping[str, Any]) -> None:
        """Keep a certificate for another machine."""


class Handlers:
    """What the Frontgate does for the Pilot. One thread at a time.

    :param client: with root's rights.
    :param access: the nodes' users.
    :param keeper: opens etcd's doors.
    :param entrance: where the Frontgate is several machines.
    """

    def __init__(
        self,
        client: EtcdClient,
        access: AccessControl,
        keeper: Keeper,
        *,
        entrance: Entrance | None = None,
    ) -> None:
        self._client = client
        self._entrance = entrance
        self._access = access
        self._keeper = keeper
        self._seen = Ledger(client, tree.SEEN, limit=_REMEMBERED)
        self._finished = Ledger(client, tree.FINISHED, limit=_REMEMBERED)
        self._table: dict[str, Callable[[Mapping[str, Any]], _Answer | None]] = {
            "metadata.put": self._put,
            "metadata.delete": self._delete,
            "command.run": self._run,
            "tls.put": self._certify,
            "etcd.members": self._expect,
        }

    def handle(self, frame: Frame) -> Frame | None:
        """Carry a frame out, unless that was done before.

        :returns: the reply; None when the acknowledgement is all there is to say.
        :raises EtcdError: etcd could not be asked; the frame may come again.
        """
        before = self._seen.recall(frame.id)
        if before is not None:
            return _reply(frame, json.loads(before))
        try:
            answer = self._carry_out(frame)
        except FrameError as ex:
            answer = _Answer("failed", {"code": ex.code, "message": ex.message})
        self._seen.remember(frame.id, json.dumps(answer))
        return _reply(frame, answer)

    def finish(self, key: str, mod_revision: int) -> None:
        """Forget a command and its result: the Pilot has it.

        :param key: the result's key.
        :param mod_revision: of the result that the Pilot has; a newer one stays.
        """
        report = tree.report_of(key)
        if report is None or report.command_id is None:
            return
        cluster_id, node_id, command_id = report.cluster_id, report.node_id, report.command_id
        done = self._finished.key(tree.finished(cluster_id, node_id, command_id))
        self._client.txn(
            [if_mod_revision(key, mod_revision)],
            [
                op_delete(key),
                op_delete(tree.commands(cluster_id, node_id) + command_id),
                op_put(done, ""),
            ],
        )
        self._finished.grew()

    def _carry_out(self, frame: Frame) -> _Answer | None:
        action = self._table.get(frame.type)
        if action is None:
            raise FrameError(
                "unknown-type", f"{frame.type[:64]}: this Frontgate does not know it; update it"
            )
        try:
            return action(frame.body)
        except EtcdError as ex:
            if ex.code != _INVALID_ARGUMENT:
                raise
            raise FrameError("not-storable", f"{frame.type}: etcd refused: {ex.message}") from ex

    def _put(self, body: Mapping[str, Any]) -> _Answer:
        _check("metadata.put", body, shapes.METADATA_PUT)
        cluster_id, revision = body["cluster_id"], body["revision"]
        stored = self._client.get(tree.revision(cluster_id))
        stored_revision = 0 if stored is None else int(stored.value)
        if revision < stored_revision:
            return _stored(cluster_id, stored_revision)
        steps = self._steps(body)
        self._access.apply(cluster_id, [_node_user(user) for user in body["users"]])
        self._keeper.set_plain(is_needed=self._access.has_plain_users())
        if revision > stored_revision:
            mod_revision = 0 if stored is None else stored.mod_revision
            condition = if_mod_revision(tree.revision(cluster_id), mod_revision)
            if not self._client.txn([condition], steps)["succeeded"]:
                raise EtcdError(None, f"{cluster_id}: changed while it was being written")
        return _stored(cluster_id, revision)

    def _steps(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """List what writes the new metadata.

        :raises FrameError: it is more than one transaction holds; nothing was changed.
        """
        cluster_id = body["cluster_id"]
        present = self._client.get_prefix(tree.cluster(cluster_id)).items
        steps = _changes(cluster_id, present, _wanted_keys(body))
        nodes = {*body["nodes"], *(user["node_id"] for user in body["users"])}
        for node_id in sorted(self._known_nodes(cluster_id, present) - nodes):
            steps.append(op_delete_prefix(tree.commands(cluster_id, node_id)))
            steps.append(op_delete_prefix(tree.reports(cluster_id, node_id)))
        if len(steps) > MAX_TXN_OPS:
            raise FrameError(
                "too-large",
                f"metadata.put: {cluster_id}: {len(steps)} keys change at once, {MAX_TXN_OPS} may; "
                "send it in several revisions",
            )
        return steps

    def _known_nodes(self, cluster_id: str, present: Sequence[KeyValue]) -> set[str]:
        """Find the nodes that have, or may still get, commands and reports."""
        parts = (item.key.removeprefix(tree.cluster(cluster_id)).split("/") for item in present)
        written = {part[1] for part in parts if part[0] in _OF_NODES}
        users = self._access.nodes()
        return written | {name for name, cluster in users.items() if cluster == cluster_id}

    def _delete(self, body: Mapping[str, Any]) -> _Answer:
        _check("metadata.delete", body, shapes.METADATA_DELETE)
        cluster_id = body["cluster_id"]
        self._access.apply(cluster_id, [])
        self._keeper.set_plain(is_needed=self._access.has_plain_users())
        finished = self._finished.key(tree.finished(cluster_id))
        gone = [op_delete_prefix(tree.cluster(cluster_id)), op_delete_prefix(finished)]
        self._client.txn([], gone)
        return _stored(cluster_id, 0)

    def _certify(self, body: Mapping[str, Any]) -> None:
        _check("tls.put", body, shapes.TLS_PUT)
        if "member" not in body:
            self._keeper.certify(body)
            return
        _check("tls.put", body, shapes.OF_MEMBER)
        self._others().keep(body)

    def _expect(self, body: Mapping[str, Any]) -> None:
        _check("etcd.members", body, shapes.ETCD_MEMBERS)
        self._others().expect(body)

    def _others(self) -> Entrance:
        if self._entrance is None:
            raise FrameError("alone", "this Frontgate is one machine; give it a new one")
        return self._entrance

    def _run(self, body: Mapping[str, Any]) -> None:
        _check("command.run", body, shapes.COMMAND_RUN)
        names = body["cluster_id"], body["node_id"], body["command_id"]
        cluster_id, node_id, command_id = names
        if self._access.cluster_of(node_id) != cluster_id:
            raise FrameError(
                "unknown-node",
                f"command.run: {command_id}: cluster {cluster_id} has no node {node_id}; "
                "send metadata.put with it first",
            )
        key = tree.commands(cluster_id, node_id) + command_id
        done = self._finished.key(tree.finished(*names))
        unless = [if_missing(key), if_missing(tree.result(*names)), if_missing(done)]
        value = json.dumps({part: body[part] for part in _COMMAND_PARTS if part in body})
        self._client.txn(unless, [op_put(key, value)])


def _node_user(user: Mapping[str, Any]) -> NodeUser:
    """Read one of ``users``; what a later version adds is left out."""
    return NodeUser(**{name: user[name] for name in NodeUser._fields if name in user})


def _check(what: str, body: Mapping[str, Any], shape: Mapping[str, shapes.Check]) -> None:
    findings = shapes.open_findings(body, shape)
    if findings:
        raise FrameError("bad-frame", f"{what}: {'; '.join(findings)}; see {what}.schema.json")


def _wanted_keys(body: Mapping[str, Any]) -> dict[str, str]:
    cluster_id = body["cluster_id"]
    roles: dict[str, Mapping[str, str]] = {}
    for name, values in body["roles"].items():
        if roles.setdefault(name or tree.UNNAMED_ROLE, values) is not values:
            raise FrameError(
                "bad-frame", "metadata.put: /roles: the unnamed role stands twice, as _ and empty"
            )
    parts = [
        (tree.shared(cluster_id), body["shared"]),
        *((tree.role(cluster_id, name), values) for name, values in roles.items()),
        *((tree.node(cluster_id, name), values) for name, values in body["nodes"].items()),
    ]
    wanted = {prefix + path: value for prefix, values in parts for path, value in values.items()}
    return {**wanted, tree.revision(cluster_id): str(body["revision"])}


def _changes(
    cluster_id: str, present: Sequence[KeyValue], wanted: Mapping[str, str]
) -> list[dict[str, Any]]:
    """List what makes the metadata *wanted*; what is right already wakes no drone."""
    held = {item.key: item.value for item in present}
    puts = [op_put(key, value) for key, value in wanted.items() if held.get(key) != value]
    surplus = sorted(held.keys() - wanted.keys())
    of_nodes = tuple(f"{tree.cluster(cluster_id)}{part}/" for part in _OF_NODES)
    return [*puts, *(op_delete(key) for key in surplus if not key.startswith(of_nodes))]


def _stored(cluster_id: str, revision: int) -> _Answer:
    return _Answer("metadata.stored", {"cluster_id": cluster_id, "revision": revision})


def _reply(frame: Frame, answer: Sequence[Any] | None) -> Frame | None:
    if answer is None:
        return None
    kind, body = answer
    return Frame(reply_id(frame.id), kind, body, frame.id)
