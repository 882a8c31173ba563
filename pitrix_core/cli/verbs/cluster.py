"""``pitrix cluster``: deployed applications."""

from typing import Any

import click

from pitrix_core.cli.completion.values import clusters, runtimes
from pitrix_core.cli.options import Session, deadline_option, talks_to_api
from pitrix_core.cli.output import ask, print_fields, print_json, print_table, time_of
from pitrix_core.cli.planning import applied, print_plan, refuse_unsound
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.cluster_views import health_of, monitor, tab
from pitrix_core.cli.verbs.job import finish
from pitrix_core.model import JsonObject


@click.group()
def cluster() -> None:
    """Look at deployed applications, and remove them."""


cluster.add_command(monitor)
cluster.add_command(tab)


@cluster.command("list")
@click.option("--runtime", help="Only those on this runtime: id or name.", shell_complete=runtimes)
@click.option("--hidden", is_flag=True, help="Instead, those pitrix made for itself.")
@talks_to_api
def list_(session: Session, runtime: str | None, hidden: bool) -> None:
    """List the clusters."""
    runtime_id = session.api.get(f"/v1/runtimes/{runtime}")["id"] if runtime else None
    items = session.api.items("/v1/clusters", runtime_id=runtime_id, hidden=hidden or None)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"name": "name", "id": "id", "state": "state", "health": "health"}
    print_table(
        items,
        {**columns, "runtime": "runtime_id", "created": "created_at"},
        nothing="There is no cluster. Deploy one: pitrix deploy APP",
    )


@cluster.command()
@click.argument("cluster_id", metavar="CLUSTER", shell_complete=clusters)
@talks_to_api
def show(session: Session, cluster_id: str) -> None:
    """Show a cluster and its machines."""
    found = session.api.get(f"/v1/clusters/{cluster_id}")
    if session.as_json:
        print_json(found)
        return
    about = parts_of(found)
    names = ("name", "id", "state", "health", "runtime_id", "app_version_id", "revision", "config")
    fields = {name: about.get(name) for name in names}
    created = time_of(about.get("created_at"))
    print_fields({**fields, "endpoints": endpoints_of(about), "created": created})
    say()
    print_table(
        found.get("nodes") or [],
        {
            "role": "role",
            "node": "id",
            "state": "state",
            "ip": lambda node: (node.get("facts") or {}).get("ip"),
            "planned": "planned",
            "health": health_of,
        },
        nothing="It has no machine.",
    )
    if about.get("forgotten_at"):
        say("\nIt was forgotten; of it may still be in its cloud:")
        columns = {"kind": "kind", "id": "resource_id"}
        print_table(found.get("resources") or [], columns, nothing="Nothing that is known.")


@cluster.command()
@click.argument("cluster_id", metavar="CLUSTER", shell_complete=clusters)
@click.option(
    "--force",
    is_flag=True,
    help="Go on though the application's own commands fail, where its package allows that.",
)
@click.option(
    "--forget",
    is_flag=True,
    help="Its runtime does not answer any more: remove nothing from there. With --force: even if "
    "it does.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@deadline_option
@talks_to_api
def delete(
    session: Session,
    cluster_id: str,
    *,
    force: bool,
    forget: bool,
    yes: bool,
    deadline_s: float | None,
) -> None:
    """Plan the removal of a cluster, show it, ask, and remove the cluster with all its data."""
    about = parts_of(session.api.get(f"/v1/clusters/{cluster_id}"))
    _require_one(session, cluster_id)
    said = {name: True for name, is_said in (("force", force), ("forget", forget)) if is_said}
    plan = session.api.post("/v1/plans", {"action": "delete", "cluster_id": about["id"], **said})
    if not session.as_json:
        print_plan(plan)
    refuse_unsound(plan)
    if not yes:
        ask(_question(about["name"], forget=forget))
    job = session.api.post(f"/v1/clusters/{about['id']}/jobs", applied(plan, deadline_s))
    finish(session, job["id"])


def _question(name: str, *, forget: bool) -> str:
    if forget:
        return f"Forget {name}, and leave behind whatever of it is still in its cloud?"
    return f"Delete {name} and its data?"


def _require_one(session: Session, named: str) -> None:
    """Refuse to guess which of several clusters is meant: names need not be unique."""
    same = [item for item in session.api.items("/v1/clusters") if item["name"] == named]
    if len(same) > 1:
        ids = ", ".join(item["id"] for item in same)
        raise CliError(
            f"Several clusters are called {named!r}.", next_step=f"Name one by id: {ids}"
        )


def parts_of(found: JsonObject) -> JsonObject:
    """Return the cluster itself of an answer that holds its nodes, too."""
    inner: JsonObject = found.get("cluster", found)
    return inner


def endpoints_of(about: JsonObject) -> str:
    """Return a cluster's endpoints as a person reads them."""
    endpoints: dict[str, Any] = about.get("endpoints") or {}
    shown = []
    for name, point in endpoints.items():
        if not isinstance(point, dict):
            shown.append(f"{name} {point}")
            continue
        shown.append(f"{name} {point.get('protocol', 'tcp')}/{point.get('port', '')}")
    return ", ".join(shown)
