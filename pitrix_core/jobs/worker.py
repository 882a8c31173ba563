"""Takes one step of one task: start it, settle it, advance it or poll it, and say what came of it.

The step touches the cloud and not the task's row; the decision is a value that the runner writes
under the claim's fence. A step may therefore be repeated after any crash.
"""

import datetime as dt
import logging

from pitrix_core.contracts.interface import Start
from pitrix_core.errors import PitrixError, ProviderAnswerLostError
from pitrix_core.jobs.handler import TaskCall, TaskHandler, TaskKinds
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry, Succeeded, Waiting
from pitrix_core.jobs.resolve import resolve_refs
from pitrix_core.jobs.retry import after_error
from pitrix_core.model import Operation, OperationState, TaskRecord
from pitrix_core.model.json import referred_tasks
from pitrix_core.store import Store
from pitrix_core.store.queue import Claim

log = logging.getLogger(__name__)

#: Code of a task that was not done in its time; its operation is kept, to be polled on by a retry.
TIMEOUT_CODE = "task_timeout"


class Worker:
    """Takes steps; has no state of its own, so that any number of threads may share it."""

    def __init__(self, store: Store, kinds: TaskKinds) -> None:
        """Keep what every step needs."""
        self._store = store
        self._kinds = kinds

    def step(self, claim: Claim) -> Outcome:
        """Take one step; never raises."""
        creates = False
        try:
            handler = self._kinds.handler_of(claim.task.kind)
            call = TaskCall(task=claim.task, input=self._resolved_input(claim.task))
            facts = handler.facts(call)
            creates = facts.creates
            return self._decide(claim, call, handler, facts)
        except ProviderAnswerLostError as ex:
            log.warning("An answer was lost: %s", ex, extra=_extra(claim, "task.answer_lost"))
            return Postponed(after_s=ex.retry_after_s)
        except PitrixError as ex:
            return after_error(claim.task, ex, creates=creates)
        except Exception as ex:  # the worker's border: whatever a handler does, the runner lives on
            log.exception("A task handler raised", extra=_extra(claim, "task.crashed"))
            return Failed(
                error=f"{type(ex).__name__}: {ex}",
                error_code="internal",
                operation=claim.task.operation,
                creates=creates,
            )

    def _resolved_input(self, task: TaskRecord) -> dict[str, object]:
        keys = referred_tasks(task.input)
        if not keys:
            return dict(task.input)
        with self._store.read() as tx:
            outputs = tx.queue.outputs(task.job_id, keys)
        resolved: dict[str, object] = resolve_refs(task.input, outputs)
        return resolved

    def _decide(self, claim: Claim, call: TaskCall, handler: TaskHandler, facts: Start) -> Outcome:
        task = claim.task
        if task.operation is not None:
            if task.operation.state is OperationState.NEXT_STAGE:
                stage_key = f"{task.request_key}-{task.operation.stage}"
                operation = handler.advance(call, task.operation, request_key=stage_key)
            else:
                operation = handler.poll(call, task.operation)
            return _after_operation(claim, operation, facts)
        if claim.maybe_sent and facts.creates and not facts.honours_key:
            return self._settle(claim, call, handler, facts)
        return _after_operation(
            claim, handler.start(call, request_key=task.request_key or ""), facts
        )

    def _settle(self, claim: Claim, call: TaskCall, handler: TaskHandler, facts: Start) -> Outcome:
        """Find out what became of a request whose answer was lost, where asking again could make
        two.
        """
        task = claim.task
        sent_at = task.sent_at or claim.claimed_at
        sure_at = sent_at + dt.timedelta(seconds=facts.timeout_s + facts.settle_s)
        if claim.claimed_at < sure_at:
            return Postponed(after_s=(sure_at - claim.claimed_at).total_seconds())
        found = handler.find(call, task.request_key or "")
        if not found:
            return Retry(
                after_s=0.0, error="The request was lost; it is sent again.", error_code="lost"
            )
        for surplus in found[1:]:
            handler.discard(call, surplus)
        return _after_operation(claim, found[0], facts)


def _after_operation(claim: Claim, operation: Operation, facts: Start) -> Outcome:
    match operation.state:
        case OperationState.DONE:
            return Succeeded(outputs=operation.outputs, operation=operation, creates=facts.creates)
        case OperationState.FAILED:
            return Failed(
                error=operation.error or f"{operation.kind} failed",
                error_code=operation.error_code or "provider",
                operation=operation,
                creates=facts.creates,
            )
        case OperationState.NEXT_STAGE:
            return Waiting(operation=operation, after_s=0.0, creates=facts.creates)
        case OperationState.PENDING:
            return _while_pending(claim, operation, facts)


def _while_pending(claim: Claim, operation: Operation, facts: Start) -> Outcome:
    task = claim.task
    started_at = task.started_at or claim.claimed_at
    left_s = task.timeout_s - (claim.claimed_at - started_at).total_seconds()
    if left_s <= 0:
        reason = f": {operation.error}" if operation.error else ""
        return Failed(
            error=f"Not done within {task.timeout_s:g} s{reason}",
            error_code=TIMEOUT_CODE,
            operation=operation,
            creates=facts.creates,
        )
    after_s = min(operation.retry_after_s, left_s)
    return Waiting(operation=operation, after_s=after_s, creates=facts.creates)


def _extra(claim: Claim, action: str) -> dict[str, object]:
    return {
        "action": action,
        "job_id": claim.task.job_id,
        "task_id": claim.task.id,
        "runtime_id": claim.task.runtime_id,
    }
