"""Several clouds are asked at a time, and those that do not answer keep nobody waiting."""

import threading
from collections.abc import Callable, Iterator

import pytest

from pitrix_core.service.inquiries import Inquiries

#: Seconds after which a test gives up, on a machine that is busy.
GENEROUS_S = 60.0


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """What a cloud that hangs waits for; set at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hang(let_go: threading.Event) -> Callable[[str], str]:
    """A question that the cloud ``bad`` does not answer."""

    def ask(name: str) -> str:
        if name == "bad":
            let_go.wait(GENEROUS_S)
        return name.upper()

    return ask


def test_everybody_is_asked() -> None:
    """Also where they are more than are asked at a time."""
    inquiries = Inquiries(at_a_time=2, limit_s=GENEROUS_S, total_s=GENEROUS_S)
    names = [f"cloud-{number}" for number in range(7)]

    answers = inquiries.ask(names, str.upper)

    assert answers == {name: name.upper() for name in names}


def test_several_are_asked_at_a_time() -> None:
    """Each of these answers only once both were asked."""
    both = threading.Barrier(2, timeout=GENEROUS_S)
    inquiries = Inquiries(at_a_time=2, limit_s=GENEROUS_S, total_s=GENEROUS_S)

    answers = inquiries.ask(["a", "b"], lambda _name: both.wait())

    assert sorted(answers) == ["a", "b"]


def test_who_does_not_answer_in_time_is_left_out(hang: Callable[[str], str]) -> None:
    """The others' answers are there, also of those that were asked after it."""
    inquiries = Inquiries(at_a_time=1, limit_s=0.2)
    asked = threading.Event()

    answers = inquiries.ask(["bad", "good"], lambda name: hang(name) and asked.set())

    assert "bad" not in answers
    assert asked.wait(GENEROUS_S)


def test_who_hangs_is_not_asked_again(hang: Callable[[str], str]) -> None:
    """Or every question would cost a thread more."""
    inquiries = Inquiries(limit_s=0.05)
    inquiries.ask(["bad"], hang)
    asked: list[str] = []

    answers = inquiries.ask(["bad"], asked.append)

    assert answers == {}
    assert asked == []


def test_who_has_come_back_is_asked_again(
    hang: Callable[[str], str], let_go: threading.Event
) -> None:
    """A cloud may be well again."""
    inquiries = Inquiries(limit_s=0.2)
    inquiries.ask(["bad"], hang)
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "asks bad":
            thread.join(GENEROUS_S)
    asked = threading.Event()

    inquiries.ask(["bad"], lambda _: asked.set())

    assert asked.wait(GENEROUS_S)


def test_nobody_waits_longer_than_for_all_together(hang: Callable[[str], str]) -> None:
    """Who has not been asked by then is left out, too."""
    inquiries = Inquiries(at_a_time=1, limit_s=GENEROUS_S, total_s=0.05)

    answers = inquiries.ask(["bad", "good"], hang)

    assert answers == {}


def test_what_a_question_raises_is_raised() -> None:
    """It is a fault of ours, which must not look like a cloud that is silent."""

    def ask(name: str) -> str:
        raise ValueError(name)

    with pytest.raises(ValueError, match="bad"):
        Inquiries().ask(["bad"], ask)
