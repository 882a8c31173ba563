"""A quiet line is pinged as often as it needs, and no more often."""

import pytest
from frontgate_harness import Clock

from pitrix_frontgate.pulse import Pulse


def cut_after(*silences_s: float) -> Pulse:
    """Have the line cut after each of these silences, one connection after the other."""
    clock = Clock()
    pulse = Pulse(clock=clock)
    for silence_s in silences_s:
        pulse.heard()
        clock.now_s += silence_s
        pulse.cut()
    return pulse


@pytest.mark.parametrize(
    ("silences_s", "interval_s"),
    [
        pytest.param([10.0], 20.0, id="once"),
        pytest.param([10.0, 10.3], 5.0, id="twice"),
        pytest.param([10.0, 15.0], 20.0, id="different"),
        pytest.param([10.0, 15.0, 15.0], 7.5, id="alike-at-last"),
        pytest.param([25.0, 25.0], 20.0, id="longer-than-pings"),
        pytest.param([0.5, 0.5], 20.0, id="at-once"),
        pytest.param([10.0, 10.0, 4.0, 4.2], 2.0, id="shorter-still"),
        pytest.param([2.5, 2.5], 2.0, id="no-shorter-than-that"),
    ],
)
def test_cuts_after_the_same_silence_shorten_the_interval(
    silences_s: list[float], interval_s: float
) -> None:
    """Others are no proxy's: a Pilot that was killed, or a link that is down."""
    assert cut_after(*silences_s).interval_s == interval_s
