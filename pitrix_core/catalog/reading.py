"""Reads the packages of versions that an index lists: fetched, trusted, recognised, found sound.

Not while the index is read, which may list tens of thousands: when somebody asks for a version, and
ahead of that the newest versions of each app, one after the other.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs

from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.recognise import ReadPackage, judged, read_package
from pitrix_core.catalog.remarks import differing, left_out, remarks_on
from pitrix_core.catalog.trust import require_own_name, signer_of
from pitrix_core.errors import (
    PackageDigestError,
    PackageSignatureError,
    PitrixError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
)
from pitrix_core.findings import Finding
from pitrix_core.package import check_digest
from pitrix_core.package.limits import DEFAULT_LIMITS
from pitrix_core.package.signature import SIGNATURE_LIMIT_BYTES, SIGNATURE_SUFFIX
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.plugins.repo_kinds import OpenRepo
from pitrix_core.store import Store
from pitrix_core.store.readings import Unread
from pitrix_core.store.repos import Repo

log = logging.getLogger(__name__)

_BUILD_INDEX: Final = (
    "Get the archive that was released, or build the index again: pitrix repo index FOLDER/"
)
#: Packages that one process reads at once: each is some MiB in memory, and waits for the network.
_AT_ONCE: Final = 4
#: Versions that a process takes at a time, and seconds in which it has to have read them: a fetch
#: ends after two minutes.
_TAKEN: Final = 2 * _AT_ONCE
_TAKEN_FOR_S: Final = 300.0
#: Seconds until a version that could not be read is tried again; doubled each time, with a jitter.
_FIRST_PAUSE_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 6 * 3600.0


@attrs.frozen(kw_only=True)
class _Archive:
    """An archive, and what it was found to be."""

    content: bytes = attrs.field(repr=False)
    digest: str
    signed_by: str | None
    package: ReadPackage
    findings: tuple[Finding, ...]


class PackageReading:
    """Reads the packages of listed versions; safe for several threads."""

    def __init__(self, store: Store, registry: PluginRegistry, opener: RepoOpener) -> None:
        """Keep where to store, who reads packages, and who opens repos."""
        self._store = store
        self._registry = registry
        self._opener = opener

    def read(self, version_id: str) -> None:
        """Read a version's package, unless it was read before.

        :raises NotFoundError: there is no such version.
        :raises PitrixError: it cannot be read; why is kept, and it is tried again.
        """
        with self._store.read() as tx:
            entry = tx.readings.get(version_id)
            if entry is None or not entry.is_unread:
                return
            repo = tx.repos.get(entry.repo_id)
        self._read(repo, entry)

    def read_all(self, repo: Repo, entries: Iterable[Unread]) -> None:
        """Read versions of one repo, one after the other; why one cannot be read is kept."""
        for entry in entries:
            try:
                self._read(repo, entry)
            except PitrixError as ex:
                log.warning("A package was left out: %s", ex, extra={"action": "index.read"})

    def read_due(self, is_stopped: Callable[[], bool] = lambda: False) -> int:
        """Read some of the versions that are due, a few at once.

        :returns: how many were due; 0 when there is nothing to be done now.
        """
        with self._store.begin() as tx:
            entries = tx.readings.take_due(limit=_TAKEN, for_s=_TAKEN_FOR_S)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="reading") as threads:
            for entry in entries:
                threads.submit(self._read_one, entry, is_stopped)
        return len(entries)

    def _read_one(self, entry: Unread, is_stopped: Callable[[], bool]) -> None:
        if is_stopped():
            return
        with self._store.read() as tx:
            repo = tx.repos.get(entry.repo_id)
        try:
            self._read(repo, entry)
        except PitrixError as ex:
            about = {"name": entry.name, "version": entry.version, "reason": ex.message}
            log.warning("A package was left out: %s", ex, extra={"action": "index.read"})
            if not entry.attempts:
                with self._store.begin() as tx:
                    tx.events.add(
                        "version.unreadable", entry.version_id, owner=repo.owner, data=about
                    )
        except Exception:  # the database may be away for a while: it is due again later
            log.exception("A version was not read", extra={"action": "index.read"})

    def _read(self, repo: Repo, entry: Unread) -> None:
        """Fetch, check and store a version's package, and have its repo tell what is wrong with it.

        :raises PitrixError: it cannot be offered; why is written down.
        """
        try:
            archive = self._fetched(repo, entry)
            self._keep(entry, archive)
        except PitrixError as ex:
            with self._store.begin() as tx:
                if isinstance(ex, PackageDigestError):  # the index may say so by now
                    tx.indexing.forget(repo.id)
                tx.reviews.lock(entry.version_id)
                tx.readings.mark_failed(
                    entry.version_id,
                    findings=_reasons(entry, ex),
                    is_unreadable=not isinstance(ex, RepoTemporaryError),
                    due_s=pause_s(
                        entry.attempts, first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S
                    ),
                )
                tx.listings.refresh([entry.app_id])
            self._tell(repo)
            raise
        if archive.findings or entry.attempts:
            self._tell(repo)

    def _tell(self, repo: Repo) -> None:
        with self._store.begin() as tx:
            tx.repos.lock(repo.id)  # what others are about to tell is not lost
            tx.repos.mark_found(repo.id, remarks_on(tx, repo.id))

    def _fetched(self, repo: Repo, entry: Unread) -> _Archive:
        with self._opener.open(repo) as source:
            content = source.read(entry.urls[0], limit_bytes=DEFAULT_LIMITS.archive_bytes)
            promised = entry.digest or ""
            digest = check_digest(content, promised, by="The index", next_step=_BUILD_INDEX)
            signed_by = _signer(repo, source, entry.urls[0], content)
        package = read_package(content, self._registry.app_types())
        if signed_by is not None:
            require_own_name(package.spec.info, name=entry.name, version=entry.version)
        findings = judged(package, self._registry.hooks())
        return _Archive(
            content=content,
            digest=digest,
            signed_by=signed_by,
            package=package,
            findings=findings,
        )

    def _keep(self, entry: Unread, archive: _Archive) -> None:
        with self._store.begin() as tx:
            tx.reviews.lock(entry.version_id)
            tx.catalog.add_package(archive.digest, archive.content)
            kept = tx.readings.mark_read(
                entry.version_id,
                digest=archive.digest,
                app_type=archive.package.app_type.name,
                signed_by=archive.signed_by,
                info=archive.package.spec.info,
                findings=archive.findings,
            )
            if kept != archive.digest:
                raise differing(kept, archive.digest)
            tx.listings.refresh([entry.app_id])


def pause_s(failures: int, *, first_s: float, longest_s: float) -> float:
    """Return how long to wait after so many failures and one more: doubling, with a jitter."""
    exponent = min(failures, 32)  # a float has an end
    return min(first_s * 2.0**exponent, longest_s) * random.uniform(0.75, 1.25)  # noqa: S311  # not a secret


def _reasons(entry: Unread, ex: PitrixError) -> list[Finding]:
    details: Sequence[Finding] = getattr(ex, "findings", ())
    return [left_out(f"{entry.name} {entry.version}", ex), *details]


def _signer(repo: Repo, source: OpenRepo, address: str, content: bytes) -> str | None:
    """Return the key that signed an archive; None where the repo trusts no key.

    :raises PackageSignatureError: the repo does not take it.
    :raises RepoTemporaryError: the signature cannot be read now.
    """
    if not repo.trusted_keys:
        return None
    try:
        signature = source.read(address + SIGNATURE_SUFFIX, limit_bytes=SIGNATURE_LIMIT_BYTES)
    except RepoNotFoundError:
        signature = None
    except RepoTemporaryError:
        raise
    except RepoError as ex:
        raise PackageSignatureError(
            ex.message,
            next_step="Put the signature beside the archive, for the server to read.",
        ) from ex
    return signer_of(content, signature, trusted_keys=repo.trusted_keys)
