"""Members of a gzipped tar archive, read one after the other up to the limits.

Python's ``tarfile`` is not used: it takes a damaged header for the end, keeps every header, and
reads what headers say about sparse files and attributes whatever its size. Here a member is a file
or a folder, everything else is refused by name, and nothing is kept once it was yielded.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package.gzip import GzipReader
from pitrix_core.package.limits import Limits
from pitrix_core.package.tar_header import (
    BLOCK_BYTES,
    EXTENDED_KINDS,
    FILE_KINDS,
    FOLDER,
    GLOBAL,
    LINK_KINDS,
    LONG_LINK,
    LONG_NAME,
    Header,
    damaged,
    parse_header,
    text_of,
)
from pitrix_core.package.tree import Member, check_size

#: Longest text that may say more about a member: a name, and attributes of the file system it
#: comes from, which macOS writes.
_MORE_BYTES: Final = 64 * 1024
#: And all of them together: for each of as many files as there may be, a little less than 1 KiB.
_ALL_MORE_BYTES: Final = 8 * 1024 * 1024
#: Headers before a member that say more about it. One is usual, and nobody writes more than three.
_MORE_HEADERS: Final = 8
#: What matters of such a text; all else is about owners, times and attributes.
_PATH: Final = "path"
_SIZE: Final = "size"
_MORE_KINDS: Final = EXTENDED_KINDS | {GLOBAL, LONG_NAME, LONG_LINK}
_DIGITS: Final = 19  # of the largest size there can be, 64 bits with a sign
#: Keys of files with holes, which are stored as something else than their content.
_SPARSE: Final = "GNU.sparse."


def tar_members(content: bytes, limits: Limits) -> Iterator[Member]:
    """Read the members one by one.

    :raises PackageArchiveError: the archive is damaged, holds something other than files and
        folders, or is beyond a limit.
    """
    # NOTE(size): headers and padding make a tar larger than its files
    limit = limits.unpacked_limit(len(content)) + 4 * BLOCK_BYTES * limits.files
    stream = GzipReader(content, limit_bytes=limit)
    for number, header in enumerate(_headers(stream), start=1):
        if number > 2 * limits.files:  # folders are members too
            raise PackageArchiveError(f"more than {2 * limits.files} members, which is the limit")
        yield _member(stream, header, limits)
    if stream.read_rest():
        raise damaged("there is something after its end")


def _headers(stream: GzipReader) -> Iterator[Header]:
    """Yield the headers of files and folders, with what stood before them put in."""
    said: dict[str, str] = {}
    ahead = more_bytes = 0
    while block := _block(stream):
        header = parse_header(block)
        if header.kind not in _MORE_KINDS:
            yield _completed(header, said)
            said, ahead = {}, 0
            continue
        ahead += 1
        more_bytes += header.size
        if ahead > _MORE_HEADERS or more_bytes > _ALL_MORE_BYTES:
            raise PackageArchiveError("its members have more attributes than is allowed")
        said |= _said(header, _more(stream, header))
    if said:
        raise damaged("it ends before the member that a header is about")


def _block(stream: GzipReader) -> bytes | None:
    """Return the next header; None at the end."""
    block = stream.read(BLOCK_BYTES)
    if not block.strip(b"\0"):
        return None
    if len(block) < BLOCK_BYTES:
        raise damaged("it ends in the middle of a header")
    return block


def _completed(header: Header, said: Mapping[str, str]) -> Header:
    if any(key.startswith(_SPARSE) for key in said):
        raise _refused(said.get(_PATH, header.path))
    size = said.get(_SIZE)
    if size is not None and not (size.isascii() and size.isdecimal() and len(size) <= _DIGITS):
        raise damaged("the size of a member is no number")
    return attrs.evolve(
        header,
        path=said.get(_PATH, header.path),
        size=header.size if size is None else int(size),
    )


def _member(stream: GzipReader, header: Header, limits: Limits) -> Member:
    if header.kind == FOLDER:
        return Member(path=header.path.rstrip("/") or "/", content=None)
    if header.kind in LINK_KINDS:
        raise PackageArchiveError(f"member {_shown(header.path)}: links are not allowed")
    if header.kind not in FILE_KINDS:
        raise _refused(header.path)
    check_size(header.path, header.size, limits)
    return Member(path=header.path, content=_content(stream, header))


def _more(stream: GzipReader, header: Header) -> bytes:
    """Return the text that says more about a member."""
    if header.size > _MORE_BYTES:
        raise PackageArchiveError(
            f"member {_shown(header.path)}: more than {_MORE_BYTES} bytes of attributes"
        )
    return _content(stream, header)


def _said(header: Header, text: bytes) -> dict[str, str]:
    if header.kind == LONG_LINK:
        return {}  # the link itself follows, and is refused
    if header.kind == LONG_NAME:
        return {_PATH: text_of(text)}
    found = _records(text)
    if header.kind == GLOBAL and found:  # all members would be called the same, or be as large
        raise damaged(f"a global header says the {min(found)} of every member")
    return found


def _content(stream: GzipReader, header: Header) -> bytes:
    content = stream.read(header.size)
    padding = stream.read(-header.size % BLOCK_BYTES)
    if len(content) + len(padding) < header.size + -header.size % BLOCK_BYTES:
        raise PackageArchiveError(
            f"member {_shown(header.path)}: the archive ends in the middle of it"
        )
    return content


def _records(text: bytes) -> dict[str, str]:
    """Return what ``LENGTH KEY=VALUE`` lines say of what matters here."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text) and text[place]:  # some writers fill up with zeros
        space = text.find(b" ", place, place + 8)
        length = text[place:space] if space > place else b""
        end = place + int(length) if length.isdigit() else 0
        if not space < end - 1 < len(text) or text[end - 1 : end] != b"\n":
            raise damaged("an extended header is none")
        key, equals, value = text[space + 1 : end - 1].partition(b"=")
        if not equals:
            raise damaged("an extended header is none")
        name = key.decode("utf-8", "surrogateescape")
        if name in (_PATH, _SIZE) or name.startswith(_SPARSE):
            found[name] = value.decode("utf-8", "surrogateescape")
        place = end
    return found


def _refused(path: str) -> PackageArchiveError:
    return PackageArchiveError(f"member {_shown(path)}: only plain files and folders are allowed")


def _shown(path: str) -> str:
    return repr(path.encode("utf-8", "backslashreplace").decode()[:200])
