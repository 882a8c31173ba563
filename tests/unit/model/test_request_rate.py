"""Rates that adapt to throttling: tokens, halving, growing back."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_core.model.request_rate import RequestRate

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def later(seconds: float) -> dt.datetime:
    """Return a moment after the beginning."""
    return NOW + dt.timedelta(seconds=seconds)


def test_without_limits_nothing_is_counted() -> None:
    """As many as there are."""
    rate = RequestRate()

    assert rate.tokens_at(NOW) == math.inf
    assert rate.spent(1000, now=NOW) is rate


def test_the_bucket_holds_what_comes_in_a_second() -> None:
    """However long nothing was sent."""
    rate = RequestRate(ceiling_per_s=5.0).spent(5, now=NOW)

    found = [rate.tokens_at(later(seconds)) for seconds in (0.0, 0.5, 1.0, 3600.0)]

    assert found == [0.0, 2.5, 5.0, 5.0]


def test_a_slow_rate_lets_one_through_in_the_end() -> None:
    """One in ten seconds is one, and not a tenth."""
    rate = RequestRate(ceiling_per_s=0.1).spent(1, now=NOW)

    assert [int(rate.tokens_at(later(seconds))) for seconds in (9.0, 10.1, 100.0)] == [0, 1, 1]


def test_throttling_halves_what_was_sent() -> None:
    """Where there was no limit, half of what the cloud was seen to be sent."""
    rate = RequestRate().slowed(now=NOW, seen_per_s=40.0)

    assert rate.per_s_at(NOW) == 20.0
    assert rate.tokens_at(NOW) == 0.0


def test_answers_of_the_same_moment_halve_once() -> None:
    """They were under way before the rate was halved."""
    rate = RequestRate().slowed(now=NOW, seen_per_s=40.0)

    same, next_one = (rate.slowed(now=later(s), seen_per_s=40.0) for s in (1.0, 6.0))

    assert same is rate
    assert next_one.per_s_at(later(6.0)) == pytest.approx(11.0)


def test_a_halved_rate_is_back_after_a_minute() -> None:
    """And grows on, up to what the operator has set."""
    rate = RequestRate(ceiling_per_s=50.0).slowed(now=NOW, seen_per_s=40.0)

    assert [rate.per_s_at(later(s)) for s in (0.0, 30.0, 60.0, 600.0)] == [20.0, 30.0, 40.0, 50.0]


def test_a_cloud_that_only_throttles_is_still_asked() -> None:
    """Every ten seconds, however often it says no."""
    rate = RequestRate()
    for number in range(100):
        rate = rate.slowed(now=later(5.0 * number), seen_per_s=0.0)

    assert rate.per_s_at(later(495.0)) == 0.1


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 20), st.booleans()), max_size=40))
def test_no_more_is_sent_than_the_ceiling_allows(
    moves: list[tuple[float, int, bool]],
) -> None:
    """Whatever is asked for when: at most the bucket, and what came in since."""
    rate, now, sent = RequestRate(ceiling_per_s=4.0), NOW, 0
    for pause_s, wanted, is_throttled in moves:
        now += dt.timedelta(seconds=pause_s)
        if is_throttled:
            rate = rate.slowed(now=now, seen_per_s=4.0)
        allowed = min(wanted, int(rate.tokens_at(now)))
        rate, sent = rate.spent(allowed, now=now), sent + allowed

    assert sent <= 4.0 + 4.0 * (now - NOW).total_seconds() + 1e-6
