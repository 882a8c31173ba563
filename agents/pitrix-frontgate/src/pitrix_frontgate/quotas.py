"""Bounds what a node can have stand in etcd below its reports, where it may write what it likes.

A node that is in strange hands must not fill the store that others share: what is over is named
here, and removed by the caller.
"""

import logging
from typing import Final

from pitrix_drone.etcd import KeyValue
from pitrix_frontgate import tree

log = logging.getLogger(__name__)

#: Of one report: a table's 64 KiB of output, each byte of it at most six characters of JSON.
MOST_CHARS: Final = 512 * 1024
#: Of one node: more commands than wait for it at a time, and their results at full length.
_MOST_OF_NODE: Final = 8 * 1024 * 1024
_MOST_REPORTS: Final = 10_000


class _Held:
    """What one node has standing: keys with their sizes."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.total = 0

    def put(self, key: str, size: int) -> None:
        self.total += size - self.sizes.get(key, 0)
        self.sizes[key] = size

    def drop(self, key: str) -> None:
        self.total -= self.sizes.pop(key, 0)


class Quotas:
    """Knows how much each node has standing. One thread at a time."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        #: Nodes of which it was said that they write too much.
        self._told: set[str] = set()
        #: How many reports were over, since the Frontgate was started.
        self.dropped = 0

    def begin(self) -> None:
        """Forget everything: all that stands is named anew."""
        self._held.clear()

    def has_room(self, item: KeyValue) -> bool:
        """Tell whether what a node wrote may stand; what is not below its reports always may."""
        prefix = tree.reports_prefix(item.key)
        if prefix is None:
            return True
        held = self._held.setdefault(prefix, _Held())
        held.drop(item.key)
        size = len(item.key) + len(item.value)
        is_report = tree.report_of(item.key) is not None and len(item.value) <= MOST_CHARS
        if is_report and len(held.sizes) < _MOST_REPORTS and held.total + size <= _MOST_OF_NODE:
            held.put(item.key, size)
            return True
        self.dropped += 1
        if prefix not in self._told:
            log.warning("%.300s: a node may not have this, or so much, stand here", item.key)
        self._told.add(prefix)
        return False

    def forget(self, key: str) -> None:
        """Take note that nothing stands there any more."""
        prefix = tree.reports_prefix(key)
        held = self._held.get(prefix or "", _Held())
        held.drop(key)
        if not held.sizes:
            self._held.pop(prefix or "", None)
            self._told.discard(prefix or "")
