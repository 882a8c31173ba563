"""Verbs about people, tokens and logins: what they send, and what they keep."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.cli import logins

USER: dict[str, Any] = {"id": "usr-1", "name": "ada", "group": "/web", "role": "user"}
GROUP: dict[str, Any] = {"id": "grp-1", "name": "web", "path": "/web", "created_at": "2026-11-01"}
ME: dict[str, Any] = {
    "name": "ada",
    "group": "/web",
    "actions": ["clusters.read"],
    "reaches": [{"path": "/web", "actions": ["users.read"]}],
    "is_admin": False,
}


@pytest.fixture
def people(api: StandIn) -> StandIn:
    """An API that knows a user, a group, and who asks."""
    api.lists("/v1/users", USER)
    api.lists("/v1/groups", GROUP)
    api.lists("/v1/roles", {"name": "user", "is_built_in": True, "actions": ["apps.read"]})
    api.lists("/v1/tokens", {"id": "tok-1", "name": "ci", "actions": None})
    api.lists("/v1/users/ada/grants", {"id": "grt-1", "role": "user", "group": "/web"})
    api.answers("POST", "/v1/users", USER, status=201)
    api.answers("PATCH", "/v1/users/ada", USER)
    api.answers("PATCH", "/v1/groups/grp-1", GROUP)
    api.answers("POST", "/v1/groups", GROUP, status=201)
    api.answers("POST", "/v1/roles", {"name": "r"}, status=201)
    api.answers("POST", "/v1/users/ada/grants", {"id": "grt-1"}, status=201)
    api.answers("POST", "/v1/tokens", {"id": "tok-1", "name": "ci", "token": "ptx_x"}, status=201)
    api.answers("GET", "/v1/whoami", ME)
    api.answers("POST", "/v1/runtimes/here/share", {"name": "here"})
    api.answers("POST", "/v1/apps/etcd/share", {"name": "etcd"})
    for path in ("/v1/users/ada", "/v1/groups/grp-1", "/v1/roles/r", "/v1/grants/grt-1"):
        api.answers("DELETE", path, None, status=204)
    for name in ("ci", "current"):
        api.answers("DELETE", f"/v1/tokens/{name}", None, status=204)
    return api


@pytest.mark.parametrize(
    ("words", "method", "path", "body"),
    [
        (
            "user add ada --group /web",
            "POST",
            "/v1/users",
            {"name": "ada", "group": "/web", "role": "user"},
        ),
        ("user set ada --role developer", "PATCH", "/v1/users/ada", {"role": "developer"}),
        ("user disable ada", "PATCH", "/v1/users/ada", {"is_disabled": True}),
        ("user enable ada", "PATCH", "/v1/users/ada", {"is_disabled": False}),
        ("group add /acme/web", "POST", "/v1/groups", {"name": "web", "parent": "/acme"}),
        ("group add /web", "POST", "/v1/groups", {"name": "web", "parent": "/"}),
        ("group move /web /b", "PATCH", "/v1/groups/grp-1", {"name": "b", "parent": "/"}),
        ("role add r apps.read", "POST", "/v1/roles", {"name": "r", "actions": ["apps.read"]}),
        ("grant add ada admin /", "POST", "/v1/users/ada/grants", {"role": "admin", "group": "/"}),
        (
            "runtime share here groups --group /web",
            "POST",
            "/v1/runtimes/here/share",
            {"visibility": "groups", "groups": ["/web"]},
        ),
        ("app share etcd repo", "POST", "/v1/apps/etcd/share", {"groups": []}),
        (
            "token add ci --right clusters.read --days 7",
            "POST",
            "/v1/tokens",
            {"name": "ci", "actions": ["clusters.read"], "expires_in_days": 7},
        ),
    ],
)
def test_a_verb_asks_for_a_change(
    people: StandIn,
    pitrix: Callable[..., Result],
    words: str,
    method: str,
    path: str,
    body: dict[str, Any],
) -> None:
    """With what was typed, and nothing else."""
    result = pitrix(*words.split())

    [sent] = [seen for seen in people.requests if seen.method == method]
    assert result.code == 0
    assert (sent.path, sent.body) == (path, body)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("user delete ada --to bob --yes", "/v1/users/ada"),
        ("group delete /web", "/v1/groups/grp-1"),
        ("role delete r", "/v1/roles/r"),
        ("grant remove grt-1", "/v1/grants/grt-1"),
        ("token revoke ci", "/v1/tokens/ci"),
    ],
)
def test_a_verb_takes_something_away(
    people: StandIn, pitrix: Callable[..., Result], words: str, path: str
) -> None:
    """In words, and as JSON for programs."""
    said = pitrix(*words.split())
    for_programs = pitrix(*words.split(), "--json")

    paths = [seen.path for seen in people.requests if seen.method == "DELETE"]
    assert paths == [path, path]
    assert said.out.strip()
    assert json.loads(for_programs.out)


@pytest.mark.parametrize("words", ["user list", "group list", "role list", "grant list ada"])
def test_lists_are_shown(people: StandIn, pitrix: Callable[..., Result], words: str) -> None:
    """As tables, and as JSON."""
    lines = pitrix(*words.split()).out.splitlines()
    found = json.loads(pitrix(*words.split(), "--json").out)

    assert len(lines) == 2
    assert len(found["items"]) == 1


def test_a_new_token_is_alone_on_standard_output(
    people: StandIn, pitrix: Callable[..., Result]
) -> None:
    """So that a script can keep it; that it is not shown again, is said beside it."""
    result = pitrix("token", "add", "ci")

    assert result.out == "ptx_x\n"
    assert "not shown again" in result.err


def test_one_sees_who_one_is(people: StandIn, pitrix: Callable[..., Result]) -> None:
    """With what one may do, and where."""
    out = pitrix("whoami").out

    assert "ada" in out
    assert "on /web" in out
    assert "users.read" in out


def test_a_group_that_is_not_there_is_not_deleted(
    people: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Paths are looked up first."""
    result = pitrix("group", "delete", "/none")

    assert result.code == 1
    assert "There is no group /none" in result.err


def test_a_login_with_a_token_is_remembered(
    people: StandIn,
    type_command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """For later commands, in a file that only its owner reads; logging out drops and revokes it."""
    monkeypatch.setattr("click.prompt", lambda *_, **__: "ptx_mine")

    type_command("login", "--with-token", "--url", people.url)
    kept = logins.remembered()
    shown = type_command("whoami")
    type_command("logout")

    file = tmp_path / "xdg-config" / "pitrix" / "logins.json"
    assert kept == {people.url: "ptx_mine"}
    assert shown.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert logins.remembered() == {}
    assert people.requests[-1].path == "/v1/tokens/current"
