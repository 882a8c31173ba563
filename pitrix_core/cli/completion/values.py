"""What can stand in a place of a line: apps, versions, runtimes, clusters, settings."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from click.shell_completion import CompletionItem

from pitrix_core.cli import connection
from pitrix_core.cli.lookup import version_of_app
from pitrix_core.cli.output import text_of
from pitrix_core.model import JsonObject

if TYPE_CHECKING:
    from pitrix_core.cli.client import Api

#: Seconds one answer may take; a line needs three at most, and whoever waits is typing.
TIMEOUT_S: Final = 0.7
#: Names asked for at most: nobody chooses from more.
_LIMIT: Final = 200

_Found: TypeAlias = "list[CompletionItem[str]]"
_Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], _Found]
_Source: TypeAlias = "Callable[[Api, Mapping[str, Any], str], Iterable[CompletionItem[str]]]"


def _completer(source: _Source) -> _Completer:
    """Give a source the server of the line, and take everything it may fail with."""

    @functools.wraps(source)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> _Found:
        try:
            typed = _typed(ctx)
            with _api(typed) as api:
                return [
                    item
                    for item in source(api, typed, incomplete)
                    if item.value[: len(incomplete)] == incomplete
                ]
        except Exception:  # noqa: BLE001  # a traceback would stand in the line the user types
            return []

    return complete


def _typed(ctx: click.Context) -> Mapping[str, Any]:
    """Return the parameters that stand on the line already.

    NOTE(click): of a line that ends with an option whose value is being typed, its own context
    knows none.
    """
    verb = len(ctx.command_path.split()) - 1
    words = list((ctx.obj or [])[verb:])
    if words and words[-1].startswith("-"):
        words.pop()
    made = ctx.command.make_context(ctx.info_name, words, parent=ctx.parent, resilient_parsing=True)
    return made.params


def _api(typed: Mapping[str, Any]) -> "Api":
    from pitrix_core.cli.client import Api  # noqa: PLC0415  # slow to import, not for every line

    data = typed.get("data")
    found = connection.target(
        url=typed.get("url"),
        token=typed.get("token"),
        data=Path(data) if data else None,
    )
    language = connection.language(typed.get("language"))
    return Api(found.url, token=found.token, language=language, timeout_s=TIMEOUT_S, attempts=1)


def _names(api: "Api", path: str, **query: object) -> Iterator[CompletionItem[str]]:
    for item in api.get(path, limit=_LIMIT, **query)["items"]:
        yield CompletionItem(item["name"], help=item.get("description") or item["id"])


def _versions(api: "Api", app: str) -> list[JsonObject]:
    found = api.get(f"/v1/apps/{app}")
    items: list[JsonObject] = api.get(f"/v1/apps/{found['id']}/versions", limit=_LIMIT)["items"]
    return items


@_completer
def apps(api: "Api", typed: Mapping[str, Any], incomplete: str) -> Iterator[CompletionItem[str]]:
    """Complete the name of an app."""
    yield from _names(api, "/v1/apps")


@_completer
def app_versions(
    api: "Api", typed: Mapping[str, Any], incomplete: str
) -> Iterator[CompletionItem[str]]:
    """Complete ``NAME``, or ``NAME@VERSION`` once there is an ``@``."""
    name, at, _ = incomplete.partition("@")
    if not at:
        yield from _names(api, "/v1/apps")
        return
    for version in _versions(api, name):
        yield CompletionItem(f"{name}@{version['version']}", help=version.get("app_version"))


@_completer
def versions(
    api: "Api", typed: Mapping[str, Any], incomplete: str
) -> Iterator[CompletionItem[str]]:
    """Complete the version of the app that is named on the line."""
    for version in _versions(api, str(typed["app"]).partition("@")[0]):
        yield CompletionItem(version["version"], help=version.get("app_version"))


@_completer
def runtimes(
    api: "Api", typed: Mapping[str, Any], incomplete: str
) -> Iterator[CompletionItem[str]]:
    """Complete the name of a runtime."""
    yield from _names(api, "/v1/runtimes")


@_completer
def clusters(
    api: "Api", typed: Mapping[str, Any], incomplete: str
) -> Iterator[CompletionItem[str]]:
    """Complete the name of a cluster."""
    yield from _names(api, "/v1/clusters")


@_completer
def frontgates(
    api: "Api", typed: Mapping[str, Any], incomplete: str
) -> Iterator[CompletionItem[str]]:
    """Complete the id of a Frontgate."""
    for item in api.get("/v1/frontgates", limit=_LIMIT)["items"]:
        yield CompletionItem(item["id"], help=item["state"])


@_completer
def settings(
    api: "Api", typed: Mapping[str, Any], incomplete: str
) -> Iterator[CompletionItem[str]]:
    """Complete ``PATH=VALUE`` with the form of the app that is named on the line."""
    from pitrix_core.cli.forms import fields_of  # noqa: PLC0415  # slow to import

    app, version = typed["app"], typed.get("version")
    found = version_of_app(api, app, version=version)
    schema = api.get(f"/v1/app_versions/{found['id']}/config_schema")
    path, equals, _ = incomplete.partition("=")
    for field in fields_of(schema):
        if not equals:
            yield CompletionItem(f"{field.path}=", help=field.label)
        elif field.path == path:
            for choice in _choices(field.choices, field.schema):
                yield CompletionItem(f"{path}={choice}")


def _choices(choices: tuple[Any, ...], schema: JsonObject) -> list[str]:
    values = choices or ((schema["default"],) if "default" in schema else ())
    return [text for value in values if (text := text_of(value))]
