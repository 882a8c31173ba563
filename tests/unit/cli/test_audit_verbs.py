"""``pitrix audit`` shows who changed what, and checks the chain by itself."""

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.convert import to_json
from pitrix_core.model.audit import BEGINNING, AuditEntry

AUDIT = "/v1/audit"


def chain(length: int) -> list[dict[str, Any]]:
    """Return sound entries, as the API answers them."""
    found, newest = [], BEGINNING
    for number in range(1, length + 1):
        entry = AuditEntry(
            id=number,
            at=dt.datetime(2026, 11, 1, 12, number, tzinfo=dt.UTC),
            user="alice",
            token_id="tok-1",
            address="127.0.0.1",
            request_id=f"req-{number}",
            action="limitRuntime",
            subject="rt-1",
            before={"concurrency": number},
            after={"concurrency": number + 1},
        ).following(newest.hash)
        newest = entry.anchor
        found.append(to_json(entry))
    return found


def anchor_of(entry: dict[str, Any]) -> str:
    """Return the anchor of an entry."""
    return f"{entry['id']}:{entry['hash']}"


@pytest.fixture
def entries(api: StandIn) -> list[dict[str, Any]]:
    """Three entries of an API."""
    found = chain(3)
    api.lists(AUDIT, *found)
    start = {"id": BEGINNING.id, "hash": BEGINNING.hash}
    newest = {"id": found[-1]["id"], "hash": found[-1]["hash"]}
    api.answers("GET", f"{AUDIT}/ends", {"start": start, "newest": newest})
    return found


@pytest.mark.usefixtures("entries")
def test_changes_are_listed(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """A line each, with what was and what is."""
    ran = pitrix("audit", "list", "--user", "alice", "--limit", "2")

    [asked] = api.asked("GET", AUDIT)
    lines = ran.out.splitlines()
    assert asked.query["user"] == "alice"
    assert len(lines) == 3
    assert lines[0].split()[:3] == ["id", "when", "user"]
    assert "2026-11-01 12:01:00Z  alice  limitRuntime" in lines[1]
    assert lines[1].endswith("concurrency=1  concurrency=2")


def test_changes_are_listed_for_programs(
    entries: list[dict[str, Any]], pitrix: Callable[..., Result]
) -> None:
    """As the API has them."""
    found = json.loads(pitrix("audit", "list", "--json").out)

    assert found == {"items": entries, "next_cursor": None}


def test_a_sound_chain_is_said_to_be_sound(
    entries: list[dict[str, Any]], pitrix: Callable[..., Result]
) -> None:
    """With what to keep elsewhere."""
    ran = pitrix("audit", "verify", "--anchor", anchor_of(entries[1]))

    assert ran.code == 0
    assert ran.out == f"3 entries are sound. Keep this elsewhere: {anchor_of(entries[2])}\n"


def test_the_first_wrong_entry_is_named(
    entries: list[dict[str, Any]], pitrix: Callable[..., Result]
) -> None:
    """It is a failure; programs are told how far it is sound."""
    entries[1]["user"] = "mallory"

    ran = pitrix("audit", "verify", "--json")

    assert ran.code == 1
    assert json.loads(ran.out)["count"] == 1
    assert "Entry 2 was changed" in ran.err


def test_an_anchor_that_is_none_is_typed_wrongly(pitrix: Callable[..., Result]) -> None:
    """It is not sent anywhere."""
    ran = pitrix("audit", "verify", "--anchor", "yesterday")

    assert ran.code == 2
    assert "no anchor" in ran.err


def test_an_export_can_be_checked_without_the_server(
    entries: list[dict[str, Any]], pitrix: Callable[..., Result], tmp_path: Path
) -> None:
    """It says where it begins; what was changed in it afterwards shows."""
    file = tmp_path / "audit.jsonl"

    exported = pitrix("audit", "export", str(file))
    sound = pitrix("audit", "verify", "--file", str(file))
    file.write_text(file.read_text().replace("alice", "mallory"))
    changed = pitrix("audit", "verify", "--file", str(file))

    assert exported.out == sound.out
    assert anchor_of(entries[2]) in sound.out
    assert changed.code == 1
    assert "Entry 1 was changed" in changed.err


@pytest.mark.usefixtures("entries")
def test_an_export_replaces_nothing(pitrix: Callable[..., Result], tmp_path: Path) -> None:
    """What is there may be the only copy."""
    file = tmp_path / "audit.jsonl"
    file.write_text("mine")

    ran = pitrix("audit", "export", str(file))

    assert (ran.code, file.read_text()) == (1, "mine")
    assert "there already" in ran.err


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param("", 1, id="empty"),
        pytest.param("hello\n", 1, id="text"),
        pytest.param('{"begin": 1}\n', 1, id="another-beginning"),
        pytest.param("[" * 100_000, 1, id="deep"),
        pytest.param('{"start": "0:' + "0" * 64 + '"}\n{}\n', 2, id="no-entry"),
        pytest.param('{"start": "0:' + "0" * 64 + '"}\n[]\n', 2, id="a-list"),
    ],
)
def test_what_is_no_export_is_refused(
    pitrix: Callable[..., Result], tmp_path: Path, content: str, line: int
) -> None:
    """With the line that is none."""
    file = tmp_path / "audit.jsonl"
    file.write_text(content)

    ran = pitrix("audit", "verify", "--file", str(file))

    assert ran.code == 1
    assert f"line {line}" in ran.err


def test_nothing_is_dropped_unasked(
    api: StandIn,
    entries: list[dict[str, Any]],
    pitrix: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without --yes, somebody has to say so."""
    start = {"id": 2, "hash": entries[1]["hash"]}
    api.answers("POST", f"{AUDIT}/prune", {"start": start, "newest": start})
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    refused = pitrix("audit", "prune", "--anchor", anchor_of(entries[1]))
    dropped = pitrix("audit", "prune", "--anchor", anchor_of(entries[1]), "--yes")

    [asked] = api.asked("POST", f"{AUDIT}/prune")
    assert refused.code == 1
    assert asked.body == {"anchor": anchor_of(entries[1])}
    assert dropped.out == "The audit begins after entry 2.\n"
