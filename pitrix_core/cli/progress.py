"""Follows a job until it ends, and shows its tasks meanwhile.

In a terminal a picture that is drawn anew; elsewhere a line for each change. Watching changes
nothing: whoever stops watching leaves the job at work.
"""

import datetime as dt
import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, Self

import attrs
import click

from pitrix_core.cli.client import UnreachableError
from pitrix_core.cli.job_report import next_steps
from pitrix_core.cli.options import Session
from pitrix_core.cli.output import is_terminal
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say, visible
from pitrix_core.model import JsonObject

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pitrix_core.cli.client import Api

#: Seconds between two looks.
POLL_S: Final = 0.25
#: Seconds the API may be away, while it is started again.
_PATIENCE_S: Final = 30.0
#: Seconds from which on what is left is told in minutes.
_LONGEST_IN_SECONDS: Final = 90.0
_ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "skipped"})
#: How tasks that ended are called in a line of their own.
_WORDS: Final[Mapping[str, str]] = {
    "succeeded": "done", "failed": "failed", "skipped": "skipped", "running": "runs",
    "waiting": "waits", "ready": "waits",
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Snapshot:
    """A job and its tasks at one look."""

    job: JsonObject
    tasks: tuple[JsonObject, ...]
    #: Seconds since watching began.
    elapsed_s: float = 0.0

    @property
    def took_s(self) -> float:
        """Seconds a job that has ended was at work, by the server's clock."""
        began, ended = (self.job.get(name) for name in ("created_at", "finished_at"))
        if not began or not ended:
            return self.elapsed_s
        return (dt.datetime.fromisoformat(ended) - dt.datetime.fromisoformat(began)).total_seconds()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return bool(self.job["state"] in _ENDED)

    @property
    def has_succeeded(self) -> bool:
        """Whether all of it was done."""
        return bool(self.job["state"] == "succeeded")

    @property
    def standing(self) -> str:
        """What the whole job is about, where it does not simply go on."""
        match self.job["state"]:
            case "queued":
                return f"waits for job {self.job.get('waits_for')}"
            case "paused":
                return f"is paused; go on: pitrix job resume {self.job['id']}"
            case "stopping":
                why = f": {self.job['error']}" if self.job.get("error") else ""
                return f"stops when what is under way has ended{why}"
            case _:
                return ""


class Display(Protocol):
    """What shows a job while it is watched."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: object) -> None: ...

    def show(self, seen: Snapshot) -> None:
        """Show how things are now."""


def follow(session: Session, job_id: str) -> Snapshot:
    """Watch a job to its end as the verb's options and the terminal ask for, and say how it ended.

    :raises click.Abort: after Ctrl-C, having said that the job goes on.
    """
    try:
        seen = watch(session.api, job_id, display=display_for(as_json=session.as_json))
    except KeyboardInterrupt:
        again = f"Watch it again: pitrix job watch {job_id}; stop it: pitrix job cancel {job_id}"
        say(f"The job goes on. {again}", err=True)
        raise click.Abort from None
    for line in summary(seen):
        say(line, err=session.as_json)
    return seen


def watch(
    api: "Api",
    job_id: str,
    *,
    display: Display,
    poll_s: float = POLL_S,
    give_up_s: float = math.inf,
) -> Snapshot:
    """Look at a job again and again until it ends.

    :param give_up_s: seconds after which it is watched no longer.
    :raises ApiError: there is no such job.
    :raises CliError: the API is away for longer than half a minute, or the job takes too long.
    """
    began = last_answer = time.monotonic()
    with display:
        while True:
            try:
                seen = look(api, job_id, elapsed_s=time.monotonic() - began)
                last_answer = time.monotonic()
            except UnreachableError:
                if time.monotonic() - last_answer > _PATIENCE_S:
                    raise
                time.sleep(poll_s)
                continue
            display.show(seen)
            if seen.has_ended:
                return seen
            if seen.elapsed_s > give_up_s:
                raise CliError(f"The job {job_id} did not end within {give_up_s:g} s.")
            time.sleep(poll_s)


def look(api: "Api", job_id: str, *, elapsed_s: float = 0.0) -> Snapshot:
    """Look at a job once."""
    job = api.get(f"/v1/jobs/{job_id}")
    tasks = api.items(f"/v1/jobs/{job_id}/tasks")
    return Snapshot(job=job, tasks=tuple(tasks), elapsed_s=elapsed_s)


def display_for(*, as_json: bool) -> Display:
    """Return what suits the terminal; lines go beside the JSON, not into it."""
    if as_json:
        return LineDisplay(to_stderr=True)
    return LiveDisplay() if is_terminal() else LineDisplay()


def state_of(task: JsonObject) -> str:
    """Return a task's state in a person's words: one between two polls of a cloud is running."""
    state = str(task["state"])
    if state not in _ENDED and task.get("started_at"):
        return "running"
    return state


def time_left(job: JsonObject) -> str:
    """Say how long a job is likely to take yet; nothing where nobody knows."""
    left_s = job.get("remaining_s")
    if left_s is None:
        return ""
    if left_s < _LONGEST_IN_SECONDS:
        return f"about {math.ceil(left_s)} s left"
    return f"about {math.ceil(left_s / 60)} min left"


def summary(seen: Snapshot) -> list[str]:
    """Say how a job ended, and what to do if it failed."""
    job_id, count = seen.job["id"], len(seen.tasks)
    if seen.has_succeeded:
        plural = "" if count == 1 else "s"
        return [f"Job {job_id} succeeded: {count} task{plural} in {seen.took_s:.1f} s."]
    how = "was cancelled" if seen.job["state"] == "cancelled" else "failed"
    lines = [click.style(f"Job {job_id} {how}.", fg="red", bold=True)]
    failed = [task for task in seen.tasks if task["state"] == "failed"]
    reasons = [f"{task['title']}: {task.get('error')}" for task in failed]
    if seen.job.get("error") and seen.job["error"] not in reasons:
        reasons.insert(0, seen.job["error"])  # it was stopped
    return [*lines, *(f"  {reason}" for reason in reasons), next_steps(seen.job)]


class LineDisplay:
    """A line for each change of a task."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        """Begin with nothing seen."""
        self._to_stderr = to_stderr
        self._known: dict[str, tuple[str, int]] = {}
        self._has_said_when = False
        self._standing = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        return

    def show(self, seen: Snapshot) -> None:
        """Write what changed since the last look; once, how long it is likely to take."""
        left = time_left(seen.job)
        if left and not self._has_said_when:
            self._has_said_when = True
            say(f"{seen.elapsed_s:7.1f} s  {left}, going by past jobs", err=self._to_stderr)
        if seen.standing not in {"", self._standing}:
            say(f"{seen.elapsed_s:7.1f} s  the job {seen.standing}", err=self._to_stderr)
        self._standing = seen.standing
        for task in seen.tasks:
            now = (state_of(task), int(task.get("attempts") or 0))
            before = self._known.get(task["key"], ("waiting", 0))
            self._known[task["key"]] = now
            if now != before and now[0] not in {"waiting", "ready"}:
                say(self._line(task, now, seen.elapsed_s), err=self._to_stderr)

    def _line(self, task: JsonObject, now: tuple[str, int], elapsed_s: float) -> str:
        state, attempt = now
        again = f" (attempt {attempt})" if attempt > 1 and state == "running" else ""
        error = f": {task['error']}" if task.get("error") and state == "failed" else ""
        return f"{elapsed_s:7.1f} s  {_WORDS[state]:<7}  {task['title']}{again}{error}"


class LiveDisplay:
    """A picture of the job, drawn anew at each look."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        from rich.live import Live  # noqa: PLC0415  # slow to import, needed in a terminal only

        self._live = Live(refresh_per_second=1 / POLL_S, transient=False)
        self._since: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._live.stop()

    def show(self, seen: Snapshot) -> None:
        """Draw how things are now."""
        for task in seen.tasks:
            if state_of(task) == "running":
                self._since.setdefault(task["key"], seen.elapsed_s)
            else:
                self._since.pop(task["key"], None)
        self._live.update(self._picture(seen))

    def _picture(self, seen: Snapshot) -> "RenderableType":
        from rich.console import Group  # noqa: PLC0415
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        done = sum(task["state"] == "succeeded" for task in seen.tasks)
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"{done}/{len(seen.tasks)} tasks", style="bold"),
            ProgressBar(total=max(len(seen.tasks), 1), completed=done, width=40),
            Text(f"{seen.elapsed_s:.1f} s"),
            Text(seen.standing or time_left(seen.job), style="dim"),
        )
        rows = Table.grid(padding=(0, 2))
        for kind, text in _by_kind(seen.tasks).items():
            rows.add_row("", Text(kind, style="cyan"), Text(text))
        for task in seen.tasks:
            if task["key"] in self._since:
                took = seen.elapsed_s - self._since[task["key"]]
                rows.add_row(
                    Text("▶", style="yellow"), Text(visible(task["title"])), Text(f"{took:.1f} s")
                )
            elif task["state"] == "failed":
                rows.add_row(
                    Text("✗", style="red"),
                    Text(visible(task["title"])),
                    Text(visible(str(task["error"]))),
                )
        return Group(head, rows)


def _by_kind(tasks: Sequence[JsonObject]) -> dict[str, str]:
    """Return kind → ``done/all``, in the order the plan has them."""
    counts: dict[str, list[int]] = {}
    for task in tasks:
        count = counts.setdefault(task["kind"], [0, 0])
        count[0] += task["state"] == "succeeded"
        count[1] += 1
    return {kind: f"{done}/{every}" for kind, (done, every) in counts.items()}
