"""Frames wait, leave in order, and are sent again until they are acknowledged."""

import pytest
from frontgate_harness import Clock

from pitrix_frontgate.frames import Frame
from pitrix_frontgate.outbox import Entry, Outbox


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def outbox(clock: Clock) -> Outbox:
    """An outbox that resends after 30 s."""
    return Outbox(clock=clock)


def _entry(name: str, slot: str | None = None) -> Entry:
    return Entry(slot or name, Frame(name, "node.status", {}), 1)


def _taken(outbox: Outbox) -> list[str]:
    ids = []
    while (frame := outbox.take(within_s=0)) is not None:
        ids.append(frame.id)
    return ids


def test_frames_leave_in_order_once(outbox: Outbox) -> None:
    """A frame that was sent is not due again at once."""
    for name in "abc":
        outbox.offer(_entry(name))

    assert _taken(outbox) == ["a", "b", "c"]
    assert len(outbox) == 3


def test_a_frame_is_due_again_after_30_s(outbox: Outbox, clock: Clock) -> None:
    """The protocol's time passes without acknowledgement."""
    outbox.offer(_entry("a"))
    _taken(outbox)

    clock.now_s = 29.9
    early = _taken(outbox)
    clock.now_s = 30.0

    assert early == []
    assert _taken(outbox) == ["a"]


def test_a_new_connection_gets_everything_in_the_first_order(outbox: Outbox, clock: Clock) -> None:
    """What was sent again in between does not change places."""
    for name in "abc":
        outbox.offer(_entry(name))
    outbox.take(within_s=0)
    clock.now_s = 31.0
    _taken(outbox)

    outbox.reconnected()

    assert _taken(outbox) == ["a", "b", "c"]


def test_an_acknowledged_frame_is_gone(outbox: Outbox) -> None:
    """It is not sent again, not even when it is offered again."""
    outbox.offer(_entry("a"))
    _taken(outbox)

    outbox.settle("a", remember=True)
    outbox.offer(_entry("a"))
    outbox.reconnected()

    assert _taken(outbox) == []
    assert len(outbox) == 0


def test_a_newer_frame_takes_the_place_of_an_older(outbox: Outbox) -> None:
    """Only the last status of a node is sent."""
    outbox.offer(_entry("old", slot="status"))
    outbox.offer(_entry("new", slot="status"))

    assert _taken(outbox) == ["new"]
    assert outbox.find("old") is None


def test_a_frame_in_a_dropped_slot_is_gone(outbox: Outbox) -> None:
    """A report that was deleted in etcd is nobody's business any more."""
    outbox.offer(_entry("a", slot="status"))

    outbox.drop("status")

    assert _taken(outbox) == []


def test_slots_that_vanished_are_dropped(outbox: Outbox) -> None:
    """Replies stay, whatever the reports in etcd are."""
    for name in ("/c/1", "/c/2", "re:x"):
        outbox.offer(_entry(name))

    outbox.keep_only({"/c/2"}, of=lambda slot: slot.startswith("/c/"))

    assert _taken(outbox) == ["/c/2", "re:x"]


def test_a_frame_that_the_caller_sends_is_only_sent_again_later(
    outbox: Outbox, clock: Clock
) -> None:
    """A reply leaves at once, and is kept for its acknowledgement."""
    outbox.offer_sent(_entry("reply"))

    at_once = _taken(outbox)
    clock.now_s = 30.0

    assert at_once == []
    assert _taken(outbox) == ["reply"]


def _report(name: str, revision: int = 1, *, size: int = 100) -> Entry:
    """Make an entry of a slot of its own, at a revision."""
    return Entry(name, Frame(f"{name}:{revision}", "command.result", {}), revision, size)


@pytest.fixture
def small(clock: Clock) -> Outbox:
    """An outbox with room for three reports."""
    return Outbox(clock=clock, most_chars=300)


def test_what_finds_no_room_is_left_out_and_asked_for_later(small: Outbox) -> None:
    """In the order in which it came, once half of the room is free."""
    for name in "abcde":
        small.offer(_report(name))
    full = small.load()

    small.settle("a:1", remember=True)
    early = small.wanted(10)
    small.settle("b:1", remember=True)
    wanted = small.wanted(10)

    assert (full.frames, full.size, full.left_out) == (3, 300, 2)
    assert early == []
    assert wanted == ["d", "e"]
    assert small.load().left_out == 0


def test_what_was_left_out_and_is_gone_is_not_asked_for(small: Outbox) -> None:
    """Dropped by itself, or with all that vanished."""
    for name in "abcde":
        small.offer(_report(name))

    small.drop("d")
    small.keep_only({"a"}, of=lambda slot: True)

    assert small.wanted(10) == []
    assert small.load().frames == 1


def test_what_could_not_be_looked_at_is_asked_for_again(small: Outbox) -> None:
    """It still stands in etcd."""
    small.leave_out(["x", "y"])
    small.leave_out(small.wanted(1))

    assert sorted(small.wanted(10)) == ["x", "y"]


def test_a_newer_report_needs_no_more_room(small: Outbox) -> None:
    """It takes the place of the one before it."""
    for revision in range(1, 20):
        small.offer(_report("a", revision))

    assert small.load().size == 100
    assert _taken(small) == ["a:19"]


def test_an_older_report_does_not_take_a_newer_ones_place(outbox: Outbox) -> None:
    """Also when the newer one was acknowledged: what was read late may be old."""
    outbox.offer(_report("a", 2))
    outbox.offer(_report("a", 1))
    waiting = _taken(outbox)
    outbox.settle("a:2", remember=True)
    outbox.offer(_report("a", 1))

    assert waiting == ["a:2"]
    assert len(outbox) == 0


def test_the_oldest_that_waits_is_known(outbox: Outbox) -> None:
    """Nothing waits, nothing is old."""
    before = outbox.load().oldest_at_s
    outbox.offer(_report("a"))
    first = outbox.load().oldest_at_s
    outbox.offer(_report("b"))
    both = outbox.load().oldest_at_s

    assert before is None
    assert first is not None
    assert both == first
