"""Look at what happened."""

from pitrix_core.model.access import Actor
from pitrix_core.service.services import Services
from pitrix_core.store.events import Event


def after(
    services: Services,
    actor: Actor,
    event_id: int,
    *,
    subjects: frozenset[str] = frozenset(),
    limit: int = 100,
) -> list[Event]:
    """Return events after one, oldest first; only those about what belongs to people whose things
    the actor sees.

    :param event_id: 0 for all there are.
    :param subjects: only those about one of these; empty for all.
    """
    with services.store.read() as tx:
        return tx.events.after(event_id, limit=limit, subjects=subjects, viewer=actor)
