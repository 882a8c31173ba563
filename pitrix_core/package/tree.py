"""Collects the members of an archive or a folder, and refuses what could mislead a later reader."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package.limits import Limits

_DRIVE: Final = re.compile(r"[A-Za-z]:")
#: Left behind by desktops; never part of a package.
_IGNORED: Final = frozenset({"__MACOSX", ".DS_Store"})
#: Before a file's own name: its attributes, as macOS packs them.
_ATTRIBUTES: Final = "._"
#: Longest name of a file on the file systems in use. Source: NAME_MAX of Linux, limits.h.
_NAME_BYTES: Final = 255


@attrs.frozen(kw_only=True)
class Member:
    """A file or a folder of an archive."""

    path: str
    #: None for a folder.
    content: bytes | None = attrs.field(repr=False)


class Tree:
    """Files by their paths, each checked when it is added."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files: dict[str, bytes] = {}
        #: What a file system that ignores case would call each file and folder → its own path.
        self._folded_files: dict[str, str] = {}
        self._folded_folders: dict[str, str] = {}
        self._folders: set[str] = set()
        self._total = 0

    def add(self, member: Member) -> None:
        """Take a member.

        :raises PackageArchiveError: its path is unsafe or taken, or a limit is passed.
        """
        parts = checked_parts(member.path, self._limits)
        if not parts or _is_ignored(parts):
            return
        path = "/".join(parts)
        for depth in range(1, len(parts)):
            self._claim_folder("/".join(parts[:depth]), member.path)
        if member.content is None:
            self._claim_folder(path, member.path)
        else:
            self._claim_file(path, member.path)
            self._count(path, member.content)

    def package_files(self) -> Mapping[str, bytes]:
        """Return the files, one top folder around all of them taken off.

        :raises PackageArchiveError: there are none.
        """
        if not self._files:
            raise PackageArchiveError("the archive holds no file")
        tops = {path.split("/", 1)[0] for path in self._files}
        if len(tops) > 1 or next(iter(tops)) in self._files:
            return dict(self._files)
        return {path.split("/", 1)[1]: content for path, content in self._files.items()}

    def _claim_folder(self, path: str, original: str) -> None:
        if path in self._folders:
            return
        if len(self._folders) >= 2 * self._limits.files:
            raise PackageArchiveError(f"more than {2 * self._limits.files} folders")
        folded = _folded(path)
        if folded in self._folded_files:
            raise _refused(original, f"{self._folded_files[folded]!r} is a file")
        self._folded_folders.setdefault(folded, path)
        self._folders.add(path)

    def _claim_file(self, path: str, original: str) -> None:
        folded = _folded(path)
        taken = self._folded_files.get(folded) or self._folded_folders.get(folded)
        if taken is not None:
            raise _refused(original, f"the archive holds {taken!r} already")
        self._folded_files[folded] = path

    def _count(self, path: str, content: bytes) -> None:
        if len(self._files) >= self._limits.files:
            raise PackageArchiveError(f"more than {self._limits.files} files, which is the limit")
        check_size(path, len(content), self._limits)
        self._total += len(content)
        if self._total > self._limits.total_bytes:
            raise _refused(
                path, f"the files have more than {self._limits.total_bytes} bytes in all"
            )
        self._files[path] = content


def check_size(path: str, size: int, limits: Limits) -> None:
    """Refuse a file that is too large, before it is read.

    :raises PackageArchiveError: it is.
    """
    if not 0 <= size <= limits.file_bytes:
        raise _refused(path, f"it has {size} bytes; {limits.file_bytes} are allowed for a file")


def checked_parts(path: str, limits: Limits) -> tuple[str, ...]:
    """Return the parts of a member's path; none for the top itself.

    :raises PackageArchiveError: it leads out, is not what every system understands in the same
        way, or is too long or too deep.
    """
    for fault in _faults(path, limits):
        raise _refused(path, fault)
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _is_ignored(parts: tuple[str, ...]) -> bool:
    return not _IGNORED.isdisjoint(parts) or any(part.startswith(_ATTRIBUTES) for part in parts)


def _faults(path: str, limits: Limits) -> Iterator[str]:
    if len(path) > limits.path_bytes:  # before each of its characters is looked at
        yield f"its path is longer than {limits.path_bytes} bytes"
        return
    parts = path.split("/")
    categories = {unicodedata.category(character) for character in path}
    if "Cs" in categories:  # surrogates stand for bytes that were not UTF-8
        yield "its name is not UTF-8"
        return
    if "Cc" in categories:
        yield "its name holds a control character"
    if path.startswith("/"):
        yield "its path is absolute"
    if "\\" in path or _DRIVE.match(path):
        yield "its path is one of Windows"
    if ".." in parts:
        yield "its path leads upwards"
    if len(path.encode()) > limits.path_bytes:
        yield f"its path is longer than {limits.path_bytes} bytes"
    if len(parts) > limits.depth + 1:
        yield f"it is nested deeper than {limits.depth} folders"
    if any(len(part.encode()) > _NAME_BYTES for part in parts):
        yield f"a name in its path is longer than {_NAME_BYTES} bytes"


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _refused(path: str, reason: str) -> PackageArchiveError:
    shown = path.encode("utf-8", "backslashreplace").decode()[:200]
    return PackageArchiveError(f"member {shown!r}: {reason}")
