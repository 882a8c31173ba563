"""``frontgate status`` in words: what matters first, and what is wrong at once."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from frontgate_harness import Clock

from pitrix_frontgate import status
from pitrix_frontgate.channel import Meeting
from pitrix_frontgate.config import FrontgateConfig, Places
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.outbox import Entry, Outbox

NODE = {"state": "configured", "revision": 3, "detail": "", "at": "2026-11-23T12:00:00Z"}
FOUND: dict[str, Any] = {
    "connected": True,
    "responding": True,
    "pid": 7,
    "endpoint": "http://127.0.0.1:2379",
    "protocol": 2,
    "token_expires_at": "2026-12-23T12:00:00Z",
    "certificate_not_after": "2027-01-01T00:00:00Z",
    "pilot_url": "wss://pilot.example",
    "way": "long-poll",
    "since": "2026-11-23T12:00:00Z",
    "member": None,
    "leads": True,
    "reports": {"unacknowledged": 2, "characters": 900, "left_out": 0, "dropped": 0},
    "oldest_unacknowledged": "2026-11-23T12:34:56Z",
    "etcd": {"healthy": True, "error": None},
    "clusters": {
        "cl-1": {
            "revision": 3,
            "nodes": {"n1": NODE, "n2": {**NODE, "state": None}},
            "commands_outstanding": 1,
            "results_unacknowledged": 0,
        }
    },
}


def test_all_is_told() -> None:
    """A line for each thing, a cluster's nodes below it."""
    assert status.told(FOUND).splitlines() == [
        "connected  to wss://pilot.example by long-poll, since 2026-11-23T12:00:00Z",
        "token      ends 2026-12-23T12:00:00Z",
        "tls        certificate ends 2027-01-01T00:00:00Z",
        "etcd       http://127.0.0.1:2379, healthy",
        "reports    2 not acknowledged; oldest: 2026-11-23T12:34:56Z",
        "process    7",
        "cluster    cl-1, revision 3, commands outstanding: 1, results not acknowledged: 0",
        "  node     n1  configured from revision 3, 2026-11-23T12:00:00Z",
        "  node     n2  has not reported",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"connected": False}, "connected  to no Pilot, since", id="away"),
        pytest.param({"token_expires_at": None}, "token      none yet", id="not-let-in"),
        pytest.param({"certificate_not_after": None}, "tls        no certificate", id="no-tls"),
        pytest.param({"protocol": 1}, "token      static (protocol 1)", id="version-1"),
        pytest.param(
            {"etcd": {"healthy": False, "error": "refused"}}, "away: refused", id="no-etcd"
        ),
        pytest.param(
            {"reports": {"unacknowledged": 2, "characters": 9, "left_out": 5, "dropped": 7}},
            "2 not acknowledged, 5 more only in etcd",
            id="full",
        ),
        pytest.param({"oldest_unacknowledged": None}, "oldest: none", id="nothing-waits"),
        pytest.param({"member": 2}, "member     2, is the Frontgate now", id="leads"),
        pytest.param({"member": 2, "leads": False}, "member     2, stands by", id="stands-by"),
        pytest.param(
            {"member": 2, "leads": False, "token_expires_at": None},
            "token      with the machine that is the Frontgate now",
            id="token-of-another",
        ),
        pytest.param(
            {"member": 2, "etcd": {"healthy": False, "error": "no leader"}},
            "without a majority: nothing can be read or written",
            id="no-majority",
        ),
        pytest.param({"responding": False}, "process    7, does not respond", id="hangs"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], line: str) -> None:
    """In its place."""
    assert line in status.told({**FOUND, **changes})


def presence_of(path: Path, outbox: Outbox, **more: Clock) -> status.Presence:
    """Make what writes the notes of a Frontgate that has no token yet."""
    config = FrontgateConfig("fg-1", "e" * 43, (), throw_away=True)
    identity = Identity(config, path.with_name("token.json"))
    return status.Presence(
        path, endpoint="http://127.0.0.1:2379", outbox=outbox, identity=identity, **more
    )


def test_the_running_frontgate_leaves_notes(tmp_path: Path) -> None:
    """What changes is written at once; the file is whole at any time."""
    outbox, path = Outbox(), tmp_path / "running.json"
    presence = presence_of(path, outbox)
    presence.connected(Meeting("wss://p", "websocket"))
    outbox.offer(Entry("slot", Frame("f", "node.status", {}), 1, 100))
    presence.write()
    notes = json.loads(path.read_bytes())

    presence.connected(None)

    assert (notes["pilot_url"], notes["way"], notes["pid"]) == ("wss://p", "websocket", os.getpid())
    assert notes["reports"] == {"unacknowledged": 1, "characters": 100, "left_out": 0, "dropped": 0}
    assert notes["oldest_unacknowledged"] is not None
    assert json.loads(path.read_bytes())["pilot_url"] is None


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    """But for every ten seconds, so that others see that it still runs: the disk has more to do."""
    path, clock = tmp_path / "running.json", Clock(1_000_000.0)
    presence = presence_of(path, Outbox(), clock=clock)
    presence.write()
    path.write_text("")

    presence.write()
    was_written_at_once = bool(path.read_text())
    clock.now_s += 11
    presence.write()

    assert not was_written_at_once
    assert path.read_text()


def test_notes_that_were_taken_away_are_written_again(tmp_path: Path) -> None:
    """The one whose turn it was takes them along; the machine that stands by is still there."""
    path = tmp_path / "running.json"
    presence = presence_of(path, Outbox(), clock=Clock(1_000_000.0))
    presence.write()
    path.unlink()

    presence.write()

    assert path.exists()


def test_an_etcd_that_is_away_is_told_of(tmp_path: Path) -> None:
    """All else is told as well."""
    places = Places(tmp_path)
    places.state.mkdir(parents=True)
    places.root_password.write_text("secret")
    notes = {**FOUND, "endpoint": "http://127.0.0.1:9", "at_s": 0.0, "pid": os.getpid()}
    gathered = ("connected", "responding", "certificate_not_after", "etcd", "clusters")
    places.running.write_text(
        json.dumps({name: value for name, value in notes.items() if name not in gathered})
    )

    found = status.collect(places)

    assert found["etcd"]["healthy"] is False
    assert (found["responding"], found["clusters"]) == (False, {})
    assert "secret" not in json.dumps(found)
