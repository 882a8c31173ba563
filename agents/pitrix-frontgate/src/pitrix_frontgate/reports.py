"""Watches what the drones write and offers it to the Pilot.

etcd is the memory: after a restart every report that still stands there is offered again under
the same id, and the Pilot recognises it. Where it is enough that the last one arrives, those that
come too often are left in etcd for a while: each is work for the Pilot's database. What is more
than a node may have is removed.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from pitrix_drone.etcd import EtcdClient, EtcdError, Event, KeyValue, Snapshot, op_delete
from pitrix_frontgate import shapes, tree
from pitrix_frontgate.config import SECURED
from pitrix_frontgate.frames import Frame, report_id
from pitrix_frontgate.outbox import Entry, Outbox
from pitrix_frontgate.pacing import Pacing
from pitrix_frontgate.quotas import Quotas
from pitrix_frontgate.tree import ReportKey

log = logging.getLogger(__name__)

#: Reports read anew in one go; each is a request to etcd.
_AT_ONCE: Final = 500

#: What stands in etcd, by the type of the frame it goes in.
_SHAPES: Final[Mapping[str, Mapping[str, shapes.Check]]] = {
    "node.status": shapes.NODE_STATUS,
    "node.health": shapes.NODE_HEALTH,
    "node.measures": shapes.NODE_MEASURES,
    "node.enrolment": shapes.NODE_ENROLMENT,
    "command.result": shapes.COMMAND_RESULT,
}


#: Of these only the last one counts, whenever it comes.
_PACED: Final = frozenset({"node.status", "node.enrolment", "node.health", "node.measures"})
#: Statuses are waited for: this is more than a job makes of one node, however fast.
_STATUSES: Final = 30
_STATUS_EVERY_S: Final = 2.0
#: A Pilot of version 1 does not know these.
_OF_SECURED: Final = _PACED - {"node.status"}


class Reports:
    """Turns reports in etcd into frames.

    :param client: with root's rights.
    :param store_id: of this etcd.
    :param protocol: the version that is spoken with the Pilot.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        client: EtcdClient,
        outbox: Outbox,
        *,
        store_id: str,
        protocol: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._store_id = store_id
        self._protocol = protocol
        self._pacing = Pacing(clock=clock)
        self._status_pacing = Pacing(burst=_STATUSES, every_s=_STATUS_EVERY_S, clock=clock)
        self._held_back: set[str] = set()
        self._pacing_lock = threading.Lock()
        self._quotas = Quotas()
        self._surplus: deque[str] = deque()

    @property
    def dropped(self) -> int:
        """How many reports were more than their nodes may have."""
        return self._quotas.dropped

    def run(self, stop: threading.Event) -> None:
        """Follow the reports until *stop* is set."""
        self._client.watch(
            tree.CLUSTERS, on_snapshot=self._on_snapshot, on_events=self._on_events, stop=stop
        )

    def catch_up(self) -> None:
        """Offer what the outbox had no room for, once it has, and what was held back for long
        enough; in the thread of the caller.

        What etcd cannot be asked for now is offered later. What nodes wrote beyond their quotas is
        removed.
        """
        self._remove_surplus()
        slots = [*self._outbox.wanted(_AT_ONCE), *self._let_go()]
        for number, slot in enumerate(slots):
            try:
                item = self._client.get(slot)
            except EtcdError as ex:
                log.info("%s cannot be read now: %s", slot, ex)
                self._outbox.leave_out(slots[number:])
                return
            if item is not None:
                self._offer(item)

    def _remove_surplus(self) -> None:
        while self._surplus:
            keys = [self._surplus.popleft() for _ in range(min(len(self._surplus), _AT_ONCE))]
            try:
                self._client.txn([], [op_delete(key) for key in dict.fromkeys(keys)])
            except EtcdError as ex:
                log.info("what nodes wrote too much of cannot be removed now: %s", ex)
                self._surplus.extend(keys)
                return

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._outbox.keep_only({item.key for item in snapshot.items}, of=_is_report)
        self._quotas.begin()
        for item in sorted(snapshot.items, key=lambda item: item.mod_revision):
            if self._may_stand(item):
                self._offer(item)

    def _on_events(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if event.type == "DELETE":
                self._outbox.drop(event.kv.key)
                self._forget(event.kv.key)
            elif self._may_stand(event.kv) and not self._is_held_back(event.kv.key):
                self._offer(event.kv)

    def _may_stand(self, item: KeyValue) -> bool:
        if self._quotas.has_room(item):
            return True
        self._outbox.drop(item.key)
        self._surplus.append(item.key)
        return False

    def _is_held_back(self, key: str) -> bool:
        report = tree.report_of(key)
        if report is None or report.type not in _PACED:
            return False
        with self._pacing_lock:
            if key not in self._held_back and self._pacing_of(key).may_go(key):
                return False
            self._held_back.add(key)
            return True

    def _let_go(self) -> list[str]:
        with self._pacing_lock:
            slots = [key for key in self._held_back if self._pacing_of(key).may_go(key)]
            self._held_back.difference_update(slots)
            return slots

    def _forget(self, key: str) -> None:
        with self._pacing_lock:
            self._held_back.discard(key)
            self._pacing_of(key).forget(key)
        self._quotas.forget(key)

    def _pacing_of(self, key: str) -> Pacing:
        return self._status_pacing if key.endswith("/status") else self._pacing

    def _offer(self, item: KeyValue) -> None:
        report = tree.report_of(item.key)
        if report is None or (self._protocol < SECURED and report.type in _OF_SECURED):
            return
        content = _content(item.value, report)
        if content is None:
            log.warning("%s: not a report as the protocol has it; it is left out", item.key)
            return
        frame = Frame(
            report_id(item.key, item.mod_revision, self._store_id),
            report.type,
            {**content, "cluster_id": report.cluster_id, "node_id": report.node_id},
        )
        self._outbox.offer(Entry(item.key, frame, item.mod_revision, len(item.value)))


def _is_report(slot: str) -> bool:
    return tree.report_of(slot) is not None


def _content(value: str, report: ReportKey) -> dict[str, Any] | None:
    """Read a report; None when it is malformed: a node may write anything there."""
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        return None
    shape = _SHAPES[report.type]
    if not isinstance(data, dict) or shapes.open_findings(data, shape):
        return None
    if report.command_id is not None and data["command_id"] != report.command_id:
        return None
    return {name: data[name] for name in shape}
