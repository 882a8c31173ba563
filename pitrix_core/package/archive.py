"""Reads archives that strangers made: gzipped tar and zip, checked before anything is believed.

Nothing is ever written to disk, so a path cannot lead out of anything; paths are refused all the
same, because app types, templates and other tools will use them. Unpacking stops at the limits,
not after them: the bytes beyond never reach memory. Modes (setuid bits too), owners and times are
not read at all.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package.limits import DEFAULT_LIMITS, Limits
from pitrix_core.package.reader import Package, digest_of
from pitrix_core.package.tar import tar_members
from pitrix_core.package.tree import Member, Tree
from pitrix_core.package.zip import zip_members

_FORMATS: Final[tuple[tuple[bytes, Callable[[bytes, Limits], Iterator[Member]]], ...]] = (
    (b"\x1f\x8b", tar_members),
    (b"PK\x03\x04", zip_members),
    (b"PK\x05\x06", zip_members),  # a zip without members
)


def archive_bytes(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Read an archive's file into memory, if it is not too large for that.

    :raises PackageArchiveError: it is, or cannot be read; the message begins with its name.
    """
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise PackageArchiveError(f"{path.name}: it is not a file")
        with path.open("rb") as file:
            content = file.read(limits.archive_bytes + 1)
    except OSError as ex:
        raise PackageArchiveError(f"{path.name}: it cannot be read: {ex.strerror}") from ex
    if len(content) > limits.archive_bytes:
        raise PackageArchiveError(
            f"{path.name}: it has more than {limits.archive_bytes} bytes, which is the limit"
        )
    return content


def read_archive(content: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Package:
    """Read a package from a gzipped tar or a zip; one top folder around everything is taken off.

    :param content: the whole archive.
    :raises PackageArchiveError: it is not an archive, is damaged or unsafe, or beyond a limit; the
        message names the member and the limit.
    """
    if len(content) > limits.archive_bytes:
        raise PackageArchiveError(
            f"the archive has {len(content)} bytes; {limits.archive_bytes} are allowed"
        )
    members = _members(content, limits)
    tree = Tree(limits)
    for member in members:
        tree.add(member)
    return Package(digest=digest_of(content), files=tree.package_files())


def _members(content: bytes, limits: Limits) -> Iterator[Member]:
    for magic, members in _FORMATS:
        if content.startswith(magic):
            return members(content, limits)
    raise PackageArchiveError(
        "this is neither a gzipped tar nor a zip archive",
        next_step="Build one with: pitrix package build FOLDER",
    )
