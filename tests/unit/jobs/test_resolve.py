"""What stands in the place of markers."""

import pytest

from pitrix_core.errors import TaskFailedError
from pitrix_core.jobs.resolve import resolve_for_driver, resolve_refs
from pitrix_core.model import AgentStart

OUTPUTS = {"vm": {"id": "i-1", "ips": ["10.0.0.1"]}}


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        pytest.param({"$ref": "vm#/id"}, "i-1", id="a-member"),
        pytest.param({"$ref": "vm#/ips/0"}, "10.0.0.1", id="an-item"),
        pytest.param({"$ref": "vm#"}, OUTPUTS["vm"], id="all"),
        pytest.param({"a": [{"$ref": "vm#/id"}, 1], "b": None}, {"a": ["i-1", 1], "b": None}),
        pytest.param(
            {"$agent": {"agent": "drone", "config": {"id": {"$ref": "vm#/id"}}}},
            {"$agent": {"agent": "drone", "config": {"id": "i-1"}}},
            id="inside-another-marker",
        ),
        pytest.param({"$secret": "sec-1"}, {"$secret": "sec-1"}, id="a-secret-stays"),
    ],
)
def test_references_become_outputs(value: object, resolved: object) -> None:
    """Wherever they stand."""
    assert resolve_refs(value, OUTPUTS) == resolved


@pytest.mark.parametrize("name", ["vm#/nothing", "other#/id", "vm#/ips/7"])
def test_a_missing_output_is_named(name: str) -> None:
    """The message says whose and which."""
    key, _, pointer = name.partition("#")

    with pytest.raises(TaskFailedError, match=f"Task {key} has no output {pointer}"):
        resolve_refs({"$ref": name}, OUTPUTS)


def test_secrets_and_agents_become_texts() -> None:
    """Secrets inside an agent's configuration go before the agent."""
    config = {"password": {"$secret": "sec-1"}, "ports": (1, 2)}
    value = {"user_data": {"$agent": {"agent": "drone", "config": config}}, "n": 1}
    agents: list[AgentStart] = []

    def user_data(start: AgentStart) -> str:
        agents.append(start)
        return "#!"

    resolved = resolve_for_driver(value, secret=str.upper, user_data=user_data)

    assert resolved == {"user_data": "#!", "n": 1}
    [start] = agents
    assert start.config == {"password": "SEC-1", "ports": [1, 2]}


def test_a_reference_left_over_is_left_alone() -> None:
    """They were resolved when the task was claimed."""
    value = {"$ref": "vm#/id"}

    resolved = resolve_for_driver(value, secret=str.upper, user_data=repr)

    assert resolved == value
