"""``pitrix repo index|serve|push``: repos as folders and files, which need no server of pitrix."""

import datetime as dt
import signal
import threading
from pathlib import Path

import click

from pitrix_core.cli.options import Session, plugin_options, talks_to_api
from pitrix_core.cli.output import print_json
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import collect, credential_of
from pitrix_core.model import JsonObject


def index_folder(folder: Path, *, as_json: bool) -> None:
    """List the archives of a folder in its index, and say which there are."""
    from pitrix_core.package import write_index  # noqa: PLC0415  # slow to import

    listed = write_index(folder, now=dt.datetime.now(dt.UTC))
    if as_json:
        print_json({"file": str(folder / "index.yaml"), "versions": len(listed.entries)})
        return
    for entry in listed.entries:
        say(f"{entry.name}  {entry.version}  {', '.join(entry.urls)}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8879,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--quiet", is_flag=True, help="Do not tell of requests.")
def serve(folder: Path, *, host: str, port: int, quiet: bool) -> None:
    """Serve FOLDER as a repo, for pitrix and for Helm: helm repo add NAME URL.

    It is only read. Stop it with Ctrl-C.
    """
    from pitrix_core.catalog.serving import RepoServer  # noqa: PLC0415  # slow to import

    server = RepoServer(folder, host=host, port=port, told=(lambda _: None) if quiet else say)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    say(f"{folder} is served at {server.url}")
    stop.wait()
    server.stop()
    thread.join()


@click.command()
@click.argument("package", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("repo", metavar="REPO|URL")
@plugin_options("A setting; see: pitrix repo kinds")
@talks_to_api
def push(  # one for each option
    session: Session,
    /,
    package: Path,
    repo: str,
    *,
    settings: tuple[str, ...],
    values: Path | None,
    credential_file: Path | None,
    secrets: tuple[str, ...],
) -> None:
    """Put the archive PACKAGE, and PACKAGE.minisig if it is there, into REPO, or the repo at URL.

    URL is file:///FOLDER, s3://BUCKET/PATH, oci://HOST/PATH, or a web server that accepts PUT; no
    server is asked then. Of a registered REPO the server says where it is, and its settings; the
    credential it tells nobody. The index is replaced at once, after the archive is there; others
    may push at the same time. A version that is there already stays as it is.
    """
    from pitrix_core.catalog.opening import PlaceOpener  # noqa: PLC0415  # slow to import
    from pitrix_core.catalog.reach import Reach  # noqa: PLC0415
    from pitrix_core.contracts.repo import Release  # noqa: PLC0415
    from pitrix_core.convert import schema_of  # noqa: PLC0415
    from pitrix_core.package import archive_bytes  # noqa: PLC0415
    from pitrix_core.package.publish import entry_of  # noqa: PLC0415
    from pitrix_core.package.signature import SIGNATURE_SUFFIX  # noqa: PLC0415
    from pitrix_core.plugins.registry import PluginRegistry  # noqa: PLC0415

    url, known = _place(session, repo)
    # whoever pushes says where to: also to a machine of the house
    opener = PlaceOpener(PluginRegistry(), Reach(is_private_allowed=True))
    content = archive_bytes(package)
    entry = entry_of(content, package.name, now=dt.datetime.now(dt.UTC))
    signature = package.with_name(package.name + SIGNATURE_SUFFIX)
    with opener.open_place(
        url,
        settings={
            **known,
            **collect(settings, file=values, schema=schema_of(opener.kind_of(url).settings)),
        },
        credential=credential_of(credential_file, secrets),
    ) as opened:
        opened.push(
            Release(
                file_name=package.name,
                archive=content,
                signature=signature.read_bytes() if signature.exists() else None,
            )
        )
    if session.as_json:
        print_json(
            {
                "repo": url,
                "name": entry.name,
                "version": entry.version,
                "digest": entry.digest,
                "is_signed": signature.exists(),
            }
        )
        return
    say(f"{entry.name} {entry.version} is in {url}")


def _place(session: Session, repo: str) -> tuple[str, JsonObject]:
    """Return where a repo is, and its settings as far as the server knows them."""
    if "://" in repo:
        return repo, {}
    found = session.api.get(f"/v1/repos/{repo}")
    return found["url"], found["settings"]
