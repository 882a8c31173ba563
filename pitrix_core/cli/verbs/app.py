"""``pitrix app``: what there is to deploy."""

import click

from pitrix_core.cli.completion.values import apps
from pitrix_core.cli.lookup import app_version
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table
from pitrix_core.cli.terminal import say
from pitrix_core.cli.verbs.lives import APP_VERBS
from pitrix_core.cli.verbs.match import match
from pitrix_core.cli.verbs.share import share_app
from pitrix_core.cli.verbs.usage import stats
from pitrix_core.model import JsonObject


@click.group()
def app() -> None:
    """Look at the applications of all repos."""


for _verb in (*APP_VERBS, match, share_app, stats):
    app.add_command(_verb)


@app.command("list")
@click.option("--search", "q", help="Words; the last one may be its beginning only.")
@click.option("--category", multiple=True, help="In this one, or in one below it.")
@click.option("--app-type", multiple=True, help="Of this type: vm.")
@click.option("--provider", multiple=True, help="Whose repo lets them run on this one.")
@click.option("--keyword", multiple=True, help="With this keyword.")
@click.option("--maintainer", multiple=True, help="Of this one.")
@click.option("--repo", multiple=True, help="From this repo.")
@click.option(
    "--sort", type=click.Choice(["relevance", "name", "newest"]), help="What comes first."
)
@click.option("--counts", "is_counting", is_flag=True, help="Count them instead, by each of these.")
@talks_to_api
def list_(
    session: Session, /, *, is_counting: bool, **wanted: str | tuple[str, ...] | None
) -> None:
    """List the applications. An option given several times takes any of its values."""
    asked = {name: value for name, value in wanted.items() if value}
    if is_counting:
        asked.pop("sort", None)
        _show_counts(session, session.api.items("/v1/app_counts", **asked))
        return
    items = session.api.items("/v1/apps", **asked)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    nothing = "There is no app. Add a repo: pitrix repo add NAME file:///FOLDER"
    print_table(
        items,
        {
            "name": "name",
            "latest": "latest_version",
            "type": "app_type",
            "id": "id",
            "description": "description",
        },
        nothing="No app is like that." if asked else nothing,
    )


def _show_counts(session: Session, items: list[JsonObject]) -> None:
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"by": "kind", "of": "value", "apps": "apps"}
    print_table(items, columns, nothing="No app is like that.")


@app.command()
@click.argument("app_id", metavar="APP", shell_complete=apps)
@talks_to_api
def show(session: Session, app_id: str) -> None:
    """Show an application."""
    found = session.api.get(f"/v1/apps/{app_id}")
    if session.as_json:
        print_json(found)
        return
    use = found.get("use") or {}
    names = ("name", "title", "id", "repo_id", "app_type", "description", "keywords", "categories")
    print_fields(
        {
            **{name: found.get(name) for name in names},
            "latest": found.get("latest_version"),
            "versions": found.get("versions"),
            "maintainers": [person.get("name") for person in found.get("maintainers") or ()],
            "home": found.get("home"),
            "sources": found.get("sources"),
            "clusters": use.get("clusters"),
            "deployments": use.get("deployments"),
            "users": use.get("users"),
        }
    )


@app.command()
@click.argument("app_id", metavar="APP", shell_complete=apps)
@click.option(
    "--pre-releases",
    "pre_release",
    type=click.Choice(["exclude", "include", "only"]),
    default="exclude",
    show_default=True,
    help="Versions before a release, such as 2.0.0-rc.1.",
)
@talks_to_api
def versions(session: Session, app_id: str, pre_release: str) -> None:
    """List the versions of an application, the newest first."""
    items = session.api.items(f"/v1/apps/{app_id}/versions", pre_release=pre_release)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"version": "version", "of": "app_version", "type": "app_type", "state": "state"}
    columns |= {"signed by": "signed_by", "id": "id"}
    nothing = "It has no version like that; see --pre-releases."
    print_table(items, columns, nothing=nothing)


@app.command()
@click.argument("named", metavar="APP[@VERSION]", shell_complete=apps)
@talks_to_api
def readme(session: Session, named: str) -> None:
    """Print what an application's package says about it at length, as it is written."""
    version = app_version(session.api, named)
    found = session.api.get(f"/v1/app_versions/{version['id']}/readme")
    if session.as_json:
        print_json(found)
        return
    say(found["markdown"].rstrip())
