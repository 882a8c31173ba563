"""``pitrix cluster monitor`` and ``tab``, and the health that ``show`` and ``list`` tell."""

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

AT = "2026-08-01T09:30:00.000Z"
UNWELL = {"state": "unhealthy", "since": AT, "detail": "the check ended with exit code 1"}
CLUSTER = {"id": "cl-1", "name": "shop", "state": "active", "health": "unhealthy"}
NODES = [
    {"id": "cln-1", "role": "db", "state": "running", "health": UNWELL},
    {"id": "cln-2", "role": "web", "state": "running", "health": None},
]
SNAPSHOT = {"cluster": CLUSTER, "nodes": NODES}
MEASURES: dict[str, Any] = {
    "items": {
        "db": [
            {"name": "load", "unit": "%", "scale": 0.1, "statistics": "avg"},
            {"name": "mode", "unit": "", "scale": 1, "statistics": "latest"},
        ],
        "web": [],
    },
    "samples": [
        {"node_id": "cln-1", "at": AT, "values": {"load": 900, "mode": "leader"}, "detail": ""},
        {"node_id": "cln-1", "at": AT, "values": {"load": 70}, "detail": "it was slow"},
    ],
    "is_cut": True,
}
ASKED: dict[str, Any] = {
    "id": "tab-1",
    "cluster_id": "cl-1",
    "node_id": "cln-1",
    "state": "asked",
    "labels": [],
    "rows": [],
    "error": "",
}


@pytest.fixture
def shop(api: StandIn) -> StandIn:
    """An API with one cluster, of which a node is not well."""
    api.answers("GET", "/v1/clusters/shop", SNAPSHOT)
    api.answers("GET", "/v1/clusters/shop/measures", MEASURES)
    api.answers("POST", "/v1/clusters/shop/tabs", ASKED, status=202)
    api.lists("/v1/clusters", CLUSTER)
    tab = {"title": "Users", "cmd": "x", "roles": ["db"], "description": "Who", "timeout_s": 10}
    api.lists("/v1/clusters/shop/tabs", tab)
    return api


def lines_of(result: Result) -> list[list[str]]:
    """Return the words of each line of the output."""
    return [line.split() for line in result.out.splitlines()]


def test_health_stands_beside_the_state(shop: StandIn, pitrix: Callable[..., Result]) -> None:
    """In the list of clusters."""
    result = pitrix("cluster", "list")

    assert lines_of(result)[1][:4] == ["shop", "cl-1", "active", "unhealthy"]


def test_a_cluster_tells_which_node_is_not_well_and_why(
    shop: StandIn, pitrix: Callable[..., Result]
) -> None:
    """A node that is not checked has nothing to tell."""
    result = pitrix("cluster", "show", "shop")

    why = "unhealthy since 2026-08-01 09:30:00Z: the check ended with exit code 1"
    first, second = result.out.splitlines()[-2:]
    assert first.endswith(why)
    assert second.split() == ["web", "cln-2", "running"]


def test_measurements_are_shown_as_the_package_wants(
    shop: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Scaled, with units; the last value beside the least and the most."""
    result = pitrix("cluster", "monitor", "shop", "--since", "2d", "--node", "cln-1")

    at = ["2026-08-01", "09:30:00Z"]
    assert lines_of(result)[1:3] == [
        ["db", "cln-1", "load", "7", "%", "7", "%", "90", "%", *at],
        ["db", "cln-1", "mode", "leader", *at],
    ]
    assert "cln-1: it was slow" in result.out
    assert "left out" in result.out
    assert shop.asked("GET", "/v1/clusters/shop/measures")[0].query == {
        "node_id": "cln-1",
        "minutes": "2880",
    }


def test_nothing_measured_is_said(shop: StandIn, pitrix: Callable[..., Result]) -> None:
    """With the time that was looked at."""
    shop.forget("GET", "/v1/clusters/shop/measures")
    nothing = {"items": {}, "samples": [], "is_cut": False}
    shop.answers("GET", "/v1/clusters/shop/measures", nothing)

    assert pitrix("cluster", "monitor", "shop").out == "Nothing was measured within 1h.\n"


@pytest.mark.parametrize("since", ["", "1", "0m", "-1h", "1w", "9999999m"])
def test_what_is_no_time_is_refused(
    shop: StandIn, pitrix: Callable[..., Result], since: str
) -> None:
    """The error says how a time looks."""
    result = pitrix("cluster", "monitor", "shop", "--since", since)

    assert result.code == 1
    assert "30m" in result.err


def test_a_table_is_waited_for_and_shown(shop: StandIn, pitrix: Callable[..., Result]) -> None:
    """Rows need not be of equal length."""
    table = {"labels": ["user", "age"], "rows": [["ann", "7"], ["bob"], ["eve", "8", "!"]]}
    shop.answers("GET", "/v1/tabs/tab-1", ASKED, {**ASKED, "state": "done", **table})

    result = pitrix("cluster", "tab", "shop", "Users", "--node", "cln-1")

    assert lines_of(result) == [["user", "age"], ["ann", "7"], ["bob"], ["eve", "8", "!"]]
    asked = shop.asked("POST", "/v1/clusters/shop/tabs")[0]
    assert asked.body == {"title": "Users", "node_id": "cln-1"}


def test_a_table_that_cannot_be_filled_in_is_an_error(
    shop: StandIn, pitrix: Callable[..., Result]
) -> None:
    """It names the node and the reason."""
    failed = {**ASKED, "state": "failed", "error": "the command ended with exit code 3"}
    shop.answers("GET", "/v1/tabs/tab-1", failed)

    result = pitrix("cluster", "tab", "shop", "Users")

    assert result.code == 1
    assert "Node cln-1 could not fill in 'Users': the command ended" in result.err


def test_an_empty_table_is_said_to_be_empty(shop: StandIn, pitrix: Callable[..., Result]) -> None:
    """Titles alone would look as if something were missing."""
    shop.answers("GET", "/v1/tabs/tab-1", {**ASKED, "state": "done", "labels": ["user"]})

    assert pitrix("cluster", "tab", "shop", "Users").out == "The table is empty.\n"


def test_tables_are_listed(shop: StandIn, pitrix: Callable[..., Result]) -> None:
    """Where none is named."""
    result = pitrix("cluster", "tab", "shop")

    assert lines_of(result)[1] == ["Users", "db", "Who"]
