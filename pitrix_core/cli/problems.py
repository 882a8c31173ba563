"""What the command line says when something is wrong: the message, where, and the next step."""

from collections.abc import Sequence
from typing import ClassVar, Final

import click

from pitrix_core.cli.terminal import in_one_line, indented, json_text, say
from pitrix_core.errors import PitrixError
from pitrix_core.model import JsonObject

#: Exit code of a verb that was typed rightly and could not be done; click takes 2 for the others.
FAILED: Final = 1
#: Columns before what belongs to a finding and is not its first line.
_INDENT: Final = 6
#: Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
INTERRUPTED: Final = 130


class CliError(Exception):
    """A verb could not be done.

    Stands beside the tree of :mod:`pitrix_core.errors`, whose classes the API turns into answers:
    this one never leaves the command line.
    """

    #: Stable word for programs.
    code: ClassVar[str] = "cli"

    def __init__(
        self, message: str, *, pointer: str | None = None, next_step: str | None = None
    ) -> None:
        """Keep what is shown.

        :param pointer: JSON pointer of the member of the request that is at fault.
        :param next_step: what the reader can do now.
        """
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        self.next_step = next_step


class ApiError(CliError):
    """The API refused or failed a request."""

    code = "api"

    def __init__(self, problem: JsonObject) -> None:
        """Keep a problem document (RFC 9457) as the API sent it."""
        message = str(problem.get("detail") or problem.get("title") or "the request failed")
        super().__init__(
            message, pointer=problem.get("pointer"), next_step=problem.get("next_step")
        )
        self.problem = problem

    @property
    def status(self) -> int:
        """HTTP status."""
        return int(self.problem.get("status", 0))


def show_error(error: PitrixError | CliError, *, as_json: bool = False) -> None:
    """Write an error to standard error.

    :param as_json: as one problem document, for programs.
    """
    problem = problem_of(error)
    if as_json:
        say(json_text(problem), err=True)
        return
    for line in error_lines(problem):
        say(line, err=True)


def problem_of(error: PitrixError | CliError) -> JsonObject:
    """Return an error as a problem document, whether it came from the API or from here."""
    if isinstance(error, ApiError):
        return error.problem
    findings: Sequence[object] = getattr(error, "findings", ())
    problem: dict[str, object] = {"title": error.message, "detail": error.message}
    problem |= {"code": error.code, "pointer": error.pointer, "next_step": error.next_step}
    if findings:
        from pitrix_core.convert import to_json  # noqa: PLC0415  # slow to import, seldom needed

        problem["findings"] = to_json(list(findings))
    return {name: value for name, value in problem.items() if value is not None}


def error_lines(problem: JsonObject) -> list[str]:
    """Return what a person reads of a problem document."""
    message = str(problem.get("detail") or problem.get("title"))
    every = problem.get("findings") or []
    findings = [found for found in every if not _says(message, found)]
    pointer = problem.get("pointer")
    place = f" (at {pointer})" if pointer and pointer not in message else ""
    lines = [click.style("Error: ", fg="red", bold=True) + message + place]
    lines += finding_lines(findings)
    lines += [
        f"  - {found.get('name', '')} ({found.get('id', '')})"
        for found in problem.get("candidates") or []
    ]
    if problem.get("next_step"):
        lines.append(f"Next: {problem['next_step']}")
    return lines


def finding_lines(findings: Sequence[JsonObject]) -> list[str]:
    """Return a line for each finding: level, place, message, and below it the next step."""
    lines = []
    for found in findings:
        parts = [found.get("file"), found.get("line"), found.get("column")]
        parts = parts if found.get("line") else [found.get("file"), found.get("pointer")]
        place = ":".join(str(part) for part in parts if part)
        place = f"{in_one_line(place)}: " if place else ""
        message = indented(str(found.get("message")), _INDENT)
        lines.append(f"  {_level(str(found.get('level', 'error')))} {place}{message}")
        if found.get("next_step"):
            lines.append(f"{'':{_INDENT}}{indented(found['next_step'], _INDENT)}")
    return lines


def _says(message: str, found: JsonObject) -> bool:
    """Tell whether a message holds all there is in a finding: the only one of a request."""
    parts = (found.get("pointer"), found.get("message"), found.get("next_step"))
    return all(part in message for part in parts if part)


def _level(level: str) -> str:
    colours = {"error": "red", "warning": "yellow"}
    return click.style(level, fg=colours.get(level, "cyan"))
