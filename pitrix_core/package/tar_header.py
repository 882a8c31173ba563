"""One block of a tar archive as a record.

Source of the layout and the kinds: POSIX, pax Interchange Format
(https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html), and for what GNU adds
https://www.gnu.org/software/tar/manual/html_node/Standard.html, both read 2026-08.
"""

from typing import Final

import attrs

from pitrix_core.errors import PackageArchiveError

BLOCK_BYTES: Final = 512

#: Files: today's, those of before POSIX, and "contiguous" ones, which nobody treats differently.
FILE_KINDS: Final = frozenset({b"0", b"\0", b"7"})
FOLDER: Final = b"5"
LINK_KINDS: Final = frozenset({b"1", b"2"})
#: What says more about the next member (pax, and as Solaris wrote it), and about all that follow.
EXTENDED_KINDS: Final = frozenset({b"x", b"X"})
GLOBAL: Final = b"g"
#: A name, and a link's target, that is too long for a header.
LONG_NAME: Final = b"L"
LONG_LINK: Final = b"K"

_POSIX_MAGIC: Final = b"ustar\0"
_CHECKSUM: Final = slice(148, 156)
_BLANK_CHECKSUM: Final = b" " * 8
_BINARY_NUMBER: Final = 0x80


@attrs.frozen(kw_only=True)
class Header:
    """What a block says of the member that follows."""

    #: As its bytes are; what is not UTF-8 stands as surrogates.
    path: str
    size: int
    kind: bytes


def parse_header(block: bytes) -> Header:
    """Read a block.

    :raises PackageArchiveError: it is no header.
    """
    if not _has_right_sum(block):
        raise damaged("no header where one should be")
    name = text_of(block[0:100])
    if block[257:263] == _POSIX_MAGIC and (prefix := text_of(block[345:500])):
        name = f"{prefix}/{name}"
    kind = block[156:157]
    if kind in FILE_KINDS and name.endswith("/"):  # how folders were written before POSIX
        kind = FOLDER
    return Header(path=name, size=_number(block[124:136]), kind=kind)


def text_of(field: bytes) -> str:
    """Return a text that ends at the first NUL."""
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def damaged(reason: str) -> PackageArchiveError:
    """Return the error for an archive that nobody could read."""
    return PackageArchiveError(f"the tar archive is damaged: {reason}")


def _has_right_sum(block: bytes) -> bool:
    """Compare a block's checksum, of which there are two kinds: bytes with a sign, and without."""
    blank = block[: _CHECKSUM.start] + _BLANK_CHECKSUM + block[_CHECKSUM.stop :]
    expected, plain = _number(block[_CHECKSUM]), sum(blank)
    if expected == plain:
        return True
    return expected == plain - 256 * sum(byte > 127 for byte in blank)  # noqa: PLR2004


def _number(field: bytes) -> int:
    """Return a number in octal digits, or, as GNU has it, in binary.

    :raises PackageArchiveError: it is neither, or negative.
    """
    if field[0] == _BINARY_NUMBER:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise damaged("a number in a header is none")
    return int(digits or b"0", 8)
