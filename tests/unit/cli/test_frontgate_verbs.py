"""``pitrix frontgate`` shows what connects networks, and asks before it cuts them off."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

FRONTGATE: dict[str, Any] = {
    "id": "fg-1",
    "state": "connected",
    "runtime_id": "rt-1",
    "network_id": "net-1",
    "clusters": ["cl-1", "cl-2"],
    "messages_waiting": 3,
    "token_expires_at": "2026-12-23T12:00:00Z",
    "connected_at": "2026-11-23T12:00:00Z",
}
JOB = {"id": "job-1", "state": "succeeded", "cluster_id": "cl-fg", "error": None}
PATH = "/v1/frontgates/fg-1"


@pytest.fixture
def gate(api: StandIn) -> StandIn:
    """An API that knows one Frontgate, and replaces its machine when it is asked to."""
    api.lists("/v1/frontgates", FRONTGATE)
    api.answers("GET", PATH, FRONTGATE)
    api.answers("POST", f"{PATH}/revoke", {**FRONTGATE, "state": "shut_out"})
    api.answers("POST", f"{PATH}/renew", JOB, status=202)
    api.answers("GET", "/v1/jobs/job-1", JOB)
    api.lists("/v1/jobs/job-1/tasks")
    return api


def test_frontgates_are_listed(gate: StandIn, pitrix: Callable[..., Result]) -> None:
    """One line each, with how many clusters and messages."""
    line = pitrix("frontgate", "list").out.splitlines()[1].split()

    assert line == ["fg-1", "connected", "rt-1", "net-1", "2", "3", "2026-12-23", "12:00:00Z"]


def test_a_frontgate_is_shown(gate: StandIn, pitrix: Callable[..., Result]) -> None:
    """In words, or as the API has it."""
    words = pitrix("frontgate", "show", "fg-1").out
    found = json.loads(pitrix("frontgate", "show", "fg-1", "--json").out)

    assert "2026-11-23 12:00:00Z" in words
    assert found == FRONTGATE


@pytest.mark.parametrize("verb", ["revoke", "renew"])
def test_nothing_is_cut_off_unasked(
    gate: StandIn, pitrix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Without --yes, somebody has to say so."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    result = pitrix("frontgate", verb, "fg-1")

    assert result.code == 1
    assert gate.asked("POST", f"{PATH}/{verb}") == []


def test_a_frontgate_is_revoked(gate: StandIn, pitrix: Callable[..., Result]) -> None:
    """And shown as it stands then."""
    result = pitrix("frontgate", "revoke", "fg-1", "--yes")

    assert "shut_out" in result.out
    assert len(gate.asked("POST", f"{PATH}/revoke")) == 1


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1)])
def test_a_frontgate_is_renewed(
    gate: StandIn, pitrix: Callable[..., Result], state: str, code: int
) -> None:
    """The job is followed to its end."""
    gate.forget("GET", "/v1/jobs/job-1")
    gate.answers("GET", "/v1/jobs/job-1", {**JOB, "state": state})

    result = pitrix("frontgate", "renew", "fg-1", "--yes")

    assert result.code == code
    assert ("The Frontgate is connected." in result.out) is (code == 0)
