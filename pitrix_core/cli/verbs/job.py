"""``pitrix job``: plans being carried out."""

import click

from pitrix_core.cli.completion.values import clusters
from pitrix_core.cli.job_report import report_lines
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import ask, print_fields, print_json, print_table, time_of
from pitrix_core.cli.progress import follow, state_of
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject


@click.group()
def job() -> None:
    """Look at plans being carried out; pause, stop and undo them, and let them go on."""


@job.command("list")
@click.option("--cluster", help="Only this cluster's: id or name.", shell_complete=clusters)
@talks_to_api
def list_(session: Session, cluster: str | None) -> None:
    """List the jobs, the newest first."""
    cluster_id = _cluster_id(session, cluster) if cluster else None
    items = session.api.items("/v1/jobs", cluster_id=cluster_id)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"id": "id", "action": "action", "cluster": "cluster_id", "state": "state"}
    print_table(
        items,
        {**columns, "created": "created_at", "finished": "finished_at", "error": "error"},
        nothing="There is no job.",
    )


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def show(session: Session, job_id: str) -> None:
    """Show a job and its tasks."""
    found = session.api.get(f"/v1/jobs/{job_id}")
    tasks = session.api.items(f"/v1/jobs/{job_id}/tasks")
    if session.as_json:
        print_json({**found, "tasks": tasks})
        return
    times = {"created": time_of(found["created_at"]), "finished": time_of(found["finished_at"])}
    names = ("id", "action", "cluster_id", "state", "error")
    others = ("waits_for", "undoes", "undone_by")
    deadline = {"deadline": time_of(found.get("deadline_at"))}
    fields = {name: found.get(name) for name in (*names, *others)}
    print_fields({**fields, **deadline, **times})
    say()
    print_table(
        tasks,
        {
            "state": state_of,
            "kind": "kind",
            "task": "title",
            "attempts": "attempts",
            "error": "error",
        },
        nothing="It has no task.",
    )
    for line in report_lines(found):
        say(line)


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def watch(session: Session, job_id: str) -> None:
    """Watch a job until it ends; exit code 1 if it fails or is cancelled."""
    finish(session, job_id)


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def retry(session: Session, job_id: str) -> None:
    """Let a failed or cancelled job go on from where it ended, and watch it until it ends."""
    again = session.api.post(f"/v1/jobs/{job_id}/retry")
    finish(session, again["id"])


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def pause(session: Session, job_id: str) -> None:
    """Start nothing new of a job for a while; what is under way goes on."""
    paused = session.api.post(f"/v1/jobs/{job_id}/pause")
    if session.as_json:
        print_json(paused)
        return
    say(f"Job {paused['id']} is {paused['state']}. Go on: pitrix job resume {paused['id']}")


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def resume(session: Session, job_id: str) -> None:
    """Let a paused job go on, and watch it until it ends."""
    resumed = session.api.post(f"/v1/jobs/{job_id}/resume")
    finish(session, resumed["id"])


@job.command()
@click.argument("job_id", metavar="JOB")
@click.option("--force", is_flag=True, help="Do not wait for what is under way.")
@click.option("--roll-back", "is_undone", is_flag=True, help="Then undo what it did.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_api
def cancel(session: Session, job_id: str, force: bool, is_undone: bool, yes: bool) -> None:
    """Stop a job for good, and wait until nothing of it is under way.

    With --force, what is under way is given up; rolling back or retrying the job finds out later
    what it made.
    """
    if not yes:
        ask(f"Cancel job {job_id}" + (" and undo what it did?" if is_undone else "?"))
    how = {"mode": "forced" if force else "graceful", "then": "roll_back" if is_undone else "leave"}
    session.api.post(f"/v1/jobs/{job_id}/cancel", how)
    seen = follow(session, job_id)
    undone_by = seen.job.get("undone_by")
    if undone_by:
        finish(session, undone_by)
    elif session.as_json:
        print_json({**seen.job, "tasks": list(seen.tasks)})


@job.command("roll-back")
@click.argument("job_id", metavar="JOB")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_api
def roll_back(session: Session, job_id: str, yes: bool) -> None:
    """Undo what a failed or cancelled job did, in reverse order, and watch that until it ends."""
    if not yes:
        _ask_to_undo(session, job_id)
    undoing = session.api.post(f"/v1/jobs/{job_id}/roll_back")
    finish(session, undoing["id"])


def _ask_to_undo(session: Session, job_id: str) -> None:
    made = session.api.get(f"/v1/jobs/{job_id}").get("made") or ()
    for each in made:
        say(f"{each['resource_id']}  by {each['task']}", err=True)
    ask(f"Undo job {job_id}: remove what it made, with all data?")


def finish(session: Session, job_id: str) -> JsonObject:
    """Watch a job, print it for programs, and end with exit code 1 if it failed."""
    seen = follow(session, job_id)
    if session.as_json:
        print_json({**seen.job, "tasks": list(seen.tasks)})
    if not seen.has_succeeded:
        click.get_current_context().exit(1)
    return seen.job


def _cluster_id(session: Session, named: str) -> str:
    found = session.api.get(f"/v1/clusters/{named}")
    return str(found.get("cluster", found)["id"])
