"""``pitrix job``: plans being carried out."""

import click

from pitrix_core.cli.completion.values import clusters
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table, time_of
from pitrix_core.cli.progress import follow, state_of
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject


@click.group()
def job() -> None:
    """Look at plans being carried out; try failed ones again."""


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
    print_fields({**{name: found.get(name) for name in names}, **times})
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


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def watch(session: Session, job_id: str) -> None:
    """Watch a job until it ends; exit code 1 if it fails."""
    finish(session, job_id)


@job.command()
@click.argument("job_id", metavar="JOB")
@talks_to_api
def retry(session: Session, job_id: str) -> None:
    """Try the failed tasks of a job again, and watch it until it ends."""
    again = session.api.post(f"/v1/jobs/{job_id}/retry")
    finish(session, again["id"])


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
