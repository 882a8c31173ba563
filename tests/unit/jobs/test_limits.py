"""Throttling is noticed, and slows down what is sent."""

from collections.abc import Callable

import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.jobs.limits import RequestMeter, slow_down
from pitrix_core.jobs.outcome import Postponed, Retry, Succeeded
from pitrix_core.jobs.writing import Finished
from pitrix_core.model import Task
from pitrix_core.store.lanes import FREE_LANE
from pitrix_core.store.queue import Claim
from pitrix_core.testing.fake_provider import FakeEffect

THROTTLED = "provider_throttled"


def throttled_rate(engine: Engine, finished: list[Finished], *, sent: int) -> float:
    """Return the runtime's rate after these steps, of a runner that has sent so many requests."""
    meter = RequestMeter()
    for _ in range(sent):
        meter.note("rt-1")
    with engine.store.begin() as tx:
        slow_down(tx, finished, meter)
        return tx.lanes.rate("rt-1").per_s_at(tx.now)


@pytest.mark.parametrize(
    "outcome",
    [
        Retry(after_s=1.0, error="slow", error_code=THROTTLED, is_counted=False),
        Postponed(after_s=1.0, error="slow", error_code=THROTTLED),
    ],
    ids=["known-to-have-made-nothing", "undecided"],
)
def test_throttling_halves_the_rate_of_a_runtime(
    engine: Engine, claim_of: Callable[..., Claim], outcome: Retry | Postponed
) -> None:
    """Of what was sent lately, however many of these steps were told so."""
    finished = [Finished(claim_of(), outcome) for _ in range(5)]

    assert throttled_rate(engine, finished, sent=60) == pytest.approx(30.0, rel=0.1)


@pytest.mark.parametrize(
    "outcome",
    [
        Retry(after_s=1.0, error="busy", error_code="provider_temporary"),
        Postponed(after_s=1.0),
        Succeeded(outputs={}, operation=None, creates=False),
    ],
    ids=["temporary", "undecided", "done"],
)
def test_nothing_else_does(
    engine: Engine, claim_of: Callable[..., Claim], outcome: Retry | Postponed | Succeeded
) -> None:
    """A cloud that is busy is no cloud that throttles."""
    found = throttled_rate(engine, [Finished(claim_of(), outcome)], sent=60)

    assert found == float("inf")


def test_it_is_told_once_that_a_cloud_throttles(
    engine: Engine, claim_of: Callable[..., Claim]
) -> None:
    """To whom the runtime belongs, with the rate it came to; not for each answer."""
    answer = Retry(after_s=1.0, error="slow", error_code=THROTTLED, is_counted=False)
    finished = [Finished(claim_of(), answer) for _ in range(5)]

    for _ in range(2):
        throttled_rate(engine, finished, sent=60)

    with engine.store.read() as tx:
        [event] = [each for each in tx.events.after(0, limit=99) if each.subject == "rt-1"]
    assert (event.kind, event.owner) == ("runtime.throttled", "admin")
    assert event.data == {"name": "fake", "rate_per_s": pytest.approx(30.0, rel=0.1)}


def test_agents_are_not_slowed_down_by_a_cloud(engine: Engine) -> None:
    """A task about agents that looks at a machine slows its runtime down, not the agents."""
    engine.submit(Task(key="wait", kind="agent.wait", title="Wait"))
    [claim] = engine.claim()
    answer = Retry(after_s=1.0, error="slow", error_code=THROTTLED, is_counted=False)

    rate_per_s = throttled_rate(engine, [Finished(claim, answer)], sent=60)

    assert claim.lane == FREE_LANE
    assert rate_per_s == pytest.approx(30.0, rel=0.1)
    with engine.store.read() as tx:
        assert tx.lanes.rate(FREE_LANE).per_s_at(tx.now) == float("inf")


def test_requests_are_counted_over_the_last_seconds() -> None:
    """By lane; what is long ago counts no more."""
    now_s = 0.0
    meter = RequestMeter(clock=lambda: now_s)
    for _ in range(40):
        meter.note("rt-1")
    meter.note("rt-2")

    first = meter.per_s("rt-1"), meter.per_s("rt-2"), meter.per_s("rt-3")
    now_s = 4.0
    second = meter.per_s("rt-1")
    now_s = 14.0

    assert first == (40.0, 1.0, 0.0)
    assert second == 10.0
    assert meter.per_s("rt-1") == 0.0


def test_a_throttled_job_ends_well(engine: Engine) -> None:
    """More slowly, with every attempt it had."""
    job = engine.submit(*(volume(f"v{number}", max_attempts=1) for number in range(20)))
    engine.fault("volume.create", FakeEffect.THROTTLED, count=30)

    for _ in range(60):
        engine.turn(limit=4)
        engine.clock.advance(5.0)

    assert engine.job(job).state == "succeeded"


def test_five_hundred_operations_wait_on_four_slots(make_engine_of: Callable[..., Engine]) -> None:
    """Waiting for a cloud costs a row, and not a thread: all are under way at the same time."""
    engine = make_engine_of(delay_s=60.0)
    job = engine.submit(*(machine(f"m{number}") for number in range(500)))

    while outcomes := engine.turn(limit=4):
        assert len(outcomes) <= 4
    under_way = set(engine.states(job).values())
    made = len(engine.in_cloud())
    engine.clock.advance(70.0)
    while engine.turn(limit=4):
        engine.clock.advance(0.01)

    assert (under_way, made) == ({"ready"}, 500)
    assert engine.job(job).state == "succeeded"
