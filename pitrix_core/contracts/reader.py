"""How an app type reads a package."""

from typing import Protocol

from pitrix_core.model import PackageIndex


class PackageReader(Protocol):
    """A package whose archive has been checked: no path leads out of it, no size is beyond its
    limit.
    """

    @property
    def digest(self) -> str:
        """Identity of the package: ``sha256:`` and 64 hexadecimal digits, over the archive."""

    @property
    def index(self) -> PackageIndex:
        """What files there are."""

    def read_bytes(self, path: str) -> bytes:
        """Return a file's content.

        :raises PackageInvalidError: there is no such file.
        """

    def read_text(self, path: str) -> str:
        """Return a file's text, without a byte order mark.

        :raises PackageInvalidError: there is no such file, or it is not UTF-8.
        """

    def read_json(self, path: str) -> object:
        """Return what a JSON file holds.

        :raises PackageInvalidError: it is not there, or not JSON; the finding names line and
            column.
        """
