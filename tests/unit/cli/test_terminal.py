"""What strangers wrote, in a terminal: shown, and never carried out."""

import json
from pathlib import Path

import click
import pytest

import pitrix_core.cli
from pitrix_core.cli import output, problems, terminal

#: Modules that write by themselves: what this is about, and what stops everything.
BY_THEMSELVES = {"terminal.py", "completion.py", "main.py"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Größe 大小 \N{WAVING HAND SIGN}\ta\nb", None, id="letters"),
        pytest.param(click.style("bad", fg="red", bold=True), None, id="our-own-colours"),
        pytest.param("a\x1b[2Jb", "a\\x1b[2Jb", id="clears-the-screen"),
        pytest.param("a\x1b[8mb", "a\\x1b[8mb", id="hides"),
        pytest.param("a\x1b]0;title\x07", "a\\x1b]0;title\\x07", id="sets-a-title"),
        pytest.param("a\x9b2Jb", "a\\x9b2Jb", id="in-one-character"),
        pytest.param("error\rfine ", "error\\x0dfine ", id="writes-over"),
        pytest.param("ab\x08\x7f", "ab\\x08\\x7f", id="takes-back"),
        pytest.param("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066", id="turns-round"),
        pytest.param("a\u2028b", "a\\u2028b", id="separates-lines"),
        pytest.param("a\ud800", "a\\ud800", id="half-a-character"),
    ],
)
def test_commands_to_a_terminal_are_shown(text: str, shown: str | None) -> None:
    """Everything else stays as it is."""
    assert terminal.visible(text) == (text if shown is None else shown)


def test_json_says_the_same_without_commands() -> None:
    """A program reads what there was; a terminal gets nothing to carry out."""
    value = {"a": "\x1b[2J\x9b\x7f\u202eé\ud800"}

    written = terminal.json_text(value)

    assert json.loads(written) == value
    assert written == '{"a": "\\u001b[2J\\u009b\\u007f\\u202eé\\ud800"}'


def test_a_field_does_not_look_like_another(capsys: pytest.CaptureFixture[str]) -> None:
    """Its second line is not where names are."""
    output.print_fields({"description": "nice\ndigest  sha256:1", "digest": "sha256:2"})

    lines = capsys.readouterr().out.splitlines()

    assert lines == ["description  nice", "             digest  sha256:1", "digest       sha256:2"]


@pytest.mark.parametrize("is_drawn", [True, False])
def test_a_row_does_not_look_like_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_drawn: bool
) -> None:
    """Whatever is in a cell."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_drawn)

    output.print_table([{"name": "a\nb\x1b[2J"}], {"name": "name"}, nothing="none")

    assert "a\\nb\\x1b[2J" in capsys.readouterr().out


def test_a_finding_does_not_look_like_two() -> None:
    """Its message may hold what a package says."""
    found = {"level": "warning", "message": "odd\n  error all is lost", "next_step": "a\nb"}

    lines = "\n".join(problems.finding_lines([found])).splitlines()

    assert [line[:6].isspace() for line in lines] == [False, True, True, True]


def test_every_line_is_written_in_one_way() -> None:
    """Nothing goes to a terminal past this."""
    folder = Path(pitrix_core.cli.__file__).parent
    past = {
        source.name
        for source in folder.rglob("*.py")
        if "click.echo" in source.read_text() or "click.secho" in source.read_text()
        if "demo" not in source.parts
    }

    assert past <= BY_THEMSELVES
