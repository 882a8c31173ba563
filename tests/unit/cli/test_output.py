"""How values, tables and errors look."""

import pytest

from pitrix_core.cli import output, problems
from pitrix_core.errors import InvalidInputError
from pitrix_core.findings import Finding, Level


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "yes", id="true"),
        pytest.param(3, "3", id="number"),
        pytest.param(["a", 1], "a, 1", id="list"),
        pytest.param({"a": {"b": 1}, "c": "", "d": None}, "a.b=1", id="object"),
    ],
)
def test_a_value_is_read_by_people(value: object, text: str) -> None:
    """Values of JSON become words; objects their paths, without empty ones."""
    assert output.text_of(value) == text


def test_a_table_is_drawn_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Titles and cells are there, whatever is in them."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    output.print_table([{"name": "[bold]x"}], {"name": "name"}, nothing="none")

    assert "[bold]x" in capsys.readouterr().out


@pytest.mark.parametrize(
    "width", [pytest.param(30, id="too-narrow-to-draw"), pytest.param(60, id="wide-enough")]
)
def test_an_id_is_never_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """In a narrow terminal, too, it stands on one line and can be copied."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    row = {"id": "job-bs6r46742fqlarey", "error": "a long story of what went wrong " * 3}

    output.print_table([row], {"id": "id", "error": "error"}, nothing="none")

    assert "job-bs6r46742fqlarey" in capsys.readouterr().out


def test_empty_fields_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not known is not shown."""
    output.print_fields({"name": "x", "zone": ""})

    assert capsys.readouterr().out == "name  x\n"


def test_a_finding_that_is_the_message_is_not_repeated() -> None:
    """One violation is told once."""
    message = "/count: 2 is not one of [1, 3]"
    finding = {"level": "error", "pointer": "/count", "message": "2 is not one of [1, 3]"}

    lines = problems.error_lines({"detail": message, "findings": [finding], "pointer": "/count"})

    assert lines == [problems.error_lines({"detail": message})[0]]


def test_an_error_of_ours_looks_like_the_apis() -> None:
    """Findings of an error raised here are in its problem document."""
    finding = Finding(level=Level.ERROR, code="x", message="no", pointer="/a", file="f.json")

    problem = problems.problem_of(InvalidInputError("Bad.", findings=[finding]))

    assert problem["code"] == "invalid_input"
    assert problem["findings"][0]["pointer"] == "/a"
    assert "f.json:/a: no" in problems.error_lines(problem)[1]
