"""Writes down what an index lists: in batches, only what changed, and only in one's own turn."""

import contextlib
import hashlib
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from pitrix_core.catalog.remarks import bounded, differing, left_out
from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding
from pitrix_core.model import AppInfo
from pitrix_core.package import IndexEntry
from pitrix_core.store import Store, Transaction
from pitrix_core.store.index_entries import Listed
from pitrix_core.store.indexing import Turn
from pitrix_core.store.repos import Repo

#: Entries in one transaction: it holds SQLite for some ten milliseconds.
_BATCH: Final = 500
#: Versions of each app that are read before somebody asks for them.
_AHEAD: Final = 3
#: Findings that are kept of an index; whoever repairs one with a thousand begins with the first.
_FINDINGS_LIMIT: Final = 100


@attrs.frozen(kw_only=True)
class Outcome:
    """What an index listed."""

    entries: int
    #: Versions that are new, and that are not listed any more.
    added: int
    removed: int
    #: What is wrong in it; not more than are kept.
    findings: tuple[Finding, ...]


class EntryWriter:
    """Writes one index of one repo, once."""

    def __init__(self, store: Store, repo: Repo, turn: Turn, *, lease_s: float) -> None:
        """Keep whose index it is, and whose turn.

        :param lease_s: seconds that the turn lasts after something was written.
        """
        self._store = store
        self._lease_s = lease_s
        self._repo = repo
        self._turn = turn
        self._findings: list[Finding] = []
        self._left_out = 0
        self._seen: set[str] = set()
        self._added = 0
        #: The app whose entries come just now, and its newest versions so far.
        self._app = ""
        self._newest: list[tuple[tuple[object, ...], str]] = []
        #: The newest versions of apps whose entries have all come.
        self._ranked: list[list[str]] = []

    def write(self, items: Iterable[IndexEntry | Finding]) -> Outcome:
        """Write what is listed, and mark what is not any more.

        :raises PackageInvalidError: what was listed breaks off; what came before that is written,
            and nothing is marked.
        :raises LeaseLostError: another indexer's turn has begun; nothing is written from then on.
        """
        self._put_all(items)
        self._close_app("")
        with self._begin() as tx:
            self._rank(tx)
            gone = tx.index_entries.unlisted(self._repo.id, listed=self._seen)
        ids = sorted(gone, key=gone.__getitem__)  # an app's together
        for start in range(0, len(ids), _BATCH):
            self._remove(
                {version_id: gone[version_id] for version_id in ids[start : start + _BATCH]}
            )
        return Outcome(
            entries=len(self._seen),
            added=self._added,
            removed=len(gone),
            findings=bounded(self._findings, limit=_FINDINGS_LIMIT, left_out=self._left_out),
        )

    def _put_all(self, items: Iterable[IndexEntry | Finding]) -> None:
        batch: list[IndexEntry] = []
        try:
            for item in items:
                if isinstance(item, Finding):
                    self._remark(item)
                    continue
                batch.append(item)
                if len(batch) == _BATCH:
                    self._put(batch)
                    batch = []
        except PackageInvalidError:
            self._put(batch)
            raise
        self._put(batch)

    def _put(self, entries: Sequence[IndexEntry]) -> None:
        listed = [_listed(entry) for entry in entries]
        with self._begin() as tx:
            kept = tx.index_entries.put(self._repo, listed, state=self._repo.default_state)
            for entry, version_id in zip(entries, kept.ids, strict=True):
                self._pass(entry, version_id)
            self._rank(tx)
            tx.listings.refresh(kept.changed)
        self._seen.update(kept.ids)
        self._added += len(kept.added)
        for number, digest in kept.differing.items():
            entry = entries[number]
            self._remark(left_out(f"{entry.name} {entry.version}", differing(digest, entry.digest)))

    def _pass(self, entry: IndexEntry, version_id: str) -> None:
        """Keep in mind which versions of an app are its newest."""
        self._close_app(entry.name)
        semver = entry.semver
        heapq.heappush(self._newest, ((not semver.prerelease, semver), version_id))
        if len(self._newest) > _AHEAD:
            heapq.heappop(self._newest)

    def _remove(self, gone: Mapping[str, str]) -> None:
        with self._begin() as tx:
            tx.index_entries.mark_removed(list(gone))
            tx.listings.refresh(set(gone.values()))

    def _close_app(self, next_app: str) -> None:
        """Have the next transaction rank an app whose last entry has come."""
        if next_app == self._app:
            return
        newest_first = sorted(self._newest, reverse=True)
        self._ranked.append([version_id for _, version_id in newest_first])
        self._app, self._newest = next_app, []

    def _rank(self, tx: Transaction) -> None:
        # NOTE(crash): whether something is new or not: who died may not have come to it
        tx.index_entries.rank(self._ranked)
        self._ranked = []

    @contextlib.contextmanager
    def _begin(self) -> Iterator[Transaction]:
        """Open a transaction that counts only in this indexer's turn."""
        with self._store.begin() as tx:
            tx.indexing.hold(self._turn, lease_s=self._lease_s)
            yield tx

    def _remark(self, finding: Finding) -> None:
        if len(self._findings) < _FINDINGS_LIMIT:
            self._findings.append(finding)
        else:
            self._left_out += 1


def _listed(entry: IndexEntry) -> Listed:
    info = AppInfo(**{a.name: getattr(entry, a.name) for a in attrs.fields(AppInfo)})
    said = json.dumps([attrs.astuple(info, recurse=False), entry.urls, entry.digest])
    return Listed(
        info=info,
        urls=entry.urls,
        digest=entry.digest or None,
        fingerprint=hashlib.sha256(said.encode()).hexdigest(),
    )
