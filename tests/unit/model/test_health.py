"""What is known of nodes, and of a cluster of them."""

import datetime as dt

import pytest

from pitrix_core.model import HealthState, NodeHealth, health_of


def test_a_silent_agent_is_not_known_to_be_well() -> None:
    """Three reports have not come by then."""
    heard = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
    known = NodeHealth(state=HealthState.HEALTHY, since=heard, reported_at=heard)

    found = [known.at(heard + dt.timedelta(minutes=minutes)).state for minutes in (15, 16)]

    assert found == ["healthy", "unknown"]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([], None, id="none-is-checked"),
        pytest.param(["healthy", "healthy"], "healthy", id="all-are-well"),
        pytest.param(["healthy", "unknown"], "unknown", id="one-is-not-known"),
        pytest.param(["unknown", "unhealthy", "healthy"], "unhealthy", id="one-is-not-well"),
    ],
)
def test_a_cluster_is_as_its_worst_node(states: list[str], expected: str | None) -> None:
    """Whatever the others are."""
    assert health_of(HealthState(state) for state in states) == expected
