"""Look at who changed what, and drop what is kept elsewhere."""

import functools
from typing import Final

import attrs

from pitrix_core.errors import ConflictError
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.audit import Anchor, AuditEntry
from pitrix_core.service.access import require_everywhere
from pitrix_core.service.services import Services
from pitrix_core.store import Store, Transaction
from pitrix_core.store.audit import AuditFilter

#: Entries in one transaction.
_BATCH: Final = 500


@attrs.frozen(kw_only=True)
class ChainEnds:
    """Where the audit's chain begins and ends."""

    #: What its first entry is tied to: the last that was dropped.
    start: Anchor
    newest: Anchor


@attrs.frozen(kw_only=True)
class PruneInput:
    """Up to where the audit is to be dropped."""

    #: ID:HASH of the last entry that goes, as an export said.
    anchor: str


def search(
    services: Services,
    actor: Actor,
    wanted: AuditFilter,
    *,
    after: int | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> list[AuditEntry]:
    """Return what was changed by those of whom the actor may read it, the oldest first unless the
    newest are wanted first.

    :param after: number of the entry that the list begins after.
    """
    with services.store.read() as tx:
        return tx.audit.entries(
            wanted, after=after, limit=limit, newest_first=newest_first, viewer=actor
        )


def ends(services: Services, actor: Actor) -> ChainEnds:
    """Return where the chain begins and ends.

    :raises ForbiddenError: the actor may not read the whole installation's audit.
    """
    require_everywhere(actor, Action.AUDIT_READ)
    with services.store.read() as tx:
        return ChainEnds(start=tx.audit.start(), newest=tx.audit.newest())


def prune(services: Services, actor: Actor, data: PruneInput) -> ChainEnds:
    """Drop all entries up to one, which has to be named by what an export said of it.

    The chain can be checked from there on as before, and says itself who dropped what.

    :raises ForbiddenError: the actor may not do everything.
    :raises InvalidInputError: what is given is no anchor.
    :raises ConflictError: there is no such entry.
    """
    anchor = Anchor.parse(data.anchor)
    services.store.carry_out(functools.partial(_begin_at, anchor=anchor))
    while _drop(services.store) == _BATCH:
        pass
    return ends(services, actor)


def _begin_at(tx: Transaction, *, anchor: Anchor) -> None:
    before = tx.audit.start()
    if before == anchor:  # it was cut off when it had come so far
        return
    if not tx.audit.begin_at(anchor):
        raise ConflictError(
            f"The audit has no entry {anchor.id} of this hash.",
            pointer="/anchor",
            next_step="Check it first: pitrix audit verify --anchor ID:HASH",
        )
    tx.audit.add(str(anchor.id), before=before, after=anchor)


def _drop(store: Store) -> int:
    return store.carry_out(lambda tx: tx.audit.drop(limit=_BATCH))
