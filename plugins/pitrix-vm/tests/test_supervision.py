"""What drones are told about health checks and monitors, and what users can look at."""

import json
from typing import Any

import pytest
from vm_packages import (
    VM,
    cluster_json,
    metadata_request,
    node,
    parsed,
    planned,
    snapshot,
)

from pitrix_core.model import DisplayTab, MeasuredItem
from pitrix_vm.spec import VmSpec

START = {"start": {"cmd": "start"}}
CHECK = {"enable": True, "check_cmd": "check", "action_cmd": "restart"}
MONITOR = {
    "enable": True,
    "cmd": "measure",
    "items": {
        "mode": {"value_type": "str", "enums": ["leader", 1]},
        "load": {"unit": "%", "scale_factor_when_display": 0.01, "statistics_type": "max"},
        "sent": {"statistics_type": "rate"},
    },
    "groups": {"Traffic": ["sent"]},
    "display": ["Traffic", "load"],
}


def told(spec: VmSpec) -> list[dict[str, Any] | None]:
    """Return what the drone of each node is told."""
    current = snapshot(planned(spec))
    metadata = VM.metadata(spec, metadata_request(current))
    texts = [metadata.nodes[node.id].get("agent/supervision") for node in current.nodes]
    return [None if text is None else json.loads(str(text)) for text in texts]


def package(**members: Any) -> VmSpec:
    """Return a package with one role of two nodes."""
    return parsed(cluster_json(node("db", **members)))


def test_a_health_check_is_told_with_its_defaults() -> None:
    """The values are AppCenter's."""
    found = told(package(services=START, health_check=CHECK))

    expected = {
        "waits_for_start": True,
        "health_check": {
            "check_cmd": "check",
            "action_cmd": "restart",
            "interval_s": 60,
            "timeout_s": 10,
            "action_timeout_s": 30,
            "healthy_threshold": 3,
            "unhealthy_threshold": 3,
        },
    }
    assert found == [expected, expected]


def test_a_monitor_is_told_with_its_items() -> None:
    """What has no such statistics takes the usual ones: a text the latest, a number the average."""
    items = {
        **MONITOR["items"],
        "version": {"value_type": "str", "statistics_type": "avg"},
        "users": {"statistics_type": "sum"},
    }
    found = told(package(monitor={**MONITOR, "items": items}))[0]

    assert found is not None
    assert found["waits_for_start"] is False
    assert found["monitor"]["items"] == {
        "mode": {"value_type": "str", "statistics": "latest", "choices": ["leader", "1"]},
        "load": {"value_type": "int", "statistics": "max", "choices": []},
        "sent": {"value_type": "int", "statistics": "rate", "choices": []},
        "version": {"value_type": "str", "statistics": "latest", "choices": []},
        "users": {"value_type": "int", "statistics": "avg", "choices": []},
    }


def test_no_more_items_are_told_than_the_protocol_allows() -> None:
    """At most 200, with names of 1 to 128 characters."""
    names = ["", "x" * 129, *(f"item {number}" for number in range(201))]
    items = {name: {"unit": "%"} for name in names}
    found = told(package(monitor={**MONITOR, "items": items}))[0]

    assert found is not None
    assert list(found["monitor"]["items"]) == names[2:202]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="none"),
        pytest.param({"health_check": {**CHECK, "enable": False}}, id="check-not-enabled"),
        pytest.param({"health_check": {**CHECK, "check_cmd": " "}}, id="check-without-command"),
        pytest.param({"monitor": {**MONITOR, "enable": False}}, id="monitor-not-enabled"),
        pytest.param({"monitor": {**MONITOR, "items": {}}}, id="monitor-without-items"),
    ],
)
def test_nothing_is_told_where_nothing_is_supervised(members: dict[str, Any]) -> None:
    """Such a node has no leaf for its drone."""
    assert told(package(**members)) == [None, None]


def test_a_start_for_some_nodes_is_awaited_on_these() -> None:
    """The others would wait for ever."""
    services = {"start": {"cmd": "start", "nodes_to_execute_on": 1}}
    found = told(package(services=services, health_check=CHECK))

    assert [each and each["waits_for_start"] for each in found] == [True, False]


def test_numbers_stay_within_what_a_drone_takes() -> None:
    """AppCenter's own limits are advice for authors."""
    check = {**CHECK, "interval_sec": 0, "timeout_sec": 10**9, "unhealthy_threshold": 10**9}
    found = told(package(health_check=check))[0]

    assert found is not None
    taken = found["health_check"]
    assert (taken["interval_s"], taken["timeout_s"]) == (1, 86_400)
    assert taken["unhealthy_threshold"] == 1000


def test_items_are_shown_as_the_package_wants() -> None:
    """A group stands for its items; what is not displayed comes last."""
    spec = package(monitor=MONITOR)
    found = VM.measured_items(spec, {})

    assert found["db"] == (
        MeasuredItem(name="sent", statistics="rate"),
        MeasuredItem(name="load", unit="%", scale=0.01, statistics="max"),
        MeasuredItem(name="mode", statistics="latest"),
    )


def test_nothing_is_shown_of_nodes_without_an_agent() -> None:
    """Nobody measures there."""
    assert VM.measured_items(package(monitor=MONITOR, agent_installed=False), {}) == {}


def test_tabs_are_listed() -> None:
    """With the command and the roles that run it; one without a command is none."""
    tab = {"cmd": "users", "roles_to_execute_on": ["db"], "description": "Who is there"}
    tabs = {"Users": tab, "Nothing": {"cmd": " "}}
    spec = parsed(cluster_json(node("db"), display_tabs=tabs))

    assert VM.display_tabs(spec, {}) == (
        DisplayTab(title="Users", cmd="users", roles=("db",), description="Who is there"),
    )


def test_nobody_waits_long_for_a_tab() -> None:
    """However long the package would let it take."""
    spec = parsed(cluster_json(node("db"), display_tabs={"Users": {"cmd": "x", "timeout": 3600}}))

    assert [tab.timeout_s for tab in VM.display_tabs(spec, {})] == [60]


def test_starting_begins_and_stopping_ends_supervision() -> None:
    """Commands say so to the drone that runs them."""
    services = {name: {"cmd": name} for name in ("init", "start", "stop", "destroy")}
    spec = package(services=services)
    creation = planned(spec)
    deletion = planned(spec, current=snapshot(creation))

    effects = {
        task.input["service"]: task.input.get("supervision")
        for task in (*creation.tasks, *deletion.tasks)
        if task.kind == "service.run"
    }
    assert effects == {"init": None, "start": "begin", "stop": "end", "destroy": "end"}
