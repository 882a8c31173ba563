"""``pitrix repo``: the places packages come from."""

from collections.abc import Sequence

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_fields, print_json, print_table, time_of
from pitrix_core.cli.problems import finding_lines
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import pairs
from pitrix_core.model import JsonObject


@click.group()
def repo() -> None:
    """Register the places packages come from."""


@repo.command()
@click.argument("name")
@click.argument("location", metavar="URL")
@click.option("--provider", "providers", multiple=True, help="Its apps may run on this one only.")
@click.option(
    "--selector", "selectors", multiple=True, metavar="KEY=VALUE", help="Label a runtime must have."
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="PUBKEY",
    help="Public key, or its file, that packages have to be signed with; or one of several.",
)
@talks_to_api
def add(
    session: Session,
    name: str,
    location: str,
    *,
    providers: tuple[str, ...],
    selectors: tuple[str, ...],
    keys: tuple[str, ...],
) -> None:
    """Register the repo at URL (file:///FOLDER with an index.yaml) as NAME, and read its index.

    A selector given several times with one key allows any of the values. With a key, packages that
    it did not sign are left out.
    """
    wanted: dict[str, list[str]] = {}
    for selector in selectors:
        for key, value in pairs([selector], option="--selector").items():
            wanted.setdefault(key, []).append(value)
    body = {
        "name": name,
        "url": location,
        "providers": list(providers),
        "selectors": wanted,
        "trusted_keys": _key_texts(keys),
    }
    added = session.api.post("/v1/repos", body)
    _show(session, session.api.post(f"/v1/repos/{added['id']}/index"))


@repo.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the repos."""
    items = session.api.items("/v1/repos")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    print_table(
        items,
        {"name": "name", "id": "id", "url": "url", "indexed": "indexed_at"},
        nothing="There is no repo. Add one: pitrix repo add NAME file:///FOLDER",
    )


@repo.command()
@click.argument("repo_id", metavar="REPO")
@talks_to_api
def show(session: Session, repo_id: str) -> None:
    """Show a repo, and what its last indexing found wrong."""
    _show(session, session.api.get(f"/v1/repos/{repo_id}"))


@repo.command()
@click.argument("repo_id", metavar="REPO")
@talks_to_api
def index(session: Session, repo_id: str) -> None:
    """Read the index of a repo again, now."""
    _show(session, session.api.post(f"/v1/repos/{repo_id}/index"))


def _key_texts(keys: Sequence[str]) -> list[str]:
    if not keys:
        return []
    from pitrix_core.cli.authoring.signing import read_public_key  # noqa: PLC0415  # slow to import

    return [read_public_key(key).text for key in keys]


def _key_ids(texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    from pitrix_core.package.signature import parse_public_key  # noqa: PLC0415  # slow to import

    return [parse_public_key(text).id for text in texts]


def _show(session: Session, found: JsonObject) -> None:
    if session.as_json:
        print_json(found)
        return
    print_fields(
        {
            "name": found["name"],
            "id": found["id"],
            "url": found["url"],
            "providers": found.get("providers"),
            "selectors": found.get("selectors"),
            "trusted keys": _key_ids(found.get("trusted_keys") or []),
            "indexed": time_of(found.get("indexed_at")) or "not yet",
        }
    )
    for line in finding_lines(found.get("findings") or []):
        say(line)
