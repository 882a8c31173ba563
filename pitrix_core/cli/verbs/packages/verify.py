"""``pitrix package verify``: says who signed an archive, if it is one who is trusted."""

from pathlib import Path

import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_fields, print_json


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    "keys",
    metavar="PUBKEY",
    multiple=True,
    required=True,
    help="Public key that is trusted: its file, or the key itself. May be given several times.",
)
@click.option(
    "--signature",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of the signature.  [default: ARCHIVE.minisig]",
)
@json_option
def verify(archive: Path, *, keys: tuple[str, ...], signature: Path | None, as_json: bool) -> None:
    """Verify that ARCHIVE is as one of the keys signed it; the exit code is 1 if it is not."""
    from pitrix_core.cli.authoring import signing  # noqa: PLC0415  # slow to import

    trusted = [signing.read_public_key(key) for key in keys]
    found = signing.verify_archive(archive, keys=trusted, signature=signature)
    about = {
        "file": str(archive),
        "digest": found.digest,
        "signed_by": found.signature.key_id,
        "trusted_comment": found.signature.trusted_comment,
    }
    if as_json:
        print_json(about)
        return
    print_fields({name.replace("_", " "): value for name, value in about.items()})
