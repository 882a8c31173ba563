"""Finds out what became of a creating request whose answer was lost.

Asking again could make two, where the cloud does not remember request keys; and where it does, no
more is asked once the task's time is up. So the request is given the time it may take and the time
the cloud may need to show what it made; then everything under the key is looked for. One is kept.
Were more made, their removal is started until no more than one is seen. If there is none, nothing
was made, and only then may the task be tried again, or fail.
"""

import datetime as dt
import logging
from typing import Final

import attrs

from pitrix_core.contracts.interface import Start
from pitrix_core.errors import PitrixError, ProviderTemporaryError
from pitrix_core.jobs.deadline import TIMEOUT_CODE, deadline_of, left_s
from pitrix_core.jobs.handler import TaskCall, TaskHandler
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry
from pitrix_core.jobs.retry import as_undecided
from pitrix_core.jobs.standing import after_operation
from pitrix_core.model import Operation
from pitrix_core.store.queue import Claim

log = logging.getLogger(__name__)

#: Bounds of the pause between looks, in seconds; it grows with the time looked for so far.
_SHORTEST_LOOK_S: Final = 1.0
_LONGEST_LOOK_S: Final = 60.0
#: Part of the time looked for so far after which the next look is worth its request.
_GROWTH: Final = 0.25
_LOST: Final = "The request was lost; it is sent again."


@attrs.frozen(kw_only=True)
class LostRequest:
    """A request of which it is not known whether it was carried out."""

    claim: Claim
    call: TaskCall
    handler: TaskHandler
    facts: Start

    def settle(self) -> Outcome:
        """Find out what was made, as soon as that can be known."""
        claimed_at = self.claim.claimed_at
        if claimed_at < self._sure_at:
            return Postponed(after_s=(self._sure_at - claimed_at).total_seconds())
        try:
            found = self._found()
            for surplus in found[1:]:
                self.handler.discard(self.call, surplus)
        except PitrixError as ex:
            return self._unknown(ex)
        if len(found) > 1 and self._may_look_on:
            return Postponed(after_s=_pause_s(self._looked_for_s))
        if found:
            return after_operation(self.claim, found[0], creates=True)
        return self._not_made()

    def after_refusal(self, refusal: PitrixError) -> Outcome:
        """Look for what was made before the cloud refused to answer for it again."""
        try:
            found = self._found()
        except PitrixError as ex:
            log.warning("What a request made is not known: %s", ex, extra=self._facts)
            found = []
        if found:
            return after_operation(self.claim, found[0], creates=True)
        asked_for_s = self.claim.task.timeout_s - left_s(self.claim)
        return Postponed(
            after_s=_pause_s(asked_for_s), error=refusal.message, error_code=refusal.code
        )

    def after_failure(self, failure: PitrixError) -> Outcome:
        """Look once for what was made before the start failed."""
        failed = Failed(
            error=failure.message, error_code=failure.code, operation=None, creates=True
        )
        try:
            found = self._found()
        except PitrixError as ex:
            log.warning("What a request made is not known: %s", ex, extra=self._facts)
            return as_undecided(failed)
        return after_operation(self.claim, found[0], creates=True) if found else failed

    def _found(self) -> list[Operation]:
        """Return what was made, in an order that is the same whoever looks."""
        found = self.handler.find(self.call, self.claim.task.request_key or "")
        return sorted(found, key=lambda operation: operation.resource_id or "")

    @property
    def _sure_at(self) -> dt.datetime:
        sent_at = self.claim.task.sent_at or self.claim.claimed_at
        if self.facts.honours_key:  # it may have been sent again until the task's time was up
            sent_at = max(sent_at, deadline_of(self.claim))
        return sent_at + dt.timedelta(seconds=self.facts.timeout_s + self.facts.settle_s)

    @property
    def _looked_for_s(self) -> float:
        return max(0.0, (self.claim.claimed_at - self._sure_at).total_seconds())

    @property
    def _may_look_on(self) -> bool:
        return self._looked_for_s < self.claim.task.timeout_s

    def _unknown(self, error: PitrixError) -> Outcome:
        """Look on for as long as the task may take, then leave the question to a retry."""
        own_delay_s = error.retry_after_s if isinstance(error, ProviderTemporaryError) else 0.0
        if self._may_look_on:
            after_s = max(own_delay_s, _pause_s(self._looked_for_s))
            return Postponed(after_s=after_s, error=error.message, error_code=error.code)
        return as_undecided(
            Failed(error=error.message, error_code=error.code, operation=None, creates=True)
        )

    def _not_made(self) -> Outcome:
        task = self.claim.task
        if task.attempts < task.max_attempts and left_s(self.claim) > 0:
            return Retry(after_s=0.0, error=task.error or _LOST, error_code="lost")
        return Failed(
            error=task.error or "The request was lost as often as it was sent; nothing was made.",
            error_code=task.error_code or TIMEOUT_CODE,
            operation=None,
            creates=True,
        )

    @property
    def _facts(self) -> dict[str, object]:
        task = self.claim.task
        return {"action": "task.settle", "job_id": task.job_id, "task_id": task.id}


def _pause_s(so_far_s: float) -> float:
    return min(_LONGEST_LOOK_S, max(_SHORTEST_LOOK_S, so_far_s * _GROWTH))
