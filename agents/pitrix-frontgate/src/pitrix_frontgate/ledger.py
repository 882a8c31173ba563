"""A memory in etcd of what was done: by name, bounded, the oldest forgotten first."""

from typing import Final

from pitrix_drone.etcd import EtcdClient, op_delete

#: Steps of one request; well below the server's limit of 10,000.
_BATCH: Final = 1000


class Ledger:
    """Names with a value each. One thread at a time.

    Costs one request to ask, and one read of the whole ledger each time that it has grown by a
    tenth of its limit.

    :param prefix: where in etcd; nothing else may write there.
    :param limit: keeps at least this many, and at most a tenth more.
    """

    def __init__(self, client: EtcdClient, prefix: str, *, limit: int) -> None:
        self._client = client
        self._prefix = prefix
        self._limit = limit
        self._since_pruned = limit

    def key(self, name: str) -> str:
        """Return the key of a name, for writing it in a transaction of the caller's."""
        return self._prefix + name

    def recall(self, name: str) -> str | None:
        """Return what was remembered under a name, or None."""
        found = self._client.get(self.key(name))
        return None if found is None else found.value

    def remember(self, name: str, value: str) -> None:
        """Write a name down."""
        self._client.put(self.key(name), value)
        self.grew()

    def grew(self) -> None:
        """Take note that one name was written; forgets old ones when it is time."""
        self._since_pruned += 1
        if self._since_pruned > self._limit // 10:
            self._prune()
            self._since_pruned = 0

    def _prune(self) -> None:
        items = self._client.get_prefix(self._prefix).items
        surplus = sorted(items, key=lambda item: item.mod_revision)[: -self._limit]
        for start in range(0, len(surplus), _BATCH):
            steps = [op_delete(item.key) for item in surplus[start : start + _BATCH]]
            self._client.txn([], steps)
