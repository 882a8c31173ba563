"""The runner: claims tasks, takes their steps on a few threads, writes what came of them in groups.

Threads: a *dispatcher* that claims, some *workers* that take steps, a *completer* that writes
outcomes, many in one transaction, and a *heartbeat* that says this runner lives and takes over from
those that do not. A task that waits for a cloud is a row and holds no thread.

Any number of runners share a database. There is no leader: every runner frees the tasks of runners
that went silent. A runner that was silent itself, and is back, goes on under a new id; what it
still held belongs to others by then, and the fence keeps it from writing.
"""

import logging
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Iterable

import attrs
import sqlalchemy.exc

from pitrix_core.jobs import effects
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry, Succeeded, Waiting
from pitrix_core.jobs.worker import Worker
from pitrix_core.model import TaskRecord
from pitrix_core.store import Store, Transaction, new_id
from pitrix_core.store.queue import Claim

log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class RunnerSettings:
    """How a runner works."""

    #: Steps taken at a time.
    slots: int = 16
    #: Seconds without a sign of life after which a runner is taken for dead.
    lease_s: float = 6.0
    #: Seconds between looks for tasks whose time has come.
    look_s: float = 0.1
    #: Seconds one step may take before its thread is written off.
    step_limit_s: float = 150.0
    #: Seconds that steps under way are waited for at the end.
    drain_s: float = 10.0
    #: Outcomes written in one transaction.
    batch: int = 100


@attrs.frozen
class _Finished:
    claim: Claim
    outcome: Outcome


class Runner:
    """Carries tasks out until it is told to stop."""

    def __init__(self, store: Store, worker: Worker, settings: RunnerSettings) -> None:
        """Keep what it works with; nothing runs yet."""
        self._store = store
        self._worker = worker
        self._settings = settings
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._id = new_id("run")
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._todo: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Finished | None] = queue.SimpleQueue()
        self._in_hand: dict[str, tuple[Claim, float]] = {}
        self._lock = threading.Lock()
        self._written_off = 0

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then finish the steps under way and leave.

        :raises RuntimeError: too many threads hang in calls; the process should be started anew.
        """
        with self._store.begin() as tx:
            tx.queue.add_runner(self._id, name=self._name)
        threads = self._start_threads()
        log.info("The runner works", extra={"action": "runner.started", "runner_id": self._id})
        while not stop.wait(0.2) and self._written_off < self._settings.slots:
            pass
        self._drain(threads)
        if self._written_off >= self._settings.slots:
            raise RuntimeError("Too many calls hang; the runner has to be started anew.")

    # -- threads -----------------------------------------------------------------------------------

    def _start_threads(self) -> list[threading.Thread]:
        loops = [self._dispatch, self._heartbeat]
        workers = [self._work] * self._settings.slots
        threads = [threading.Thread(target=target, daemon=True) for target in (*loops, *workers)]
        completer = threading.Thread(target=self._complete, daemon=True)
        for thread in (*threads, completer):
            thread.start()
        return [*threads[: len(loops)], completer]

    def _drain(self, threads: list[threading.Thread]) -> None:
        self._stopping.set()
        self._wake.set()
        deadline = time.monotonic() + self._settings.drain_s
        while self._in_hand and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(self._settings.slots):
            self._todo.put(None)
        self._done.put(None)
        for thread in threads:
            thread.join(timeout=2.0)
        with self._store.begin() as tx:
            tx.queue.remove_runner(self._id)
            tx.queue.take_over(lease_s=self._settings.lease_s)

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            claims = self._claim()
            for claim in claims:
                self._todo.put(claim)
            if not claims:
                self._wake.wait(self._settings.look_s * random.uniform(0.8, 1.2))  # noqa: S311

    def _claim(self) -> list[Claim]:
        with self._lock:
            free = self._settings.slots - len(self._in_hand)
        if free <= 0:
            return []
        try:
            with self._store.read() as tx:
                if not tx.queue.has_due():
                    return []
            with self._store.begin() as tx:
                claims = tx.queue.claim(self._id, limit=free)
        except sqlalchemy.exc.OperationalError:
            log.warning("The database did not answer", extra={"action": "runner.database"})
            self._stopping.wait(1.0)
            return []
        with self._lock:
            for claim in claims:
                self._in_hand[_hand_key(claim)] = (claim, time.monotonic())
        return claims

    def _work(self) -> None:
        while (claim := self._todo.get()) is not None:
            self._done.put(_Finished(claim, self._worker.step(claim)))

    # -- writing -----------------------------------------------------------------------------------

    def _complete(self) -> None:
        while (first := self._done.get()) is not None:
            batch = [first, *self._more_finished()]
            batch.sort(
                key=lambda finished: finished.claim.task.id
            )  # one lock order for all runners
            self._write(batch)
            with self._lock:
                for finished in batch:
                    self._in_hand.pop(_hand_key(finished.claim), None)
            self._wake.set()

    def _more_finished(self) -> Iterable[_Finished]:
        for _ in range(self._settings.batch - 1):
            try:
                finished = self._done.get_nowait()
            except queue.Empty:
                return
            if finished is None:
                self._done.put(None)
                return
            yield finished

    def _write(self, batch: list[_Finished]) -> None:
        """Write outcomes together; one by one when that fails: one must not spoil the others."""
        for delay_s in (0.0, 0.2, 1.0, 3.0, 10.0):
            self._stopping.wait(delay_s)
            try:
                with self._store.begin() as tx:
                    _write_all(tx, batch)
            except sqlalchemy.exc.OperationalError:
                log.warning("The database did not answer", extra={"action": "runner.database"})
            except Exception:  # an outcome that cannot be written must not stop the runner
                log.exception("An outcome could not be written", extra={"action": "runner.write"})
                self._write_alone(batch)
                return
            else:
                return

    def _write_alone(self, batch: list[_Finished]) -> None:
        if len(batch) > 1:
            for finished in batch:
                self._write([finished])
            return
        task = batch[0].claim.task
        with self._store.begin() as tx:
            error = "Its outcome could not be written; the log says why."
            tx.queue.fail(task, task.operation, error=error, error_code="internal")
            _settle_jobs(tx, {task.job_id})

    # -- life and death ----------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        while not self._stopping.wait(self._settings.lease_s / 4):
            try:
                self._beat()
            except sqlalchemy.exc.OperationalError:
                log.warning("The database did not answer", extra={"action": "runner.database"})
            self._write_off_hung()

    def _beat(self) -> None:
        with self._store.begin() as tx:
            if not tx.queue.beat(self._id):
                self._rise_again(tx)
            freed = tx.queue.take_over(lease_s=self._settings.lease_s)
        if freed:
            log.warning(
                "Took over tasks of a silent runner: %d",
                len(freed),
                extra={"action": "runner.takeover", "task_ids": list(freed)},
            )
            self._wake.set()

    def _rise_again(self, tx: Transaction) -> None:
        log.warning("Was taken for dead; going on", extra={"action": "runner.risen"})
        self._id = new_id("run")
        tx.queue.add_runner(self._id, name=self._name)

    def _write_off_hung(self) -> None:
        limit = time.monotonic() - self._settings.step_limit_s
        with self._lock:
            hung = [claim for claim, since in self._in_hand.values() if since < limit]
            for claim in hung:
                del self._in_hand[_hand_key(claim)]
        for claim in hung:
            self._written_off += 1
            log.error("A step hangs; its thread is written off", extra=_task_extra(claim.task))
            self._done.put(_Finished(claim, Postponed(after_s=1.0)))
            threading.Thread(target=self._work, daemon=True).start()


def _hand_key(claim: Claim) -> str:
    return f"{claim.task.id}/{claim.task.fence}"


def _task_extra(task: TaskRecord) -> dict[str, object]:
    return {"action": "task.hung", "job_id": task.job_id, "task_id": task.id}


def _write_all(tx: Transaction, batch: list[_Finished]) -> None:
    ended: set[str] = set()
    for finished in batch:
        task, outcome = finished.claim.task, finished.outcome
        if not _write_one(tx, task, outcome):
            log.warning("A claim was lost; its outcome is dropped", extra=_task_extra(task))
            continue
        effects.of_outcome(tx, task, outcome)
        if not isinstance(outcome, Retry | Postponed):
            ended.add(task.job_id)
    _settle_jobs(tx, ended)


def _write_one(tx: Transaction, task: TaskRecord, outcome: Outcome) -> bool:
    match outcome:
        case Waiting():
            return tx.queue.wait(task, outcome.operation, after_s=outcome.after_s)
        case Retry():
            return tx.queue.retry(
                task, after_s=outcome.after_s, error=outcome.error, error_code=outcome.error_code
            )
        case Postponed():
            return tx.queue.postpone(task, after_s=outcome.after_s)
        case Succeeded():
            return tx.queue.succeed(task, outcome.outputs, outcome.operation)
        case Failed():
            return tx.queue.fail(
                task, outcome.operation, error=outcome.error, error_code=outcome.error_code
            )


def _settle_jobs(tx: Transaction, job_ids: set[str]) -> None:
    for job_id in sorted(job_ids):
        effects.end_job(tx, job_id)
