"""Plans the removal of orphans: what a sweep has found in an account, and nobody here needs."""

from collections.abc import Sequence
from typing import Final

from pitrix_core.model import Orphan, PlanDraft, Task
from pitrix_core.planner.kinds import ORPHAN_DELETE

#: A machine holds its volumes and is in its network, so these go after it, in this order; what the
#: core does not know goes with the machines.
_LAST: Final = ("volume", "network")


def draft_sweep(orphans: Sequence[Orphan]) -> PlanDraft:
    """Plan that orphans are deleted: machines, then volumes, then networks."""
    tasks: list[Task] = []
    after: tuple[str, ...] = ()
    for rank in range(-1, len(_LAST)):
        layer = [
            _task(orphan, number, after=after)
            for number, orphan in enumerate(orphans, start=1)
            if _rank(orphan) == rank
        ]
        tasks += layer
        after = tuple(task.key for task in layer) or after
    return PlanDraft(tasks=tuple(tasks))


def _rank(orphan: Orphan) -> int:
    return _LAST.index(orphan.interface) if orphan.interface in _LAST else -1


def _task(orphan: Orphan, number: int, *, after: tuple[str, ...]) -> Task:
    return Task(
        key=f"{ORPHAN_DELETE}/{number}",
        kind=ORPHAN_DELETE,
        title=f"Delete {orphan.interface} {orphan.id}",
        input={
            "id": orphan.id,
            "interface": orphan.interface,
            "tagged_cluster_id": orphan.cluster_id,
            "tagged_request_key": orphan.request_key,
        },
        after=after,
    )
