"""Packs files into a gzipped tar that depends on their names and content only."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from typing import Final

#: 1980-01-01, the earliest time that every archive format can say.
_TIME_S: Final = 315_532_800


def pack(files: Mapping[str, bytes], *, top: str) -> bytes:
    """Return an archive with one top folder; the same files give the same bytes.

    :param files: path below the top folder → content.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            archive.addfile(_info(f"{top}/{path}", len(files[path])), io.BytesIO(files[path]))
    # NOTE(bytes): mtime=0 leaves the time out of gzip's header
    return gzip.compress(packed.getvalue(), compresslevel=9, mtime=0)


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    info.mtime = _TIME_S
    return info
