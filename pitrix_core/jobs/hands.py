"""What a runner has in its hands: claims, the steps they make, and steps that hang."""

import math
import threading
import time
from collections.abc import Iterable, Sequence

import attrs

from pitrix_core.store.claims import Claim


@attrs.frozen
class InHand:
    """A claim whose outcome is not written yet."""

    claim: Claim
    #: By the monotonic clock.
    since_s: float
    #: Of the step that takes it: claims that are polled together have the same one.
    step_key: str


class Hands:
    """Claims in hand; for several threads."""

    def __init__(self) -> None:
        """Begin with none."""
        self._held: dict[str, InHand] = {}
        #: Steps whose threads were written off.
        self._written_off: set[str] = set()
        self._lock = threading.Lock()

    @property
    def are_empty(self) -> bool:
        """Says whether nothing is in hand."""
        return not self._held

    @property
    def steps(self) -> int:
        """Number of steps under way; each has a thread."""
        with self._lock:
            return len({each.step_key for each in self._held.values()})

    @property
    def written_off(self) -> int:
        """Number of threads that hang."""
        return len(self._written_off)

    @property
    def task_ids(self) -> frozenset[str]:
        """Ids of the tasks in hand."""
        with self._lock:
            return frozenset(each.claim.task.id for each in self._held.values())

    def take(self, steps: Iterable[Sequence[Claim]]) -> list[list[InHand]]:
        """Take claims into the hands, by the steps they make."""
        now_s = time.monotonic()
        taken = [[InHand(claim, now_s, _key(step[0])) for claim in step] for step in steps]
        with self._lock:
            self._held.update({_key(each.claim): each for step in taken for each in step})
        return taken

    def let_go(self, claims: Iterable[Claim]) -> None:
        """Forget claims whose outcomes are written."""
        with self._lock:
            for claim in claims:
                self._held.pop(_key(claim), None)

    def write_off(self, *, limit_s: float) -> list[list[InHand]]:
        """Give up the steps that began more than so many seconds ago, and have not ended."""
        late_s = time.monotonic() - limit_s
        hung: dict[str, list[InHand]] = {}
        with self._lock:
            for each in self._held.values():
                if each.since_s < late_s and each.step_key not in self._written_off:
                    hung.setdefault(each.step_key, []).append(each)
            self._written_off.update(hung)
        return list(hung.values())

    def end_step(self, step: Sequence[InHand]) -> bool:
        """Note that the thread of a step is back.

        :returns: False when it was written off meanwhile, and the thread is one too many; from now
            on it cannot be.
        """
        with self._lock:
            if step[0].step_key in self._written_off:
                self._written_off.discard(step[0].step_key)
                return False
            ended = [attrs.evolve(each, since_s=math.inf) for each in step]
            self._held.update({_key(each.claim): each for each in ended})
        return True


def _key(claim: Claim) -> str:
    return f"{claim.task.id}/{claim.task.fence}"
