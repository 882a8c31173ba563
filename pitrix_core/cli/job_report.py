"""Says in words what a job's answer says in members: what failed, what was made, what can be done.

Members that are not there are left out: a server of another version may not know them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pitrix_core.model import JsonObject

#: Action → what it does, and its command.
_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "pause": ("start nothing new for a while", "pitrix job pause {id}"),
    "resume": ("go on", "pitrix job resume {id}"),
    "cancel": ("stop it for good", "pitrix job cancel {id}"),
    "retry": ("try again from there", "pitrix job retry {id}"),
    "roll_back": ("undo what it did", "pitrix job roll-back {id}"),
    "delete": ("remove the cluster", "pitrix cluster delete {cluster_id}"),
}
#: What is left of ``cancel`` while a job stops.
_FORCE: Final = ("do not wait for what is under way", "pitrix job cancel {id} --force")


def report_lines(job: JsonObject) -> list[str]:
    """Return what failed, what was made, what is not known and what can be done, one each a line,
    below headings.
    """
    return [
        *_section("Failed:", [_failure(each) for each in job.get("failures") or ()]),
        *_section("Made, and still there:", [_made(each) for each in job.get("made") or ()]),
        *_section(
            "Not known what came of:", [_undecided(each) for each in job.get("undecided") or ()]
        ),
        *_section("What can be done:", _steps(job)),
    ]


def next_steps(job: JsonObject) -> str:
    """Return what can be done about a job, in one line."""
    job_id = job["id"]
    known = _commands(job, job.get("actions", ("retry",)))
    steps = [f"{what}: {command}" for what, command in known]
    return "; ".join([f"Next: pitrix job show {job_id}", *steps])


def _steps(job: JsonObject) -> list[str]:
    known = _commands(job, job.get("actions") or ())
    width = max((len(what) for what, _ in known), default=0)
    return [f"{what:<{width}}  {command}" for what, command in known]


def _commands(job: JsonObject, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return what each action does, and its command."""
    actions = {**_ACTIONS, "cancel": _FORCE} if job.get("state") == "stopping" else _ACTIONS
    known = [actions[name] for name in names if name in actions]
    return [(what, command.format(**job)) for what, command in known]


def _failure(failure: JsonObject) -> str:
    facts = {"code": failure.get("vendor_code"), "request": failure.get("vendor_request_id")}
    named = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
    return f"{failure['title']}: {failure.get('error')}" + (f" [{named}]" if named else "")


def _made(made: JsonObject) -> str:
    return f"{made['resource_id']}  by {made['task']}"


def _undecided(task: JsonObject) -> str:
    known = f", which makes {task['resource_id']}" if task.get("resource_id") else ""
    return f"{task['title']}: request {task.get('request_key')}{known}"


def _section(heading: str, lines: Sequence[str]) -> Iterable[str]:
    return ["", heading, *(f"  {line}" for line in lines)] if lines else []
