"""``pitrix package keygen``: makes a key to sign packages with."""

from pathlib import Path

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_fields, print_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--no-password", is_flag=True, help="Let whoever has FILE sign with it.")
@json_option
def keygen(file: Path, *, no_password: bool, as_json: bool) -> None:
    """Make a key: FILE is its secret half, and beside it, ending in .pub, is the public one.

    The secret half is encrypted with a password, which is asked for or taken from
    PITRIX_SIGNING_PASSWORD. Both files are minisign's, and keys that it made will do as well.
    Whoever takes packages from you needs the public half: pitrix repo add ... --key FILE.pub
    """
    from pitrix_core.cli.authoring import signing  # noqa: PLC0415  # slow to import

    password = None if no_password else signing.new_password(file)
    made = signing.write_keys(file, password=password)
    about = {
        "secret_key": str(made.secret),
        "public_key": str(made.public),
        "key_id": made.key.id,
        "key": made.key.text,
    }
    if as_json:
        print_json(about)
        return
    print_fields({name.replace("_", " "): value for name, value in about.items()})
