"""Boundaries of tasks at which a runner dies: each one once, whichever process comes to it first.

A boundary is a task, what its step was about to do, and how far it came: its claim is committed,
its call of the cloud is over, or its outcome is committed. The boundaries that were died at are
lines of a file, so that the next process goes on to the next one.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from pitrix_core.jobs.handler import TaskKinds
from pitrix_core.jobs.outcome import Outcome
from pitrix_core.jobs.worker import Worker
from pitrix_core.model import OperationState, TaskRecord
from pitrix_core.store import Store, Transaction
from pitrix_core.store.queue import Claim


class Deaths:
    """The boundaries that were died at; shared by all threads of a process."""

    def __init__(self, file: Path) -> None:
        """Read which ones there are."""
        self._file = file
        self._known = set(file.read_text().splitlines()) if file.exists() else set()
        self._lock = threading.Lock()
        self._stepped: list[Claim] = []

    def meet(self, claim: Claim, point: str) -> None:
        """Come to a boundary; die if nobody has before.

        :param point: how far the step came.
        """
        name = f"{claim.task.id} {_about_to(claim)} {point}"
        with self._lock:
            if name in self._known:
                return
            with self._file.open("a") as file:
                file.write(f"{name}\n")
                file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def called(self, claim: Claim) -> None:
        """Take note of a step that was taken; what is to come is that its outcome is written."""
        self.meet(claim, "called")
        with self._lock:
            self._stepped.append(claim)

    def committed(self, tx: Transaction) -> None:
        """Come to the boundaries behind what was written.

        :param tx: a transaction that began after it was.
        """
        with self._lock:
            written = [claim for claim in self._stepped if _is_written(tx, claim)]
            self._stepped = [claim for claim in self._stepped if claim not in written]
        for claim in written:
            self.meet(claim, "written")


class MortalWorker(Worker):
    """A worker whose process dies at boundaries."""

    def __init__(self, store: Store, kinds: TaskKinds, *, deaths: Deaths) -> None:
        """Keep where to die."""
        super().__init__(store, kinds)
        self._deaths = deaths

    def step(self, claim: Claim) -> Outcome:
        """Take one step, if that does not come to a new boundary."""
        self._deaths.meet(claim, "claimed")
        outcome = super().step(claim)
        self._deaths.called(claim)
        return outcome


class MortalStore(Store):
    """A store whose process dies behind some of its transactions."""

    deaths: Deaths | None = None

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction, and look what it has written once it is committed."""
        with super().begin() as tx:
            yield tx
        if self.deaths is not None:
            with self.read() as tx:
                self.deaths.committed(tx)


def _about_to(claim: Claim) -> str:
    operation = claim.task.operation
    if operation is None:
        return "start again" if claim.maybe_sent else "start"
    return "advance" if operation.state is OperationState.NEXT_STAGE else "poll"


def _is_written(tx: Transaction, claim: Claim) -> bool:
    task: TaskRecord = next(t for t in tx.jobs.tasks(claim.task.job_id) if t.id == claim.task.id)
    return task.fence != claim.task.fence or task.state != "claimed"
