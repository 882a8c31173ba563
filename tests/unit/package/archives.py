"""Makes archives for tests, good ones and such as no tool would write."""

import gzip
import io
import tarfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping


def tgz(files: Mapping[str, bytes], *, extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """Return a gzipped tar of files, and of members without content."""
    return gzip.compress(tar(files, extra=extra), mtime=0)


def tar(files: Mapping[str, bytes], *, extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """Return a plain tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:", errors="surrogateescape") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return packed.getvalue()


def tar_member(name: str, kind: bytes, *, link: str = "") -> tarfile.TarInfo:
    """Return a member of some other kind than a file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def zipped(files: Mapping[str, bytes], *, mode: int = 0o100644, method: int = 8) -> bytes:
    """Return a zip of files, all of one mode and method."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, content)
    return packed.getvalue()


def tar_header(
    name: bytes,
    *,
    size: int = 0,
    kind: bytes = b"0",
    prefix: bytes = b"",
    magic: bytes = b"ustar\x0000",
    size_field: bytes | None = None,
    is_signed: bool = False,
) -> bytes:
    """Return a header of tar, its checksum right, whatever else is not.

    :param size_field: instead of the size in octal digits.
    :param is_signed: whether the checksum is of bytes with a sign, as some packers made it.
    """
    block = bytearray(512)
    block[0 : len(name)] = name
    block[124:136] = size_field if size_field is not None else b"%011o\0" % size
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = magic
    block[345 : 345 + len(prefix)] = prefix
    total = sum(byte - 256 * (is_signed and byte > 127) for byte in block)
    block[148:156] = b"%06o\0 " % total
    return bytes(block)


def tar_part(name: bytes, content: bytes, *, kind: bytes = b"0") -> bytes:
    """Return a header with its content, filled up to whole blocks."""
    filling = bytes(-len(content) % 512)
    return tar_header(name, size=len(content), kind=kind) + content + filling


def pax(records: Mapping[bytes, bytes], *, kind: bytes = b"x") -> bytes:
    """Return an extended header."""
    lines = []
    for key, value in records.items():
        rest = b" " + key + b"=" + value + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        lines.append(str(length).encode() + rest)
    return tar_part(b"./PaxHeaders/x", b"".join(lines), kind=kind)


def gzipped(*parts: bytes) -> bytes:
    """Return the parts of a tar, ended and packed."""
    return gzip.compress(b"".join(parts) + bytes(1024), mtime=0)


def zip_bytes(files: Iterable[tuple[str, bytes]], *, method: int = 8) -> bytearray:
    """Return a zip to be damaged; names may come twice."""
    packed = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        with zipfile.ZipFile(packed, "w", method) as archive:
            for name, content in files:
                archive.writestr(zipfile.ZipInfo(name), content, method)
    return bytearray(packed.getvalue())


def zip_streamed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip as it is written to a pipe: each member's sizes follow it."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, *place: int) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return pipe.getvalue()


def zip_large(files: Mapping[str, bytes]) -> bytes:
    """Return a zip whose members' sizes have 64 bits, whether they need them or not."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(content)
    return packed.getvalue()
