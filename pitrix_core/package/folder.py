"""Reads a package from a folder, with the same checks as from an archive."""

import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package.limits import DEFAULT_LIMITS, Limits
from pitrix_core.package.pack import pack
from pitrix_core.package.reader import Package, digest_of
from pitrix_core.package.tree import Member, Tree, check_size

#: Made by version control, interpreters and editors; never part of a package.
IGNORED_NAMES: Final = (".git", "__pycache__", "*.swp", ".DS_Store")


def read_folder(folder: Path, *, limits: Limits = DEFAULT_LIMITS) -> Package:
    """Read a package that has not been packed yet, to look at it or to build it.

    :param folder: what is inside it is the package; see :data:`IGNORED_NAMES`.
    :returns: its digest is the one of the archive that the folder's own name would give.
    :raises PackageArchiveError: there is no such folder, or it holds links, devices or files that
        cannot be read, or is beyond a limit.
    """
    files = folder_files(folder, limits=limits)
    return Package(digest=digest_of(pack(files, top=folder.resolve().name)), files=files)


def folder_files(folder: Path, *, limits: Limits = DEFAULT_LIMITS) -> Mapping[str, bytes]:
    """Return a folder's files by their paths in it.

    :raises PackageArchiveError: as :func:`read_folder`.
    """
    if not folder.is_dir():
        raise PackageArchiveError(f"{folder}: there is no such folder")
    tree = Tree(limits)
    try:
        for path in _walk(folder):
            # NOTE(top): with a folder of our own around, Tree takes off just that one
            name = path.relative_to(folder).as_posix()
            tree.add(Member(path=f"package/{name}", content=_content(path, name, limits)))
    except OSError as ex:
        raise PackageArchiveError(f"{ex.filename}: cannot be read: {ex.strerror}") from ex
    return tree.package_files()


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in IGNORED_NAMES):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _content(path: Path, name: str, limits: Limits) -> bytes:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise PackageArchiveError(f"member {name!r}: links are not allowed")
    if not stat.S_ISREG(status.st_mode):
        raise PackageArchiveError(f"member {name!r}: only plain files and folders are allowed")
    check_size(name, status.st_size, limits)
    with path.open("rb") as stream:
        return stream.read(limits.file_bytes + 1)
