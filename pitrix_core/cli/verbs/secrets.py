"""``pitrix secrets``: the keys that secrets depend on. Works on the data folder, not by the API."""

import importlib
from pathlib import Path
from typing import Any

import click

from pitrix_core.cli.options import data_option, json_option
from pitrix_core.cli.output import Columns, print_fields, print_json, print_table
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject

_database = click.option(
    "--database", metavar="URL", help="As `pitrix serve` has it. [env: PITRIX_DATABASE]"
)


@click.group()
def secrets() -> None:
    """Look at the keys that secrets are encrypted with, and rotate them.

    Credentials, passwords and what agents log in with are encrypted with data keys, which stand in
    the database, encrypted with a key that does not: the one in DATA/key, or a plugin's.
    """


@secrets.command()
@data_option
@_database
@json_option
def status(data: Path | None, *, database: str | None, as_json: bool) -> None:
    """Say under which keys how many secrets are."""
    found = _as_json(_wiring().key_status(_configured(data, database)))
    if as_json:
        print_json(found)
        return
    print_fields({"provider": found["provider"], "current key": found["current_key"]})
    columns: Columns = {
        "data key": lambda row: row["id"] or "none: key file",
        "secrets": "secrets",
        "wrapped with": lambda row: f"{row['provider']} {row['key_id']}".strip(),
        "made": "created_at",
    }
    print_table(found["data_keys"], columns, nothing="There are no secrets yet.")


@secrets.command()
@data_option
@_database
@click.option("--data-keys", "with_data_keys", is_flag=True, help="Encrypt every secret anew, too.")
@click.option(
    "--prepare",
    "only_prepares",
    is_flag=True,
    help="Only make the next key, as DATA/key.next, to be copied to every machine first.",
)
@json_option
def rotate(
    data: Path | None,
    *,
    database: str | None,
    with_data_keys: bool,
    only_prepares: bool,
    as_json: bool,
) -> None:
    """Make a new key, and wrap the data keys with it. Servers may run meanwhile.

    Can be interrupted at any time, and said again: it goes on with what is left. The old key stays
    in DATA/key; `pitrix secrets status` says whether anything is under it still.
    """
    config = _configured(data, database)
    if only_prepares:
        path = _wiring().prepare_key(config)
        answer: JsonObject = {"prepared": str(path)}
        text = f"The next key is in {path}. Copy it to every machine, then rotate."
    else:
        turn = _wiring().rotate_data_keys if with_data_keys else _wiring().rotate_keys
        answer = _as_json(turn(config))
        text = (
            f"Data keys wrapped with the current key: {answer['rewrapped']}; "
            f"secrets encrypted anew: {answer['resealed']}."
        )
    if as_json:
        print_json(answer)
    else:
        say(text)
    _require_all(answer.get("unreadable", ()))


def _require_all(unreadable: list[str]) -> None:
    if unreadable:
        raise CliError(
            f"{len(unreadable)} secrets cannot be read, and were left as they are: "
            f"{', '.join(unreadable[:10])}",
            next_step="Put back the key file that was there when they were stored, and rotate "
            "again.",
        )


def _configured(data: Path | None, database: str | None) -> Any:
    from pitrix_core.config import Config  # noqa: PLC0415  # this verb only

    return Config.load(data, database=database)


def _as_json(record: object) -> Any:
    from pitrix_core.convert import to_json  # noqa: PLC0415  # this verb only

    return to_json(record)


def _wiring() -> Any:
    """Import what builds everything; it stands above the command line."""
    return importlib.import_module("pitrix_core.wiring")
