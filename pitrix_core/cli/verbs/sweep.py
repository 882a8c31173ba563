"""``pitrix runtime sweep``: what a cloud has of ours that belongs to nothing, and what it lacks."""

import click

from pitrix_core.cli.completion.values import runtimes
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import Columns, ask, print_json, print_table
from pitrix_core.cli.progress import follow
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject

_HOUR_S = 3600.0
_DAY_HOURS = 48


@click.command()
@click.argument("runtime_id", metavar="RUNTIME", shell_complete=runtimes)
@click.option("--delete", is_flag=True, help="Delete the orphans.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_api
def sweep(session: Session, runtime_id: str, delete: bool, yes: bool) -> None:
    """List what pitrix has made in a runtime's account and belongs to nothing any more.

    Nothing is changed without --delete. Deleted is only what is listed as an orphan: it carries
    this installation's tag, is older than an hour, and no cluster, job or Frontgate has a use for
    it. Each is looked at again right before.
    """
    report = session.api.get(f"/v1/runtimes/{runtime_id}/orphans")
    if not session.as_json:
        _show(report)
    job = _swept(session, runtime_id, report, yes=yes) if delete and report["orphans"] else None
    if session.as_json:
        print_json({**report, "job": job} if delete else report)
    if job is not None and job["state"] != "succeeded":
        click.get_current_context().exit(1)


def _swept(session: Session, runtime_id: str, report: JsonObject, *, yes: bool) -> JsonObject:
    """Delete what was listed, and nothing that turned up since."""
    ids = [orphan["id"] for orphan in report["orphans"]]
    if not yes:
        ask(f"Delete {len(ids)} orphan{'s' * (len(ids) > 1)}?")
    begun = session.api.post(f"/v1/runtimes/{runtime_id}/orphans/sweep", {"orphans": ids})
    seen = follow(session, begun["id"])
    return {**seen.job, "tasks": list(seen.tasks)}


def _show(report: JsonObject) -> None:
    columns: Columns = {
        "interface": "interface",
        "id": "id",
        "age": _age_of,
        "made for cluster": "cluster_id",
    }
    print_table(report["orphans"], columns, nothing="There is no orphan.")
    if report["unrecorded"]:
        say("\nCarry the tag of a cluster that does not know of them; no sweep touches them:")
        print_table(report["unrecorded"], columns, nothing="")
    if report["lost"]:
        say("\nRecorded here, missing there:")
        lost: Columns = {"kind": "kind", "id": "resource_id", "cluster": "cluster_name"}
        print_table(report["lost"], {**lost, "cluster id": "cluster_id"}, nothing="")


def _age_of(orphan: JsonObject) -> str:
    if orphan.get("age_s") is None:
        return "unknown"
    hours = int(orphan["age_s"] // _HOUR_S)
    return f"{hours} h" if hours < _DAY_HOURS else f"{hours // 24} d"
