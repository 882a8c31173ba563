"""Frames wait, leave in order, and are sent again until they are acknowledged."""

import pytest

from pitrix_frontgate.frames import Frame
from pitrix_frontgate.outbox import Entry, Outbox


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s


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
