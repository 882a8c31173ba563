"""Members of a gzipped tar archive, unpacked into memory up to the limits."""

import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import Final

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package.limits import Limits
from pitrix_core.package.tree import Member, check_size

_BLOCK_BYTES: Final = 512  # of tar: every header and every file begins at a multiple of it
_CHUNK_BYTES: Final = 256 * 1024
_GZIP_WBITS: Final = 31  # zlib's word for "a gzip header and its checksum"
#: What ``tarfile`` raises for damaged input beside its own errors, found by mutating archives.
_TAR_FAULTS: Final = (tarfile.TarError, ValueError, EOFError, OverflowError, IndexError, KeyError)


def tar_members(content: bytes, limits: Limits) -> Iterator[Member]:
    """Read the members one by one.

    :raises PackageArchiveError: the archive is damaged, holds something other than files and
        folders, or is beyond a limit.
    """
    try:
        with (
            _unzipped(content, limits) as data,
            tarfile.open(
                fileobj=data, mode="r:", encoding="utf-8", errors="surrogateescape"
            ) as archive,
        ):
            yield from _members(archive, limits)
            # NOTE(tarfile): it takes a damaged header for the end of the archive
            data.seek(archive.offset)
            if data.read().strip(b"\0"):
                raise PackageArchiveError(
                    "the tar archive is damaged: no header where one should be"
                )
    except _TAR_FAULTS as ex:
        raise PackageArchiveError(f"the tar archive is damaged: {ex}") from ex
    except RecursionError as ex:
        raise PackageArchiveError("the tar archive is damaged: headers without end") from ex


def _members(archive: tarfile.TarFile, limits: Limits) -> Iterator[Member]:
    seen = 0
    while (info := archive.next()) is not None:
        seen += 1
        if seen > 2 * limits.files:  # folders are members too
            raise PackageArchiveError(f"more than {2 * limits.files} members, which is the limit")
        yield _member(archive, info, limits)


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, limits: Limits) -> Member:
    if info.isdir():
        return Member(path=info.name, content=None)
    shown = info.name.encode("utf-8", "backslashreplace").decode()[:200]
    if info.issym() or info.islnk():
        raise PackageArchiveError(f"member {shown!r}: links are not allowed")
    if not info.isreg() or info.issparse():
        raise PackageArchiveError(f"member {shown!r}: only plain files and folders are allowed")
    check_size(info.name, info.size, limits)
    stream = archive.extractfile(info)
    content = stream.read() if stream else b""
    if len(content) != info.size:
        raise PackageArchiveError(f"member {shown!r}: the archive ends in the middle of it")
    return Member(path=info.name, content=content)


def _unzipped(content: bytes, limits: Limits) -> io.BytesIO:
    # NOTE(size): headers and padding make a tar larger than its files
    limit = limits.unpacked_limit(len(content)) + 4 * _BLOCK_BYTES * limits.files
    unpacked = io.BytesIO()
    rest = content
    while rest.strip(b"\0"):  # gzip files may be joined, and padded with zeros
        rest = _unzip_one(rest, unpacked, limit)
    unpacked.seek(0)
    return unpacked


def _unzip_one(content: bytes, unpacked: io.BytesIO, limit: int) -> bytes:
    """Unpack one gzip file to the end of ``unpacked``; return what follows it."""
    decompressor = zlib.decompressobj(_GZIP_WBITS)
    pending = content
    try:
        while not decompressor.eof:
            piece = decompressor.decompress(pending, _CHUNK_BYTES)
            pending = decompressor.unconsumed_tail
            if unpacked.tell() + len(piece) > limit:
                raise PackageArchiveError(
                    f"the archive unpacks to more than {limit} bytes, which is the limit for one "
                    "of its size"
                )
            if not piece and not pending and not decompressor.eof:
                raise PackageArchiveError("the archive is truncated")
            unpacked.write(piece)
    except zlib.error as ex:
        raise PackageArchiveError(f"the gzip archive is damaged: {ex}") from ex
    return decompressor.unused_data
