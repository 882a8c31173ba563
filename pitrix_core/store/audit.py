"""The audit: who changed what, in a chain that only grows."""

import datetime as dt
import hashlib
import math
from collections.abc import Mapping
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.audit import BEGINNING, Anchor, AuditEntry
from pitrix_core.store import tables
from pitrix_core.store.access import allowed
from pitrix_core.store.engine import Turn, take_turn
from pitrix_core.store.records import record

#: What stands in the place of a secret.
SECRET: Final = "(secret)"  # noqa: S105  # none
#: Characters of a member's JSON, and of all of them, beyond which a digest is kept.
_LONGEST_MEMBER: Final = 4_000
_LONGEST: Final = 40_000
#: Characters of names that come from requests; the columns' widths.
_SUBJECT: Final = 255
_ADDRESS: Final = 64


@attrs.frozen(kw_only=True)
class AuditFilter:
    """Which entries are wanted; of what is None, all."""

    user: str | None = None
    action: str | None = None
    subject: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Deed:
    """What somebody has asked for, for whose sake transactions change something."""

    actor: Actor
    #: The operation of the API, by its id: ``addRuntime``, ``cancelJob``, ….
    action: str
    #: Id of what it is done to, as far as the request says; empty for something new.
    subject: str = ""
    #: What was asked for: a record, or a mapping.
    wanted: object = None


class AuditRepository:
    """Adds entries to the chain, and reads them back."""

    def __init__(
        self, connection: sa.Connection, *, now: dt.datetime, deed: Deed | None = None
    ) -> None:
        """Work inside the transaction of ``connection``.

        :param deed: what it is for; None for what pitrix does by itself, of which events tell.
        """
        self._connection = connection
        self._at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._deed = deed
        self._added: list[AuditEntry] = []

    @property
    def has_entries(self) -> bool:
        """Says whether something was added that is not stored yet."""
        return bool(self._added)

    def add(
        self, subject: str, *, before: object = None, after: object = None, user: str | None = None
    ) -> None:
        """Write down that somebody changes something, in the transaction that changes it.

        Of two records or mappings the members that differ are kept. Secrets are left out: members
        that a record does not show (``repr=False``), and what is named by ``{"$secret": id}``.
        Nothing is written where nobody asked for anything.

        :param subject: id of what is changed.
        :param before: what it was, a record or a mapping; None where it was not there.
        :param after: what it is from now on; None where it goes.
        :param user: who it is, where that is only known now.
        """
        if self._deed is None:
            return
        old, new = _changed(_opened(before or {}), _opened(after or {}))
        actor = self._deed.actor
        entry = AuditEntry(
            id=0,  # known when it is stored
            at=self._at,
            user=actor.owner if user is None else user,
            token_id=actor.origin.token_id,
            address=actor.origin.address[:_ADDRESS],
            request_id=actor.origin.request_id,
            action=self._deed.action,
            subject=subject[:_SUBJECT],
            before=_closed(old),
            after=_closed(new),
        )
        self._added.append(entry)

    def add_wanted(self) -> None:
        """Write down what was asked for: all that is known where nobody has said what changed.

        Not for strangers, who could make the chain grow by asking.
        """
        if self._deed is not None and self._deed.actor.owner:
            self.add(self._deed.subject, after=self._deed.wanted)

    def flush(self) -> None:
        """Tie what was added to the chain.

        The store does it right before it commits, and one transaction at a time: each entry names
        the one before it.
        """
        if not self._added:
            return
        take_turn(self._connection, Turn.AUDIT)
        newest, rows = self.newest(), []
        for entry in self._added:
            tied = attrs.evolve(entry, id=newest.id + 1).following(newest.hash)
            rows.append(attrs.asdict(tied, recurse=False))
            newest = tied.anchor
        self._connection.execute(tables.audit.insert(), rows)
        self._added = []

    def entries(
        self,
        wanted: AuditFilter = AuditFilter(),
        *,
        after: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        viewer: Actor | None = None,
    ) -> list[AuditEntry]:
        """Return entries, the oldest first unless the newest are wanted first.

        :param after: number of the entry that the list begins after.
        :param viewer: who has to be allowed to read what the users in question did; None for
            nobody.
        """
        column = tables.audit.c.id
        query = sa.select(tables.audit).where(column > self.start().id, *_conditions(wanted))
        if viewer is not None:
            query = query.where(allowed(viewer, Action.AUDIT_READ, tables.audit.c.user))
        if after is not None:
            query = query.where(column < after if newest_first else column > after)
        query = query.order_by(column.desc() if newest_first else column).limit(limit)
        return [record(row, AuditEntry) for row in self._connection.execute(query)]

    def start(self) -> Anchor:
        """Return what the first entry that is kept is tied to."""
        return self._newest_of(tables.audit_starts) or BEGINNING

    def newest(self) -> Anchor:
        """Return the end of the chain."""
        return self._newest_of(tables.audit) or self.start()

    def begin_at(self, start: Anchor) -> bool:
        """Let the chain begin after an entry from now on; what is before it can be dropped.

        :returns: False where it has no such entry.
        """
        columns = tables.audit.c
        query = sa.select(columns.id).where(columns.id == start.id, columns.hash == start.hash)
        if self._connection.scalar(query) is None or start.id <= self.start().id:
            return False
        row = {**attrs.asdict(start), "created_at": self._at}
        self._connection.execute(tables.audit_starts.insert().values(row))
        return True

    def drop(self, *, limit: int) -> int:
        """Drop entries from before the chain's beginning, and return how many."""
        columns = tables.audit.c
        old = sa.select(columns.id).where(columns.id <= self.start().id).limit(limit)
        return self._connection.execute(tables.audit.delete().where(columns.id.in_(old))).rowcount

    def _newest_of(self, table: sa.Table) -> Anchor | None:
        query = sa.select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Anchor(id=row.id, hash=row.hash)


def _conditions(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    columns = tables.audit.c
    found = [
        columns[name] == value
        for name in ("user", "action", "subject")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.since is not None:
        found.append(columns.at >= wanted.since)
    if wanted.until is not None:
        found.append(columns.at < wanted.until)
    return found


# -- what is told of a change ----------------------------------------------------------------------


@attrs.frozen
class _Hidden:
    """A secret that can be compared, and is not shown."""

    text: str = attrs.field(repr=False)


def _opened(value: object) -> Any:
    """Return a value as JSON, with its secrets marked."""
    cls: Any = type(value)
    if attrs.has(cls):
        members = {field: getattr(value, field.name) for field in attrs.fields(cls)}
        return {
            field.name: _opened(member) if field.repr or not member else _Hidden(repr(member))
            for field, member in members.items()
        }
    if isinstance(value, Mapping):
        if "$secret" in value:
            return _Hidden(repr(value))
        return {str(name): _opened(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_opened(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return convert.to_json(value)


def _changed(before: Any, after: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members that differ, of the one and of the other."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in [*before, *(name for name in after if name not in before)]:
        was, is_ = before.get(name), after.get(name)
        if was == is_:
            continue
        if isinstance(was, dict) and isinstance(is_, dict):
            was, is_ = _changed(was, is_)
        old |= {name: was} if name in before else {}
        new |= {name: is_} if name in after else {}
    return old, new


def _closed(members: Mapping[str, Any]) -> JsonObject:
    """Return the members without their secrets, and without what is too long to be kept."""
    shown = {name: _short(_masked(value)) for name, value in members.items()}
    return shown if len(convert.canonical(shown)) <= _LONGEST else {"members": _digest(shown)}


def _masked(value: Any) -> Any:
    match value:
        case _Hidden():
            return SECRET
        case dict():
            return {name: _masked(member) for name, member in value.items()}
        case list():
            return [_masked(member) for member in value]
    return value


def _short(value: Any) -> Any:
    return value if len(convert.canonical(value)) <= _LONGEST_MEMBER else _digest(value)


def _digest(value: Any) -> str:
    text = convert.canonical(value)
    return f"({len(text)} characters, SHA-256 {hashlib.sha256(text.encode()).hexdigest()})"
