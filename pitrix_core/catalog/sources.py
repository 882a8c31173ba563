"""Reads a repo's storage: its index, and the packages the index names."""

import urllib.parse
from pathlib import Path
from typing import Final

import attrs

from pitrix_core.errors import InvalidInputError, PackageArchiveError, PackageSignatureError
from pitrix_core.package.index import INDEX_FILE, IndexEntry
from pitrix_core.package.limits import DEFAULT_LIMITS
from pitrix_core.package.signature import SIGNATURE_LIMIT_BYTES, SIGNATURE_SUFFIX

#: Largest index read, in bytes.
_INDEX_LIMIT_BYTES: Final = 64 * 1024 * 1024
#: Largest archive read, in bytes; what it may unpack to is limited by the package reader.
_ARCHIVE_LIMIT_BYTES: Final = DEFAULT_LIMITS.archive_bytes
#: What reading a path from outside may raise; RuntimeError is pathlib's word for a loop of links.
_UNREADABLE: Final = (OSError, ValueError, RuntimeError)


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
        except _UNREADABLE as ex:
            raise InvalidInputError(
                f"No index can be read at {path}: {_reason(ex)}.",
                pointer="/url",
                next_step="Make one: pitrix package build PACKAGE -o FOLDER",
            ) from ex

    def read_package(self, entry: IndexEntry) -> bytes:
        """Return an archive's bytes.

        :raises PackageArchiveError: it is not there, lies outside of the folder, or is too large.
        """
        address = entry.urls[0]
        try:
            return _read(self._path(address), _ARCHIVE_LIMIT_BYTES)
        except _UNREADABLE as ex:
            raise PackageArchiveError(
                f"{address}: {_reason(ex)}",
                next_step="Put the archive where the index says, or build the index again.",
            ) from ex

    def read_signature(self, entry: IndexEntry) -> bytes | None:
        """Return the signature beside an archive; None where there is none.

        :raises PackageSignatureError: it cannot be read, or lies outside of the folder.
        """
        address = entry.urls[0]
        try:
            return _read(self._path(address, SIGNATURE_SUFFIX), SIGNATURE_LIMIT_BYTES)
        except FileNotFoundError:
            return None
        except _UNREADABLE as ex:
            raise PackageSignatureError(
                f"{address}{SIGNATURE_SUFFIX}: {_reason(ex)}",
                next_step="Put the signature beside the archive, for the server to read.",
            ) from ex

    def _path(self, address: str, suffix: str = "") -> Path:
        """Return the file an index names, or one beside it, links followed.

        :raises ValueError: it is no path inside of the folder.
        """
        url = urllib.parse.urlsplit(address)
        path = (self.folder / (urllib.parse.unquote(url.path) + suffix)).resolve()
        inside = path.is_relative_to(self.folder.resolve())
        if url.scheme not in ("", "file") or url.netloc not in ("", "localhost") or not inside:
            raise ValueError("not a path inside of the repo's folder")
        return path


def open_source(url: str) -> FolderSource:
    """Return the source a repo's URL names.

    :raises InvalidInputError: the kind of URL is not one that can be read.
    """
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError as ex:
        raise _unknown_kind(f"{url!r} is no URL: {ex}.") from ex
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        kind = parts.scheme or "without a scheme"
        raise _unknown_kind(f"Repos of the kind {kind!r} cannot be read.")
    return FolderSource(Path(urllib.parse.unquote(parts.path)))


def _unknown_kind(message: str) -> InvalidInputError:
    next_step = "Name a folder on the server's machine: file:///FOLDER"
    return InvalidInputError(message, pointer="/url", next_step=next_step)


def _read(path: Path, limit_bytes: int) -> bytes:
    """Read a file.

    :raises OSError: it cannot be read.
    :raises ValueError: it is too large, or no file: opening a pipe would wait for ever.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise ValueError(f"it is larger than {limit_bytes} bytes")
    return content


def _reason(ex: Exception) -> str:
    return getattr(ex, "strerror", None) or str(ex)
