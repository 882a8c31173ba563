"""A Frontgate shows its enrolment until it has a token, and never loses the one it has."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frontgate_harness import Clock
from protocol_schemas import examples, title

from pitrix_frontgate.config import FrontgateConfig
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.identity import Identity

ENROLMENT = "e" * 43


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock(100.0)


@pytest.fixture
def start(tmp_path: Path, clock: Clock) -> Callable[..., Identity]:
    """Return a function that starts the Frontgate, again and again in one folder."""

    def made(secret: str = ENROLMENT, *, protocol: int = 2) -> Identity:
        config = FrontgateConfig("fg-1", secret, ("ws://p",), throw_away=True, protocol=protocol)
        return Identity(config, tmp_path / "token.json", clock=clock)

    return made


Start = Callable[..., Identity]


def token(text: str = "token-1", **changes: Any) -> dict[str, Any]:
    """Make what a Pilot gives."""
    given = {"token": text, "renew_after_s": 60.0, "expires_at": "2036-12-23T12:00:00Z"}
    return {**given, **changes}


def test_the_enrolment_is_shown_first(start: Start) -> None:
    """And nothing else that could let somebody in."""
    assert start().introduction() == {
        "protocol": 2,
        "frontgate_id": "fg-1",
        "enrolment": ENROLMENT,
    }


def test_a_token_is_shown_from_then_on(start: Start, tmp_path: Path) -> None:
    """Also after a start; nobody else may read it."""
    start().take(token())

    again = start()

    assert again.introduction() == {"protocol": 2, "frontgate_id": "fg-1", "token": "token-1"}
    assert again.expires_at == "2036-12-23T12:00:00Z"
    assert stat.S_IMODE((tmp_path / "token.json").stat().st_mode) == 0o600


def test_with_another_enrolment_it_begins_anew(start: Start) -> None:
    """The machine was given new user-data, and the token may be worth nothing."""
    start().take(token())

    assert start("n" * 43).introduction()["enrolment"] == "n" * 43


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"token": 5}', "[" * 10_000])
def test_a_broken_file_is_left_out(start: Start, tmp_path: Path, text: str) -> None:
    """There may still be an enrolment that is good."""
    (tmp_path / "token.json").write_text(text)

    assert "enrolment" in start().introduction()


def test_a_token_that_cannot_be_written_down_is_not_shown(start: Start, tmp_path: Path) -> None:
    """After a start it would be gone; what there was before is still good."""
    identity = start()
    identity.take(token("older"))
    (tmp_path / "token.json").unlink()
    (tmp_path / "token.json").mkdir()

    with pytest.raises(OSError, match="directory"):
        identity.take(token("newer"))

    assert identity.introduction()["token"] == "older"


@pytest.mark.parametrize("name", ["token", "renew_after_s", "expires_at"])
def test_what_is_no_token_is_not_taken(start: Start, name: str) -> None:
    """A Pilot that gives none is no Pilot."""
    identity = start()

    with pytest.raises(FrameError, match=f"/{name}: missing"):
        identity.take({key: value for key, value in token().items() if key != name})

    assert "enrolment" in identity.introduction()


@pytest.mark.parametrize("example", examples(2, "valid", "welcome", "token.renewed"), ids=title)
def test_the_protocols_examples_are_taken(start: Start, example: Path) -> None:
    """What later versions add is passed over."""
    identity = start()
    body = json.loads(example.read_text())

    identity.take({**body, "added_later": True})

    assert identity.introduction()["token"] == body["token"]


def test_a_newer_token_is_asked_for_in_time(start: Start, clock: Clock) -> None:
    """And again after a minute when there is no answer."""
    identity = start()
    identity.take(token(renew_after_s=60.0))
    asked = []
    for now_s in (159.0, 160.0, 161.0, 219.0, 220.0):
        clock.now_s = now_s
        asked.append(identity.is_renewal_due())

    assert asked == [False, True, False, False, True]


def test_the_first_version_has_a_static_token(start: Start, tmp_path: Path) -> None:
    """That is shown for ever, and never renewed."""
    identity = start("static", protocol=1)

    identity.take({"protocol": 1})

    assert identity.introduction() == {"protocol": 1, "frontgate_id": "fg-1", "token": "static"}
    assert not identity.is_renewal_due()
    assert not (tmp_path / "token.json").exists()
