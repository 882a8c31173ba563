"""Brings the catalogue up to date with repos, which several indexers share.

Whoever indexes a repo has its *turn*: a lease that is renewed while it is at work, and runs out
when it dies. What it writes, it writes in transactions that look whether it is still its turn.
"""

import contextlib
import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import attrs

from pitrix_core.catalog.entries import EntryWriter, Outcome
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.reading import PackageReading, pause_s
from pitrix_core.catalog.remarks import remarks_on
from pitrix_core.errors import ConflictError, LeaseLostError, NotFoundError, PitrixError
from pitrix_core.package import digest_of
from pitrix_core.package.index import IndexReader
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.store import Store
from pitrix_core.store.indexing import Turn
from pitrix_core.store.readings import Unread
from pitrix_core.store.repos import Repo

log = logging.getLogger(__name__)

#: Seconds between one look at a repo's index and the next, unless an operator says otherwise.
INTERVAL_S: Final = 600.0
#: Seconds that a turn lasts beyond the last sign of life; its indexer gives one much more often.
LEASE_S: Final = 20.0
#: Seconds until a repo that could not be indexed is tried again; doubled each time.
_FIRST_PAUSE_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 3600.0
#: How many leases somebody waits who asks for a repo that another indexer is at: a dead one's ends.
_PATIENCE: Final = 1.5
_LOOK_AGAIN_S: Final = 0.1
#: Most unread versions that are read together with the index; where there are more, others than the
#: newest wait until somebody asks for them.
_READ_AT_ONCE: Final = 50
#: Looks whether the process is to end, between one sign of life and the next.
_LOOKS: Final = 10

#: Says whether a process is to end.
IsStopped: TypeAlias = Callable[[], bool]


class Indexer:
    """Reads repos' indexes and stores what is new in them; safe for several threads."""

    def __init__(
        self,
        store: Store,
        registry: PluginRegistry,
        opener: RepoOpener,
        *,
        interval_s: float = INTERVAL_S,
        lease_s: float = LEASE_S,
    ) -> None:
        """Keep where to store, who reads packages, and who opens repos.

        :param interval_s: seconds between one look at a repo and the next; a tenth more or less.
        :param lease_s: seconds after which another indexer follows one that gives no sign of life.
        """
        self._store = store
        self._opener = opener
        self._interval_s = interval_s
        self._lease_s = lease_s
        self.reading = PackageReading(store, registry, opener)

    def index(self, repo: Repo) -> Repo:
        """Index a repo now; what could not be read before is tried again.

        :returns: the repo as it is now, with what was found wrong.
        :raises RepoError: there is no index to be read; what was indexed before stays.
        :raises PackageInvalidError: the index is not one, or breaks off; what it listed before that
            place is there, and nothing is taken away.
        :raises ConflictError: another indexer is at it, and does not come to an end.
        """
        turn = self._turn_at(repo)
        return self._carry_out(repo, turn, is_due=lambda _: True, is_stopped=lambda: False)

    def index_due(self, is_stopped: IsStopped = lambda: False) -> int:
        """Index every repo that is due and that no other indexer is at.

        One that fails does not stop the others: why is an event, and it is tried again later.

        :param is_stopped: says whether this process is to end; others have its turn then.
        :returns: how many were due.
        """
        count = 0
        while not is_stopped():
            with self._store.begin() as tx:
                ids = tx.indexing.due(limit=1)
                turn = tx.indexing.take(ids[0], lease_s=self._lease_s) if ids else None
                repo = tx.repos.get(turn.repo_id) if turn else None
            if turn is None or repo is None:
                break
            count += 1
            try:  # what was tried before, is tried again when it is due
                self._carry_out(
                    repo, turn, is_due=lambda entry: entry.attempts == 0, is_stopped=is_stopped
                )
            except PitrixError as ex:
                log.warning("Repo %s was not indexed: %s", repo.name, ex, extra={"action": "index"})
        return count

    def _turn_at(self, repo: Repo) -> Turn:
        end = time.monotonic() + _PATIENCE * self._lease_s
        while True:
            with self._store.begin() as tx:
                repo = tx.repos.get(repo.id)  # it may be gone by now
                turn = tx.indexing.take(repo.id, lease_s=self._lease_s)
            if turn is not None:
                return turn
            if time.monotonic() > end:
                raise ConflictError(
                    f"Repo {repo.name} is being indexed by another process.",
                    next_step=f"Look at what it finds: pitrix repo show {repo.name}",
                )
            time.sleep(_LOOK_AGAIN_S)

    def _carry_out(
        self, repo: Repo, turn: Turn, *, is_due: Callable[[Unread], bool], is_stopped: IsStopped
    ) -> Repo:
        with self._held(turn, is_stopped):
            try:
                tag, outcome = self._list(repo, turn)
            except LeaseLostError:
                raise
            except PitrixError as ex:
                self._fail(repo, turn, ex)
                raise
            self._read_few(repo, is_due, is_stopped)
            return self._end(repo, turn, tag=tag, outcome=outcome)

    def _list(self, repo: Repo, turn: Turn) -> tuple[str, Outcome | None]:
        """Read the index and write what it lists; nothing where it is still the known one."""
        with self._opener.open(repo) as source:
            found = source.read_index(turn.tag)
            if found is None:
                return turn.tag or "", None
            with found:
                outcome = EntryWriter(self._store, repo, turn, lease_s=self._lease_s).write(
                    IndexReader(found.file)
                )
                return found.tag, outcome

    def _read_few(
        self, repo: Repo, is_due: Callable[[Unread], bool], is_stopped: IsStopped
    ) -> None:
        """Read what is unread, where that is little."""
        with self._store.read() as tx:
            entries = tx.readings.unread(repo.id, limit=_READ_AT_ONCE + 1)
        if len(entries) <= _READ_AT_ONCE:
            due = filter(is_due, entries)
            self.reading.read_all(repo, itertools.takewhile(lambda _: not is_stopped(), due))

    def _end(self, repo: Repo, turn: Turn, *, tag: str, outcome: Outcome | None) -> Repo:
        interval_s = repo.index_interval_s or self._interval_s
        due_s = interval_s * random.uniform(0.9, 1.1)  # noqa: S311  # not a secret
        with self._store.begin() as tx:
            data: dict[str, int] = {}
            if outcome is None:
                tx.indexing.pause(turn, due_s=due_s)
            else:
                tx.indexing.end(turn, due_s=due_s, tag=tag, findings=outcome.findings)
                data = attrs.asdict(outcome, filter=attrs.filters.exclude("findings"))
            tx.repos.lock(repo.id)
            repo = tx.repos.get(repo.id)
            findings = remarks_on(tx, repo.id)
            has_news = findings != repo.findings or repo.indexed_at is None or turn.failures > 0
            if outcome is not None or has_news:
                digest = digest_of(tag.encode())
                tx.repos.mark_indexed(repo.id, digest=digest, findings=findings)
            if has_news or data.get("added") or data.get("removed"):
                data["findings"] = len(findings)
                tx.events.add("repo.indexed", repo.id, owner=repo.owner, data=data)
            return tx.repos.get(repo.id)

    def _fail(self, repo: Repo, turn: Turn, ex: PitrixError) -> None:
        due_s = pause_s(turn.failures, first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S)
        with contextlib.suppress(LeaseLostError, NotFoundError), self._store.begin() as tx:
            tx.indexing.fail(turn, due_s=due_s, failure=ex.message)
            if ex.message != turn.failure:  # what stays wrong is told once
                data = {"code": ex.code, "reason": ex.message}
                tx.events.add("repo.failed", repo.id, owner=repo.owner, data=data)

    @contextlib.contextmanager
    def _held(self, turn: Turn, is_stopped: IsStopped) -> Iterator[None]:
        """Keep a turn while the block is at work, which may wait for a network for minutes.

        Once this process is to end, the turn is others', and the block writes nothing more.
        """
        is_over = threading.Event()

        def keep() -> None:
            for look in itertools.count(1):
                if is_over.wait(self._lease_s / 4 / _LOOKS):
                    return
                try:
                    if is_stopped():
                        with self._store.begin() as tx:
                            tx.indexing.leave(turn)
                        return
                    if look % _LOOKS == 0:
                        with self._store.begin() as tx:
                            tx.indexing.hold(turn, lease_s=self._lease_s)
                except LeaseLostError:
                    return
                except Exception:  # the database may be away for a while
                    log.exception("A turn was not held", extra={"action": "index.hold"})

        keeper = threading.Thread(target=keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            is_over.set()
            keeper.join()
