"""Runs one installation on one machine: API, runner and Pilot, each a process of its own.

``pitrix serve`` is this. A process that dies is started anew; when this one is told to end, or
dies, the others end too.
"""

import contextlib
import ctypes
import errno
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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import attrs
import httpx

from pitrix_core.config import Config
from pitrix_core.errors import ConflictError, PitrixError

log = logging.getLogger(__name__)

_PORTS_FILE: Final = "ports"
_PORTS_END: Final = 65536
#: ``prctl(PR_SET_PDEATHSIG, …)``: the kernel ends a child whose parent dies. Linux, <sys/prctl.h>.
_PR_SET_PDEATHSIG: Final = 1


#: Names the file descriptor of a bound socket to a child.
_LISTENER_VARIABLE: Final = "PITRIX_LISTENER_FD"


@attrs.frozen(kw_only=True)
class Pace:
    """How patient a supervisor is, in seconds."""

    #: A process has to end before it is killed.
    grace_s: float = 20.0
    #: The API has to answer after the start.
    ready_s: float = 60.0
    #: Before a process that died is started anew; doubled while it goes on dying at once.
    first_restart_s: float = 0.5
    longest_restart_s: float = 15.0
    #: A process that lived this long has started well.
    lived_s: float = 30.0


@attrs.define
class _Child:
    name: str
    command: Sequence[str]
    listener: socket.socket | None
    delay_s: float
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0


def own_command(name: str) -> list[str]:
    """Return the command line of a process: ``pitrix NAME`` with this very interpreter."""
    return [sys.executable, "-m", "pitrix_core.cli.main", name]


def supervise(
    config: Config,
    *,
    prepare: Callable[[Config], None],
    on_ready: Callable[[str], None],
    command: Callable[[str], Sequence[str]] = own_command,
    pace: Pace | None = None,
) -> None:
    """Run an installation until SIGTERM or SIGINT; its URL is in ``DATA/url`` once it answers.

    :param prepare: makes the data folder ready, with nobody else at it.
    :param on_ready: called with the API's URL once it answers.
    :param command: ``api``, ``runner`` or ``pilot`` → its command line.
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
        pace = pace or Pace()
        children = [
            _Child(name, command(name), listener, pace.first_restart_s)
            for name, listener in (("api", api), ("runner", None), ("pilot", pilot))
        ]
        _run(children, config, on_ready, pace)


def inherited_listener() -> socket.socket | None:
    """Return the bound socket that the supervisor gave this process, if it did."""
    descriptor = os.environ.get(_LISTENER_VARIABLE)
    return None if descriptor is None else socket.socket(fileno=int(descriptor))


def bind(
    host: str, port: int, *, option: str, last: int | None = None, patience_s: float = 15.0
) -> socket.socket:
    """Return a socket that listens; where any port will do, on the last run's if it can be had.

    Machines that were made then know that one. Processes of a run that was killed may hold it for
    a while, until they notice.

    :param option: of the command line that chooses another port.
    :param last: port of the last run.
    :param patience_s: seconds to wait for that port.
    :raises PitrixError: the port is taken, or the address is not this machine's.
    """
    if last is not None and port in (0, last):
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                return socket.create_server((host, last), backlog=128)
            except OSError as ex:
                if ex.errno != errno.EADDRINUSE:
                    break
            time.sleep(0.1)
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as ex:
        # NOTE(create_server): it appends the address to the reason
        reason = os.strerror(ex.errno) if ex.errno and ex.errno > 0 else ex.strerror or str(ex)
        raise PitrixError(
            f"Cannot listen on {host}:{port}: {reason}.",
            next_step=f"Choose another port: {option} 0 takes a free one.",
        ) from ex


def _run(
    children: list[_Child], config: Config, on_ready: Callable[[str], None], pace: Pace
) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    environment = _environment(config)
    config.url_file.unlink(missing_ok=True)  # of one that was killed
    try:
        for child in children:
            _start(child, environment)
        _await_api(children[0], stop, pace)
        if not stop.is_set():
            config.url_file.write_text(config.api_url + "\n")
            on_ready(config.api_url)
        while not stop.wait(0.2):
            for child in children:
                _keep_alive(child, environment, pace)
    finally:
        config.url_file.unlink(missing_ok=True)
        _stop(children, pace)


def _environment(config: Config) -> dict[str, str]:
    values = {field.name: getattr(config, field.name) for field in attrs.fields(Config)}
    settings = {
        f"PITRIX_{name.upper()}": "" if value is None else str(value)
        for name, value in values.items()
        if name != "data_dir"
    }
    return {**os.environ, **settings, "PITRIX_DATA": str(config.data_dir)}


def _start(child: _Child, environment: dict[str, str]) -> None:
    parent = os.getpid()
    descriptors: tuple[int, ...] = ()
    if child.listener is not None:
        descriptors = (child.listener.fileno(),)
        environment = {**environment, _LISTENER_VARIABLE: str(descriptors[0])}
    child.process = subprocess.Popen(
        child.command,
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


def _keep_alive(child: _Child, environment: dict[str, str], pace: Pace) -> None:
    process = child.process
    if process is not None and process.poll() is None:
        return
    now = time.monotonic()
    if process is not None:
        log.error("%s ended with %s", child.name, process.returncode)
        child.process = None
        if now - child.started > pace.lived_s:
            child.delay_s = pace.first_restart_s
        child.due = now + child.delay_s
        child.delay_s = min(pace.longest_restart_s, child.delay_s * 2)
    if now >= child.due:
        _start(child, environment)


def _await_api(api: _Child, stop: threading.Event, pace: Pace) -> None:
    deadline = time.monotonic() + pace.ready_s
    url = f"{_local_url(api)}/healthz"
    # Neither a proxy nor the public address: it is this machine's own process that is asked.
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        while not stop.wait(0.05):
            if api.process is not None and api.process.poll() is not None:
                raise PitrixError(
                    "The API ended while it started.", next_step="Look above: the log says why."
                )
            with contextlib.suppress(httpx.HTTPError):
                if client.get(url).is_success:
                    return
            if time.monotonic() > deadline:
                raise PitrixError(
                    f"The API did not answer within {pace.ready_s:g} s.",
                    next_step="Look above, or start it with --log-level debug.",
                )


def _local_url(api: _Child) -> str:
    host, port = api.listener.getsockname()[:2] if api.listener else ("127.0.0.1", 0)
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104  # compared


def _stop(children: list[_Child], pace: Pace) -> None:
    alive = [child.process for child in children if child.process is not None]
    for process in alive:
        process.terminate()
    deadline = time.monotonic() + pace.grace_s
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
        api = bind(config.api_host, config.api_port, option="--port", last=last.get("api"))
        stack.enter_context(api)
        pilot = bind(
            config.pilot_host, config.pilot_port, option="--pilot-port", last=last.get("pilot")
        )
        stack.enter_context(pilot)
        yield api, pilot


def _last_ports(config: Config) -> dict[str, int]:
    """Return the ports of the last run: machines that were made then dial those."""
    try:
        ports = json.loads((config.data_dir / _PORTS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    known = ports.items() if isinstance(ports, dict) else ()
    return {name: port for name, port in known if isinstance(port, int) and 0 < port < _PORTS_END}


def _remember_ports(config: Config) -> None:
    ports = {"api": config.api_port, "pilot": config.pilot_port}
    (config.data_dir / _PORTS_FILE).write_text(json.dumps(ports))
