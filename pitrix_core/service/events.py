"""Look at what happened."""

from pitrix_core.service.services import Services, visible_owner
from pitrix_core.store.events import Event
from pitrix_core.store.identity import Actor


def after(
    services: Services,
    actor: Actor,
    event_id: int,
    *,
    subjects: frozenset[str] = frozenset(),
    limit: int = 100,
) -> list[Event]:
    """Return events after one, oldest first.

    :param event_id: 0 for all there are.
    :param subjects: only those about one of these; empty for all.
    """
    with services.store.read() as tx:
        return tx.events.after(event_id, limit=limit, subjects=subjects, owner=visible_owner(actor))
