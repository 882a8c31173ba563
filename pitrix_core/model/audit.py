"""The audit's chain: entries, how each is tied to the one before it, and how a chain is checked."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Final, Self

import attrs

from pitrix_core.errors import InvalidInputError
from pitrix_core.model.json import JsonObject

#: Hexadecimal digits of a SHA-256.
_DIGITS: Final = 64
#: Decimal digits of a number that fits the databases' BIGINT, whatever they are.
_NUMBER_DIGITS: Final = 18


@attrs.frozen(kw_only=True)
class Origin:
    """Where a request came from; all empty for what pitrix does by itself."""

    #: Of what the user showed; never the token itself.
    token_id: str = ""
    #: Of the other end of the connection: a proxy's, where there is one.
    address: str = ""
    request_id: str = ""


@attrs.frozen(kw_only=True)
class Anchor:
    """A place in the chain: who keeps it elsewhere can tell whether what led there was changed."""

    #: Of the entry; 0 for the place before the first one.
    id: int
    hash: str

    def __str__(self) -> str:
        """Return the text that :meth:`parse` reads."""
        return f"{self.id}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an anchor: ``ID:HASH``.

        :raises InvalidInputError: it is none.
        """
        number, _, digest = text.strip().partition(":")
        is_hash = len(digest) == _DIGITS and set(digest) <= set("0123456789abcdef")
        is_number = number.isascii() and number.isdecimal() and len(number) <= _NUMBER_DIGITS
        if not (is_number and is_hash):
            raise InvalidInputError(
                f"{text[:100]!r} is no anchor.",
                pointer="/anchor",
                next_step="Give one that `pitrix audit export` printed: ID:HASH",
            )
        return cls(id=int(number), hash=digest)


#: Before the first entry.
BEGINNING: Final = Anchor(id=0, hash="0" * _DIGITS)


@attrs.frozen(kw_only=True)
class AuditEntry:
    """A change that somebody made."""

    #: Counts up by one.
    id: int
    #: To the millisecond.
    at: dt.datetime
    user: str
    token_id: str
    address: str
    request_id: str
    #: What was done, by the operation's id: ``addRuntime``, ``cancelJob``, ….
    action: str
    #: Id of what it was done to.
    subject: str
    #: The members that changed, as they were; secrets as ``(secret)``.
    before: JsonObject
    #: The same members, as they are.
    after: JsonObject
    #: SHA-256 over the hash of the entry before it and all the other members.
    hash: str = ""

    @property
    def anchor(self) -> Anchor:
        """The place of this entry in the chain."""
        return Anchor(id=self.id, hash=self.hash)

    def following(self, previous: str) -> Self:
        """Return the entry, tied to the one before it.

        :param previous: that one's hash.
        """
        return attrs.evolve(self, hash=self._hash_after(previous))

    def follows(self, previous: str) -> bool:
        """Say whether this entry is what once was tied to the one before it."""
        return self.hash == self._hash_after(previous)

    def _hash_after(self, previous: str) -> str:
        members = {**attrs.asdict(self, recurse=False), "hash": previous, "at": _time_text(self.at)}
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _time_text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@attrs.frozen(kw_only=True)
class ChainReport:
    """What a look at a chain has shown."""

    #: Where it begins: after what was exported and dropped.
    start: Anchor
    #: The last entry that was found sound.
    newest: Anchor
    #: How many entries are sound.
    count: int
    #: Which entry is the first that is wrong, and how; None where all are sound.
    fault: str | None = None


def check_chain(
    entries: Iterable[AuditEntry], *, start: Anchor, anchors: Iterable[Anchor] = ()
) -> ChainReport:
    """Look for the first entry of a chain that was changed, removed or inserted.

    Entries are looked at one by one, and not kept.

    :param entries: from the beginning, in order.
    :param start: what the first of them is tied to.
    :param anchors: places that were kept elsewhere. Without one, entries missing at the end, and a
        chain that was made anew as a whole, are not noticed.
    """
    wanted = sorted(anchors, key=lambda anchor: anchor.id)
    newest, count = start, 0
    fault = next(_against(start, wanted, is_start=True), None)
    for entry in entries if fault is None else ():
        fault = _fault_of(entry, newest) or next(_against(entry.anchor, wanted), None)
        if fault is not None:
            break
        newest, count = entry.anchor, count + 1
    missing = [anchor for anchor in wanted if anchor.id > newest.id]
    if fault is None and missing:
        fault = f"The entries after {newest.id} were removed: there was an entry {missing[0].id}."
    return ChainReport(start=start, newest=newest, count=count, fault=fault)


def _fault_of(entry: AuditEntry, previous: Anchor) -> str | None:
    wanted = previous.id + 1
    if entry.id > wanted:
        return f"Entry {wanted} was removed: {previous.id} is followed by {entry.id}."
    if entry.id < wanted:
        return f"Entry {entry.id} was inserted after {previous.id}."
    if not entry.follows(previous.hash):
        return f"Entry {entry.id} was changed, or put into another one's place."
    return None


def _against(place: Anchor, wanted: Iterable[Anchor], *, is_start: bool = False) -> Iterator[str]:
    for anchor in wanted:
        if anchor.id == place.id and anchor.hash != place.hash:
            yield f"Entry {place.id}, or one before it, was changed: it is not the anchor's."
        elif is_start and anchor.id < place.id:
            yield f"Entry {anchor.id} was dropped with all up to {place.id}: check a later anchor."
