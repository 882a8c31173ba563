"""A chain of entries shows the first that was changed, removed or inserted."""

import datetime as dt

import attrs
import pytest

from pitrix_core.errors import InvalidInputError
from pitrix_core.model.audit import BEGINNING, Anchor, AuditEntry, check_chain

AT = dt.datetime(2026, 11, 1, 12, 30, 0, 125_000, tzinfo=dt.UTC)


def chain(length: int) -> list[AuditEntry]:
    """Return a sound chain."""
    entries: list[AuditEntry] = []
    newest = BEGINNING
    for number in range(1, length + 1):
        entry = AuditEntry(
            id=number,
            at=AT + dt.timedelta(seconds=number),
            user="alice",
            token_id="tok-1",
            address="127.0.0.1",
            request_id=f"req-{number}",
            action="job.pause",
            subject="job-1",
            before={"state": "running"},
            after={"state": "paused", "Größe": [1, 2.5]},
        ).following(newest.hash)
        entries.append(entry)
        newest = entry.anchor
    return entries


def test_a_chain_that_nobody_touched_is_sound() -> None:
    """All of it is looked at, and its end is named."""
    entries = chain(5)

    report = check_chain(entries, start=BEGINNING, anchors=[entries[1].anchor, entries[4].anchor])

    assert (report.fault, report.count, report.newest) == (None, 5, entries[4].anchor)


@pytest.mark.parametrize("field", [a.name for a in attrs.fields(AuditEntry) if a.name != "id"])
def test_whatever_is_changed_shows(field: str) -> None:
    """Each member of an entry is part of its hash, but for its number, which counts."""
    entries = chain(4)
    values = {"at": AT, "before": {}, "after": {"state": "running"}, "hash": "0" * 64}
    entries[2] = attrs.evolve(entries[2], **{field: values.get(field, "mallory")})

    report = check_chain(entries, start=BEGINNING)

    assert report.fault == "Entry 3 was changed, or put into another one's place."
    assert report.newest == entries[1].anchor


def test_an_entry_that_was_changed_with_its_hash_shows_at_the_next() -> None:
    """What comes after it was tied to what it had been."""
    entries = chain(4)
    forged = attrs.evolve(entries[1], user="mallory").following(entries[0].hash)
    entries[1] = forged

    report = check_chain(entries, start=BEGINNING)

    assert report.fault == "Entry 3 was changed, or put into another one's place."


@pytest.mark.parametrize(
    ("kept", "fault"),
    [
        pytest.param([0, 2, 3], "Entry 2 was removed: 1 is followed by 3.", id="in-the-middle"),
        pytest.param([1, 2, 3], "Entry 1 was removed: 0 is followed by 2.", id="the-first"),
        pytest.param([0, 1, 1, 2], "Entry 2 was inserted after 2.", id="one-too-many"),
    ],
)
def test_what_is_missing_or_too_much_is_named(kept: list[int], fault: str) -> None:
    """By its number."""
    entries = chain(4)

    report = check_chain([entries[place] for place in kept], start=BEGINNING)

    assert report.fault == fault


def test_an_anchor_shows_what_was_cut_off() -> None:
    """Without one, nothing tells that there was more."""
    entries = chain(4)

    unaware = check_chain(entries[:2], start=BEGINNING)
    aware = check_chain(entries[:2], start=BEGINNING, anchors=[entries[3].anchor])

    assert unaware.fault is None
    assert aware.fault == "The entries after 2 were removed: there was an entry 4."


def test_an_anchor_shows_that_a_chain_was_made_anew() -> None:
    """All of it fits together, and is not what it was."""
    forged = [attrs.evolve(entry, user="mallory") for entry in chain(3)]
    forged = [forged[0].following(BEGINNING.hash)]

    report = check_chain(forged, start=BEGINNING, anchors=[chain(1)[0].anchor])

    assert report.fault == "Entry 1, or one before it, was changed: it is not the anchor's."


def test_a_chain_goes_on_from_where_it_was_cut() -> None:
    """What was exported and dropped is known by the hash of its last entry."""
    entries = chain(4)
    start = entries[1].anchor

    report = check_chain(entries[2:], start=start, anchors=[start])
    forged = check_chain(entries[2:], start=start, anchors=[Anchor(id=2, hash="0" * 64)])
    older = check_chain(entries[2:], start=start, anchors=[entries[0].anchor])

    assert (report.fault, report.count) == (None, 2)
    assert forged.fault == "Entry 2, or one before it, was changed: it is not the anchor's."
    assert older.fault == "Entry 1 was dropped with all up to 2: check a later anchor."


def test_an_anchor_is_read_as_it_was_written() -> None:
    """It is one word, to be kept anywhere."""
    anchor = chain(1)[0].anchor

    assert Anchor.parse(f" {anchor}\n") == anchor


@pytest.mark.parametrize("text", ["", "1", "1:", "x:" + "0" * 64, "1:" + "G" * 64, "²:" + "0" * 64])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    """With what to give instead."""
    with pytest.raises(InvalidInputError, match="no anchor"):
        Anchor.parse(text)
