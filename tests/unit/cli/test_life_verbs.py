"""``app upload``, the moves of versions, ``review`` and ``app match``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

Pitrix = Callable[..., Result]

VERSION = {"id": "appv-1", "version": "1.0.0", "state": "draft", "info": {"name": "mine"}}
LIFE = {
    "id": "appv-1",
    "version": "1.0.0",
    "state": "in_review",
    "review": {"phases": ["business", "technical"], "reviewer": "rita"},
    "allowed": ["pass", "reject"],
}
LIMITS = {"concurrency": 64, "rate_per_s": None}


def runtime(name: str, **said: Any) -> dict[str, Any]:
    """Return what the API says of a runtime that matches."""
    about = {"runtime_name": name, "provider": "fake", "zone": "a", "limits": LIMITS}
    return {**about, "matches": True, "objections": [], "also_offers": [], "price": None, **said}


@pytest.fixture
def version(api: StandIn) -> str:
    """The id of a version that is there."""
    api.answers("GET", "/v1/app_versions/appv-1", VERSION)
    return "appv-1"


def test_an_archive_is_uploaded(api: StandIn, pitrix: Pitrix, tmp_path: Path) -> None:
    """What was found in it is shown, and what comes next."""
    archive = tmp_path / "mine.tgz"
    archive.write_bytes(b"an archive")
    finding = {"level": "warning", "code": "x", "message": "is odd", "pointer": "/a"}
    api.answers("POST", "/v1/apps", {**VERSION, "findings": [finding]}, status=201)

    result = pitrix("app", "upload", str(archive))

    [asked] = api.asked("POST", "/v1/apps")
    assert result.code == 0
    assert asked.body == b"an archive"
    assert asked.headers["Idempotency-Key"]
    assert result.out.splitlines() == [
        "version  mine@1.0.0",
        "id       appv-1",
        "state    draft",
        "  warning /a: is odd",
        "Next: pitrix app submit appv-1",
    ]


def test_a_file_that_is_not_there_is_said(api: StandIn, pitrix: Pitrix) -> None:
    """Before anything is sent."""
    result = pitrix("app", "upload", "/nowhere/mine.tgz")

    assert result.code == 1
    assert "mine.tgz" in result.err
    assert api.requests == []


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        pytest.param(("app", "submit"), "submit", {}, id="the-owners"),
        pytest.param(("review", "pass"), "pass", {}, id="the-reviewers"),
        pytest.param(
            ("review", "reject", "--reason", "no"), "reject", {"reason": "no"}, id="with-a-reason"
        ),
    ],
)
def test_a_version_is_moved(
    api: StandIn, pitrix: Pitrix, version: str, words: tuple[str, ...], path: str, body: Any
) -> None:
    """And what can be done next is shown."""
    api.answers("POST", f"/v1/app_versions/appv-1/{path}", LIFE)

    result = pitrix(*words, version)

    assert result.code == 0
    assert api.asked("POST", f"/v1/app_versions/appv-1/{path}")[0].body == body
    assert "you can      pass, reject" in result.out


def test_some_moves_want_a_reason(api: StandIn, pitrix: Pitrix) -> None:
    """The server would refuse them anyway."""
    result = pitrix("app", "suspend", "appv-1")

    assert result.code == 2
    assert "--reason" in result.err


def test_what_is_moved_is_named_in_full(api: StandIn, pitrix: Pitrix) -> None:
    """An app's name alone is no version: which one is nothing to be guessed."""
    problem = {"title": "Not Found", "detail": "There is no app version 'mine'."}
    api.answers("GET", "/v1/app_versions/mine", problem, status=404)

    result = pitrix("app", "delete", "mine")

    assert result.code == 1
    assert "no app version" in result.err


def test_a_life_says_what_can_be_done(api: StandIn, pitrix: Pitrix) -> None:
    """And who is at the review."""
    api.answers("GET", "/v1/app_versions/appv-1", LIFE)

    result = pitrix("app", "life", "appv-1")

    assert result.out.splitlines() == [
        "version      1.0.0",
        "id           appv-1",
        "state        in_review",
        "phases left  business, technical",
        "reviewer     rita",
        "you can      pass, reject",
    ]


def test_a_history_is_a_table(api: StandIn, pitrix: Pitrix, version: str) -> None:
    """Who did what, and why."""
    move = {
        "at": "2026-08-21T09:30:00Z",
        "actor": "rita",
        "move": "reject",
        "source": "in_review",
        "target": "rejected",
        "phase": "technical",
        "reason": "broken",
    }
    api.lists("/v1/app_versions/appv-1/transitions", move)

    result = pitrix("app", "history", version)

    words = ["2026-08-21", "09:30:00Z", "rita", "reject", "in_review", "rejected", "technical"]
    assert result.out.splitlines()[1].split() == [*words, "broken"]


def test_reviews_are_a_table(api: StandIn, pitrix: Pitrix) -> None:
    """With the phase that each is in."""
    api.lists(
        "/v1/reviews",
        {
            "app_name": "mine",
            "version": "1.0.0",
            "owner": "dora",
            "reviewer": None,
            "phases": ["isv", "technical"],
            "app_version_id": "appv-1",
            "created_at": "2026-08-21T09:30:00Z",
        },
    )

    result = pitrix("review", "list")

    line = result.out.splitlines()[1].split()
    assert line == ["mine", "1.0.0", "dora", "isv", "2026-08-21", "09:30:00Z", "appv-1"]


def test_runtimes_are_compared(api: StandIn, pitrix: Pitrix, version: str) -> None:
    """In the order of the answer; of those that do not match, why not and what to do."""
    price = {"amount_per_month": "7.50", "currency": "EUR", "source": "sheet of 2026-01-01"}
    why = {"message": "Runtime b: it has no image.", "next_step": "Choose another one."}
    cheap = runtime("a", price=price, totals={"machines": 1})
    poor = runtime("b", matches=False, objections=[why])
    found = {"app_version_id": version, "runtimes": [cheap, poor], "missing": []}
    api.answers("POST", "/v1/app_versions/appv-1/matches", found)

    result = pitrix("app", "match", version)

    assert result.code == 0
    assert api.asked("POST", "/v1/app_versions/appv-1/matches")[0].body == {}
    lines = result.out.splitlines()
    assert lines[1] == "a        fake      a     7.50 EUR a month (sheet of 2026-01-01)  1 machines"
    assert lines[2:] == ["Runtime b: it has no image.", "  Choose another one."]


def test_parameters_are_typed_by_the_schema(api: StandIn, pitrix: Pitrix, version: str) -> None:
    """As for a plan."""
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}
    api.answers("GET", "/v1/app_versions/appv-1/config_schema", schema)
    found = {"app_version_id": version, "runtimes": [], "missing": []}
    api.answers("POST", "/v1/app_versions/appv-1/matches", found)

    result = pitrix("app", "match", version, "--set", "size=3")

    [asked] = api.asked("POST", "/v1/app_versions/appv-1/matches")
    assert asked.body == {"config": {"size": 3}}
    assert result.out == "No runtime is registered.\n"


def test_a_draft_is_not_what_is_deployed(api: StandIn, pitrix: Pitrix) -> None:
    """The newest version that is active is, though its owner sees newer ones."""
    api.answers("GET", "/v1/apps/mine", {"id": "app-1", "name": "mine"})
    draft = {"id": "appv-2", "version": "2.0.0", "state": "draft"}
    active = {"id": "appv-1", "version": "1.0.0", "state": "active"}
    api.lists("/v1/apps/app-1/versions", draft, active)
    missing = {"title": "Not Found"}
    api.answers("GET", "/v1/app_versions/mine", missing, status=404)
    found = {"app_version_id": "appv-1", "runtimes": [], "missing": []}
    api.answers("POST", "/v1/app_versions/appv-1/matches", found)

    result = pitrix("app", "match", "mine")

    assert result.code == 0
