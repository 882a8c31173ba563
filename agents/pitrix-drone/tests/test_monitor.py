"""Monitors: what is read of what they print, and what becomes of several measurements."""

from __future__ import annotations

import json
import pathlib
import threading
from typing import Any

import pytest
from drone_harness import wait_for

from pitrix_drone.measures import MeasureError, one_of, read_measures
from pitrix_drone.monitor import MonitorRunner, Period
from pitrix_drone.supervision import Item, Monitor, Supervision

NUMBER = Item(is_text=False, statistics="avg", choices=())
TEXT = Item(is_text=True, statistics="latest", choices=())
CHOICE = TEXT._replace(choices=("leader", "follower"))


@pytest.mark.parametrize(
    ("printed", "item", "value"),
    [
        pytest.param(5, NUMBER, 5, id="number"),
        pytest.param(0.25, NUMBER, 0.25, id="fraction"),
        pytest.param("17", NUMBER, 17, id="number-as-text"),
        pytest.param("up", TEXT, "up", id="text"),
        pytest.param(3, TEXT, "3", id="text-as-number"),
        pytest.param("x" * 300, TEXT, "x" * 256, id="long-text"),
        pytest.param("a\0b", TEXT, "a\ufffdb", id="text-with-nul"),
        pytest.param("\ud800", TEXT, "?", id="half-a-character"),
        pytest.param("leader", CHOICE, "leader", id="choice"),
    ],
)
def test_a_value_is_read(printed: object, item: Item, value: object) -> None:
    """Scripts print numbers as texts, and the other way round."""
    assert read_measures(json.dumps({"a": printed}), {"a": item}) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("printed", "item"),
    [
        pytest.param("many", NUMBER, id="text-as-number"),
        pytest.param("nan", NUMBER, id="not-a-number"),
        pytest.param(float("inf"), NUMBER, id="infinite"),
        pytest.param(10**30, NUMBER, id="too-large"),
        pytest.param(10**400, NUMBER, id="larger-than-any-float"),
        pytest.param(True, NUMBER, id="truth"),
        pytest.param(None, NUMBER, id="null"),
        pytest.param([1], TEXT, id="list"),
        pytest.param("candidate", CHOICE, id="no-choice"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(printed: object, item: Item) -> None:
    """The others are used all the same."""
    values, problems = read_measures(json.dumps({"a": printed, "b": 1}), {"a": item, "b": NUMBER})

    assert values == {"b": 1}
    assert len(problems) == 1
    assert problems[0].startswith("a: ")


@pytest.mark.parametrize("text", ["", "5", "[" * 100_000, "up 3 days"])
def test_what_is_no_object_is_refused(text: str) -> None:
    """Whatever a command prints, there is one kind of error."""
    with pytest.raises(MeasureError, match="JSON"):
        read_measures(text, {"a": NUMBER})


def test_what_is_no_item_is_passed_over() -> None:
    """Commands print more than is asked for."""
    assert read_measures('{"a": 1, "b": 2}', {"a": NUMBER, "c": NUMBER}) == ({"a": 1}, [])


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("min", 1),
        ("max", 7),
        ("avg", 3.6),
        ("median", 3),
        ("mode", 3),
        ("latest", 4),
        ("delta", 2),
        ("rate", 0.02),
    ],
)
def test_several_values_become_one(how: str, value: float) -> None:
    """Delta and rate go on from the last value of the period before."""
    assert one_of([3, 1, 7, 3, 4], how, before=2, spent_s=100) == value


def test_the_median_of_an_even_number_lies_between() -> None:
    """Halfway between the two in the middle."""
    assert one_of([9, 1, 4, 2], "median", before=None, spent_s=0) == 3


@pytest.mark.parametrize("how", ["delta", "rate"])
def test_a_counter_that_began_anew_has_not_shrunk(how: str) -> None:
    """Source: AppCenter's specification clamps a negative delta to 0."""
    assert one_of([5], how, before=900, spent_s=60) == 0


def test_the_newest_of_equally_frequent_texts_is_taken() -> None:
    """It says the most about now."""
    assert one_of(["a", "b"], "mode", before=None, spent_s=0) == "b"


def test_a_period_goes_on_where_the_last_one_ended() -> None:
    """Nothing between two periods is lost to a counter."""
    period = Period(Monitor("m", {"sent": Item(is_text=False, statistics="delta", choices=())}))
    period.add({"sent": 10}, at_s=0)
    first = period.close()
    period.add({"sent": 14}, at_s=60)
    period.add({"sent": 19}, at_s=120)

    assert (first, period.close(), period.close()) == ({"sent": 0}, {"sent": 9}, {})


@pytest.mark.parametrize(
    ("cmd", "values", "detail"),
    [
        pytest.param("echo warning >&2; echo '{\"a\": 1}'", {"a": 1}, "", id="good"),
        pytest.param("echo '{\"a\": true}'", {}, "a: a number is needed", id="bad-value"),
        pytest.param("exit 3", {}, "it ended with exit code 3", id="failing"),
        pytest.param("yes | head -c 9999999", {}, "it printed more than 64 KiB", id="endless"),
    ],
)
def test_the_first_measurement_is_reported_at_once(
    tmp_path: pathlib.Path, cmd: str, values: dict[str, Any], detail: str
) -> None:
    """With what went wrong, if anything did."""
    stop, supervision = threading.Event(), Supervision(tmp_path / "started")
    item = {"value_type": "int", "statistics": "latest"}
    monitor = {"cmd": cmd, "items": {"a": item}}
    supervision.configure({"supervision": json.dumps({"monitor": monitor})})
    reports: list[dict[str, Any]] = []
    runner = MonitorRunner(
        supervision, report=reports.append, scratch=tmp_path / "scratch", stop=stop
    )
    thread = threading.Thread(target=runner.run, daemon=True)

    thread.start()
    report = wait_for(lambda: reports[:1], "a report", within_s=30)[0]
    stop.set()
    supervision.wake()
    thread.join(10)

    assert (report["values"], report["detail"]) == (values, detail)
    assert not thread.is_alive()
