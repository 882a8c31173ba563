"""The command line: ``run``, ``check``, ``reach``, ``render --once`` and ``version``."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Final

from pitrix_drone import __version__
from pitrix_drone.agent import Agent
from pitrix_drone.config import Config, ConfigError, Layout, is_tls_url, layout, read_config
from pitrix_drone.functions import DIALECTS
from pitrix_drone.gates import Gates
from pitrix_drone.render import NoCommands, Renderer

if TYPE_CHECKING:
    import argparse

#: As long as a drone may take to end.
_LOCK_WAIT_S: Final = 10.0
_LOCK_LOOK_S: Final = 0.1


class UsageError(Exception):
    """What was asked for cannot be done; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Carry out one command.

    :returns: the exit code: 0, 1 when it failed, 2 when it was called in a wrong way.
    """
    work = _chosen(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        return work()
    except (ConfigError, UsageError) as ex:
        print(f"drone: {ex}", file=sys.stderr)  # noqa: T201
        return 1


def _chosen(arguments: Sequence[str]) -> Callable[[], int]:
    """Return what was asked for; a service's ``run`` goes without what reads command lines."""
    if list(arguments) == ["run"]:
        return lambda: _run(None)
    options = _parser().parse_args(arguments)
    work: Callable[[argparse.Namespace], int] = options.work
    return lambda: work(options)


#: What keys are relative to in the templates of a dialect, where it is not ``/self``.
_PREFIXES: Final = {"openpitrix": "/"}


def _parser() -> argparse.ArgumentParser:
    import argparse  # noqa: PLC0415  # a drone that runs does not need it

    parser = argparse.ArgumentParser(prog="drone", description="The agent in a cluster's machine.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    run = verbs.add_parser("run", help="run in the foreground until SIGTERM")
    run.add_argument("--config", type=pathlib.Path, help="default: /etc/pitrix/drone.json")
    run.set_defaults(work=lambda options: _run(options.config))
    check = verbs.add_parser("check", help="say whether this drone takes a configuration")
    check.add_argument("--config", type=pathlib.Path, help="default: /etc/pitrix/drone.json")
    check.set_defaults(work=_check)
    reach = verbs.add_parser("reach", help="say where the Frontgate is, if it is elsewhere now")
    reach.add_argument("url", nargs="+", help="of its etcd: https://ADDRESS:2381")
    reach.add_argument("--config", type=pathlib.Path, help="default: /etc/pitrix/drone.json")
    reach.set_defaults(work=_reach)
    render = verbs.add_parser(
        "render", help="write the files of an image's resources, without a cluster or commands"
    )
    render.add_argument("--once", action="store_true", required=True, help="the only way there is")
    render.add_argument("--root", required=True, help="folder with etc/confd; files go below it")
    render.add_argument("--metadata", type=pathlib.Path, help="JSON object: path to text")
    render.add_argument("--dialect", choices=DIALECTS, default="confd")
    render.add_argument(
        "--prefix", help="what keys are relative to; default: / for openpitrix, else /self"
    )
    render.set_defaults(work=_render)
    version = verbs.add_parser("version", help="print the version")
    version.set_defaults(work=_version)
    return parser


def _check(options: argparse.Namespace) -> int:
    """Read the configuration: a drone that an image brings may be too old for it."""
    read_config(options.config or layout(os.environ).config_file)
    return 0


def _reach(options: argparse.Namespace) -> int:
    """Write down where the Frontgate is: a drone that reaches nobody can only be told here."""
    where = layout(os.environ)
    config = read_config(options.config or where.config_file)
    if not config.ca:
        raise UsageError("reach: this node speaks version 1; change /endpoints in drone.json")
    if not all(map(is_tls_url, options.url)):
        raise UsageError("reach: write the URL of the Frontgate's etcd as https://ADDRESS:2381")
    where.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    Gates(config, where.gates).put(options.url)
    print("written down; start the drone again: systemctl restart pitrix-drone")  # noqa: T201
    return 0


def _version(options: argparse.Namespace) -> int:
    print(__version__)  # noqa: T201
    return 0


def _render(options: argparse.Namespace) -> int:
    import tempfile  # noqa: PLC0415  # a drone that runs does without

    where = Layout(root=str(pathlib.Path(options.root).resolve()).rstrip("/"))
    if not where.confd.is_dir():
        raise UsageError(f"{where.confd}: no such folder; --root is the folder above etc/confd")
    commands = NoCommands(stop=threading.Event(), scratch=where.state)
    prefix = options.prefix or _PREFIXES.get(options.dialect, "/self")
    with tempfile.TemporaryDirectory() as reloads:  # the image stays without a drone's state
        renderer = Renderer(
            where,
            prefix=prefix,
            dialect=options.dialect,
            commands=commands,
            reloads=pathlib.Path(reloads),
        )
        rendered = renderer.render(_metadata(options.metadata))
    for dest in rendered.changed:
        print(f"wrote {where.at(dest)}")  # noqa: T201
    for problem in rendered.problems:
        print(f"drone: {problem}", file=sys.stderr)  # noqa: T201
    return 1 if rendered.problems else 0


def _metadata(path: pathlib.Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as ex:
        raise UsageError(f"{path}: cannot be read: {ex}") from ex
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise UsageError(f'{path}: write one JSON object such as {{"host/ip": "192.0.2.1"}}')
    return {_absolute(key): value for key, value in data.items()}


def _absolute(key: str) -> str:
    return key if key.startswith("/self/") else "/self/" + key.lstrip("/")


def _run(path: pathlib.Path | None) -> int:
    where = layout(os.environ)
    config = read_config(path or where.config_file)
    with _only_one(where):
        return _until_signalled(config, where)


@contextmanager
def _only_one(where: Layout) -> Iterator[None]:
    """Hold the lock of this machine's drone; one that is just ending is waited for."""
    where.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + _LOCK_WAIT_S
    with (where.state / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UsageError(f"{where.state}: another drone runs here; stop it") from None
                time.sleep(_LOCK_LOOK_S)
        yield


def _until_signalled(config: Config, where: Layout) -> int:
    """Run until a signal comes or a thread fails.

    Signals wake this thread through a pipe: setting an event in a handler can deadlock on it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    failed = threading.Event()

    def on_failure() -> None:
        failed.set()
        os.write(writer, b"\0")

    agent = Agent(config, where)
    agent.start(on_failure=on_failure)
    os.read(reader, 1)
    agent.stop()
    return 1 if failed.is_set() else 0
