"""Members of a zip archive, unpacked into memory up to the limits."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package.limits import Limits
from pitrix_core.package.tree import Member, check_size

_ENCRYPTED: Final = 0x1  # bits of a member's flags. Source: PKWARE APPNOTE 6.3.10, section 4.4.4
_UTF8_NAME: Final = 0x800
#: How an entry of the directory begins. Source: as above, section 4.3.12.
_ENTRY: Final = b"PK\x01\x02"
#: Others are unpacked by ``zipfile`` a whole piece at a time, however large it becomes.
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: What ``zipfile`` raises for damaged input beside its own error, found by mutating archives.
_ZIP_FAULTS: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    NotImplementedError,
    RuntimeError,
)


def zip_members(content: bytes, limits: Limits) -> Iterator[Member]:
    """Read the members one by one.

    :raises PackageArchiveError: the archive is damaged, encrypted, holds something other than
        files and folders, or is beyond a limit.
    """
    unpacked_limit = limits.unpacked_limit(len(content))
    unpacked = 0
    _check_entries(content, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_packed_sizes(archive, len(content))
            for info in archive.infolist():
                member = _member(archive, info, limits)
                unpacked += len(member.content or b"")
                if unpacked > unpacked_limit:
                    raise PackageArchiveError(
                        f"the archive unpacks to more than {unpacked_limit} bytes, which is the "
                        "limit for one of its size"
                    )
                yield member
    except _ZIP_FAULTS as ex:
        raise PackageArchiveError(f"the zip archive is damaged: {ex}") from ex


def _check_entries(content: bytes, limits: Limits) -> None:
    """Count what may be entries of the directory: ``zipfile`` makes a record of each at once."""
    if content.count(_ENTRY) > 2 * limits.files:  # folders are members too
        raise PackageArchiveError(f"more than {2 * limits.files} members, which is the limit")


def _check_packed_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse members that lie on one another: each would be read, and unpacked, anew."""
    if sum(info.compress_size for info in archive.infolist()) > size:
        raise PackageArchiveError("the zip archive is damaged: its members are larger than itself")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Member:
    name = _name(info)
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise PackageArchiveError(f"member {name!r}: links are not allowed")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise PackageArchiveError(f"member {name!r}: only plain files and folders are allowed")
    if name.endswith("/"):
        return Member(path=name.rstrip("/") or "/", content=None)
    if info.flag_bits & _ENCRYPTED:
        raise PackageArchiveError(f"member {name!r}: it is encrypted")
    if info.compress_type not in _METHODS:
        raise PackageArchiveError(f"member {name!r}: packed by a method other than deflate")
    check_size(name, info.file_size, limits)
    with archive.open(info) as stream:
        content = stream.read(info.file_size + 1)
    check_size(name, len(content), limits)
    return Member(path=name, content=content)


def _name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _UTF8_NAME:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode()
    except UnicodeError as ex:
        raise PackageArchiveError(f"member {info.orig_filename!r}: its name is not UTF-8") from ex
