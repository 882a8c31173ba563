"""Task kinds that talk to a cluster's agents: metadata, commands, waiting for a node.

A cluster that is to go does not wait for agents that are gone: its metadata stay with them, and a
command that may fail is passed over.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.errors import PitrixError, TaskFailedError
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import (
    ClusterSnapshot,
    Instance,
    InstanceState,
    JsonValue,
    Node,
    Operation,
    OperationState,
    SecretRef,
)
from pitrix_core.model.frontgate import SECURED
from pitrix_core.pilot.answers import CoreTasks, absence_of, done, failed, pending
from pitrix_core.pilot.metadata import MetadataMaker
from pitrix_core.pilot.tokens import ENROLMENT_LASTS
from pitrix_core.store import Store, Transaction
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.store.clusters import NodeLogin

log = logging.getLogger(__name__)

#: Stands for the unnamed role in metadata; agents/protocol/README.md section 2.
_UNNAMED_ROLE: Final = "_"
#: Seconds a node has to mend itself that says it cannot be configured: what its templates need may
#: come with other metadata.
_MENDED_S: Final = 30.0
#: Seconds after which a machine that says nothing is looked for in its cloud.
_QUIET_S: Final = 20.0
#: Characters of a failed command's output that its error quotes.
_QUOTED_OUTPUT: Final = 600
#: Seconds for which a Frontgate that is not connected is waited for where not having it does no
#: harm: enough for it, or for the Pilot, to be started again.
_PATIENCE_S: Final = 30.0
#: Where a node reads of its Frontgate; agents/protocol/README.md section 2.2.
_GATES: Final = "agent/frontgate"
#: Seconds that a command's report may take once the command's own time is up.
_REPORT_S: Final = 60.0


@attrs.frozen(kw_only=True)
class MetadataPut(CoreTasks):
    """``metadata.put``: makes a cluster's metadata from what is known now, and hands it over.

    Where it may fail (a Frontgate is given again what it had), what went wrong is only noted.
    """

    store: Store
    loader: PackageLoader

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Put the message into the outbox; one key, one message.

        :raises PitrixError: metadata that may not fail cannot be made.
        """
        try:
            self._send_made(call.input["cluster_id"], request_key)
        except PitrixError as ex:
            if not call.input.get("may_fail", False):
                raise
            return _passed_over(call, failed(call, str(ex)))
        return pending(call)

    def _send_made(self, cluster_id: str, request_key: str) -> None:
        maker = MetadataMaker(store=self.store, loader=self.loader)
        deployed = maker.deployed(cluster_id)
        metadata = maker.make(deployed)
        with self.store.begin() as tx:
            if tx.agents.sent(request_key) is None:
                users = _users(tx, deployed.snapshot, _frontgate(tx, cluster_id))
                body = {
                    "cluster_id": cluster_id,
                    "revision": tx.clusters.next_metadata_revision(cluster_id),
                    "shared": metadata.shared,
                    "roles": metadata.roles,
                    "nodes": _with_gates(metadata.nodes, users, _frontgate(tx, cluster_id)),
                    "users": users,
                }
                _send(tx, cluster_id, request_key, "metadata.put", body)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look for the answer."""
        outcome = _stored_answer(self.store, call)
        if outcome.state is OperationState.FAILED and call.input.get("may_fail", False):
            return _passed_over(call, outcome)
        return outcome


@attrs.frozen(kw_only=True)
class MetadataDelete(CoreTasks):
    """``metadata.delete``: takes a cluster's metadata and users away."""

    store: Store

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Put the message into the outbox; nothing to do where no Frontgate serves the cluster."""
        cluster_id = call.input["cluster_id"]
        with self.store.begin() as tx:
            if tx.agents.frontgate_serving(cluster_id) is None:
                return done(call, {})
            body = {"cluster_id": cluster_id}
            _send(tx, cluster_id, request_key, "metadata.delete", body)
        return pending(call)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look for the answer; a Frontgate that stays away gets the message when it is back."""
        outcome = _stored_answer(self.store, call)
        if outcome.state is not OperationState.PENDING or not _look(self.store, call).is_in_vain:
            return outcome
        return _passed_over(call, outcome)


@attrs.frozen(kw_only=True)
class AgentWait(CoreTasks):
    """``agent.wait``: waits until a node is configured from the cluster's newest metadata."""

    store: Store
    #: Runtime's id and the cloud's id of a machine → the machine as the cloud sees it now.
    machine: Callable[[str, str], Instance]

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Look at once: the node may have been faster."""
        return self._look(call)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look again."""
        return self._look(call)

    def _look(self, call: TaskCall) -> Operation:
        with self.store.read() as tx:
            snapshot = tx.clusters.snapshot(call.input["cluster_id"])
            waited_s = (tx.now - (call.task.started_at or tx.now)).total_seconds()
        node = _node_of(call, snapshot)
        revision = node.agent.get("revision")
        state = node.agent.get("state", "not heard of")
        is_current = isinstance(revision, int) and revision >= snapshot.metadata_revision
        if state == "configured" and is_current:
            return done(call, {"revision": revision})
        detail = node.agent.get("detail") or f"its agent is {state}"
        if state == "failed" and waited_s > _MENDED_S:
            return failed(call, f"node {node.id} cannot be configured: {detail}", code="agent")
        if waited_s > _QUIET_S:
            self._require_machine(call, node)
        return pending(call, note=f"node {node.id}: {detail}")

    def _require_machine(self, call: TaskCall, node: Node) -> None:
        """Make sure that there is a machine to wait for: one request of the cloud.

        :raises TaskFailedError: it does not run any more.
        :raises ProviderError: as the cloud says; a temporary one is asked again.
        """
        machine_id = node.facts.get("id")
        if not isinstance(machine_id, str):
            return
        machine = self.machine(call.task.runtime_id, machine_id)
        if machine.state not in (InstanceState.RUNNING, InstanceState.PENDING):
            raise TaskFailedError(
                f"agent.wait: machine {machine_id} of node {node.id} is {machine.state}",
                next_step="Delete the cluster, and deploy it again.",
            )


def _node_of(call: TaskCall, snapshot: ClusterSnapshot) -> Node:
    node_id = call.input["node_id"]
    for node in snapshot.nodes:
        if node.id == node_id:
            return node
    raise TaskFailedError(f"agent.wait: the cluster has no node {node_id}")


@attrs.frozen(kw_only=True)
class ServiceRun(CoreTasks):
    """``service.run``: has a node's agent run a command, once."""

    store: Store

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Put the message into the outbox; the request key is the command's id."""
        body = {
            "command_id": request_key,
            "cluster_id": call.input["cluster_id"],
            "node_id": call.input["node_id"],
            "cmd": call.input["cmd"],
            "timeout_s": call.input["timeout_s"],
            "idempotent": call.input.get("idempotent", False),
        }
        with self.store.begin() as tx:
            # a Frontgate of an older version refuses what it does not know
            is_told = _frontgate(tx, call.input["cluster_id"]).protocol >= SECURED
            if is_told and "supervision" in call.input:
                body["supervision"] = call.input["supervision"]
            _send(tx, call.input["cluster_id"], request_key, "command.run", body)
        return pending(call)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look for the result; what went wrong with a command that may fail is only noted."""
        outcome, look = self._outcome(call), _look(self.store, call)
        if not call.input.get("may_fail", False):
            return outcome
        is_late = look.waited_s > call.input["timeout_s"] + _REPORT_S
        is_given_up = outcome.state is OperationState.PENDING and (is_late or look.is_in_vain)
        if outcome.state is OperationState.FAILED or is_given_up:
            return _passed_over(call, outcome)
        return outcome

    def _outcome(self, call: TaskCall) -> Operation:
        with self.store.read() as tx:
            answer = tx.agents.answer_to(call.task.request_key or "")
        if answer is None:
            look = _look(self.store, call)
            return pending(call, note=f"the command's result has not come back{look.absence}")
        if answer.type == "failed":
            return failed(call, f"The Frontgate refused the command: {answer.body.get('message')}")
        return _command_outcome(call, answer)


@attrs.frozen(kw_only=True)
class _Look:
    """How it stands with the Frontgate that a task waits for."""

    waited_s: float
    #: Why it does not answer, to be put behind a message; empty when it is connected.
    absence: str

    @property
    def is_in_vain(self) -> bool:
        """Says whether it has been away for longer than it takes to come back."""
        return bool(self.absence) and self.waited_s > _PATIENCE_S


def _look(store: Store, call: TaskCall) -> _Look:
    with store.read() as tx:
        frontgate = tx.agents.frontgate_serving(call.input["cluster_id"])
        started_at = call.task.started_at or tx.now
        waited_s = (tx.now - started_at).total_seconds()
    return _Look(waited_s=waited_s, absence="" if frontgate is None else absence_of(frontgate))


def _passed_over(call: TaskCall, outcome: Operation) -> Operation:
    extra = {"action": "task.passed_over", "task_id": call.task.id, "job_id": call.task.job_id}
    log.warning("Passed over: %s", outcome.error, extra=extra)
    return done(call, {"passed_over": outcome.error})


def _command_outcome(call: TaskCall, answer: Message) -> Operation:
    result = answer.body
    where = f"service {call.input['service']} on node {call.input['node_id']}"
    tail = str(result.get("output", "")).strip()[-_QUOTED_OUTPUT:]
    match result.get("state"):
        case "done" if result.get("exit_code") == 0:
            return done(call, {"exit_code": 0, "output": result.get("output", "")})
        case "done":
            error = f"{where} ended with exit code {result.get('exit_code')}: {tail}"
            return failed(call, error, code="service_failed")
        case "timed_out":
            error = f"{where} was not done within {call.input['timeout_s']} s: {tail}"
            return failed(call, error, code="service_timeout")
        case "unknown":
            error = (
                f"{where} was interrupted with its machine or agent; whether it did its work is "
                "not known. Look at the machine, then retry the job to run it again."
            )
            return failed(call, error, code="service_unknown")
        case other:
            return failed(call, f"{where}: {other}: {tail}", code="service_failed")


def _stored_answer(store: Store, call: TaskCall) -> Operation:
    with store.read() as tx:
        answer = tx.agents.answer_to(call.task.request_key or "")
    if answer is None:
        absence = _look(store, call).absence
        return pending(call, note=f"the Frontgate has not stored the metadata{absence}")
    if answer.type == "failed":
        message = answer.body.get("message")
        return failed(call, f"The Frontgate could not store the metadata: {message}")
    return done(call, {"revision": answer.body.get("revision", 0)})


def _send(
    tx: Transaction, cluster_id: str, message_id: str, kind: str, body: dict[str, object]
) -> None:
    frontgate = _frontgate(tx, cluster_id)
    tx.agents.send(Message(id=message_id, frontgate_id=frontgate.id, type=kind, body=body))


def _frontgate(tx: Transaction, cluster_id: str) -> Frontgate:
    frontgate = tx.agents.frontgate_serving(cluster_id)
    if frontgate is None:
        raise TaskFailedError("No Frontgate serves the cluster; it was removed behind its back.")
    return frontgate


def _users(
    tx: Transaction, snapshot: ClusterSnapshot, frontgate: Frontgate
) -> list[dict[str, object]]:
    logins = tx.clusters.node_logins(snapshot.cluster.id)
    return [
        {
            "node_id": node.id,
            "role": node.role or _UNNAMED_ROLE,
            **_way_in(tx, logins[node.id], frontgate),
        }
        for node in snapshot.nodes
        if node.id in logins
    ]


def _with_gates(
    nodes: Mapping[str, Mapping[str, JsonValue]],
    users: list[dict[str, object]],
    frontgate: Frontgate,
) -> dict[str, dict[str, JsonValue]]:
    """Add where the Frontgate is now: machines were told when they were made."""
    told = {name: dict(own) for name, own in nodes.items()}
    if frontgate.protocol >= SECURED and frontgate.endpoints:
        where = json.dumps({"endpoints": list(frontgate.endpoints)})
        for user in users:
            told.setdefault(str(user["node_id"]), {})[_GATES] = where
    return told


def _way_in(tx: Transaction, login: NodeLogin, frontgate: Frontgate) -> dict[str, object]:
    """Say how a node gets in: as its machine was told when it was made."""
    if min(frontgate.protocol, login.protocol) < SECURED:
        return {"password": SecretRef(login.secret_id).to_json()}
    token = tx.secrets.get(login.secret_id)
    expires_at = tx.now + ENROLMENT_LASTS
    known = login.credential_sha256
    return {
        "enrolment_sha256": hashlib.sha256(token.encode()).hexdigest(),
        "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **({"credential_sha256": known} if known else {}),
    }
