"""Runs one installation on one machine: API, runner and Pilot, each a process of its own.

``pitrix serve`` is this. A process that dies is started anew; when this one is told to end, or
dies, the others end too.
"""

import contextlib
import ctypes
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import attrs
import httpx

from pitrix_core.config import Config
from pitrix_core.errors import ConflictError, PitrixError

log = logging.getLogger(__name__)

#: Seconds a process has to end before it is killed.
_GRACE_S: Final = 20.0
#: Seconds the API has to answer after the start.
_READY_S: Final = 60.0
#: Seconds before a process that died is started anew; doubled while it goes on dying at once.
_FIRST_RESTART_S: Final = 0.5
_LONGEST_RESTART_S: Final = 15.0
#: A process that lived this long has started well.
_LIVED_S: Final = 30.0
_PORTS_FILE: Final = "ports"
#: ``prctl(PR_SET_PDEATHSIG, …)``: the kernel ends a child whose parent dies. Linux, <sys/prctl.h>.
_PR_SET_PDEATHSIG: Final = 1


#: Names the file descriptor of a bound socket to a child.
_LISTENER_VARIABLE: Final = "PITRIX_LISTENER_FD"


@attrs.define
class _Child:
    #: The verb of the command line that it is.
    name: str
    listener: socket.socket | None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay_s: float = _FIRST_RESTART_S
    due: float = 0.0


def supervise(
    config: Config, *, prepare: Callable[[Config], None], on_ready: Callable[[str], None]
) -> None:
    """Run an installation until SIGTERM or SIGINT; its URL is in ``DATA/url`` once it answers.

    :param prepare: makes the data folder ready, with nobody else at it.
    :param on_ready: called with the API's URL once it answers.
    :raises ConflictError: another one runs on the same data folder.
    :raises PitrixError: a port is taken, or the API does not come up.
    """
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(config.data_dir / "lock"), _listeners(config) as (api, pilot):
        config = attrs.evolve(
            config, api_port=api.getsockname()[1], pilot_port=pilot.getsockname()[1]
        )
        _remember_ports(config)
        prepare(config)
        _run([_Child("api", api), _Child("runner", None), _Child("pilot", pilot)], config, on_ready)


def inherited_listener() -> socket.socket | None:
    """Return the bound socket that the supervisor gave this process, if it did."""
    descriptor = os.environ.get(_LISTENER_VARIABLE)
    return None if descriptor is None else socket.socket(fileno=int(descriptor))


def _run(children: list[_Child], config: Config, on_ready: Callable[[str], None]) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    environment = _environment(config)
    try:
        for child in children:
            _start(child, environment)
        _await_api(config, children[0], stop)
        if not stop.is_set():
            config.url_file.write_text(config.api_url + "\n")
            on_ready(config.api_url)
        while not stop.wait(0.2):
            for child in children:
                _keep_alive(child, environment)
    finally:
        config.url_file.unlink(missing_ok=True)
        _stop(children)


def _environment(config: Config) -> dict[str, str]:
    settings = {
        f"PITRIX_{field.name.upper()}": str(getattr(config, field.name))
        for field in attrs.fields(Config)
        if field.name != "data_dir"
    }
    return {**os.environ, **settings, "PITRIX_DATA": str(config.data_dir)}


def _start(child: _Child, environment: dict[str, str]) -> None:
    parent = os.getpid()
    descriptors: tuple[int, ...] = ()
    if child.listener is not None:
        descriptors = (child.listener.fileno(),)
        environment = {**environment, _LISTENER_VARIABLE: str(descriptors[0])}
    child.process = subprocess.Popen(
        [sys.executable, "-m", "pitrix_core.cli.main", child.name],
        env=environment,
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509 (no threads yet, or async-safe calls only)
    )
    child.started = time.monotonic()
    log.info("Started %s", child.name, extra={"action": "serve.start", "pid": child.process.pid})


def _die_with(parent: int) -> None:
    """Run in the child before exec: end with the parent, and leave Ctrl-C to it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent:
        os._exit(1)


def _keep_alive(child: _Child, environment: dict[str, str]) -> None:
    process = child.process
    if process is not None and process.poll() is None:
        return
    now = time.monotonic()
    if process is not None:
        log.error("%s ended with %s", child.name, process.returncode)
        child.process = None
        if now - child.started > _LIVED_S:
            child.delay_s = _FIRST_RESTART_S
        child.due = now + child.delay_s
        child.delay_s = min(_LONGEST_RESTART_S, child.delay_s * 2)
    if now >= child.due:
        _start(child, environment)


def _await_api(config: Config, api: _Child, stop: threading.Event) -> None:
    deadline = time.monotonic() + _READY_S
    while not stop.wait(0.05):
        if api.process is not None and api.process.poll() is not None:
            raise PitrixError("The API ended while it started; the log says why.")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{config.api_url}/healthz", timeout=2.0, trust_env=False).is_success:
                return
        if time.monotonic() > deadline:
            raise PitrixError(f"The API did not answer within {_READY_S:g} s.")


def _stop(children: list[_Child]) -> None:
    alive = [child.process for child in children if child.process is not None]
    for process in alive:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in alive:
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as ex:
            raise ConflictError(
                f"Another pitrix serve runs on {path.parent}.",
                next_step="Use that one, or give this one another folder: pitrix serve --data DIR",
            ) from ex
        yield file


@contextlib.contextmanager
def _listeners(config: Config) -> Iterator[tuple[socket.socket, socket.socket]]:
    with contextlib.ExitStack() as stack:
        last = _last_ports(config)
        api = _bound(config.api_host, config.api_port, "--port", last=last.get("api"))
        stack.enter_context(api)
        pilot = _bound(config.pilot_host, config.pilot_port, "--pilot-port", last=last.get("pilot"))
        stack.enter_context(pilot)
        yield api, pilot


def _last_ports(config: Config) -> dict[str, int]:
    """Return the ports of the last run: machines that were made then dial those."""
    try:
        ports = json.loads((config.data_dir / _PORTS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {name: port for name, port in ports.items() if isinstance(port, int)}


def _remember_ports(config: Config) -> None:
    ports = {"api": config.api_port, "pilot": config.pilot_port}
    (config.data_dir / _PORTS_FILE).write_text(json.dumps(ports))


def _bound(host: str, port: int, option: str, *, last: int | None) -> socket.socket:
    """Listen on a port; where any will do, on the last run's if it is free."""
    if port == 0 and last is not None:
        with contextlib.suppress(OSError):
            return socket.create_server((host, last), backlog=128)
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as ex:
        raise PitrixError(
            f"Cannot listen on {host}:{port}: {ex.strerror}.",
            next_step=f"Choose another port: {option} 0 takes a free one.",
        ) from ex
