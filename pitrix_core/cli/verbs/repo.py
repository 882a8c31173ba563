"""``pitrix repo``: the places packages come from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from pitrix_core.cli.options import Session, plugin_options, talks_to_api, together
from pitrix_core.cli.output import print_fields, print_json, print_table, time_of
from pitrix_core.cli.problems import finding_lines
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import collect, credential_of, pairs, resolve
from pitrix_core.cli.verbs.repo_storage import index_folder, push, serve
from pitrix_core.model import JsonObject


@click.group()
def repo() -> None:
    """Register the places packages come from."""


_SETTING: Final = "A setting; see: pitrix repo kinds"


#: What can be said of a repo, when it is added and later.
_shared_options: Final = together(
    click.option("--provider", "providers", multiple=True, help="Its apps run on this only."),
    click.option(
        "--selector",
        "selectors",
        multiple=True,
        metavar="KEY=VALUE",
        help="Label a runtime must have.",
    ),
    click.option(
        "--key",
        "keys",
        multiple=True,
        metavar="PUBKEY",
        help="Public key, or its file, that packages have to be signed with; or one of several.",
    ),
    click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Find it by."),
    click.option(
        "--visibility",
        type=click.Choice(["public", "private", "groups"]),
        help="Who sees it, beside its owner.  [default: public]",
    ),
    click.option("--group", "groups", multiple=True, help="Group that sees it; id or path."),
    click.option(
        "--state",
        "default_state",
        type=click.Choice(["active", "draft", "suspended"]),
        help="In which its versions enter the catalogue.  [default: active]",
    ),
    click.option(
        "--every",
        "index_interval_s",
        type=float,
        metavar="SECONDS",
        help="How often its index is looked at.",
    ),
)


@repo.command()
@click.argument("name")
@click.argument("location", metavar="URL")
@plugin_options(_SETTING)
@_shared_options
@talks_to_api
def add(session: Session, /, name: str, location: str, **given: Any) -> None:
    """Register the repo at URL as NAME, and read its index.

    URL is https://HOST/PATH or file:///FOLDER with an index.yaml in it, oci://HOST/PATH, or what
    plugins add. A selector given several times with one key allows any of the values. With a key,
    packages that it did not sign are left out.
    """
    body = {"name": name, **_place(session, location, given), **_said(given)}
    _show(session, session.api.post("/v1/repos", body))


@repo.command()
@click.argument("location", metavar="URL")
@plugin_options(_SETTING)
@talks_to_api
def check(session: Session, /, location: str, **given: Any) -> None:
    """Look at the repo at URL without registering it: what it lists, and what is wrong."""
    found = session.api.post("/v1/repos/validate", _place(session, location, given))
    if session.as_json:
        print_json(found)
        return
    print_fields(
        {
            "kind": found["kind"],
            "apps": found["apps"],
            "versions": found["versions"],
            "app types": found["app_types"],
        }
    )
    print_table(
        found["entries"],
        {"name": "name", "version": "version", "description": "description"},
        nothing="Its index lists nothing.",
    )
    for line in finding_lines(found["findings"]):
        say(line)


@repo.command("set")
@click.argument("repo_id", metavar="REPO")
@click.option("--name", help="Another name.")
@click.option("--at", "location", metavar="URL", help="Another place; wants its credential again.")
@plugin_options(_SETTING)
@_shared_options
@click.option("--enable/--disable", "is_enabled", default=None, help="Whether it is indexed.")
@talks_to_api
def set_(
    session: Session,
    /,
    repo_id: str,
    *,
    name: str | None,
    location: str | None,
    is_enabled: bool | None,
    **given: Any,
) -> None:
    """Change REPO; what is not named stays.

    An option that can be given several times replaces all that was there.
    """
    known = session.api.get(f"/v1/repos/{repo_id}")
    place = _place(session, location or known["url"], given)
    body = {key: value for key, value in place.items() if value}
    if location is None:
        del body["url"]
    body |= {**_said(given), "name": name, "is_enabled": is_enabled}
    body = {key: value for key, value in body.items() if value is not None}
    _show(session, session.api.patch(f"/v1/repos/{known['id']}", body))


@repo.command()
@click.argument("repo_id", metavar="REPO")
@click.option(
    "--keep-versions", is_flag=True, help="Also while clusters are of its versions; these go on."
)
@talks_to_api
def delete(session: Session, repo_id: str, *, keep_versions: bool) -> None:
    """Take REPO away; its versions are not on offer any more."""
    wanted = "true" if keep_versions else None
    session.api.delete(f"/v1/repos/{repo_id}", keep_versions=wanted)
    if session.as_json:
        print_json({"id": repo_id, "deleted": True})
        return
    say(f"Repo {repo_id} is gone.")


@repo.command()
@talks_to_api
def kinds(session: Session) -> None:
    """List the kinds of repos that can be read, and what can be set for each."""
    items = session.api.items("/v1/repo_kinds")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    rows = [
        {
            "scheme": f"{item['scheme']}://",
            "settings": _members(item["settings_schema"]),
            "credential": _members(item["credential_schema"]),
        }
        for item in items
    ]
    columns = {"url": "scheme", "settings": "settings", "credential": "credential"}
    print_table(rows, columns, nothing="There is none.")


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
        {"name": "name", "id": "id", "url": "url", "status": "status", "indexed": "indexed_at"},
        nothing="There is no repo. Add one: pitrix repo add NAME file:///FOLDER",
    )


@repo.command()
@click.argument("repo_id", metavar="REPO")
@talks_to_api
def show(session: Session, repo_id: str) -> None:
    """Show a repo, and what its last indexing found wrong."""
    _show(session, session.api.get(f"/v1/repos/{repo_id}"))


@repo.command()
@click.argument("repo_id", metavar="REPO|FOLDER")
@talks_to_api
def index(session: Session, repo_id: str) -> None:
    """Read the index of REPO again, now; or write that of FOLDER.

    With a slash in it, it is a folder: every archive in it is listed in its index.yaml, beside what
    is listed there already, which makes it a repo. No server is asked for that.
    """
    if "/" in repo_id or repo_id in (".", ".."):
        index_folder(Path(repo_id), as_json=session.as_json)
        return
    _show(session, session.api.post(f"/v1/repos/{repo_id}/index"))


repo.add_command(serve)
repo.add_command(push)


def _place(session: Session, url: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a repo is and how it is read, as the API takes it."""
    schema: JsonObject = {}
    if given["settings"]:
        scheme = url.partition(":")[0]
        listed = session.api.items("/v1/repo_kinds")
        schemas = {kind["scheme"]: kind["settings_schema"] for kind in listed}
        schema = schemas.get(scheme, {})
    return {
        "url": url,
        "settings": collect(given["settings"], file=given["values"], schema=schema),
        "credential": credential_of(given["credential_file"], given["secrets"]),
    }


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a repo, as the API takes it; what was not given is not there."""
    selectors: dict[str, list[str]] = {}
    for selector in given["selectors"]:
        for key, value in pairs([selector], option="--selector").items():
            selectors.setdefault(key, []).append(value)
    said = {
        "providers": list(given["providers"]),
        "selectors": selectors,
        "trusted_keys": _key_texts(given["keys"]),
        "labels": pairs(given["labels"], option="--label"),
        "visibility": given["visibility"],
        "groups": list(given["groups"]),
        "default_state": given["default_state"],
        "index_interval_s": given["index_interval_s"],
    }
    return {key: value for key, value in said.items() if value not in (None, [], {})}


def _members(schema: JsonObject) -> list[str]:
    inner = resolve(schema, schema)
    return sorted(inner.get("properties") or {})


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
            "status": found.get("status"),
            "failure": found.get("failure"),
            "failing since": time_of(found.get("failing_since")),
            "settings": found.get("settings"),
            "labels": found.get("labels"),
            "visibility": found.get("visibility"),
            "providers": found.get("providers"),
            "selectors": found.get("selectors"),
            "trusted keys": _key_ids(found.get("trusted_keys") or []),
            "indexed": time_of(found.get("indexed_at")) or "not yet",
        }
    )
    for line in finding_lines(found.get("findings") or []):
        say(line)
