"""The audit grows by what transactions change, and by nothing else."""

import functools
import threading
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from pitrix_core.model.access import Action, Actor, admin
from pitrix_core.model.audit import BEGINNING, Anchor, Origin, check_chain
from pitrix_core.store import Store, Transaction
from pitrix_core.store.audit import AuditFilter, Deed

ORIGIN = Origin(token_id="tok-1", address="10.0.0.9", request_id="req-1")
ALICE = Actor(owner="alice", origin=ORIGIN)


@attrs.frozen(kw_only=True)
class Account:
    """Something with a secret."""

    name: str
    password: str = attrs.field(default="", repr=False)
    labels: dict[str, str] = attrs.field(factory=dict)


def asked(store: Store, action: str = "addThing", *, user: str = "alice", **more: Any) -> Store:
    """Return the store, as it is used for the sake of a request."""
    actor = attrs.evolve(ALICE, owner=user)
    return store.on_behalf(Deed(actor=actor, action=action, **more))


def audited(store: Store, *names: str) -> None:
    """Add an entry of Alice's for each name."""
    with asked(store).begin() as tx:
        for name in names:
            tx.audit.add(name, after={"name": name})


def added(tx: Transaction, *, subject: str) -> None:
    """Add an entry."""
    tx.audit.add(subject)


def end_of(store: Store) -> Anchor:
    """Return the end of the chain."""
    with store.read() as tx:
        return tx.audit.newest()


def entries_of(store: Store, **wanted: Any) -> list[Any]:
    """Return entries."""
    with store.read() as tx:
        return tx.audit.entries(AuditFilter(**wanted))


def test_an_entry_says_who_what_and_when(store: Store) -> None:
    """From which address, with which token, in which request."""
    audited(store, "thing-1")

    [entry] = entries_of(store)

    with store.read() as tx:
        assert entry.at == tx.now.replace(microsecond=0)
    assert (entry.user, entry.action, entry.subject) == ("alice", "addThing", "thing-1")
    assert (entry.token_id, entry.address, entry.request_id) == ("tok-1", "10.0.0.9", "req-1")
    assert (entry.before, entry.after) == ({}, {"name": "thing-1"})


def test_only_members_that_changed_are_kept(store: Store) -> None:
    """Of what is inside of a member, too."""
    before = Account(name="a", labels={"x": "1", "y": "2"})
    after = Account(name="a", labels={"x": "1", "y": "3", "z": "4"})

    with asked(store).begin() as tx:
        tx.audit.add("acc-1", before=before, after=after)

    [entry] = entries_of(store)
    assert entry.before == {"labels": {"y": "2"}}
    assert entry.after == {"labels": {"y": "3", "z": "4"}}


def test_a_secret_is_not_kept_but_that_it_changed(store: Store) -> None:
    """Neither what a record hides nor what a marker names."""
    before = Account(name="a", password="hunter2")
    after = Account(name="a", password="hunter3")
    config = {"env": {"password": {"$secret": "sec-1"}}, "size": 3}

    with asked(store).begin() as tx:
        tx.audit.add("acc-1", before=before, after=after)
        tx.audit.add("acc-2", after={"account": after, "config": config})

    changed, added = entries_of(store)
    assert (changed.before, changed.after) == ({"password": "(secret)"}, {"password": "(secret)"})
    assert added.after["account"]["password"] == "(secret)"
    assert added.after["config"] == {"env": {"password": "(secret)"}, "size": 3}


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({"text": "x" * 100_000}, id="one-long-member"),
        pytest.param({f"n{number}": "x" * 1_000 for number in range(500)}, id="many-members"),
    ],
)
def test_what_is_long_is_kept_as_a_digest(store: Store, after: dict[str, str]) -> None:
    """An entry takes no more room than a page or two."""
    with asked(store).begin() as tx:
        tx.audit.add("thing-1", after=after)

    [entry] = entries_of(store)
    [text] = entry.after.values()
    assert "SHA-256" in text
    assert len(text) < 200


def test_a_transaction_that_fails_leaves_no_entry(store: Store) -> None:
    """The entry is written with what it tells of, or not at all; its number is the next one's."""

    def fail(tx: Transaction) -> None:
        tx.audit.add("thing-1")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        asked(store).carry_out(fail)

    audited(store, "thing-2")

    assert [(entry.id, entry.subject) for entry in entries_of(store)] == [(1, "thing-2")]


def test_who_tells_nothing_is_told_of_all_the_same(store: Store) -> None:
    """What was asked for is kept, once, by the first transaction that it led to."""
    wanted = Account(name="new", password="hunter2")
    bound = asked(store, "changeAccount", subject="acc-1", wanted=wanted)
    for _ in range(2):
        with bound.begin() as tx:
            tx.runtimes.all()

    [entry] = entries_of(store)

    assert (entry.action, entry.subject) == ("changeAccount", "acc-1")
    assert entry.after == {"name": "new", "password": "(secret)", "labels": {}}


def test_what_was_told_is_not_told_again(store: Store) -> None:
    """By what was asked for."""
    bound = asked(store, "changeAccount", subject="acc-1", wanted={"name": "new"})
    with bound.begin() as tx:
        tx.audit.add("acc-1", before={"name": "old"}, after={"name": "new"})
    with bound.begin() as tx:
        tx.runtimes.all()

    [entry] = entries_of(store)

    assert (entry.before, entry.after) == ({"name": "old"}, {"name": "new"})


def test_a_request_that_fails_at_first_is_told_of_once_it_succeeds(store: Store) -> None:
    """A transaction that is rolled back has told nothing."""
    bound = asked(store, subject="thing-1")

    def fail(_: Transaction) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bound.carry_out(fail)
    bound.carry_out(lambda tx: tx.runtimes.all())

    assert [entry.subject for entry in entries_of(store)] == ["thing-1"]


def test_what_pitrix_does_by_itself_is_no_deed(store: Store) -> None:
    """Events tell of that."""
    with store.begin() as tx:
        tx.audit.add("thing-1")

    assert entries_of(store) == []


def test_transactions_at_the_same_time_make_one_chain(store: Store) -> None:
    """Without gaps, whoever comes first."""
    barrier = threading.Barrier(4)

    def work(name: str) -> None:
        barrier.wait(timeout=60)
        for number in range(5):
            add = functools.partial(added, subject=f"{name}-{number}")
            asked(store).carry_out(add)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    report = check_chain(entries_of(store), start=BEGINNING, anchors=[end_of(store)])
    assert (report.fault, report.count) == (None, 20)


def test_entries_are_found_by_who_and_what(store: Store) -> None:
    """And a page at a time, from either end."""
    audited(store, "a", "b", "c")
    with asked(store, "deleteThing", user="bob").begin() as tx:
        tx.audit.add("b")

    with store.read() as tx:
        newest = tx.audit.entries(limit=2, newest_first=True)
        older = tx.audit.entries(limit=2, newest_first=True, after=newest[-1].id)
        later = tx.audit.entries(after=2)

    assert [entry.id for entry in entries_of(store, user="bob")] == [4]
    assert [entry.id for entry in entries_of(store, action="addThing")] == [1, 2, 3]
    assert [entry.id for entry in entries_of(store, subject="b")] == [2, 4]
    assert [[entry.id for entry in part] for part in (newest, older, later)] == [
        [4, 3],
        [2, 1],
        [3, 4],
    ]


def test_people_see_what_those_did_whom_they_answer_for(store: Store) -> None:
    """The one rule says who that is: here, what one did oneself."""
    audited(store, "a")
    with asked(store, user="bob").begin() as tx:
        tx.audit.add("b")
    bob = Actor(owner="bob", actions=frozenset({Action.AUDIT_READ}))

    with store.read() as tx:
        seen = [
            [entry.subject for entry in tx.audit.entries(viewer=viewer)]
            for viewer in (bob, ALICE, admin("root"))
        ]

    assert seen == [["b"], [], ["a", "b"]]


def test_entries_are_found_by_time(store: Store, manual_clock: Any) -> None:
    """From a moment on, and before another one."""
    audited(store, "a")
    manual_clock.advance(60)
    middle = manual_clock()
    audited(store, "b")

    assert [entry.subject for entry in entries_of(store, since=middle)] == ["b"]
    assert [entry.subject for entry in entries_of(store, until=middle)] == ["a"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET \"user\" = 'mallory'",
        "DELETE FROM audit WHERE id = 2",
        "UPDATE audit_starts SET id = 100",
        "DELETE FROM audit_starts",
    ],
)
def test_the_database_refuses_to_change_the_audit(store: Store, statement: str) -> None:
    """Whoever asks; only what lies before the chain's beginning may go."""
    audited(store, "a", "b")
    with store.begin() as tx:
        first = tx.audit.entries(limit=1)[0].anchor
        tx.audit.begin_at(first)

    with pytest.raises(sa.exc.DBAPIError, match="only grows"), store.engine.begin() as connection:
        connection.execute(sa.text(statement))

    assert [entry.subject for entry in entries_of(store)] == ["b"]


def test_what_was_kept_elsewhere_can_be_dropped(store: Store) -> None:
    """The chain goes on, and can be checked from there; also where nothing is left of it."""
    audited(store, "a", "b", "c")
    with store.begin() as tx:
        anchor = tx.audit.newest()

        is_begun = tx.audit.begin_at(anchor)
        dropped = [tx.audit.drop(limit=2) for _ in range(3)]

    audited(store, "d")
    report = check_chain(entries_of(store), start=anchor)
    assert is_begun
    assert dropped == [2, 1, 0]
    assert (report.fault, report.count, report.newest.id) == (None, 1, 4)


def test_the_chain_begins_at_one_of_its_own_places(store: Store) -> None:
    """Not at one that is not its own, and not earlier than it does."""
    audited(store, "a", "b")
    with store.begin() as tx:
        first, second = (entry.anchor for entry in tx.audit.entries())

        begun = [
            tx.audit.begin_at(Anchor(id=2, hash="0" * 64)),
            tx.audit.begin_at(second),
            tx.audit.begin_at(first),
            tx.audit.begin_at(second),
        ]

    assert begun == [False, True, False, False]
