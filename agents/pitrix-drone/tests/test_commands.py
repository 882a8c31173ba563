"""Commands, their journal and their processes, without etcd."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import threading

import pytest

from pitrix_drone import journal
from pitrix_drone.commands import CommandError, read_command
from pitrix_drone.journal import Journal, Process
from pitrix_drone.processes import (
    MARK,
    Entered,
    Shell,
    ask_shell,
    kill_leftover,
    run_shell,
    start_ticks,
)

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
        ({"supervision": "pause"}, "supervision"),
    ],
)
def test_a_command_that_breaks_the_protocol_is_refused(
    change: dict[str, object], message: str
) -> None:
    """The message names the member."""
    with pytest.raises(CommandError, match=message):
        read_command("c1", json.dumps({**_GOOD, **change}))


@pytest.mark.parametrize(
    "text",
    ["", "5", "{", '{"cmd": ' + "[" * 100_000],
    ids=["empty", "number", "cut-off", "nested-too-deep"],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    """The message says what it is not."""
    with pytest.raises(CommandError, match="JSON"):
        read_command("c1", text)


@pytest.mark.parametrize("command", ["\ud800", "a\0b"], ids=["half-a-character", "nul"])
def test_what_no_program_can_be_given_is_an_error_of_the_system(
    tmp_path: pathlib.Path, command: str
) -> None:
    """As a shell that is not there: whoever runs commands reckons with it."""
    with pytest.raises(OSError, match="cannot be given to a program"):
        run_shell(command, timeout_s=5, stop=threading.Event(), scratch=tmp_path)


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


def test_a_command_that_takes_too_long_has_no_exit_code(tmp_path: pathlib.Path) -> None:
    """What it wrote is kept."""
    outcome = run_shell("echo a; sleep 20", timeout_s=0.2, stop=threading.Event(), scratch=tmp_path)

    assert outcome == (None, "a\n", False)


def test_a_drone_that_stops_does_not_wait_for_a_command(tmp_path: pathlib.Path) -> None:
    """Its process group is killed."""
    stop = threading.Event()
    stop.set()

    outcome = run_shell("sleep 20", timeout_s=20, stop=stop, scratch=tmp_path)

    assert outcome.exit_code is None


def test_an_answer_is_the_beginning_of_standard_output(tmp_path: pathlib.Path) -> None:
    """What a command complains about is no part of it."""
    command = "echo warning >&2; printf a; yes b | head -c 2000000"

    outcome = ask_shell(command, timeout_s=20, stop=threading.Event(), scratch=tmp_path)

    assert outcome.output[:4] == "ab\nb"
    assert (len(outcome.output), outcome.is_truncated) == (64 * 1024, True)


def test_a_command_that_writes_much_does_not_fill_the_disk(tmp_path: pathlib.Path) -> None:
    """Its file is cut while it runs; of what it wrote the end is kept, and told to be an end."""
    command = (
        "yes | head -c 2000000; "
        "until [ $(stat -L -c %s /proc/$$/fd/1) -lt 2000000 ]; do sleep 0.01; done; echo cut"
    )

    outcome = run_shell(command, timeout_s=60, stop=threading.Event(), scratch=tmp_path)

    assert (outcome.exit_code, outcome.is_truncated) == (0, True)
    assert outcome.output.endswith("y\ncut\n")
    assert len(outcome.output) == 16 * 1024


def test_other_processes_keep_no_command_from_being_killed(tmp_path: pathlib.Path) -> None:
    """Whatever is in their environments."""

    class Elsewhere(Shell):
        def enter(self, command: str) -> Entered:
            return Entered(super().enter(command).argv, mark="a-mark")

    other = subprocess.Popen(["/bin/sleep", "60"], env={MARK.encode(): b"\xff"})
    try:
        outcome = run_shell(
            "sleep 60",
            timeout_s=0.1,
            stop=threading.Event(),
            scratch=tmp_path,
            shell=Elsewhere(),
        )
    finally:
        other.kill()
        other.wait(10)

    assert outcome.exit_code is None


def test_a_leftover_is_killed_only_if_it_is_the_same_process(tmp_path: pathlib.Path) -> None:
    """A process id alone may belong to another by now."""
    process = subprocess.Popen(["/bin/sleep", "20"], start_new_session=True)
    ticks = start_ticks(process.pid)
    assert ticks is not None
    kill_leftover(process.pid, ticks + 1)
    is_spared = process.poll() is None
    kill_leftover(process.pid, ticks)

    assert (is_spared, process.wait(5)) == (True, -9)


def test_the_oldest_entries_are_forgotten(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are kept."""
    monkeypatch.setattr(journal, "KEPT", 2)
    for number in range(4):
        Journal(tmp_path).start(f"c{number}", started_at="then")
        os.utime(tmp_path / f"c{number}.json", (number, number))

    Journal(tmp_path).drop_oldest()

    assert sorted(path.stem for path in tmp_path.iterdir()) == ["c2", "c3"]


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
