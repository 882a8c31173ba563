"""Takes one step of one task: start it, settle it, advance it or poll it, and say what came of it.

The step touches the cloud and not the task's row; the decision is a value that the runner writes
under the claim's fence. A step may therefore be repeated after any crash.
"""

import hashlib
import logging
import re
from collections.abc import Sequence
from typing import Final

import attrs

from pitrix_core.contracts.interface import Start
from pitrix_core.errors import PitrixError, ProviderError, ProviderTemporaryError
from pitrix_core.jobs.deadline import TIMEOUT_CODE, left_s, timed_out
from pitrix_core.jobs.handler import PollsMany, TaskCall, TaskHandler, TaskKinds
from pitrix_core.jobs.lost import LostRequest
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Waiting
from pitrix_core.jobs.resolve import resolve_refs
from pitrix_core.jobs.retry import after_crash, after_error, backoff_s, refused
from pitrix_core.jobs.standing import after_operation
from pitrix_core.model import Operation, OperationState, TaskRecord
from pitrix_core.model.json import referred_tasks
from pitrix_core.store import DATABASE_TROUBLE, Store
from pitrix_core.store.queue import Claim

__all__ = ["TIMEOUT_CODE", "Worker"]

log = logging.getLogger(__name__)

#: Names of stages that are fit to be the end of a request key.
_STAGE: Final = re.compile(r"[a-z0-9-]{1,32}")


class Worker:
    """Takes steps; has no state of its own, so that any number of threads may share it."""

    def __init__(self, store: Store, kinds: TaskKinds) -> None:
        """Keep what every step needs."""
        self._store = store
        self._kinds = kinds

    def step(self, claim: Claim) -> Outcome:
        """Take one step; never raises."""
        creates = claim.maybe_sent  # until its handler says
        try:
            handler = self._kinds.handler_of(claim.task.kind)
            call = TaskCall(task=claim.task, input=self._resolved_input(claim.task))
            facts = handler.facts(call)
            creates = facts.creates
            return _told_how_many(_decided(claim, call, handler, facts), facts)
        except PitrixError as ex:
            return refused(claim, ex)
        except DATABASE_TROUBLE as ex:
            return _without_database(claim, ex)
        except Exception as ex:  # the worker's border: whatever a handler does, the runner lives on
            log.exception("A task handler raised", extra=_extra(claim, "task.crashed"))
            return after_crash(claim, ex, creates=creates)

    def poll_together(self, claims: Sequence[Claim]) -> list[Outcome]:
        """Poll the operations of several tasks with one call; never raises.

        :param claims: of one group (:attr:`Claim.group`).
        """
        calls = [TaskCall(task=claim.task, input=claim.task.input) for claim in claims]
        try:
            handler = self._kinds.handler_of(claims[0].task.kind)
            if not isinstance(handler, PollsMany):
                return [self.step(claim) for claim in claims]
            facts = handler.facts(calls[0])
            answers = _looked_at(handler, calls)
        except PitrixError as ex:
            return [refused(claim, ex) for claim in claims]
        except DATABASE_TROUBLE as ex:
            return [_without_database(claim, ex) for claim in claims]
        except Exception as ex:  # as above
            log.exception("A task handler raised", extra=_extra(claims[0], "task.crashed"))
            return [after_crash(claim, ex, creates=False) for claim in claims]
        return [
            _told_how_many(_judged(claim, call, handler, facts, answer), facts)
            for claim, call, answer in zip(claims, calls, answers, strict=True)
        ]

    def _resolved_input(self, task: TaskRecord) -> dict[str, object]:
        keys = referred_tasks(task.input)
        if not keys:
            return dict(task.input)
        with self._store.read() as tx:
            outputs = tx.queue.outputs(task.job_id, keys)
        resolved: dict[str, object] = resolve_refs(task.input, outputs)
        return resolved


def _decided(claim: Claim, call: TaskCall, handler: TaskHandler, facts: Start) -> Outcome:
    try:
        return _decide(claim, call, handler, facts)
    except PitrixError as ex:
        log.info("A step failed: %s", ex, extra=_extra(claim, "task.error"))
        return _with_vendor_facts(after_error(claim, ex, creates=facts.creates), ex)


def _with_vendor_facts(outcome: Outcome, error: PitrixError) -> Outcome:
    """Keep what the vendor's support asks for with the failure of a task."""
    if not (isinstance(outcome, Failed) and isinstance(error, ProviderError)):
        return outcome
    return attrs.evolve(
        outcome,
        vendor_code=error.vendor_code,
        vendor_request_id=error.vendor_request_id,
    )


def _looked_at(
    handler: PollsMany, calls: Sequence[TaskCall]
) -> "Sequence[Operation | PitrixError]":
    """Return how each operation stands; what keeps all of them from being told is each one's."""
    operations = [call.task.operation for call in calls if call.task.operation is not None]
    try:
        return handler.poll_many(calls, operations)
    except PitrixError as ex:
        log.info("A poll of %d failed: %s", len(calls), ex, extra={"action": "task.error"})
        return [ex] * len(calls)


def _judged(
    claim: Claim,
    call: TaskCall,
    handler: TaskHandler,
    facts: Start,
    answer: "Operation | PitrixError",
) -> Outcome:
    if isinstance(answer, PitrixError):
        return _with_vendor_facts(after_error(claim, answer, creates=facts.creates), answer)
    try:
        return _after_look(claim, call, handler, answer, creates=facts.creates)
    except PitrixError as ex:
        return _with_vendor_facts(after_error(claim, ex, creates=facts.creates), ex)
    except Exception as ex:  # the worker's border, too
        log.exception("A task handler raised", extra=_extra(claim, "task.crashed"))
        return after_crash(claim, ex, creates=facts.creates)


def _told_how_many(outcome: Outcome, facts: Start) -> Outcome:
    if isinstance(outcome, Waiting) and facts.polls_at_once > 1:
        return attrs.evolve(outcome, polls_at_once=facts.polls_at_once)
    return outcome


def _without_database(claim: Claim, error: Exception) -> Postponed:
    log.warning("The database did not answer: %s", error, extra=_extra(claim, "task.database"))
    return Postponed(after_s=backoff_s(claim.task.attempts))


def _decide(claim: Claim, call: TaskCall, handler: TaskHandler, facts: Start) -> Outcome:
    if claim.task.operation is not None:
        return _go_on(claim, call, handler, claim.task.operation, creates=facts.creates)
    if not facts.creates:
        return _start_unless_late(claim, call, handler, facts)
    lost = LostRequest(claim=claim, call=call, handler=handler, facts=facts)
    if not claim.maybe_sent:
        return _start_first(claim, call, handler, lost)
    if not facts.honours_key or left_s(claim) <= 0:
        return lost.settle()
    try:
        return _start(claim, call, handler, facts)
    except ProviderTemporaryError:
        raise
    except PitrixError as ex:
        return lost.after_refusal(ex)


def _start(claim: Claim, call: TaskCall, handler: TaskHandler, facts: Start) -> Outcome:
    operation = handler.start(call, request_key=claim.task.request_key or "")
    return after_operation(claim, operation, creates=facts.creates)


def _start_first(claim: Claim, call: TaskCall, handler: TaskHandler, lost: LostRequest) -> Outcome:
    """Have something made. An error without a class of its own may come from a provider that broke
    down after the cloud had said yes: what was made is looked for before the error is believed.
    """
    try:
        return _start(claim, call, handler, lost.facts)
    except ProviderError as ex:
        if type(ex) is not ProviderError:
            raise
        return _with_vendor_facts(lost.after_failure(ex), ex)


def _start_unless_late(claim: Claim, call: TaskCall, handler: TaskHandler, facts: Start) -> Outcome:
    """Ask for what may be asked any number of times, again only while there is time."""
    if claim.maybe_sent and left_s(claim) <= 0:
        return timed_out(claim, None, creates=False, why="no answer ever came")
    return _start(claim, call, handler, facts)


def _go_on(
    claim: Claim, call: TaskCall, handler: TaskHandler, operation: Operation, *, creates: bool
) -> Outcome:
    if operation.state is OperationState.NEXT_STAGE:
        operation = handler.advance(call, operation, request_key=_stage_key(claim, operation))
    else:
        operation = handler.poll(call, operation)
    return _after_look(claim, call, handler, operation, creates=creates)


def _after_look(
    claim: Claim, call: TaskCall, handler: TaskHandler, operation: Operation, *, creates: bool
) -> Outcome:
    is_over = operation.state is OperationState.FAILED or left_s(claim) <= 0
    if creates and operation.resource_id is None and is_over:
        operation = _named(call, handler, operation)
    return after_operation(claim, operation, creates=creates)


def _stage_key(claim: Claim, operation: Operation) -> str:
    """Return the key of the next stage: the same one whenever it is asked for again."""
    stage = operation.stage
    if not _STAGE.fullmatch(stage):
        stage = hashlib.sha256(stage.encode()).hexdigest()[:16]
    return f"{claim.task.request_key}-{stage}"


def _named(call: TaskCall, handler: TaskHandler, operation: Operation) -> Operation:
    """Ask for the id of what was made, before it is given up: by it, it can be removed."""
    for found in handler.find(call, call.task.request_key or ""):
        return attrs.evolve(operation, resource_id=found.resource_id)
    return operation


def _extra(claim: Claim, action: str) -> dict[str, object]:
    return {
        "action": action,
        "job_id": claim.task.job_id,
        "task_id": claim.task.id,
        "runtime_id": claim.task.runtime_id,
    }
