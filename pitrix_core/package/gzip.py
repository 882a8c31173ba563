"""Unpacks gzip as it is read, so that what is not wanted never reaches memory."""

import zlib
from typing import Final

from pitrix_core.errors import PackageArchiveError

_PIECE_BYTES: Final = 64 * 1024
_WBITS: Final = 31  # zlib's word for "a gzip header and its checksum"
#: gzip files may be joined, as some packers do for each piece they packed at the same time. Each
#: costs memory and time of its own, however little is in it.
_JOINED_LIMIT: Final = 4096


class GzipReader:
    """What a gzipped archive holds, piece by piece."""

    def __init__(self, content: bytes, *, limit_bytes: int) -> None:
        """Begin at the start.

        :param limit_bytes: how much it may unpack to.
        """
        self._content = memoryview(content)
        self._place = 0
        self._unpacker = zlib.decompressobj(_WBITS)
        self._joined = 1
        self._left = limit_bytes
        self._limit_bytes = limit_bytes
        self._ready = bytearray()

    def read(self, size: int) -> bytes:
        """Return that many bytes; fewer at the end.

        :raises PackageArchiveError: it is damaged, cut off, or unpacks to more than allowed.
        """
        while len(self._ready) < size:
            piece = self._unpack()
            if not piece:
                break
            self._ready += piece
        found = bytes(self._ready[:size])
        del self._ready[:size]
        return found

    def read_rest(self) -> bool:
        """Read to the end; say whether anything but zeros was left.

        :raises PackageArchiveError: as :meth:`read`.
        """
        has_more = False
        while piece := self.read(_PIECE_BYTES):
            has_more = has_more or bool(piece.strip(b"\0"))
        return has_more

    def _unpack(self) -> bytes:
        """Return the next piece, not empty; empty at the end."""
        while not self._is_at_end():
            if self._unpacker.eof:
                self._begin_joined()
            packed = self._unpacker.unconsumed_tail or self._next_packed()
            try:
                piece = self._unpacker.decompress(packed, _PIECE_BYTES)
            except zlib.error as ex:
                raise PackageArchiveError(f"the gzip archive is damaged: {ex}") from ex
            self._place -= len(self._unpacker.unused_data)
            if piece:
                return self._counted(piece)
        return b""

    def _is_at_end(self) -> bool:
        """Say whether there is nothing more; zeros may follow the last file."""
        if not self._unpacker.eof:
            return False
        while self._place < len(self._content):
            piece = self._content[self._place : self._place + _PIECE_BYTES]
            if zeros := len(piece) - len(bytes(piece).lstrip(b"\0")):
                self._place += zeros
            else:
                return False
        return True

    def _begin_joined(self) -> None:
        self._joined += 1
        if self._joined > _JOINED_LIMIT:
            raise PackageArchiveError(
                f"the archive is joined from more than {_JOINED_LIMIT} gzip files"
            )
        self._unpacker = zlib.decompressobj(_WBITS)

    def _next_packed(self) -> bytes:
        packed = bytes(self._content[self._place : self._place + _PIECE_BYTES])
        if not packed:
            raise PackageArchiveError("the archive is truncated")
        self._place += len(packed)
        return packed

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise PackageArchiveError(
                f"the archive unpacks to more than {self._limit_bytes} bytes, which is the limit "
                "for one of its size"
            )
        return piece
