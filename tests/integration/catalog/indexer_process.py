"""An indexer that waits for a line before it reads an index: DATABASE_URL FOLDER.

Says ``reading`` once it has its turn, and how the turn ended at last.
"""

import sys
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "service"))

import core_world

from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.errors import PitrixError


def say(word: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class FolderKind(FileKind):
    """Reads folders, under a scheme of its own: ``wait:///FOLDER``."""

    schemes: ClassVar[tuple[str, ...]] = ("wait",)

    def __init__(self, url: str, **given: Any) -> None:
        """Take the folder from the URL."""
        super().__init__(url.replace("wait:", "file:", 1), **given)


class WaitingKind(FolderKind):
    """Reads an index when it is told to."""

    def read_index(self, known: str | None) -> Any:
        """Say that it is at it, and wait."""
        say("reading")
        sys.stdin.readline()
        return super().read_index(known)


def main(database_url: str, folder: str) -> None:
    """Index the only repo."""
    store = core_world.open_store(database_url, Path(folder))
    registry = core_world.registry_of(kinds={"wait": WaitingKind})
    with store.read() as tx:
        [repo] = tx.repos.all()
    try:
        core_world.indexer_of(store, registry).index(repo)
    except PitrixError as ex:
        say(ex.code)
    else:
        say("indexed")


if __name__ == "__main__":
    main(*sys.argv[1:])
