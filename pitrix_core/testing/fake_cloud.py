"""The cloud behind the fake provider: resources and faults as rows of SQLite, in memory or a file.

With a file, any number of processes see the same cloud, and it outlives them. Nothing here knows
the provider's contract; a cloud does not.
"""

import contextlib
import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Final

import attrs

from pitrix_core.model import JsonObject, Tags

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS thing (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, interface TEXT, request_key TEXT,
        installation_id TEXT, cluster_id TEXT, made_at REAL, facts TEXT)""",
    "CREATE INDEX IF NOT EXISTS thing_by_key ON thing (request_key)",
    "CREATE TABLE IF NOT EXISTS call (operation TEXT PRIMARY KEY, times INTEGER)",
)
_COLUMNS: Final = "id, interface, request_key, installation_id, cluster_id, made_at, facts"
#: Seconds to wait for another process that writes.
_BUSY_S: Final = 10.0


@attrs.frozen(kw_only=True)
class Thing:
    """One resource of the cloud."""

    id: str
    interface: str
    tags: Tags
    #: Seconds since the epoch.
    made_at: float
    facts: JsonObject


class FakeCloud:
    """One account of a cloud that is not there; safe for threads and, with a file, for processes,
    each of which has an object of its own.
    """

    def __init__(self, path: str = "") -> None:
        """Open the cloud.

        :param path: of the file; empty for one in memory, which ends with this object.
        """
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def rows(self) -> Iterator["Rows"]:
        """Open a transaction, alone in the cloud."""
        with self._lock:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Rows(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        """Return the one connection; opening a file takes longer than anything done in it."""
        if self._connection is None:
            self._connection = self._open(self._path or ":memory:")
            weakref.finalize(self, self._connection.close)
        return self._connection

    @staticmethod
    def _open(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # only a power failure would lose anything
        for statement in _TABLES:
            connection.execute(statement)
        return connection


class Rows:
    """What is in the cloud, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Work on an open transaction."""
        self._db = connection

    def add(
        self, interface: str, *, prefix: str, tags: Tags, made_at: float, facts: JsonObject
    ) -> Thing:
        """Make a resource; its facts get a ``number`` no other has."""
        values = (interface, tags.request_key, tags.installation_id, tags.cluster_id, made_at)
        cursor = self._db.execute(
            "INSERT INTO thing (interface, request_key, installation_id, cluster_id, made_at)"
            " VALUES (?, ?, ?, ?, ?)",
            values,
        )
        number = cursor.lastrowid
        thing_id = f"{prefix}-{number:06d}"
        self._db.execute(
            "UPDATE thing SET id = ?, facts = ? WHERE number = ?",
            (thing_id, json.dumps({**facts, "number": number}), number),
        )
        found = self.get(thing_id)
        if found is None:
            raise LookupError(thing_id)
        return found

    def get(self, thing_id: str) -> Thing | None:
        """Return a resource by its id."""
        return next(iter(self._select("WHERE id = ?", (thing_id,))), None)

    def by_key(self, interface: str, request_key: str) -> list[Thing]:
        """Return what was made under a key."""
        return self._select("WHERE interface = ? AND request_key = ?", (interface, request_key))

    def of(self, installation_id: str) -> list[Thing]:
        """Return what carries an installation's tag."""
        return self._select("WHERE installation_id = ?", (installation_id,))

    def all(self, interface: str) -> list[Thing]:
        """Return everything of an interface, whosesoever it is."""
        return self._select("WHERE interface = ?", (interface,))

    def set_facts(self, thing_id: str, **facts: Any) -> Thing:
        """Change some facts of a resource."""
        found = self.get(thing_id)
        if found is None:
            raise LookupError(thing_id)
        changed = {**found.facts, **facts}
        self._db.execute("UPDATE thing SET facts = ? WHERE id = ?", (json.dumps(changed), thing_id))
        return attrs.evolve(found, facts=changed)

    def remove(self, thing_id: str) -> None:
        """Remove a resource, or nothing."""
        self._db.execute("DELETE FROM thing WHERE id = ?", (thing_id,))

    def count_call(self, operation: str) -> int:
        """Count a call.

        :returns: how many there were before it.
        """
        self._db.execute(
            "INSERT INTO call VALUES (?, 1)"
            " ON CONFLICT (operation) DO UPDATE SET times = times + 1",
            (operation,),
        )
        return self.calls(operation) - 1

    def calls(self, operation: str) -> int:
        """Return how often an operation was called."""
        row = self._db.execute(
            "SELECT times FROM call WHERE operation = ?", (operation,)
        ).fetchone()
        return int(row[0]) if row else 0

    def _select(self, condition: str, values: tuple[str, ...]) -> list[Thing]:
        query = f"SELECT {_COLUMNS} FROM thing {condition} ORDER BY number"  # noqa: S608  # ours
        return [
            Thing(
                id=row[0],
                interface=row[1],
                tags=Tags(request_key=row[2], installation_id=row[3], cluster_id=row[4]),
                made_at=row[5],
                facts=json.loads(row[6]),
            )
            for row in self._db.execute(query, values)
        ]
