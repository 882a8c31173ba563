"""Runners of a toy installation as processes that can be killed.

They are forked from a server that has everything imported, so that starting one takes hundredths of
a second: hundreds can be killed in a minute.
"""

import logging
import multiprocessing
import threading
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import attrs

from bench.deaths import Deaths, MortalStore, MortalWorker
from bench.toy_installation import open_services
from pitrix_core import wiring
from pitrix_core.config import Config
from pitrix_core.jobs.runner import Runner, RunnerSettings
from pitrix_core.jobs.worker import Worker
from pitrix_core.logs import set_up_logging
from pitrix_core.store import Cipher

#: What a runner needs; the server leaves out what is not there.
_PRELOADED: Final = [
    *("pitrix_core.wiring", "pitrix_core.testing.fake_provider", "bench.toy_runner"),
    *("psycopg", "sqlalchemy.dialects.postgresql.psycopg"),
]

#: File in the data folder; a line for each take-over, with the number of tasks.
_TAKEOVERS: Final = "takeovers"


@attrs.frozen(kw_only=True)
class RunnerOrder:
    """What a process is told."""

    config: Config
    settings: RunnerSettings
    #: Where the boundaries are kept at which it dies; None for one that dies of kills only.
    deaths: Path | None = None


class RunnerProcesses:
    """Starts runners."""

    def __init__(self) -> None:
        """Set up the server; it is started with the first runner."""
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)

    def start(self, order: RunnerOrder) -> BaseProcess:
        """Start a runner."""
        process = self._context.Process(target=_work, args=(order,), daemon=True)
        process.start()
        return process


def kill(process: BaseProcess) -> None:
    """Kill a runner with SIGKILL, and wait until it is gone."""
    process.kill()
    process.join()


def takeovers(config: Config) -> int:
    """Return how many tasks runners have taken over from others so far."""
    file = config.data_dir / _TAKEOVERS
    return sum(map(int, file.read_text().split())) if file.exists() else 0


class _TakeoverCounter(logging.Handler):
    """Writes down how many tasks a runner says it has taken over."""

    def __init__(self, file: Path) -> None:
        super().__init__(logging.WARNING)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "action", "") == "runner.takeover":
            with self._file.open("a") as file:
                file.write(f"{len(record.__dict__['task_ids'])}\n")


def _work(order: RunnerOrder) -> None:
    """Be a runner until killed."""
    config = order.config
    set_up_logging(config.log_level)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.ERROR)  # that runners die is no news here
    logging.getLogger("pitrix_core.plugins").setLevel(logging.CRITICAL)  # faults are ordered
    logging.getLogger("pitrix_core.jobs").addHandler(_TakeoverCounter(config.data_dir / _TAKEOVERS))
    logging.getLogger("pitrix_core.jobs").setLevel(logging.WARNING)
    engine = wiring.make_store(config).engine
    store = MortalStore(engine, cipher=Cipher.from_file(config.key_file))
    services = open_services(config, store=store)
    kinds = wiring.make_task_kinds(services, config)
    worker = Worker(store, kinds)
    if order.deaths is not None:
        store.deaths = Deaths(order.deaths)
        worker = MortalWorker(store, kinds, deaths=store.deaths)
    Runner(store, worker, order.settings).run(threading.Event())
