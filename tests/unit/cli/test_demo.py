"""The parts of the demo that need no server; the whole of it is tried in ``tests/acceptance``."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result

from pitrix_core.cli.demo import cleanup, places, steps
from pitrix_core.cli.demo.interrupts import Interrupts
from pitrix_core.cli.demo.report import Clock, Report
from pitrix_core.cli.demo.server import Server, session_members
from pitrix_core.cli.problems import CliError


def test_a_folder_with_something_in_it_is_not_taken(tmp_path: Path) -> None:
    """The demo removes its folder, so nobody else's may be in it."""
    (tmp_path / "mine").touch()

    with pytest.raises(CliError, match="not an empty folder"):
        places.make_data_folder(tmp_path)


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    """Tokens and keys are kept in it."""
    folder = places.make_data_folder(tmp_path / "new")

    assert folder.stat().st_mode & 0o777 == 0o700


def test_missing_examples_say_where_they_are(
    tmp_path: Path, type_command: Callable[..., Result]
) -> None:
    """The error names the folder and the option; nothing is made."""
    result = type_command("demo", "--examples", str(tmp_path), "--data", str(tmp_path / "data"))

    assert result.code == 1
    assert str(tmp_path) in result.err
    assert "--examples" in result.err
    assert not (tmp_path / "data").exists()


def test_a_folder_of_no_demo_cannot_be_stopped(
    tmp_path: Path, type_command: Callable[..., Result]
) -> None:
    """Nothing is removed that is not a demo's."""
    (tmp_path / "precious").touch()

    result = type_command("demo", "--stop", str(tmp_path))

    assert result.code == 1
    assert (tmp_path / "precious").exists()


def test_a_signal_interrupts_where_it_may() -> None:
    """SIGTERM does what Ctrl-C does."""
    with Interrupts() as interrupts:
        interrupts.allow()

        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_does_not_interrupt_the_removal(capsys: pytest.CaptureFixture[str]) -> None:
    """While things are taken away a signal is answered with a word."""
    with Interrupts() as interrupts:
        interrupts.allow()
        interrupts.forbid()
        signal.raise_signal(signal.SIGINT)

    assert "A moment" in capsys.readouterr().err


def test_a_signal_that_came_too_early_is_not_forgotten() -> None:
    """It interrupts as soon as that is allowed."""
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)

        with pytest.raises(KeyboardInterrupt):
            interrupts.allow()


def test_the_old_handlers_come_back() -> None:
    """Outside of the block signals do what they did."""
    before = signal.getsignal(signal.SIGINT)

    with Interrupts():
        pass

    assert signal.getsignal(signal.SIGINT) is before


def test_a_kind_takes_from_its_first_start_to_its_last_end() -> None:
    """Tasks of one kind run beside each other; the span is what a user waits for."""
    day = "2026-08-21T09:30:0"
    tasks = [
        {"kind": "a", "started_at": f"{day}1Z", "finished_at": f"{day}3Z"},
        {"kind": "a", "started_at": f"{day}2Z", "finished_at": f"{day}5Z"},
        {"kind": "b", "started_at": None, "finished_at": None},
    ]

    assert steps.spans(tasks) == {"a": 4.0}


def test_a_part_is_timed_also_when_it_fails() -> None:
    """A report of a failure says how long it took to fail."""
    clock = Clock(say=lambda _text: None)

    with pytest.raises(ValueError, match="x"), clock.part("deploy", "Deploying"):
        raise ValueError("x")

    assert clock.timings_s["deploy"] >= 0


def test_what_is_left_behind_is_a_failure() -> None:
    """A demo that worked and did not clean up did not work."""
    clock = Clock(say=lambda _text: None)

    answer = Report(endpoints=("http://127.0.0.2:2379",), left=["process 1"]).to_json(clock)

    assert answer["status"] == "failed"
    assert answer["left"] == ["process 1"]


def test_a_process_that_names_the_folder_is_found(tmp_path: Path) -> None:
    """By its command line; the test's own process, which started it, is not counted."""
    name = str(tmp_path / "data")
    command = [sys.executable, "-c", "print(1, flush=True); input()", name]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has its command line now
        found = cleanup.naming(name)
        process.kill()

    assert list(found) == [process.pid]


def test_stopping_a_server_ends_its_whole_session(tmp_path: Path) -> None:
    """Also a child that does not listen to SIGTERM."""
    stubborn = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); "
    stubborn += "time.sleep(60)"
    code = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {stubborn!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        Server(tmp_path, process.pid, process).stop()

        assert session_members(process.pid) == []


def test_a_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    """The reason is in the message, not in a file that is removed."""
    (tmp_path / "serve.log").write_text("port taken\n")
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()

    with pytest.raises(CliError, match="port taken"):
        Server(tmp_path, process.pid, process).wait_until_ready()


def test_the_proof_fails_where_nobody_answers() -> None:
    """An endpoint without etcd is named as such, within the time set for it."""
    began = time.monotonic()

    with pytest.raises(CliError, match="does not answer"):
        steps.prove(["http://127.0.0.1:1"], within_s=0.1)

    assert time.monotonic() - began < 15
