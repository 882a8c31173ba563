"""What Frontgates report of their nodes' health and measurements.

Such reports come again and again, and the last one wins: unlike other frames they are not kept in
the inbox. A Frontgate has checked their shapes; what a strange one sends is dropped, for otherwise
it would be sent again for ever.
"""

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import Final

from pitrix_core.model import HealthState, JsonObject, JsonValue, NodeHealth, Sample
from pitrix_core.store import Transaction
from pitrix_core.store.supervision import ReportedNode

log = logging.getLogger(__name__)

#: A measurement may be so old, or come from a clock that is so far ahead; any other is of now.
_OLDEST: Final = dt.timedelta(days=1)
_AHEAD: Final = dt.timedelta(minutes=5)


def _take_health(tx: Transaction, frontgate_id: str, body: JsonObject) -> None:
    """Write down how a node is; a change of its state, and an action, are events."""
    node = tx.supervision.reported(str(body.get("node_id")), reported_by=frontgate_id)
    if node is None:
        return
    before = node.health
    health = _health(body, before, now=tx.now)
    if before is not None and before.said_at == health.said_at:
        return  # a Frontgate that was started again sends what still stands in its etcd
    tx.supervision.set_health(node.id, health)
    known = HealthState.UNKNOWN if before is None else before.state
    if health.state is not known:
        data = {**_named(node), "detail": health.detail, "since": health.since}
        tx.events.add(f"node.{health.state}", node.cluster_id, owner=node.owner, data=data)
    if health.action is not None and health.action != (before and before.action):
        data = {**_named(node), **health.action}
        tx.events.add("node.acted", node.cluster_id, owner=node.owner, data=data)


def _take_measures(tx: Transaction, frontgate_id: str, body: JsonObject) -> None:
    """Keep what was measured on a node."""
    node = tx.supervision.reported(str(body.get("node_id")), reported_by=frontgate_id)
    if node is None:
        return
    at = _time(body["at"])
    if not tx.now - _OLDEST <= at <= tx.now + _AHEAD:
        at = tx.now
    values, detail = body["values"], body["detail"]
    sample = Sample(node_id=node.id, at=at, values=dict(values), detail=str(detail))
    tx.supervision.add_sample(sample, cluster_id=node.cluster_id)


#: Type of frame → what it means.
REPORTS: Final[Mapping[str, Callable[[Transaction, str, JsonObject], None]]] = {
    "node.health": _take_health,
    "node.measures": _take_measures,
}


def take_report(tx: Transaction, frontgate_id: str, *, kind: str, body: JsonObject) -> None:
    """Let a report take effect; one that is malformed is logged and dropped."""
    try:
        REPORTS[kind](tx, frontgate_id, body)
    except (KeyError, OverflowError, TypeError, ValueError) as ex:
        extra = {"action": "pilot.report", "frontgate_id": frontgate_id}
        log.warning("A %s is malformed: %s: %s", kind, type(ex).__name__, ex, extra=extra)


def _health(body: JsonObject, before: NodeHealth | None, *, now: dt.datetime) -> NodeHealth:
    """Read a report; a drone that was started anew does not know since when it has been so."""
    state = HealthState(body["state"])
    since, action = _time(body["since"]), body["action"]
    return NodeHealth(
        state=state,
        since=before.since if before is not None and before.state is state else since,
        detail=str(body["detail"]),
        action=None if action is None else dict(action),
        reported_at=now,
        said_at=_time(body["at"]),
    )


def _named(node: ReportedNode) -> dict[str, object]:
    return {"node_id": node.id, "role": node.role, "sid": node.sid}


def _time(text: JsonValue) -> dt.datetime:
    time = dt.datetime.fromisoformat(str(text))
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time
