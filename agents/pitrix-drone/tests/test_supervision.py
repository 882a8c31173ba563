"""What is supervised, since when, and what comes before what."""

from __future__ import annotations

import json
import pathlib
import threading
from typing import Any

import pytest

from pitrix_drone.supervision import (
    HealthCheck,
    Item,
    Monitor,
    Supervised,
    Supervision,
    SupervisionError,
    read_supervision,
)
from pitrix_drone.turns import Turns

_CHECK: dict[str, Any] = {
    "check_cmd": "true",
    "action_cmd": "restart",
    "interval_s": 60,
    "timeout_s": 10,
    "action_timeout_s": 30,
    "healthy_threshold": 2,
    "unhealthy_threshold": 3,
}
_MONITOR: dict[str, Any] = {
    "cmd": "measure",
    "items": {"load": {"value_type": "int", "statistics": "max"}},
}
_DEEP = "[" * 100_000


def _text(**members: Any) -> str:
    return json.dumps(members)


def test_a_supervision_is_read() -> None:
    """Every member arrives."""
    text = _text(waits_for_start=True, health_check=_CHECK, monitor=_MONITOR)

    found = read_supervision(text)

    assert found == Supervised(
        waits_for_start=True,
        health_check=HealthCheck("true", "restart", 60, 10, 30, 2, 3),
        monitor=Monitor("measure", {"load": Item(is_text=False, statistics="max", choices=())}),
    )


def test_nothing_may_be_asked_for() -> None:
    """An empty supervision supervises nothing."""
    assert read_supervision("{}") == Supervised()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "not JSON", id="nothing"),
        pytest.param(_DEEP, "not JSON", id="nested-too-deeply"),
        pytest.param("[]", "object", id="list"),
        pytest.param(_text(health_check=[]), "health_check", id="check-as-list"),
        pytest.param(_text(health_check={**_CHECK, "check_cmd": ""}), "check_cmd", id="no-check"),
        pytest.param(_text(health_check={**_CHECK, "check_cmd": "a\0"}), "check_cmd", id="nul"),
        pytest.param(_text(health_check={**_CHECK, "interval_s": 0}), "interval_s", id="always"),
        pytest.param(_text(health_check={**_CHECK, "interval_s": True}), "interval_s", id="bool"),
        pytest.param(
            _text(health_check={**_CHECK, "interval_s": float("nan")}), "interval_s", id="nan"
        ),
        pytest.param(
            _text(health_check={**_CHECK, "interval_s": 10**400}), "interval_s", id="huge"
        ),
        pytest.param(
            _text(health_check={**_CHECK, "unhealthy_threshold": 1e9}),
            "unhealthy_threshold",
            id="threshold-too-high",
        ),
        pytest.param(_text(monitor={"cmd": "m"}), "items", id="no-items"),
        pytest.param(
            _text(monitor={"cmd": "m", "items": {"a": {"statistics": "sum"}}}),
            "statistics",
            id="unknown-statistics",
        ),
        pytest.param(
            _text(monitor={"cmd": "m", "items": {f"i{n}": {} for n in range(201)}}),
            "items",
            id="too-many-items",
        ),
    ],
)
def test_what_breaks_the_protocol_is_refused(text: str, message: str) -> None:
    """The message names the member."""
    with pytest.raises(SupervisionError, match=message):
        read_supervision(text)


@pytest.fixture
def supervision(tmp_path: pathlib.Path) -> Supervision:
    """The supervision of a node whose application is not started."""
    return Supervision(tmp_path / "started")


def test_it_begins_when_the_application_was_started(supervision: Supervision) -> None:
    """Neither its metadata nor its start alone are enough."""
    begun = [supervision.current().is_begun]
    supervision.configure({"supervision": _text(waits_for_start=True, health_check=_CHECK)})
    begun.append(supervision.current().is_begun)
    supervision.begin()
    begun.append(supervision.current().is_begun)
    supervision.end()
    begun.append(supervision.current().is_begun)

    assert begun == [False, False, True, False]


def test_it_begins_at_once_where_nothing_is_started(supervision: Supervision) -> None:
    """An image may start its application by itself."""
    supervision.configure({"supervision": _text(health_check=_CHECK)})

    assert supervision.current().is_begun


def test_a_start_is_remembered(supervision: Supervision, tmp_path: pathlib.Path) -> None:
    """The drone may be started again while the application runs."""
    supervision.begin()

    again = Supervision(tmp_path / "started")

    assert again.current().is_started


def test_a_stop_is_remembered(supervision: Supervision, tmp_path: pathlib.Path) -> None:
    """A drone that is started again does not mend what was stopped."""
    supervision.begin()
    supervision.end()

    again = Supervision(tmp_path / "started")

    assert not again.current().is_started


def test_a_malformed_one_supervises_nothing(supervision: Supervision) -> None:
    """The drone goes on with all else."""
    supervision.configure({"supervision": "{"})

    assert supervision.current().supervised == Supervised()


def test_a_change_ends_a_wait(supervision: Supervision) -> None:
    """Nobody waits out an interval that holds no longer."""
    current = supervision.current()
    waiting = threading.Thread(target=supervision.wait, args=(current, None), daemon=True)
    waiting.start()

    supervision.begin()

    waiting.join(10)
    assert not waiting.is_alive()


def test_a_command_keeps_an_action_from_running() -> None:
    """What was seen before a command means nothing after it."""
    turns = Turns()
    mark = turns.mark()
    with turns.command():
        during = turns.mark()
    assert mark is not None

    with turns.action(mark) as may_go_on:
        pass

    assert (during, may_go_on) == (None, False)


def test_an_action_keeps_a_command_waiting() -> None:
    """Neither ever runs beside the other."""
    turns = Turns()
    is_running = threading.Event()

    def command() -> None:
        with turns.command():
            is_running.set()

    thread = threading.Thread(target=command, daemon=True)
    mark = turns.mark()
    assert mark is not None
    with turns.action(mark) as may_go_on:
        thread.start()
        was_running = is_running.wait(0.05)

    assert (may_go_on, was_running, is_running.wait(10)) == (True, False, True)
