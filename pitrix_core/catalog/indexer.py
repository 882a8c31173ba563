"""Brings the catalogue up to date with a repo; one bad package never stops the others."""

import logging
from typing import Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.recognise import ReadPackage, read_package
from pitrix_core.catalog.trust import require_own_name, signer_of
from pitrix_core.errors import (
    PackageDigestError,
    PackageInvalidError,
    PackageSignatureError,
    PitrixError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
)
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.package import IndexEntries, IndexEntry, check_digest, read_index
from pitrix_core.package.limits import DEFAULT_LIMITS
from pitrix_core.package.signature import SIGNATURE_LIMIT_BYTES, SIGNATURE_SUFFIX
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.plugins.repo_kinds import OpenRepo
from pitrix_core.store import Store, Transaction, new_id
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.repos import Repo

log = logging.getLogger(__name__)

#: State of a version that was indexed from a repo; the review of uploaded ones is another way in.
_INDEXED_STATE: Final = "active"
_BUILD_INDEX: Final = (
    "Get the archive that was released, or build the index again: pitrix package index FOLDER"
)


@attrs.frozen(kw_only=True)
class _Indexed:
    """What was found out about an archive."""

    digest: str
    signed_by: str | None
    findings: tuple[Finding, ...]


class Indexer:
    """Reads repos' indexes and stores what is new in them."""

    def __init__(self, store: Store, registry: PluginRegistry, opener: RepoOpener) -> None:
        """Keep where to store, who reads packages, and who opens repos."""
        self._store = store
        self._registry = registry
        self._opener = opener

    def index(self, repo: Repo) -> Repo:
        """Read a repo's index and store what is new; an unchanged index is only read.

        What was left out for an error is tried again each time: a plugin may have been installed.

        :returns: the repo as it is now, with what was found wrong.
        :raises RepoError: there is no index to be read; what was indexed before stays.
        :raises PackageInvalidError: the index is not one.
        """
        known = None if errors_in(repo.findings) else repo.index_digest
        with self._opener.open(repo) as source:
            found = source.read_index(known)
            if found is None:
                return repo
            with found:
                digest, index = found.tag, parse_index(found.file.read())
            findings = [*index.findings]
            for entry in index.entries:
                findings += self._store_entry(repo, source, entry)
        if digest == repo.index_digest and tuple(findings) == repo.findings:
            return repo
        with self._store.begin() as tx:
            tx.repos.mark_indexed(repo.id, digest=digest, findings=findings)
            data = {"entries": len(index.entries), "findings": len(findings)}
            tx.events.add("repo.indexed", repo.id, owner=repo.owner, data=data)
            return tx.repos.get(repo.id)

    def _store_entry(self, repo: Repo, source: OpenRepo, entry: IndexEntry) -> list[Finding]:
        try:
            return self._add_version(repo, source, entry)
        except PitrixError as ex:
            log.warning("A package was left out: %s", ex, extra={"action": "index.entry"})
            details = getattr(ex, "findings", ())
            about = f"{entry.name} {entry.version}"
            left_out = Finding(
                level=Level.ERROR,
                code=ex.code,
                message=f"{about}: {ex.message}",
                file=about,
                next_step=ex.next_step,
            )
            return [left_out, *details]

    def _add_version(self, repo: Repo, source: OpenRepo, entry: IndexEntry) -> list[Finding]:
        with self._store.read() as tx:
            if _is_known(tx, repo, entry):
                return []
        content = source.read(entry.urls[0], limit_bytes=DEFAULT_LIMITS.archive_bytes)
        digest = check_digest(content, entry.digest, by="The index", next_step=_BUILD_INDEX)
        signed_by = _signer(repo, source, entry, content)
        package = read_package(content, self._registry.app_types())
        if signed_by is not None:
            require_own_name(entry, package.spec.info)
        findings = self._findings(package)
        if errors_in(findings):
            raise PackageInvalidError("The package cannot be offered.", findings=findings)
        with self._store.begin() as tx:
            if not _is_known(tx, repo, attrs.evolve(entry, digest=digest)):
                tx.catalog.add_package(digest, content)
                about = _Indexed(digest=digest, signed_by=signed_by, findings=tuple(findings))
                _add(tx, repo, entry, package, about)
        return findings

    def _findings(self, package: ReadPackage) -> list[Finding]:
        hooks = self._registry.hooks()
        with asking(package.app_type, to="look at the package"):
            remarks = package.app_type.validate(package.spec)
        return [
            *remarks,
            *hooks.check_package(package.reader, package.spec, app_type=package.app_type.name),
        ]


def parse_index(content: bytes) -> IndexEntries:
    """Return what an index's bytes list.

    :raises PackageInvalidError: it is no index.
    """
    return read_index(content.decode("utf-8", errors="replace"))


def _signer(repo: Repo, source: OpenRepo, entry: IndexEntry, content: bytes) -> str | None:
    """Return the key that signed an archive; None where the repo trusts no key.

    :raises PackageSignatureError: the repo does not take it.
    """
    if not repo.trusted_keys:
        return None
    try:
        address = entry.urls[0] + SIGNATURE_SUFFIX
        signature = source.read(address, limit_bytes=SIGNATURE_LIMIT_BYTES)
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


def _is_known(tx: Transaction, repo: Repo, entry: IndexEntry) -> bool:
    known = tx.catalog.version_of(repo.id, entry.name, entry.version)
    if known is None:
        return False
    if entry.digest and known.digest != entry.digest:
        raise PackageDigestError(
            f"It was indexed with {known.digest} and is listed with {entry.digest} now; "
            "the first one stays.",
            next_step="A released version never changes: release another version.",
        )
    return True


def _add(
    tx: Transaction,
    repo: Repo,
    entry: IndexEntry,
    package: ReadPackage,
    about: _Indexed,
) -> None:
    info = package.spec.info
    app = tx.catalog.put_app(
        App(
            id=new_id("app"),
            owner=repo.owner,
            repo_id=repo.id,
            name=entry.name,
            description=info.description or entry.description,
            created_at=tx.now,
        )
    )
    tx.catalog.add_version(
        AppVersion(
            id=new_id("appv"),
            owner=repo.owner,
            app_id=app.id,
            version=entry.version,
            app_version=info.app_version or entry.app_version,
            app_type=package.app_type.name,
            digest=about.digest,
            signed_by=about.signed_by,
            state=_INDEXED_STATE,
            info=info,
            findings=about.findings,
            created_at=tx.now,
        )
    )
