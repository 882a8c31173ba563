"""``pitrix app match``: where an app can run, what it costs there, and why not elsewhere."""

from pathlib import Path

import click

from pitrix_core.cli.completion import values as complete
from pitrix_core.cli.lookup import app_version
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_json, print_table
from pitrix_core.cli.planning import price_text, totals_text
from pitrix_core.cli.problems import finding_lines
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import collect
from pitrix_core.model import JsonObject


@click.command()
@click.argument("app", metavar="APP", shell_complete=complete.app_versions)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="A parameter; see: pitrix config show APP",
)
@click.option("--values", type=click.Path(path_type=Path), help="JSON or YAML file; - reads.")
@talks_to_api
def match(session: Session, app: str, settings: tuple[str, ...], values: Path | None) -> None:
    """Compare the runtimes that APP can run on, the cheapest first; of the others, say why not.

    APP is an id, NAME or NAME@VERSION. Nothing is changed. Without parameters the defaults count.
    """
    version = app_version(session.api, app)
    body: JsonObject = {}
    if settings or values is not None:
        schema = session.api.get(f"/v1/app_versions/{version['id']}/config_schema")
        body = {"config": collect(settings, file=values, schema=schema)}
    found = session.api.post(f"/v1/app_versions/{version['id']}/matches", body)
    if session.as_json:
        print_json(found)
        return
    _print(found)


def _print(found: JsonObject) -> None:
    matching = [one for one in found["runtimes"] if one["matches"]]
    print_table(
        matching,
        {
            "runtime": "runtime_name",
            "provider": "provider",
            "zone": "zone",
            "price": price_text,
            "adds": lambda one: totals_text(one.get("totals") or {}),
            "also offers": "also_offers",
        },
        nothing="No runtime can run this." if found["runtimes"] else "No runtime is registered.",
    )
    for line in finding_lines(found.get("missing") or []):
        say(line)
    for one in found["runtimes"]:
        for objection in one["objections"]:
            say(objection["message"])
            if objection.get("next_step"):
                say(f"  {objection['next_step']}")
