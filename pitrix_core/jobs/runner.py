"""The runner: claims tasks, takes their steps on a few threads, writes what came of them in groups.

Threads: a *dispatcher* that claims, some *workers* that take steps, a *completer* that writes
outcomes, many in one transaction, and a *heartbeat* that says this runner lives and takes over from
those that do not. A task that waits for a cloud is a row and holds no thread.

Any number of runners share a database. There is no leader: every runner frees the tasks of runners
that went silent. A runner that was silent itself, and is back, goes on under a new id; what it
still held belongs to others by then, and the fence keeps it from writing.

The end: no more is claimed, the steps under way are waited for while the heart goes on beating, and
what is still held then is given back at once.
"""

import functools
import logging
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import attrs

from pitrix_core.jobs.effects import stop_overdue
from pitrix_core.jobs.hands import Hands, InHand
from pitrix_core.jobs.limits import RequestMeter, slow_down
from pitrix_core.jobs.outcome import Outcome, Postponed, Waiting
from pitrix_core.jobs.retry import after_hang
from pitrix_core.jobs.worker import Worker
from pitrix_core.jobs.writing import (
    Finished,
    end_jobs,
    write_all,
    write_alone,
    write_bare_failure,
    write_failure,
)
from pitrix_core.model import TaskRecord
from pitrix_core.store import DATABASE_TROUBLE, Store, Topic, Transaction, new_id
from pitrix_core.store.claims import Claim, Group, together

log = logging.getLogger(__name__)

#: Seconds between looks whether the end has come, or the steps under way are done.
_LOOK_S = 0.02
#: Pauses between attempts to reach a database that is away, in seconds.
_SHORTEST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
#: What a step means that was not taken.
_NOTHING_DONE = Postponed(after_s=0.0)
#: Seconds a thread that has nothing left to do may take to end.
_JOIN_S = 2.0


@attrs.frozen(kw_only=True)
class RunnerSettings:
    """How a runner works."""

    #: Steps taken at a time.
    slots: int = 16
    #: Seconds without a sign of life after which a runner is taken for dead.
    lease_s: float = 6.0
    #: Seconds between looks for tasks whose time has come.
    look_s: float = 0.1
    #: The same where the database tells of such tasks by itself: only in case it did not.
    told_look_s: float = 2.0
    #: Seconds one step may take before its thread is written off.
    step_limit_s: float = 150.0
    #: Seconds that steps under way are waited for at the end.
    drain_s: float = 10.0
    #: Outcomes written in one transaction.
    batch: int = 100


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
        self._left = threading.Event()
        self._wake = threading.Event()
        self._todo: queue.SimpleQueue[list[InHand] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
        self._hands = Hands()
        #: Until the next look; the dispatcher's alone.
        self._pause_s = settings.look_s
        #: A claim may have been committed without our hearing of it; the dispatcher's alone.
        self._is_in_doubt = False
        self._beat_at_s = time.monotonic()
        self._meter = RequestMeter()
        #: As learned from the answers: how many polls of a group share a request.
        self._batches: dict[Group, int] = {}
        #: A look would find nothing that was not claimed: the last claim found nothing.
        self._is_idle = True

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then finish the steps under way and leave.

        :raises RuntimeError: too many threads hang in calls; the process should be started anew.
        """
        if not self._insist(self._enter, until=stop):
            return
        self._beat_at_s = time.monotonic()
        with self._store.listening({Topic.TASKS: self._wake.set}) as self._listener:
            dispatcher, others = self._start_threads()
            log.info("The runner works", extra={"action": "runner.started", "runner_id": self._id})
            while not stop.wait(_LOOK_S) and not self._has_too_many_hung():
                pass
            self._drain(dispatcher, others)
        if self._has_too_many_hung():
            raise RuntimeError("Too many calls hang; the runner has to be started anew.")

    # -- threads -----------------------------------------------------------------------------------

    def _start_threads(self) -> tuple[threading.Thread, list[threading.Thread]]:
        for _ in range(self._settings.slots):
            _started(self._work)
        others = [_started(self._complete), _started(self._heartbeat)]
        return _started(self._dispatch), others

    def _drain(self, dispatcher: threading.Thread, others: list[threading.Thread]) -> None:
        self._stopping.set()
        self._wake.set()
        ends_s = time.monotonic() + self._settings.drain_s
        dispatcher.join(timeout=self._settings.drain_s)  # what it was claiming is in hand then
        while not self._hands.are_empty and time.monotonic() < ends_s:
            time.sleep(_LOOK_S)
        self._left.set()
        for _ in range(self._settings.slots):
            self._todo.put(None)
        self._done.put(None)
        for thread in others:
            thread.join(timeout=_JOIN_S)
        try:
            with self._store.begin() as tx:
                tx.queue.remove_runner(self._id)
                tx.queue.take_over(lease_s=self._settings.lease_s)
        except DATABASE_TROUBLE:
            log.warning("What is still held is left to the others", extra=_action("database"))

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if not self._claim():
                self._wake.wait(self._pause_s * random.uniform(0.8, 1.2))  # noqa: S311

    def _claim(self) -> bool:
        """Claim as much as there are free slots.

        :returns: False when there was nothing to claim, or no slot.
        """
        free = self._settings.slots - self._hands.steps
        if free <= 0:
            return False
        claims: list[Claim] = []
        self._pause_s = self._settings.look_s
        self._guarded(lambda: claims.extend(self._claimed(free)))
        for held in self._hands.take(together(claims, self._batches)):
            self._meter.note(held[0].claim.lane)
            self._todo.put(held)
        self._is_idle = not claims
        return bool(claims)

    def _claimed(self, limit: int) -> list[Claim]:
        if self._is_in_doubt:
            self._give_back()
        if self._is_idle and not self._sees_due():
            return []
        self._is_in_doubt = True
        with self._store.begin() as tx:
            claims = tx.queue.claim(self._id, limit=limit, batches=self._batches)
        self._is_in_doubt = False
        return claims

    def _sees_due(self) -> bool:
        """Look whether a claim would find anything, which locks nothing; while there is much to do,
        it is claimed without that.
        """
        with self._store.read() as tx:
            if tx.queue.has_due():
                return True
            self._pause_s = self._pause_until(tx)
            return False

    def _pause_until(self, tx: Transaction) -> float:
        """Return how long nothing has to be looked for."""
        look_s = self._settings.look_s
        due_s = tx.queue.next_due_s() if self._listener.is_hearing else look_s
        longest_s = max(look_s, self._settings.told_look_s)
        return longest_s if due_s is None else min(longest_s, max(look_s, due_s))

    def _give_back(self) -> None:
        """Free what was claimed without our hearing of it: it would be held for ever."""
        with self._store.begin() as tx:
            tx.queue.give_back(self._id, held=self._hands.task_ids)
        self._is_in_doubt = False

    def _work(self) -> None:
        while (held := self._todo.get()) is not None:
            outcomes = self._outcomes([each.claim for each in held], since_s=held[0].since_s)
            is_needed = self._hands.end_step(held)
            for each, outcome in zip(held, outcomes, strict=True):
                self._done.put(Finished(each.claim, outcome))
            if not is_needed:
                return

    def _outcomes(self, claims: Sequence[Claim], *, since_s: float) -> Sequence[Outcome]:
        if not self._is_fresh(since_s):
            return [_NOTHING_DONE] * len(claims)
        if len(claims) == 1:
            return [self._worker.step(claims[0])]
        return self._worker.poll_together(claims)

    def _is_fresh(self, since_s: float) -> bool:
        """Say whether no other can have taken the claim over: a request that leaves late, after the
        process was stopped for a while, might never be found by whoever did.
        """
        return time.monotonic() - since_s < self._settings.lease_s

    def _guarded(self, act: Callable[[], object]) -> None:
        """Do what may fail without ending its thread: a runner with a thread missing would go on
        beating, and nobody would take its tasks over.
        """
        try:
            act()
        except DATABASE_TROUBLE as ex:
            log.warning("The database did not answer: %s", ex, extra=_action("database"))
            self._left.wait(_SHORTEST_PAUSE_S)
        except Exception:  # see above
            log.exception("The runner goes on after a failure", extra=_action("failure"))
            self._left.wait(1.0)

    # -- writing -----------------------------------------------------------------------------------

    def _complete(self) -> None:
        while (first := self._done.get()) is not None:
            batch = [first, *self._more_finished()]
            self._write(batch)
            self._learn(batch)
            self._hands.let_go(finished.claim for finished in batch)
            self._wake.set()

    def _learn(self, batch: Iterable[Finished]) -> None:
        """Remember which polls share requests; dispatching reads it, and nobody else writes it."""
        learned = {
            (finished.claim.lane, finished.claim.task.kind): finished.outcome.polls_at_once
            for finished in batch
            if isinstance(finished.outcome, Waiting) and finished.outcome.polls_at_once > 1
        }
        if not learned.items() <= self._batches.items():
            self._batches = {**self._batches, **learned}

    def _more_finished(self) -> Iterable[Finished]:
        for _ in range(self._settings.batch - 1):
            try:
                finished = self._done.get_nowait()
            except queue.Empty:
                return
            if finished is None:
                self._done.put(None)
                return
            yield finished

    def _write(self, batch: list[Finished]) -> None:
        """Write outcomes together; one by one when that fails: one must not spoil the others."""
        if self._was_written(functools.partial(self._write_together, batch=batch)):
            return
        for finished in batch:
            any(
                self._was_written(functools.partial(write, finished=finished))
                for write in (write_alone, write_failure, write_bare_failure)
            )

    def _write_together(self, tx: Transaction, batch: list[Finished]) -> None:
        write_all(tx, batch)
        slow_down(tx, batch, self._meter)

    def _was_written(self, write: Callable[[Transaction], None]) -> bool:
        """Write as soon as the database lets us; what is not written when the runner has left is
        taken over by another one.

        :returns: False when it cannot be written at all.
        """
        try:
            self._insist(write, until=self._left)
        except Exception:  # an outcome that cannot be written must not stop the runner
            log.exception("An outcome could not be written", extra=_action("write"))
            return False
        return True

    def _insist(self, write: Callable[[Transaction], None], *, until: threading.Event) -> bool:
        """Write, and again for as long as the database is in trouble.

        :returns: False when ``until`` was set before it was written.
        """
        pause_s = _SHORTEST_PAUSE_S
        while True:
            try:
                with self._store.begin() as tx:
                    write(tx)
            except DATABASE_TROUBLE as ex:
                log.warning("The database did not answer: %s", ex, extra=_action("database"))
                if until.wait(pause_s):
                    return False
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 3)
            else:
                return True

    # -- life and death ----------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        while not self._left.wait(self._settings.lease_s / 4):
            self._guarded(self._beat)
            self._guarded(self._stop_overdue_jobs)
            self._guarded(self._end_idle_jobs)
            self._guarded(self._write_off_hung)

    def _enter(self, tx: Transaction) -> None:
        tx.queue.add_runner(self._id, name=self._name)

    def _beat(self) -> None:
        with self._store.begin() as tx:
            if not tx.queue.beat(self._id):
                self._rise_again(tx)
            was_silent = time.monotonic() - self._beat_at_s > self._settings.lease_s
            # Whoever was silent must not judge others: the database may have been away for all.
            freed = () if was_silent else tx.queue.take_over(lease_s=self._settings.lease_s)
        self._beat_at_s = time.monotonic()
        if freed:
            log.warning(
                "Took over tasks of a silent runner: %d",
                len(freed),
                extra={"action": "runner.takeover", "task_ids": list(freed)},
            )
            self._wake.set()

    def _rise_again(self, tx: Transaction) -> None:
        log.warning("Was taken for dead; going on", extra=_action("risen"))
        self._id = new_id("run")
        self._enter(tx)

    def _stop_overdue_jobs(self) -> None:
        with self._store.read() as tx:
            overdue = tx.courses.overdue()
        if overdue:
            with self._store.begin() as tx:
                stop_overdue(tx)

    def _end_idle_jobs(self) -> None:
        """End jobs that nobody has ended, such as those of plans without tasks."""
        with self._store.read() as tx:
            idle = tx.courses.idle()
        for job_id in idle:
            with self._store.begin() as tx:
                tx.queue.lock_jobs([job_id])
                end_jobs(tx, [job_id])

    # -- calls that hang ---------------------------------------------------------------------------

    def _has_too_many_hung(self) -> bool:
        return self._hands.written_off >= self._settings.slots

    def _write_off_hung(self) -> None:
        for step in self._hands.write_off(limit_s=self._settings.step_limit_s):
            for each in step:
                log.error("A step hangs; its thread is written off", extra=_hung(each.claim.task))
                self._done.put(Finished(each.claim, after_hang(each.claim)))
            _started(self._work)


def _started(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def _action(name: str) -> dict[str, object]:
    return {"action": f"runner.{name}"}


def _hung(task: TaskRecord) -> dict[str, object]:
    return {"action": "task.hung", "job_id": task.job_id, "task_id": task.id}
