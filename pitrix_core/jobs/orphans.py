"""Tells what in an account belongs to nothing here, from what the database knows.

The account is listed first, and the database read after it: a request's key is committed before the
request leaves, so whatever was made before the listing is known by its key. Judged is only what
carries this installation's tag; for the rest, every doubt speaks for leaving a thing alone. It is
left alone while

* it is recorded for a cluster that is there, or was released from one just now;
* its request is of a task that is not done, or that a retry or a roll back begins with;
* a task is about to answer for what is there already, such as a network;
* a Frontgate is in it;
* it is young, or its age is not known and its request was sent just now;
* the cluster its tag names is there: a provider may make more than it was asked for.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from pitrix_core.model import AccountReport, ClusterState, Orphan, TaggedResource
from pitrix_core.store import Transaction
from pitrix_core.store.ownership import ORPHAN, KnownRequest, RecordedResource

#: Age from which on something may be an orphan: longer than any cloud takes to show, or to stop
#: showing, what was made or removed, and than anybody takes to write it down.
ORPHAN_AGE: Final = dt.timedelta(hours=1)

#: Whoever asks for a network is answered with the one that is there.
_SHARED: Final = "network"


def report_of(tx: Transaction, runtime_id: str, listed: Sequence[TaggedResource]) -> AccountReport:
    """Compare an account with the database.

    :param listed: what the account has of this installation, listed before ``tx`` was opened.
    """
    judge = _Judge.of(tx, listed)
    free = [_orphan(each) for each in listed if not judge.belongs(each)]
    return AccountReport(
        runtime_id=runtime_id,
        orphans=tuple(each for each in free if each.cluster_id not in judge.live),
        unrecorded=tuple(each for each in free if each.cluster_id in judge.live),
        lost=tuple(
            tx.ownership.missing(
                runtime_id,
                listed={(each.interface, each.id) for each in listed},
                settled_before=tx.now - ORPHAN_AGE,
            )
        ),
    )


def is_orphan(tx: Transaction, found: TaggedResource, *, sweep_id: str) -> bool:
    """Say whether something is an orphan still, right before it is deleted.

    :param found: as the account listed it before ``tx`` was opened.
    :param sweep_id: hidden cluster of the sweep that is about to delete it.
    """
    judge = _Judge.of(tx, [found], sweep_id=sweep_id)
    return not judge.belongs(found) and found.tags.cluster_id not in judge.live


@attrs.frozen(kw_only=True)
class _Judge:
    """What the database knows of some resources."""

    now: dt.datetime
    recorded: Sequence[RecordedResource]
    requests: dict[str, KnownRequest]
    live: frozenset[str]
    ensured: frozenset[str]
    gated: frozenset[str]

    @classmethod
    def of(
        cls, tx: Transaction, listed: Sequence[TaggedResource], *, sweep_id: str = ""
    ) -> "_Judge":
        recorded = tx.ownership.recorded([each.id for each in listed])
        keys = [key for each in listed for key in _keys_of(each)]
        return cls(
            now=tx.now,
            recorded=[row for row in recorded if row.cluster_id != sweep_id],
            requests=tx.ownership.requests(keys),
            live=tx.ownership.live_clusters([each.tags.cluster_id for each in listed]),
            ensured=tx.ownership.ensured_interfaces(),
            gated=tx.ownership.frontgate_networks(),
        )

    def belongs(self, found: TaggedResource) -> bool:
        """Say whether somebody here has a use for it, or may have."""
        is_ensured = found.interface in self.ensured
        is_gated = found.interface == _SHARED and found.id in self.gated
        return (
            is_ensured
            or is_gated
            or any(self._is_held(row, found) for row in self.recorded)
            or any(self._is_awaited(request) for request in self._requests_of(found))
            or self._is_young(found)
        )

    def _is_held(self, row: RecordedResource, found: TaggedResource) -> bool:
        if row.resource_id != found.id:
            return False
        if row.interface == ORPHAN:
            return row.cluster_state is ClusterState.DELETING  # another sweep is at it
        if row.interface != found.interface:
            return False
        if row.released_at is not None:
            return row.released_at > self.now - ORPHAN_AGE
        return row.cluster_state is not ClusterState.DELETED

    def _is_awaited(self, request: KnownRequest) -> bool:
        return request.is_open or (request.may_go_on and request.cluster_id in self.live)

    def _is_young(self, found: TaggedResource) -> bool:
        if found.age_s is not None:
            return found.age_s < ORPHAN_AGE.total_seconds()
        sent = [request.sent_at for request in self._requests_of(found) if request.sent_at]
        return any(sent_at > self.now - ORPHAN_AGE for sent_at in sent)

    def _requests_of(self, found: TaggedResource) -> Iterable[KnownRequest]:
        return [self.requests[key] for key in _keys_of(found) if key in self.requests]


def _keys_of(found: TaggedResource) -> list[str]:
    """Return what the tag's key may have come from: a stage's begins with its start's."""
    parts = found.tags.request_key.split("-")
    return ["-".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _orphan(found: TaggedResource) -> Orphan:
    return Orphan(
        interface=found.interface,
        id=found.id,
        cluster_id=found.tags.cluster_id,
        request_key=found.tags.request_key,
        age_s=found.age_s,
        labels=found.labels,
    )
