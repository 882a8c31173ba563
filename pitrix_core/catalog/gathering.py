"""Gathers what the catalogue shows beside an index's facts: readmes, icons and screenshots.

Runs beside the indexer. Nobody waits for it: an app is listed at once, and shows a picture once it
was read, checked and stored. What fails is tried again, less and less often.
"""

import concurrent.futures
import functools
import logging
import threading
from typing import Final

from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.pictures import (
    ICON_LIMIT_BYTES,
    SCREENSHOT_LIMIT_BYTES,
    checked_picture,
)
from pitrix_core.catalog.readme import readme_text
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import InvalidInputError, PitrixError, RepoError
from pitrix_core.store import Store
from pitrix_core.store.assets import Asset
from pitrix_core.store.listings import Ungathered
from pitrix_core.store.summaries import is_address

log = logging.getLogger(__name__)

#: Apps that are looked at in one go, and at the same time.
_BATCH: Final = 20
_AT_ONCE: Final = 4
#: Seconds in which all of them have to be done: an app has nine pictures, each for two minutes.
_TAKEN_FOR_S: Final = 3 * 3600.0
#: Seconds until what failed is tried again; doubles each time, up to a week.
_FIRST_PAUSE_S: Final = 600.0
_LONGEST_PAUSE_S: Final = 7 * 24 * 3600.0
_OK: Final = 200
_EXTRA: Final = {"action": "catalog.gather"}


class Gatherer:
    """Reads readmes and pictures of apps that lack them."""

    def __init__(self, store: Store, loader: PackageLoader, opener: RepoOpener) -> None:
        """Keep where packages are, and the guarded way out to everything else."""
        self._store = store
        self._loader = loader
        self._opener = opener

    def gather(self, stop: threading.Event | None = None) -> int:
        """Go through the apps that lack something now.

        Several processes share the work; what one of them dies over, another one does later.

        :param stop: once it is set, nothing more is begun.
        :returns: how many apps were looked at.
        """
        count, stop = 0, stop or threading.Event()
        while not stop.is_set():
            with self._store.read() as tx:
                if not tx.listings.is_anything_ungathered():
                    break
            with self._store.begin() as tx:
                tx.listings.add_missing()
                waiting = tx.listings.take_ungathered(limit=_BATCH, for_s=_TAKEN_FOR_S)
            with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(functools.partial(self._gather, stop), waiting))
            count += len(waiting)
        return count

    def _gather(self, stop: threading.Event, wanted: Ungathered) -> None:
        if stop.is_set():
            self._finish(wanted, readme=None, again_after_s=0.0)
            return
        try:
            self._read(wanted, stop)
        except Exception:  # the app waits, and the others need not
            log.exception("What app %s shows was not read", wanted.app_id, extra=_EXTRA)
            self._finish(wanted, readme=None, again_after_s=_pause_s(wanted))

    def _read(self, wanted: Ungathered, stop: threading.Event) -> None:
        package, is_complete, readme = None, True, None
        is_wanted = wanted.has_readme or not all(map(is_address, wanted.pictures.values()))
        if wanted.version_id is not None and is_wanted:
            try:
                package = self._package(wanted.version_id)
            except PitrixError as ex:
                log.info("A package was not read again: %s", ex, extra=_EXTRA)
                is_complete = False
        if package is not None and wanted.has_readme:
            readme, _ = readme_text(package)
        for place, source in wanted.pictures.items():
            is_complete &= not stop.is_set() and self._show(wanted.app_id, place, source, package)
        again_after_s = None if is_complete else _pause_s(wanted)
        self._finish(wanted, readme=readme, again_after_s=again_after_s)

    def _package(self, version_id: str) -> PackageReader:
        with self._store.read() as tx:
            version = tx.catalog.version(version_id)
        return self._loader.load(version).reader

    def _show(self, app_id: str, place: int, source: str, package: PackageReader | None) -> bool:
        """Store a picture, or why it is not there.

        :returns: whether there is no reason to try it again.
        """
        limit = ICON_LIMIT_BYTES if place == 0 else SCREENSHOT_LIMIT_BYTES
        try:
            content = self._content(source, package, limit)
            picture: Asset | None = checked_picture(content)
        except PitrixError as ex:
            problem, picture = ex.message, None
            is_final = isinstance(ex, InvalidInputError)
        with self._store.begin() as tx:
            if picture is not None:
                tx.assets.show(app_id, place, source=source, asset=picture)
                return True
            tx.assets.give_up(app_id, place, source=source, problem=problem)
        return is_final

    def _content(self, source: str, package: PackageReader | None, limit: int) -> bytes:
        """Return a picture's bytes.

        :raises PitrixError: it cannot be read, or is too large.
        """
        if not is_address(source):
            if package is None:
                raise RepoError("The package with it was not read yet.")
            content = package.read_bytes(source.removeprefix("./"))
            if len(content) > limit:
                raise InvalidInputError(f"The picture is larger than {limit} bytes.")
            return content
        with self._opener.fetcher() as fetcher:
            answer = fetcher.fetch(source, limit_bytes=limit)
        with answer:
            if answer.status != _OK:
                raise RepoError(f"The picture's address answers with status {answer.status}.")
            return answer.file.read()

    def _finish(
        self, wanted: Ungathered, *, readme: str | None, again_after_s: float | None
    ) -> None:
        with self._store.begin() as tx:
            tx.listings.mark_gathered(wanted, readme=readme, again_after_s=again_after_s)


def _pause_s(wanted: Ungathered) -> float:
    return min(_FIRST_PAUSE_S * 2.0 ** min(wanted.failures, 20), _LONGEST_PAUSE_S)
