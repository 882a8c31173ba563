"""Packs files into archives that depend on nothing but the files' names and contents.

Not on times, modes, owners and the order of a folder; nor on the platform and the version of
Python, for which gzip's header is written here: its byte for the operating system is another one
on each. What remains is the packing itself, which is zlib's: Python 3.9 to 3.13 with zlib 1.2.13
were compared, and gave the same bytes; another implementation, such as zlib-ng, may not. Then the
archives differ, and unpack to the same.
"""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final, Literal

ArchiveFormat = Literal["tgz", "zip"]

#: 1980-01-01, the earliest time that every archive format can say.
_TIME_S: Final = 315_532_800
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o644
_REGULAR: Final = 0o100000
_UNIX: Final = 3
#: No name and no time, packed best, by no system in particular. Source: RFC 1952, section 2.3.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LEVEL: Final = 9
_MEMORY_LEVEL: Final = 8  # zlib's default, said so that it stays what it is


def pack(files: Mapping[str, bytes], *, top: str, archive_format: ArchiveFormat = "tgz") -> bytes:
    """Return an archive with one top folder; the same files give the same bytes.

    :param files: path below the top folder → content.
    """
    inside = {f"{top}/{path}": files[path] for path in sorted(files)}
    return _PACKERS[archive_format](inside)


def _tgz(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            info.mode = _MODE
            info.mtime = _TIME_S
            archive.addfile(info, io.BytesIO(content))
    return _gzipped(packed.getvalue())


def _gzipped(content: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY_LEVEL)
    body = packer.compress(content) + packer.flush()
    trailer = zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    return _GZIP_HEADER + body + trailer


def _zip(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, date_time=_ZIP_TIME)
            info.create_system = _UNIX
            info.external_attr = (_REGULAR | _MODE) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, _LEVEL)
    return packed.getvalue()


_PACKERS: Final[Mapping[ArchiveFormat, Callable[[Mapping[str, bytes]], bytes]]] = {
    "tgz": _tgz,
    "zip": _zip,
}
