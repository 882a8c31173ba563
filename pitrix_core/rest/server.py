"""Serves the API with gunicorn, embedded: no configuration file, no pid file, no control socket.

The process that calls :func:`serve_api` only supervises; each worker is a fork of it, and builds
services of its own after the fork, since no database connection survives one.
"""

import contextlib
import logging
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from pitrix_core.rest.app import App, make_app
from pitrix_core.rest.events import Streams
from pitrix_core.service.services import Services
from pitrix_core.store import Topic

#: Seconds that requests at work have left when the server stops; streams end at once.
_GRACEFUL_TIMEOUT_S: Final = 10

#: Seconds without a sign of life after which a worker is replaced; its main loop gives one each
#: second, however long requests take.
_WORKER_TIMEOUT_S: Final = 60

MakeServices = Callable[[], Services]


class StandardLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """Leaves gunicorn's warnings to the handlers of this process, as those of everybody else."""

    def setup(self, cfg: Any) -> None:
        """Add no handlers."""
        super().setup(cfg)
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


class ApiWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Ends its event streams before it waits for the requests at work."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, on SIGTERM."""
        self.app.streams.stop()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once, on SIGINT and SIGQUIT."""
        self.app.streams.stop()
        super().handle_quit(sig, frame)


class ApiServer(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """The API as gunicorn runs it."""

    def __init__(
        self, make_services: MakeServices, *, bind: str | int, workers: int = 1, threads: int = 16
    ) -> None:
        """Keep how to build the services; build nothing yet.

        :param make_services: called in each worker; they are closed when the worker stops.
        :param bind: ``HOST:PORT``, ``unix:PATH``, or the file descriptor of a socket that is bound
            already; the server closes it.
        :param threads: of each worker, at least 2; half of them may hold an event stream.
        """
        self._make_services = make_services
        self._bind = f"fd://{bind}" if isinstance(bind, int) else bind
        self._workers = workers
        self._threads = threads
        #: What a worker has to close.
        self._open = contextlib.ExitStack()
        self.streams = Streams(limit=threads // 2)
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults; its environment variable is not looked at."""
        settings: dict[str, object] = {
            "bind": self._bind,
            "workers": self._workers,
            "threads": self._threads,
            "worker_class": ApiWorker,
            "timeout": _WORKER_TIMEOUT_S,
            "graceful_timeout": _GRACEFUL_TIMEOUT_S,
            "logger_class": StandardLogger,
            "control_socket_disable": True,
            "proc_name": "pitrix-api",
            "worker_exit": self._leave,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> App:
        """Build services and app, in a worker."""
        services = self._make_services()
        self._open.callback(services.close)
        wake = {Topic.EVENTS: self.streams.wake}
        self.streams.follow(self._open.enter_context(services.store.listening(wake)))
        return make_app(services, streams=self.streams)

    def _leave(self, _arbiter: object, _worker: object) -> None:
        self._open.close()  # holds nothing in the supervising process


def serve_api(
    make_services: MakeServices, *, bind: str | int, workers: int = 1, threads: int = 16
) -> None:
    """Serve until SIGTERM or SIGINT; call it in the main thread of a process of its own.

    The parameters are those of :class:`ApiServer`.

    :raises SystemExit: always, when it has stopped; with a code other than 0 when no worker could
        start.
    """
    ApiServer(make_services, bind=bind, workers=workers, threads=threads).run()
