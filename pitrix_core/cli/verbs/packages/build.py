"""``pitrix package build``: packs a folder, and lists the archive where it is put."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click

from pitrix_core.cli.options import json_option
from pitrix_core.cli.output import print_json
from pitrix_core.cli.problems import CliError, finding_lines
from pitrix_core.cli.terminal import say

if TYPE_CHECKING:
    from pitrix_core.findings import Finding
    from pitrix_core.package import Built, IndexEntries
    from pitrix_core.package.pack import ArchiveFormat
    from pitrix_core.package.signing_key import SigningKey

_VERSIONS_NEVER_CHANGE: Final = (
    "A version never changes: give the package a new one, or remove the file and its entry in "
    "index.yaml."
)


@attrs.frozen(kw_only=True)
class Done:
    """An archive that was written, and listed."""

    path: Path
    #: ``sha256:…``.
    digest: str
    #: Its signature's file; None where it was not signed.
    signature: Path | None = None
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
@click.option(
    "--format",
    "archive_format",
    type=click.Choice(["tgz", "zip"]),
    default="tgz",
    help="Kind of archive.  [default: tgz]",
)
@click.option(
    "--sign",
    "key_file",
    metavar="KEYFILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Sign it with this secret key: NAME-VERSION.tgz.minisig is put beside it.",
)
@json_option
def build(
    folder: Path,
    *,
    name: str | None,
    version: str | None,
    output: Path,
    archive_format: "ArchiveFormat",
    key_file: Path | None,
    as_json: bool,
) -> None:
    """Pack FOLDER as NAME-VERSION.tgz and list it in the index.yaml beside it.

    It is checked with the app types installed here; what is not sound is not written. The same
    folder gives the same bytes. A folder of such archives is a repo: pitrix repo add NAME
    file:///FOLDER.
    """
    from pitrix_core.convert import to_json  # noqa: PLC0415  # slow to import

    key = None if key_file is None else _signing_key(key_file)
    done = build_into(
        output, folder, name=name, version=version, archive_format=archive_format, key=key
    )
    findings = to_json(list(done.findings))
    if as_json:
        about = {"file": str(done.path), "digest": done.digest, "versions": done.versions}
        signature = {"signature": str(done.signature)} if done.signature else {}
        print_json({**about, **signature, "findings": findings})
        return
    say(f"{done.path}  {done.digest}")
    if done.signature and key:
        say(f"{done.signature}  signed by {key.id}")
    plural = "" if done.versions == 1 else "s"
    say(f"{output / 'index.yaml'} lists {done.versions} version{plural}.")
    for line in finding_lines(findings):
        say(line, err=True)


def build_into(
    output: Path,
    folder: Path,
    *,
    name: str | None = None,
    version: str | None = None,
    archive_format: "ArchiveFormat" = "tgz",
    key: "SigningKey | None" = None,
) -> Done:
    """Pack a folder into another one, and list it in that one's index.

    :param key: what it is signed with; None for a package that nobody signs.
    :raises PackageError: the folder holds no package, or one that is not sound; or the index lists
        this version with another digest.
    :raises CliError: the archive cannot be written, or is there with other content.
    """
    from pitrix_core.cli.authoring.checking import remarks_on  # noqa: PLC0415  # slow to import
    from pitrix_core.package import build_archive  # noqa: PLC0415

    built = build_archive(folder, name=name, version=version, archive_format=archive_format)
    findings = remarks_on(built.content)
    path = output / built.file_name
    is_new = _write(path, built)
    signature = _signed(path, key)
    index = _listed(output, path, is_new=is_new)
    return Done(
        path=path,
        digest=built.digest,
        signature=signature,
        versions=len(index.entries),
        findings=tuple(findings),
    )


def _signing_key(path: Path) -> "SigningKey":
    from pitrix_core.cli.authoring.signing import read_signing_key  # noqa: PLC0415  # slow

    return read_signing_key(path)


def _signed(path: Path, key: "SigningKey | None") -> Path | None:
    if key is None:
        return None
    from pitrix_core.cli.authoring.signing import sign_archive  # noqa: PLC0415  # slow to import

    return sign_archive(path, key, now=dt.datetime.now(dt.UTC))


def _listed(output: Path, path: Path, *, is_new: bool) -> "IndexEntries":
    """List an archive; one that cannot be is taken away again, where it was not there before."""
    from pitrix_core.errors import PackageError  # noqa: PLC0415
    from pitrix_core.package import write_index  # noqa: PLC0415  # slow to import

    try:
        return write_index(output, now=dt.datetime.now(dt.UTC))
    except PackageError:
        if is_new:
            path.unlink()
            path.with_name(f"{path.name}.minisig").unlink(missing_ok=True)
        raise


def _write(path: Path, built: "Built") -> bool:
    """Write an archive; one that is there under this name and differs stays as it is.

    :returns: whether it was not there before.
    :raises PackageDigestError: what can be read there is not what was written.
    """
    from pitrix_core.package import check_digest  # noqa: PLC0415  # slow to import

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        if not is_new and path.read_bytes() != built.content:
            raise CliError(
                f"{path} is there already, with other content.", next_step=_VERSIONS_NEVER_CHANGE
            )
        staged = path.with_name(f".{path.name}.part")
        staged.write_bytes(built.content)
        written = staged.read_bytes()
        check_digest(written, built.digest, by="The build", next_step="Look at the disk.")
        staged.replace(path)
    except OSError as ex:
        raise CliError(f"{path} cannot be written: {ex.strerror}") from ex
    return is_new
