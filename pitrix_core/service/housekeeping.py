"""What an installation does for itself now and then: drops what is old, looks for orphans.

Runs beside every runner. Each chore is taken on by one process of several, and done in
transactions of a bounded size, so that nothing else has to wait for it.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import attrs

from pitrix_core.errors import PitrixError
from pitrix_core.jobs.orphans import report_of
from pitrix_core.model import AccountReport, Runtime
from pitrix_core.pilot.hidden import SYSTEM_OWNER
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.retention import RetentionRepository

log = logging.getLogger(__name__)

#: Rows, or jobs, in one transaction.
_BATCH: Final = 200
#: Transactions for one kind of thing at a time; what is left is dropped the next time.
_MOST_BATCHES: Final = 500
#: Seconds between one cleaning and the next.
_CLEAN_EVERY_S: Final = 600.0
#: Ids of each list that an event names.
_NAMED: Final = 50

#: Drops at most so many things that are older than so many seconds; returns how many.
_Drop: TypeAlias = Callable[[RetentionRepository, float, int], int]


@attrs.frozen(kw_only=True)
class Keeping:
    """How long things are kept, in seconds, and how often accounts are looked at."""

    messages_s: float
    answers_s: float
    events_s: float
    jobs_s: float
    look_every_s: float


def do_chores(services: Services, keeping: Keeping, stop: threading.Event) -> None:
    """Do what is due; one that fails does not stop the others.

    :param stop: once it is set, nothing more is begun.
    """
    with services.store.begin() as tx:
        is_cleaning_due = tx.chores.take("clean", every_s=_CLEAN_EVERY_S)
        due = [
            runtime
            for runtime in tx.runtimes.all()
            if tx.chores.take(f"orphans/{runtime.id}", every_s=keeping.look_every_s)
        ]
    if is_cleaning_due:
        clean(services.store, keeping, stop)
    for runtime in due:
        if not stop.is_set():
            _look(services, runtime)


def clean(store: Store, keeping: Keeping, stop: threading.Event) -> None:
    """Drop what was kept for long enough."""
    for what, older_s, drop in _drops(keeping):
        dropped = 0
        for _ in range(_MOST_BATCHES):
            if stop.is_set():
                break
            with store.begin() as tx:
                count = drop(tx.retention, older_s, _BATCH)
            dropped += count
            if count < _BATCH:
                break
        if dropped:
            log.info("Dropped old %s: %d", what, dropped, extra={"action": "clean"})


def _drops(keeping: Keeping) -> Iterable[tuple[str, float, _Drop]]:
    messages_s = keeping.messages_s
    yield "messages to Frontgates", messages_s, lambda r, s, n: r.drop_sent(s, limit=n)
    yield "messages of Frontgates", messages_s, lambda r, s, n: r.drop_received(s, limit=n)
    yield "answers", keeping.answers_s, lambda r, s, n: r.drop_answers(s, limit=n)
    yield "events", keeping.events_s, lambda r, s, n: r.drop_events(s, limit=n)
    yield "samples", 0.0, lambda r, _, n: r.drop_samples(limit=n)
    yield "jobs' payloads", keeping.jobs_s, lambda r, s, n: r.drop_payloads(s, limit=n)


def _look(services: Services, runtime: Runtime) -> None:
    """Tell by an event what an account and the database do not agree on."""
    try:
        listed = services.gates.of(runtime.id).owned()
    except PitrixError as ex:
        extra = {"action": "orphans.look", "runtime_id": runtime.id}
        log.warning("Runtime %s was not looked at: %s", runtime.name, ex, extra=extra)
        return
    with services.store.begin() as tx:
        found = report_of(tx, runtime.id, listed)
        if not found.agrees:
            data = {"name": runtime.name, **_summary(found)}
            tx.events.add("runtime.orphans", runtime.id, owner=SYSTEM_OWNER, data=data)


def _summary(found: AccountReport) -> dict[str, object]:
    """Return how much was found of each, and the first of their ids."""
    lists = {
        "orphans": [each.id for each in found.orphans],
        "unrecorded": [each.id for each in found.unrecorded],
        "lost": [each.resource_id for each in found.lost],
    }
    return {name: {"count": len(ids), "ids": ids[:_NAMED]} for name, ids in lists.items() if ids}
