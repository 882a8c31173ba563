"""What Frontgates report of nodes that exchange their one-time token for a login of their own."""

import re
from typing import Final

from pitrix_core.planner.kinds import AGENT_WAIT
from pitrix_core.store import Transaction
from pitrix_core.store.agents import Message

#: There is no job yet that replaces one machine.
_NEXT_STEP: Final = "Delete the cluster, and deploy it again: its machines get new tokens."
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def take_enrolment(tx: Transaction, message: Message) -> None:
    """Take note of a node's login, or of why it does not get one.

    A refusal fails a node that is waited for. Of one that has its login it says only that somebody
    else has read its user-data: that is an event.
    """
    body, frontgate_id = message.body, message.frontgate_id
    node = tx.supervision.reported(str(body.get("node_id")), reported_by=frontgate_id)
    if node is None:
        return
    match body:
        case {"state": "enrolled", "credential_sha256": str(sha256)} if _SHA256.fullmatch(sha256):
            tx.clusters.set_node_credential(node.id, sha256, reported_by=frontgate_id)
        case {"state": "refused", "code": str(code), "message": str(why)}:
            data = {"node_id": node.id, "code": code, "message": why}
            tx.events.add("node.enrolment_refused", node.cluster_id, owner=node.owner, data=data)
            login = tx.clusters.node_logins(node.cluster_id).get(node.id)
            if login is not None and login.credential_sha256 is None:
                detail = f"{why}. {_NEXT_STEP}"
                report = {"state": "failed", "revision": 0, "detail": detail}
                tx.clusters.set_node_agent(node.id, report, reported_by=frontgate_id)
                tx.queue.wake_kind(AGENT_WAIT, node_id=node.id)
