"""``pitrix category``: what applications are sorted into."""

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import pairs
from pitrix_core.model import JsonObject


@click.group()
def category() -> None:
    """Sort the applications."""


_parent = click.option("--parent", help="Category above it; there are two levels.")
_titles = click.option(
    "--title",
    "titles",
    multiple=True,
    metavar="LANGUAGE=TEXT",
    help="What people read in a language: zh-CN=数据库.",
)


@category.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the categories."""
    items = session.api.items("/v1/categories")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    names = {item["id"]: item["name"] for item in items}
    print_table(
        items,
        {
            "name": "name",
            "below": lambda item: names.get(item["parent_id"], ""),
            "id": "id",
            "titles": "titles",
        },
        nothing="There is no category. Make one: pitrix category add NAME",
    )


@category.command()
@click.argument("name")
@_parent
@_titles
@talks_to_api
def add(session: Session, name: str, parent: str | None, titles: tuple[str, ...]) -> None:
    """Make a category. Applications whose packages name it are in it at once."""
    body = {"name": name, "parent": parent, "titles": pairs(titles, option="--title")}
    _show(session, session.api.post("/v1/categories", body))


@category.command("set")
@click.argument("category_id", metavar="CATEGORY")
@click.option("--name", help="Another name.")
@_parent
@click.option("--top", "is_top", is_flag=True, help="Put it at the top again.")
@_titles
@talks_to_api
def set_(
    session: Session,
    category_id: str,
    *,
    name: str | None,
    parent: str | None,
    is_top: bool,
    titles: tuple[str, ...],
) -> None:
    """Change a category; what is not said stays. An empty TEXT takes a title away."""
    if is_top and parent:
        raise CliError("A category is below --parent, or at the --top.")
    before = session.api.get(f"/v1/categories/{category_id}")
    changed = {**before["titles"], **pairs(titles, option="--title")}
    body = {
        "name": name or before["name"],
        "parent": None if is_top else parent or before["parent_id"],
        "titles": {language: title for language, title in changed.items() if title},
    }
    _show(session, session.api.put(f"/v1/categories/{before['id']}", body))


@category.command()
@click.argument("category_id", metavar="CATEGORY")
@talks_to_api
def remove(session: Session, category_id: str) -> None:
    """Remove a category; applications that were in it stay."""
    session.api.delete(f"/v1/categories/{category_id}")
    if session.as_json:
        print_json({"removed": category_id})
        return
    say(f"Category {category_id} is gone.")


@category.command()
@click.argument("categories", metavar="[CATEGORY]...", nargs=-1)
@click.option("--app", "app_id", help="An application, whatever its package says.")
@click.option("--repo", "repo_id", help="The applications of a repo that name none themselves.")
@talks_to_api
def assign(
    session: Session, categories: tuple[str, ...], *, app_id: str | None, repo_id: str | None
) -> None:
    """Put an application, or those of a repo, into categories and out of all others.

    Without a category, what the package says counts again, or else the repo's.
    """
    if (app_id is None) == (repo_id is None):
        raise CliError("Say which --app or which --repo, one of them.")
    place = f"/v1/apps/{app_id}" if app_id else f"/v1/repos/{repo_id}"
    found = session.api.put(f"{place}/categories", {"categories": list(categories)})
    if session.as_json:
        print_json(found)
        return
    say(f"In: {', '.join(found['categories']) or 'no category'}")


def _show(session: Session, found: JsonObject) -> None:
    if session.as_json:
        print_json(found)
        return
    print_fields({name: found.get(name) for name in ("name", "id", "parent_id", "titles")})
