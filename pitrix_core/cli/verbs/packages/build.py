"""``pitrix package build``: packs a folder, and lists the archive where it is put."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.problems import CliError, finding_lines

if TYPE_CHECKING:
    from pitrix_core.findings import Finding


@attrs.frozen(kw_only=True)
class Done:
    """An archive that was written, and listed."""

    path: Path
    #: ``sha256:…``.
    digest: str
    #: What the index lists now.
    versions: int
    #: What its app type had to say about it: no errors.
    findings: tuple["Finding", ...] = ()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--name", help="Name, instead of the package's own.")
@click.option("--version", help="Version (SemVer), instead of the package's own.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder the archive is put into, and whose index.yaml lists it.  [default: .]",
)
@json_option
def build(folder: Path, name: str | None, version: str | None, output: Path, as_json: bool) -> None:
    """Pack FOLDER as NAME-VERSION.tgz and list it in the index.yaml beside it.

    It is checked with the app types installed here; what is not sound is not written. The same
    folder gives the same bytes. A folder of such archives is a repo: pitrix repo add NAME
    file:///FOLDER.
    """
    from pitrix_core.convert import to_json  # noqa: PLC0415  # slow to import

    done = build_into(output, folder, name=name, version=version)
    findings = to_json(list(done.findings))
    if as_json:
        about = {"file": str(done.path), "digest": done.digest, "versions": done.versions}
        print_json({**about, "findings": findings})
        return
    click.echo(f"{done.path}  {done.digest}")
    plural = "" if done.versions == 1 else "s"
    click.echo(f"{output / 'index.yaml'} lists {done.versions} version{plural}.")
    for line in finding_lines(findings):
        click.echo(line, err=True)


def build_into(
    output: Path, folder: Path, *, name: str | None = None, version: str | None = None
) -> Done:
    """Pack a folder into another one, and list it in that one's index.

    :raises PackageError: the folder holds no package, or one that is not sound.
    :raises CliError: the archive cannot be written, or is there with other content.
    """
    from pitrix_core.cli.checking import remarks_on  # noqa: PLC0415  # slow to import
    from pitrix_core.package import build_archive, write_index  # noqa: PLC0415

    built = build_archive(folder, name=name, version=version)
    findings = remarks_on(built.content)
    path = output / built.file_name
    _write(path, built.content)
    index = write_index(output, now=dt.datetime.now(dt.UTC))
    return Done(
        path=path,
        digest=built.digest,
        versions=len(index.entries),
        findings=tuple(findings),
    )


def _write(path: Path, content: bytes) -> None:
    """Write a new archive; one that is there under this name and differs stays as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() != content:
            raise CliError(
                f"{path} is there already, with other content.",
                next_step="A version never changes: give the package a new one, or remove the file "
                "and its entry in index.yaml.",
            )
        staged = path.with_name(f".{path.name}.part")
        staged.write_bytes(content)
        staged.replace(path)
    except OSError as ex:
        raise CliError(f"{path} cannot be written: {ex.strerror}") from ex
