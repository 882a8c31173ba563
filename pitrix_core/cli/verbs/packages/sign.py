"""``pitrix package sign``: puts a vendor's signature beside archives."""

import datetime as dt
from pathlib import Path

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.terminal import say


@click.command()
@click.argument(
    "archives",
    metavar="ARCHIVE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="File of the secret key, made by pitrix package keygen or by minisign.",
)
@json_option
def sign(archives: tuple[Path, ...], *, key_file: Path, as_json: bool) -> None:
    """Sign archives: ARCHIVE.minisig is put beside each.

    The password of the key is asked for; where nobody is, it is taken from
    PITRIX_SIGNING_PASSWORD. What minisign -S writes is the same.
    """
    from pitrix_core.cli.authoring import signing  # noqa: PLC0415  # slow to import

    key = signing.read_signing_key(key_file)
    now = dt.datetime.now(dt.UTC)
    written = [signing.sign_archive(archive, key, now=now) for archive in archives]
    if as_json:
        print_json({"signatures": [str(path) for path in written], "key_id": key.id})
        return
    for path in written:
        say(f"{path}  signed by {key.id}")
