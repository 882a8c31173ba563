"""``pitrix plugins``: what is installed, from which distribution, and whether it is sound."""

from pathlib import Path

import click

from pitrix_core.cli import connection
from pitrix_core.cli.options import data_option, json_option
from pitrix_core.cli.output import print_json, print_table
from pitrix_core.model import JsonObject


@click.command()
@click.option("--url", help="Address of the API. [env: PITRIX_URL]")
@click.option("--token", help="Token to show it; better in PITRIX_TOKEN.")
@data_option
@click.option("--local", is_flag=True, help="Those of this installation, without asking a server.")
@json_option
def plugins(
    url: str | None, token: str | None, data: Path | None, local: bool, as_json: bool
) -> None:
    """List the plugins of the server, or of this installation where no server is known.

    Exit code 1 if one of them is broken.
    """
    if local or not connection.is_known(url=url, data=data):
        items = _installed()
    else:
        items = _of_server(connection.target(url=url, token=token, data=data))
    if as_json:
        print_json({"items": items, "next_cursor": None})
    else:
        columns = {"group": "group", "name": "name", "from": "distribution", "version": "version"}
        print_table(
            items,
            {**columns, "app types": "app_types", "status": "status", "error": "error"},
            nothing="No plugin is installed. Add one: pip install pitrix-vm pitrix-local",
        )
    if any(item["status"] in {"broken", "conflict"} for item in items):
        click.get_current_context().exit(1)


def _of_server(found: connection.Target) -> list[JsonObject]:
    from pitrix_core.cli.client import Api  # noqa: PLC0415  # not needed for those installed here

    with Api(found.url, token=found.token) as api:
        return api.items("/v1/plugins")


def _installed() -> list[JsonObject]:
    from pitrix_core.cli.plugin_commands import quiet_plugins  # noqa: PLC0415  # slow to import
    from pitrix_core.convert import to_json  # noqa: PLC0415
    from pitrix_core.plugins import PluginRegistry  # noqa: PLC0415

    with quiet_plugins():
        items: list[JsonObject] = to_json(PluginRegistry().report())
    return items
