"""How long each part of the demo took, and how it ended; said to people or to programs."""

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import click

from pitrix_core.model import JsonObject


@attrs.define
class Clock:
    """Times the parts, and says when each begins."""

    say: Callable[[str], None]
    timings_s: dict[str, float] = attrs.field(factory=dict)
    _began: float = attrs.field(factory=time.monotonic)

    @contextlib.contextmanager
    def part(self, name: str, what: str) -> Iterator[None]:
        """Time a block; its time counts also when it fails.

        :param what: said when it begins.
        """
        self.say(what)
        began = time.monotonic()
        try:
            yield
        finally:
            self.timings_s[name] = round(time.monotonic() - began, 3)

    def finish(self) -> None:
        """Write down the time since the beginning."""
        self.timings_s["total"] = round(time.monotonic() - self._began, 3)


@attrs.define
class Report:
    """How the demo ended."""

    endpoints: tuple[str, ...] = ()
    mode: str = ""
    #: Task kind → seconds from its first task's start to its last task's end.
    job: dict[str, float] = attrs.field(factory=dict)
    error: str | None = None
    #: What clean-up could not remove.
    left: Sequence[str] = ()
    is_interrupted: bool = False

    @property
    def has_succeeded(self) -> bool:
        """Whether the cluster worked and nothing is left that should not be."""
        return self.error is None and not self.left

    def to_json(self, clock: Clock) -> JsonObject:
        """Return what programs read."""
        failure = {"error": self.error or "something is left behind", "left": list(self.left)}
        return {
            "status": "ok" if self.has_succeeded else "failed",
            "endpoints": list(self.endpoints),
            "timings_s": clock.timings_s,
            "mode": self.mode,
            "job": self.job,
            **({} if self.has_succeeded else failure),
        }


def program() -> str:
    """Return how this program is called here, for commands to be typed."""
    typed = sys.argv[0]
    found = shutil.which("pitrix")
    if found and Path(found).resolve() == Path(typed).resolve():
        return "pitrix"
    return typed if typed.endswith("pitrix") else "pitrix"


def print_kept(data: Path, endpoints: Sequence[str], *, err: bool) -> None:
    """Say what can be done with what was left running, and how to end it."""
    pitrix = program()
    for line in (
        "",
        "It goes on running. Look at it:",
        f"  export PITRIX_DATA={data}",
        f"  {pitrix} cluster show demo",
        f"  {pitrix} job list",
        f"  {pitrix} plugins",
        f"  curl {endpoints[0]}/health",
        "Stop it, and remove everything:",
        f"  {pitrix} demo --stop {data}",
    ):
        click.echo(line, err=err)


def print_next(*, err: bool) -> None:
    """Say what to try after a demo that left nothing."""
    pitrix = program()
    for line in (
        "",
        "Everything is gone again. Next:",
        f"  {pitrix} demo --keep             leaves the cluster running, for you to look at",
        f"  {pitrix} serve --allow-local     starts a server of your own on this machine",
        f"  {pitrix} --help                  lists what there is",
    ):
        click.echo(line, err=err)
