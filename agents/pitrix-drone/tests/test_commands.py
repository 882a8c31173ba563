"""Commands, their journal and their processes, without etcd."""

from __future__ import annotations

import json
import pathlib
import threading

import pytest

from pitrix_drone.commands import CommandError, read_command
from pitrix_drone.journal import Journal, Process
from pitrix_drone.processes import run_shell

_GOOD = {"command_id": "c1", "cmd": "true", "timeout_s": 5, "idempotent": False}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command_id": "c2"}, "command_id"),
        ({"cmd": ""}, "cmd"),
        ({"cmd": 5}, "cmd"),
        ({"cmd": "a\0b"}, "cmd"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"timeout_s": 1e9}, "timeout_s"),
        ({"idempotent": "no"}, "idempotent"),
    ],
)
def test_a_command_that_breaks_the_protocol_is_refused(
    change: dict[str, object], message: str
) -> None:
    """The message names the member."""
    with pytest.raises(CommandError, match=message):
        read_command("c1", json.dumps({**_GOOD, **change}))


@pytest.mark.parametrize("text", ["", "5", "{"])
def test_what_is_no_object_is_refused(text: str) -> None:
    """The message says what it is not."""
    with pytest.raises(CommandError, match="JSON"):
        read_command("c1", text)


def test_the_journal_remembers_across_objects(tmp_path: pathlib.Path) -> None:
    """A command is unknown, begun, a process, and ended, in this order."""
    process = Process("boot", 5, 77)
    states = [Journal(tmp_path).find("c1")]
    Journal(tmp_path).start("c1", started_at="then")
    states.append(Journal(tmp_path).find("c1"))
    Journal(tmp_path).note_process("c1", started_at="then", process=process)
    states.append(Journal(tmp_path).find("c1"))
    Journal(tmp_path).finish("c1", result={"state": "done", "started_at": "then"})
    states.append(Journal(tmp_path).find("c1"))

    assert states[0] is None
    assert [(each.started_at, each.process) for each in states[1:] if each] == [
        ("then", None),
        ("then", process),
        ("then", None),
    ]
    assert states[3] is not None
    assert states[3].result == {"state": "done", "started_at": "then"}


def test_a_damaged_entry_is_a_command_that_was_begun(tmp_path: pathlib.Path) -> None:
    """It is never started again."""
    (tmp_path / "c1.json").write_text('{"start', "utf-8")

    entry = Journal(tmp_path).find("c1")

    assert entry is not None
    assert entry.result is None


def test_a_signal_is_a_negative_exit_code(tmp_path: pathlib.Path) -> None:
    """As Python has it."""
    outcome = run_shell("kill -9 $$", timeout_s=5, stop=threading.Event(), scratch=tmp_path)

    assert outcome.exit_code == -9


def test_output_that_is_not_text_is_made_text(tmp_path: pathlib.Path) -> None:
    """So that it fits into JSON."""
    outcome = run_shell(
        "printf 'a\\377\\0b'", timeout_s=5, stop=threading.Event(), scratch=tmp_path
    )

    assert outcome.output == "a\ufffd\ufffdb"
