"""Stands in for the etcd that reports are followed in."""

import json
import threading
from collections.abc import Callable
from typing import Any

from pitrix_drone.etcd import EtcdUnavailableError, Event, KeyValue, Snapshot
from pitrix_drone.etcd_wire import decode


class StandIn:
    """Plays the part of etcd: tells of what was written, and knows the last of it."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._tell: Callable[[tuple[Event, ...]], None] | None = None
        self._held: dict[str, KeyValue] = {}
        self.is_away = False
        #: Keys that were deleted.
        self.removed: list[str] = []

    def txn(self, _conditions: Any, steps: Any) -> None:
        """Carry out deletions."""
        if self.is_away:
            raise EtcdUnavailableError(None, "etcd is away")
        deleted = [decode(step["request_delete_range"]["key"]) for step in steps]
        self.removed += deleted
        for key in deleted:
            self._held.pop(key, None)
            self._happened(Event("DELETE", KeyValue(key, "", 0, len(self._events) + 1)))

    def write(self, key: str, content: dict[str, Any]) -> None:
        """Write a report."""
        revision = len(self._events) + 1
        item = KeyValue(key, json.dumps(content), revision, revision)
        self._held[key] = item
        self._happened(Event("PUT", item))

    def get(self, key: str) -> KeyValue | None:
        """Return what stands there."""
        if self.is_away:
            raise EtcdUnavailableError(None, "etcd is away")
        return self._held.get(key)

    def watch(
        self,
        _prefix: str,
        *,
        on_snapshot: Callable[[Snapshot], None],
        on_events: Callable[[tuple[Event, ...]], None],
        stop: threading.Event,
    ) -> None:
        """Tell of everything, and return; what happens later is told in its writer's thread."""
        on_snapshot(Snapshot(revision=0, items=()))
        for event in self._events:
            on_events((event,))
        self._tell = on_events
        stop.set()

    def _happened(self, event: Event) -> None:
        self._events.append(event)
        if self._tell is not None:
            self._tell((event,))
