"""``pitrix plan`` and ``pitrix deploy``: what deploying an application does, shown and done."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pitrix_core.cli.completion import values as complete
from pitrix_core.cli.options import Session, deadline_option, talks_to_api
from pitrix_core.cli.output import ask, print_json
from pitrix_core.cli.planning import Wish, applied, make_plan, print_plan, refuse_unsound
from pitrix_core.cli.progress import follow
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.cluster import endpoints_of, parts_of

T = TypeVar("T")


def _takes_wish(function: Callable[..., T]) -> Callable[..., T]:
    """Give a verb the options that say what to deploy."""

    @click.argument("app", shell_complete=complete.app_versions)
    @click.option(
        "--version",
        help="Version of the app.  [default: the newest release]",
        shell_complete=complete.versions,
    )
    @click.option(
        "--runtime",
        help="Id or name.  [default: the one that matches]",
        shell_complete=complete.runtimes,
    )
    @click.option("--name", help="Name of the cluster.")
    @click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="PATH=VALUE",
        help="A parameter; see: pitrix config show APP",
        shell_complete=complete.settings,
    )
    @click.option("--values", type=click.Path(path_type=Path), help="JSON or YAML file; - reads.")
    @click.option("--ask", "is_asked", is_flag=True, help="Ask for what was not set, in a form.")
    @talks_to_api
    @functools.wraps(function)
    def run(session: Session, /, **options: Any) -> T:
        wish = {name: options.pop(name) for name in ("app", "version", "runtime", "name")}
        wish |= {name: options.pop(name) for name in ("settings", "values", "is_asked")}
        return function(session, Wish(**wish), **options)

    return run


@click.command()
@_takes_wish
def plan(session: Session, wish: Wish) -> None:
    """Show what deploying APP would do and cost; nothing is changed.

    APP is an id, NAME or NAME@VERSION.
    """
    made = make_plan(session, wish)
    if session.as_json:
        print_json(made)
    else:
        print_plan(made)
    refuse_unsound(made)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@deadline_option
@_takes_wish
def deploy(session: Session, wish: Wish, yes: bool, deadline_s: float | None) -> None:
    """Plan APP, show the plan, ask, carry it out and watch; exit code 1 if it fails.

    APP is an id, NAME or NAME@VERSION.
    """
    made = make_plan(session, wish)
    if not session.as_json:
        print_plan(made)
    refuse_unsound(made)
    if not yes:
        ask("Deploy it?")
    job = session.api.post("/v1/clusters", applied(made, deadline_s))
    seen = follow(session, job["id"])
    cluster = session.api.get(f"/v1/clusters/{made['cluster_id']}")
    if session.as_json:
        print_json({"job": seen.job, "cluster": cluster})
    elif seen.has_succeeded:
        about = parts_of(cluster)
        say(f"{about['name']} is {about['state']}. {endpoints_of(about)}".rstrip())
        say(f"Look at it: pitrix cluster show {about['name']}")
    if not seen.has_succeeded:
        click.get_current_context().exit(1)
