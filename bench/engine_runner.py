"""A runner as a process of its own, on tasks that do nothing but take their time."""

import logging
import multiprocessing
import threading
import time
from multiprocessing.connection import Connection
from typing import Any, Final

import attrs
from cryptography.fernet import Fernet

from pitrix_core.contracts.interface import Start
from pitrix_core.jobs.handler import TaskCall, TaskHandler
from pitrix_core.jobs.runner import Runner, RunnerSettings
from pitrix_core.jobs.worker import Worker
from pitrix_core.model import Operation, OperationState
from pitrix_core.store import Cipher, Store, make_engine

#: The kind of its tasks.
KIND: Final = "toy.work"
_START: Final = Start(
    verb="work", spec=object, creates=False, honours_key=True, settle_s=0.0, timeout_s=60.0
)
#: Seconds that a process may take to start, or to end.
_PATIENCE_S: Final = 60.0


@attrs.frozen
class Toil:
    """Carries out tasks by waiting for as long as their input says."""

    def handler_of(self, _kind: str) -> TaskHandler:
        """There is one handler."""
        return self

    def facts(self, _call: TaskCall) -> Start:
        """Nothing is made."""
        return _START

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Take the time, and be done."""
        if call.input["work_s"]:
            time.sleep(call.input["work_s"])
        return Operation(
            request_key=request_key, kind=KIND, state=OperationState.DONE, outputs={"id": "x"}
        )

    def poll(self, _call: TaskCall, operation: Operation) -> Operation:
        """It was done at once."""
        return operation

    def advance(self, _call: TaskCall, operation: Operation, *, request_key: str) -> Operation:
        """There is one stage."""
        raise NotImplementedError(request_key)

    def find(self, _call: TaskCall, _request_key: str) -> tuple[Operation, ...]:
        """Nothing is made."""
        return ()

    def discard(self, _call: TaskCall, operation: Operation) -> None:
        """Nothing is made."""


class RunnerProcess:
    """A runner that says how much of a processor it took."""

    def __init__(self, url: str, *, slots: int) -> None:
        """Start it, and wait until it works."""
        context: Any = multiprocessing.get_context("spawn")  # no connection may be inherited
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(url, slots, theirs), daemon=True)
        self._process.start()
        self._heard()

    def stop(self) -> float:
        """End it.

        :returns: seconds of a processor since it was ready.
        """
        self._ours.send("stop")
        cpu_s = self._heard()
        self._process.join(_PATIENCE_S)
        return cpu_s

    def _heard(self) -> float:
        if not self._ours.poll(_PATIENCE_S):
            raise TimeoutError("a runner's process says nothing")
        found: float = self._ours.recv()
        return found


def _run(url: str, slots: int, connection: Connection) -> None:
    logging.disable(logging.WARNING)
    store = Store(make_engine(url), cipher=Cipher(Fernet.generate_key()))
    stop = threading.Event()
    runner = Runner(store, Worker(store, Toil()), RunnerSettings(slots=slots))
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    before_s = time.process_time()
    connection.send(0.0)
    connection.recv()
    cpu_s = time.process_time() - before_s
    stop.set()
    thread.join()
    store.close()
    connection.send(cpu_s)
