"""Tells processes that wait for something in the database that it is there, at once.

PostgreSQL tells by itself: triggers notify whoever listens (migration ``pre_0002``), so that no
writer has to think of it. What is told may be heard late, twice, or not at all while a connection
is away: whoever listens goes on looking now and then. SQLite tells nobody.
"""

import contextlib
import enum
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa

log = logging.getLogger(__name__)

#: What the triggers notify on.
CHANNEL: Final = "pitrix"

#: Seconds between looks whether the listener is to end.
_LOOK_S: Final = 0.25
#: Pauses between attempts to listen, in seconds.
_SHORTEST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
#: Seconds a listener that is to end is waited for.
_JOIN_S: Final = 2.0


class Topic(enum.StrEnum):
    """What can be told."""

    #: A task's time has come.
    TASKS = "tasks"
    #: There is a message to a Frontgate.
    OUTBOX = "outbox"
    EVENTS = "events"


Wake = Callable[[], object]


class Listener:
    """Listens in a thread, over a connection of its own that takes no place in the pool."""

    def __init__(self, engine: sa.Engine, wake: Mapping[Topic, Wake]) -> None:
        """Listen to nothing yet.

        :param wake: what to call when something is told; called in the listener's thread, and for
            each topic whenever it begins to listen, since it may have missed something.
        """
        self._engine = engine
        self._wake = wake
        self._stopping = threading.Event()
        self._is_hearing = False

    @property
    def is_hearing(self) -> bool:
        """Says whether what is written now is told."""
        return self._is_hearing

    @contextlib.contextmanager
    def running(self) -> Iterator["Listener"]:
        """Listen inside the block, if the database tells anything."""
        if self._engine.dialect.name == "sqlite":
            yield self
            return
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            thread.join(timeout=_JOIN_S)

    def _run(self) -> None:
        pause_s = _SHORTEST_PAUSE_S
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as ex:  # noqa: BLE001  # whatever it is: without it all goes on, slower
                was_hearing, self._is_hearing = self._is_hearing, False
                log.warning("Not told by the database for now: %s", ex, extra=_action("lost"))
                pause_s = _SHORTEST_PAUSE_S if was_hearing else min(_LONGEST_PAUSE_S, pause_s * 2)
                self._stopping.wait(pause_s)
        self._is_hearing = False

    def _listen(self) -> None:
        with self._connected() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._is_hearing = True
            for wake in self._wake.values():
                wake()
            while not self._stopping.is_set():
                for told in connection.notifies(timeout=_LOOK_S):
                    self._hear(told.payload)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        """Give a connection of the driver's: nothing else hands over what was told."""
        pooled = self._engine.raw_connection()
        driver: Any = pooled.dbapi_connection
        pooled.detach()
        try:
            driver.rollback()
            driver.autocommit = True
            yield driver
        finally:
            driver.close()
            pooled.invalidate()  # closing it would try to end a transaction first

    def _hear(self, payload: str) -> None:
        for topic, wake in self._wake.items():
            if topic == payload:
                wake()


def _action(name: str) -> dict[str, str]:
    return {"action": f"wakeups.{name}"}
