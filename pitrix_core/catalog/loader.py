"""Reads the packages of app versions, and keeps the last ones read."""

import functools
from typing import Any, Final

from pitrix_core.catalog.reading import PackageReading
from pitrix_core.catalog.recognise import ReadPackage, read_with
from pitrix_core.contracts import AppType
from pitrix_core.errors import PackageError
from pitrix_core.package import check_digest, read_archive
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.store import Store
from pitrix_core.store.catalog import AppVersion

#: Packages kept; one is a few hundred KiB at most, by the package reader's limits a few MiB.
_KEPT: Final = 32
_RESTORE: Final = "The database was damaged or changed by something else: restore it from a backup."


class PackageLoader:
    """Returns packages by their digests; safe for several threads."""

    def __init__(
        self, store: Store, registry: PluginRegistry, reading: PackageReading | None = None
    ) -> None:
        """Keep where packages and app types come from.

        :param reading: reads those that were only listed until now; without it they are refused.
        """
        self._store = store
        self._reading = reading
        self._registry = registry
        self._load = functools.lru_cache(maxsize=_KEPT)(self._read)

    def load(self, version: AppVersion) -> ReadPackage:
        """Return a version's package, read by the app type it was stored with.

        The first who asks for a version that an index only lists waits until it is fetched.

        :raises RepoError: it has to be fetched, and cannot be.
        :raises PluginNotFoundError: that app type is not installed any more.
        :raises PackageDigestError: the bytes in the database are not the ones that were indexed.
        :raises PackageError: this version of the app type cannot read it.
        """
        if version.digest is None or version.app_type is None:
            version = self._first_read(version.id)
        return self._load(version.digest, version.app_type)

    def _first_read(self, version_id: str) -> AppVersion:
        if self._reading is not None:
            self._reading.read(version_id)
        with self._store.read() as tx:
            version = tx.catalog.version(version_id)
        if version.digest is None:
            raise PackageError(
                f"The package of version {version_id} was not read yet.",
                next_step="Index its repo: pitrix repo index REPO",
            )
        return version

    def _read(self, digest: str, app_type_name: str) -> ReadPackage:
        app_type: AppType[Any] = self._registry.app_type(app_type_name)
        with self._store.read() as tx:
            content = tx.catalog.package(digest)
        check_digest(content, digest, by="The app version", next_step=_RESTORE)
        return read_with(app_type, read_archive(content))
