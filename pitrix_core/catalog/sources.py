"""Reads a repo's storage: its index, and the packages the index names."""

import urllib.parse
from pathlib import Path
from typing import Final

import attrs

from pitrix_core.errors import InvalidInputError, PackageArchiveError
from pitrix_core.package.index import INDEX_FILE, IndexEntry

#: Largest index read, in bytes.
_INDEX_LIMIT_BYTES: Final = 64 * 1024 * 1024
#: Largest archive read, in bytes; what it may unpack to is limited by the package reader.
_ARCHIVE_LIMIT_BYTES: Final = 64 * 1024 * 1024


@attrs.frozen
class FolderSource:
    """A folder of this machine with an ``index.yaml`` in it."""

    folder: Path

    def read_index(self) -> bytes:
        """Return the index.

        :raises InvalidInputError: there is none, or it is too large.
        """
        path = self.folder / INDEX_FILE
        try:
            return _read(path, _INDEX_LIMIT_BYTES)
        except OSError as ex:
            raise InvalidInputError(
                f"No index can be read at {path}: {ex.strerror or ex}.",
                pointer="/url",
                next_step="Make one: pitrix package build PACKAGE -o FOLDER",
            ) from ex

    def read_package(self, entry: IndexEntry) -> bytes:
        """Return an archive's bytes.

        :raises PackageArchiveError: it is not there, lies outside of the folder, or is too large.
        """
        url = urllib.parse.urlsplit(entry.urls[0])
        path = (self.folder / urllib.parse.unquote(url.path)).resolve()
        if url.scheme not in ("", "file") or not path.is_relative_to(self.folder.resolve()):
            raise PackageArchiveError(f"{entry.urls[0]}: not a path inside of the repo's folder")
        try:
            return _read(path, _ARCHIVE_LIMIT_BYTES)
        except (OSError, InvalidInputError) as ex:
            raise PackageArchiveError(f"{entry.urls[0]}: {ex}") from ex


def open_source(url: str) -> FolderSource:
    """Return the source a repo's URL names.

    :raises InvalidInputError: the kind of URL is not one that can be read.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise InvalidInputError(
            f"Repos of the kind {parts.scheme or 'without a scheme'!r} cannot be read.",
            pointer="/url",
            next_step="Name a folder on the server's machine: file:///FOLDER",
        )
    return FolderSource(Path(urllib.parse.unquote(parts.path)))


def _read(path: Path, limit_bytes: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise InvalidInputError(f"{path} is larger than {limit_bytes} bytes.")
    return content
