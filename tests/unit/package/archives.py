"""Makes archives for tests, good ones and such as no tool would write."""

import gzip
import io
import tarfile
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
