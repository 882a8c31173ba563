"""Repos that are a folder of this machine: ``file:///FOLDER``."""

import fcntl
import hashlib
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from pitrix_core.contracts.repo import (
    INDEX_LIMIT_BYTES,
    Fetcher,
    IndexFile,
    RepoKind,
    spooled,
)
from pitrix_core.errors import InvalidInputError, RepoChangedError, RepoError, RepoNotFoundError
from pitrix_core.model import NoCredential, NoSettings
from pitrix_core.package import digest_of
from pitrix_core.package.index import INDEX_FILE
from pitrix_core.package.publish import replace_file
from pitrix_core.package.shelf import Kept, Shelf

#: Held by whoever writes into the folder.
_LOCK_FILE: Final = ".pitrix.lock"
_PIECE_BYTES: Final = 1024 * 1024
#: What reading a path from outside may raise; RuntimeError is pathlib's word for a loop of links.
_UNREADABLE: Final = (OSError, ValueError, RuntimeError)


class FileKind(Shelf, RepoKind):
    """A folder of this machine with an ``index.yaml`` in it."""

    schemes: ClassVar[tuple[str, ...]] = ("file",)
    reads_this_host: ClassVar[bool] = True

    def __init__(
        self, url: str, *, settings: NoSettings, credential: NoCredential, fetcher: Fetcher
    ) -> None:
        """Take the folder from the URL."""
        self._folder = folder_of(url)

    def read_index(self, known: str | None) -> IndexFile | None:
        """Read the index; its tag is its digest, so that any change is seen."""
        path = self._folder / INDEX_FILE
        file, digest = spooled(), hashlib.sha256()
        try:
            _copy(path, file, limit_bytes=INDEX_LIMIT_BYTES, seen=digest.update)
        except _UNREADABLE as ex:
            file.close()
            raise _error(
                f"No index can be read at {path}", ex, "Make one: pitrix repo index FOLDER/"
            ) from ex
        tag = f"sha256:{digest.hexdigest()}"
        if tag == known:
            file.close()
            return None
        return IndexFile(tag=tag, file=file)

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Read a file of the folder."""
        step = "Put the file where the index says, or build the index again."
        with spooled() as file:
            try:
                _copy(self._path(address), file, limit_bytes=limit_bytes)
            except _UNREADABLE as ex:
                raise _error(address, ex, step) from ex
            file.seek(0)
            return file.read()

    def load(self, name: str, *, limit_bytes: int) -> Kept | None:
        """Read a file of the folder; its tag is its digest."""
        try:
            content = self.read(urllib.parse.quote(name), limit_bytes=limit_bytes)
        except RepoNotFoundError:
            return None
        return Kept(content=content, tag=digest_of(content))

    def store(self, name: str, content: bytes, *, known: str | None) -> None:
        """Write a file of the folder, one process at a time."""
        path = self._folder / name
        try:
            with (self._folder / _LOCK_FILE).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file, however this does
                before = digest_of(path.read_bytes()) if path.exists() else None
                if before != known:
                    raise RepoChangedError(f"{path} was changed by somebody else.")
                replace_file(path, content)
        except OSError as ex:
            raise _error(f"{path} cannot be written", ex, "Look at the folder's rights.") from ex

    def _path(self, address: str) -> Path:
        """Return the file an index names, links followed.

        :raises ValueError: it is no path inside of the folder.
        """
        url = urllib.parse.urlsplit(address)
        path = (self._folder / urllib.parse.unquote(url.path)).resolve()
        inside = path.is_relative_to(self._folder.resolve())
        if url.scheme not in ("", "file") or url.netloc not in ("", "localhost") or not inside:
            raise ValueError("not a path inside of the repo's folder")
        return path


def folder_of(url: str) -> Path:
    """Return the folder a URL names.

    :raises InvalidInputError: it names none of this machine.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise InvalidInputError(
            f"{url!r} names no folder of this machine.",
            pointer="/url",
            next_step="Name a folder on the server's machine: file:///FOLDER",
        )
    return Path(urllib.parse.unquote(parts.path))


def _copy(
    path: Path,
    to: BinaryIO,
    *,
    limit_bytes: int,
    seen: Callable[[bytes], object] = lambda _piece: None,
) -> None:
    """Copy a file, and go to the copy's start.

    :raises OSError: it cannot be read.
    :raises ValueError: it is too large, or no file: opening a pipe would wait for ever.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    left = limit_bytes
    with path.open("rb") as file:
        while piece := file.read(min(_PIECE_BYTES, left + 1)):
            left -= len(piece)
            if left < 0:
                raise ValueError(f"it is larger than {limit_bytes} bytes")
            seen(piece)
            to.write(piece)
    to.seek(0)


def _error(what: str, ex: Exception, next_step: str) -> RepoError:
    reason = getattr(ex, "strerror", None) or str(ex)
    kind = RepoNotFoundError if isinstance(ex, FileNotFoundError) else RepoError
    return kind(f"{what}: {reason}.", next_step=next_step)
