"""A watch that writes down all it is told, and what the store must be if that was the truth."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pitrix_drone.etcd import EtcdClient, Event, Snapshot

_JOIN_S: Final = 20.0


class Diary:
    """What one watch was told, in order."""

    def __init__(self) -> None:
        self.snapshots = 0
        #: Revisions of single changes, in the order of their coming.
        self.revisions: list[int] = []
        #: What is in the store, by all that was told.
        self.belief: dict[str, str] = {}
        self._lock = threading.Lock()

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Begin anew with what a prefix holds."""
        with self._lock:
            self.snapshots += 1
            self.belief = {item.key: item.value for item in snapshot.items}

    def take_events(self, events: tuple[Event, ...]) -> None:
        """Take changes in."""
        with self._lock:
            for event in events:
                self.revisions.append(event.kv.mod_revision)
                if event.type == "DELETE":
                    self.belief.pop(event.kv.key, None)
                else:
                    self.belief[event.kv.key] = event.kv.value

    def believes(self, content: dict[str, str]) -> bool:
        """Tell whether the watch makes the store out to be this."""
        with self._lock:
            return self.belief == content


@contextmanager
def watching(client: EtcdClient, prefix: str) -> Iterator[Diary]:
    """Watch a prefix inside the block, in a thread of its own."""
    diary, stop = Diary(), threading.Event()
    broken: list[BaseException] = []

    def watch() -> None:
        try:
            client.watch(
                prefix, on_snapshot=diary.take_snapshot, on_events=diary.take_events, stop=stop
            )
        except BaseException as ex:
            broken.append(ex)
            raise

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield diary
    finally:
        stop.set()
        thread.join(_JOIN_S)
    assert not broken
    assert not thread.is_alive()


def content(client: EtcdClient, prefix: str) -> dict[str, str]:
    """Read what a prefix really holds."""
    return {item.key: item.value for item in client.get_prefix(prefix).items}
