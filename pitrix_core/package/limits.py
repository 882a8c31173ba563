"""How large and how deep a package may be."""

from typing import Final

import attrs

_MIB: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Limits:
    """What is refused before it fills memory.

    The sizes of a file and of the whole are Helm's, so that what Helm takes is taken here.
    Source: helm.sh/helm/v3, pkg/chart/loader/archive/archive.go (MaxDecompressedFileSize and
    MaxDecompressedChartSize), read 2026-08.
    """

    archive_bytes: int = 32 * _MIB
    file_bytes: int = 5 * _MIB
    total_bytes: int = 100 * _MIB
    files: int = 10_000
    #: Folders above a file, inside the archive.
    depth: int = 32
    path_bytes: int = 1024
    #: Unpacked bytes per packed byte; looked at beyond ``ratio_free_bytes`` only, since small
    #: files of one repeated line pack very well.
    ratio: int = 200
    ratio_free_bytes: int = 8 * _MIB

    def unpacked_limit(self, packed_bytes: int) -> int:
        """Return how many bytes so many packed ones may become."""
        return min(self.total_bytes, max(self.ratio_free_bytes, packed_bytes * self.ratio))


DEFAULT_LIMITS: Final = Limits()
